"""Payments over real sockets: whatever is cut, killed or lost, the journal agrees with the terminal's own books."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.devices.host import TcpHost
from gateway.devices.payment import Patience, PaymentDesk
from gateway.devices.session import Session
from gateway.errors import DeviceRefused
from gateway.peripherals import (
    ErrorCode,
    Pay,
    PaymentKind,
    PaymentOutcome,
)
from tests.devices.book import Book, Killed
from tests.devices.shop import device, running, session_for, until

APPROVED, NOT_DONE, UNKNOWN = PaymentOutcome.APPROVED, PaymentOutcome.NOT_DONE, PaymentOutcome.UNKNOWN
PATIENCE = Patience(first_s=0.02, cap_s=0.1, total_s=4.0)
#: how a terminal is set up: driver's options, simulator's knobs, amount, what the ledger counts for it
TERMINALS: dict[str, tuple[dict[str, Any], dict[str, str], Pay, int]] = {
    "terminal-nexo": (
        {
            "settle_s": 0.02,
            "answer_s": 0.4,
            "passphrase": "open sesame",
            "key_identifier": "till",
            "key_version": 3,
        },
        {"passphrase": "open sesame", "key_identifier": "till", "key_version": "3"},
        Pay("p-1", PaymentKind.SALE, 318, "EUR"),
        318,
    ),
    "terminal-taiwan-edc": (
        {"answer_s": 0.4, "none_codes": "0001", "layout": "taishin-400"},
        {"layout": "taishin-400"},
        Pay("p-1", PaymentKind.SALE, 318, "TWD"),
        31_800,
    ),
}
NEXO, TAIWAN = TERMINALS
CUTS = {NEXO: ("before", "after"), TAIWAN: ("before_ack", "ack", "booking", "after")}


class Till:
    """One terminal with its line, and as many lives of the process in front of it as a test wants."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.options, settings, self.pay, self.cents = TERMINALS[name]
        self.host = TcpHost(device(name))
        self.terminal: Any = self.host.device
        for knob, value in settings.items():
            self.host.set(knob, value)
        self.path = folder / "payments"
        self.book = Book(self.path)

    @contextlib.asynccontextmanager
    async def life(self, dies: tuple[str, bool] | None = None, pay_s: float = 5.0) -> AsyncIterator[PaymentDesk]:
        """One process from its start to its end, however it ends."""
        session = session_for(self.name, self.host.url, **self.options)
        async with running(session):
            await until(lambda: session.snapshot().power.value == "online")
            await until(lambda: not session.driver.on_demand or self.host._client is None)
            yield self.desk(session, dies, pay_s)

    def desk(self, session: Session, dies: tuple[str, bool] | None = None, pay_s: float = 5.0) -> PaymentDesk:
        return PaymentDesk(session, Book(self.path, dies), patience=PATIENCE, pay_s=pay_s)

    def asked(self) -> int:
        """How often a payment was asked for on the wire and understood."""
        return sum(kind in ("Payment", "01") for kind in self.terminal.requests)

    def agrees(self, outcome: PaymentOutcome) -> bool:
        charged: int = self.terminal.charged()
        return charged == (self.cents if outcome is APPROVED else 0)


@pytest.fixture(params=list(TERMINALS))
async def till(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Till]:
    till = Till(request.param, tmp_path)
    async with till.host:
        yield till


@pytest.fixture
async def nexo(tmp_path: Path) -> AsyncIterator[Till]:
    till = Till(NEXO, tmp_path)
    async with till.host:
        yield till


async def test_a_payment_stands_in_the_journal_before_it_goes_out_and_after_it_came(till: Till) -> None:
    seen: list[int] = []
    intent = Book.intent

    async def watched(book: Book, pay: Pay, last_reference: str) -> None:
        seen.append(till.asked())
        await intent(book, pay, last_reference)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Book, "intent", watched)
        async with till.life() as desk:
            result = await desk.pay(till.pay)
            assert result.outcome is APPROVED
            assert desk.open_payments == {}
    assert seen == [0]
    assert till.asked() == 1
    assert till.terminal.charged() == till.cents
    accepted = ["accepted"] if till.name == TAIWAN else []
    assert till.book.kinds() == ["intent", *accepted, "result"]
    assert till.book.entries()[0]["pay"]["asked_at"].endswith("Z")
    assert till.book.entries()[-1]["outcome"] == "approved"


async def test_a_declined_one_is_a_result_too_and_the_next_may_follow(till: Till) -> None:
    knob, no, yes = ("error", "Refusal", "none") if till.name == NEXO else ("answer", "0001", "0000")
    async with till.life() as desk:
        till.host.set(knob, no)
        assert (await desk.pay(till.pay)).outcome is PaymentOutcome.DECLINED
        till.host.set(knob, yes)
        assert (await desk.pay(replace(till.pay, payment_id="p-2"))).outcome is APPROVED
    assert till.terminal.charged() == till.cents


@pytest.mark.parametrize("place", range(4))
async def test_wherever_the_answer_is_lost_the_result_agrees_with_the_terminal(till: Till, place: int) -> None:
    if place >= len(CUTS[till.name]):
        return
    cut = CUTS[till.name][place]
    async with till.life() as desk:
        till.host.set("cut", cut)
        result = await desk.pay(till.pay)
        assert result.outcome is not UNKNOWN
        assert till.agrees(result.outcome)
        assert (result.outcome is APPROVED) is (cut in ("after", "ack"))
        assert till.asked() <= 1
        again = await desk.pay(replace(till.pay, payment_id="p-2"))
        assert again.outcome is APPROVED
    if cut != "ack":
        assert till.book.kinds().count("unknown") == till.book.kinds().count("resolved") == 1


async def test_a_line_that_breaks_while_the_customer_pays_charges_once(till: Till) -> None:
    till.host.set("takes", "0.3")
    async with till.life() as desk:
        paying = asyncio.create_task(desk.pay(till.pay))
        await until(lambda: till.asked() == 1)
        await till.host.unplug()
        await until(lambda: "unknown" in till.book.kinds())
        await until(lambda: till.terminal.charged() == till.cents)
        await till.host.plug()
        assert (await paying).outcome is APPROVED
    assert till.asked() == 1
    assert till.terminal.charged() == till.cents


async def test_while_nobody_knows_no_other_is_taken_until_the_terminal_says(till: Till) -> None:
    async with till.life(pay_s=0.3) as desk:
        till.host.set("cut", "after")
        paying = asyncio.create_task(desk.pay(till.pay))
        await until(lambda: till.terminal.charged() == till.cents)
        with pytest.raises(DeviceRefused) as busy:
            await desk.pay(replace(till.pay, payment_id="p-2"))
        assert (busy.value.code, busy.value.reason) == (ErrorCode.BUSY, "busy")
        till.host.set("silent", "yes")
        result = await paying
        assert result.outcome is UNKNOWN
        assert "look at the terminal" in result.reason
        assert list(desk.open_payments) == ["p-1"]
        with pytest.raises(DeviceRefused, match="nobody knows yet what became of payment p-1") as refused:
            await desk.pay(replace(till.pay, payment_id="p-2"))
        assert (refused.value.code, refused.value.reason) == (ErrorCode.BUSY, "unknown_payment")
        assert not refused.value.begun
        till.host.set("silent", "no")
        assert (await desk.resolve("p-1")).outcome is APPROVED
        assert (await desk.resolve("p-1")).outcome is APPROVED, "asked once more, it is known"
        assert (await desk.pay(replace(till.pay, payment_id="p-2"))).outcome is APPROVED
    assert till.terminal.charged() == 2 * till.cents
    assert till.asked() == 2


async def test_a_person_decides_where_the_terminal_cannot(nexo: Till) -> None:
    async with nexo.life(pay_s=0.2) as desk:
        nexo.host.set("silent", "yes")
        assert (await desk.pay(nexo.pay)).outcome is UNKNOWN
        with pytest.raises(DeviceRefused):
            await desk.decide("p-1", UNKNOWN, "Ana", "do not know")
        result = await desk.decide("p-1", NOT_DONE, "Ana", "the display shows nothing, no slip")
        assert result.reason == "decided by Ana: the display shows nothing, no slip"
        nexo.host.set("silent", "no")
        assert (await desk.pay(replace(nexo.pay, payment_id="p-2"))).outcome is APPROVED
    assert nexo.book.entries()[-3]["entry"] == "resolved"


async def test_a_payment_id_is_used_once_whatever_became_of_it(till: Till) -> None:
    for _ in range(2):
        async with till.life() as desk:
            if not till.book.entries():
                await desk.pay(till.pay)
            with pytest.raises(DeviceRefused, match="an id of its own") as refused:
                await desk.pay(till.pay)
            assert refused.value.reason == "known_payment"
    assert till.asked() == 1


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("entry", ["intent", "accepted", "result", "unknown", "resolved"])
@pytest.mark.parametrize("lost", [False, True])
async def test_killed_at_any_step_and_started_again_it_charges_once_and_knows(
    till: Till, entry: str, before: bool, lost: bool
) -> None:
    async with till.life(dies=(entry, before)) as desk:
        if lost:
            till.host.set("cut", "after")
        with contextlib.suppress(Killed):
            await desk.pay(till.pay)
    charged_before = till.terminal.charged()
    async with till.life() as desk:
        for payment_id in list(await desk.start()):
            assert (await desk.resolve(payment_id)).outcome is not UNKNOWN
        assert desk.open_payments == {}
    assert till.asked() <= 1, "never a second time"
    assert till.terminal.charged() == charged_before, "asking what became of it takes no money"
    known = [item for item in till.book.entries() if item["entry"] in ("result", "resolved")]
    outcome = PaymentOutcome(known[-1]["outcome"]) if known else NOT_DONE
    assert till.agrees(outcome)
    if not till.book.entries():
        assert till.asked() == 0


async def test_a_payment_that_goes_on_while_the_process_is_down_is_found_when_it_is_up(till: Till) -> None:
    till.host.set("takes", "0.5")
    async with till.life() as desk:
        paying = asyncio.create_task(desk.pay(till.pay))
        await until(lambda: till.asked() == 1)
        paying.cancel()
        await asyncio.gather(paying, return_exceptions=True)
    till.host.set("takes", "0")  # the payment under way goes on; what is asked from now on is answered at once
    async with till.life() as desk:
        assert list(await desk.start()) == ["p-1"]
        with pytest.raises(DeviceRefused, match="nobody knows yet"):
            await desk.pay(replace(till.pay, payment_id="p-2"))
        assert (await desk.resolve("p-1")).outcome is APPROVED
    assert till.terminal.charged() == till.cents
    assert till.asked() == 1


async def test_an_abort_ends_the_payment_over_a_line_of_its_own(nexo: Till) -> None:
    nexo.options = nexo.options | {"answer_s": 30.0}
    nexo.host.set("takes", "60")
    async with nexo.life(pay_s=30.0) as desk:
        with pytest.raises(DeviceRefused, match="not under way"):
            await desk.abort("p-1")
        paying = asyncio.create_task(desk.pay(nexo.pay))
        await until(lambda: nexo.asked() == 1)
        await desk.abort("p-1")
        assert (await paying).outcome is PaymentOutcome.ABORTED
    assert nexo.terminal.charged() == 0
    assert nexo.book.kinds() == ["intent", "unknown", "resolved"]


async def test_a_terminal_that_is_not_there_is_no_payment_and_blocks_nothing(nexo: Till) -> None:
    async with nexo.life() as desk:
        await nexo.host.unplug()
        result = await desk.pay(nexo.pay)
        assert result.outcome is NOT_DONE
        assert "nobody listens there" in result.reason
        await nexo.host.plug()
        assert (await desk.pay(replace(nexo.pay, payment_id="p-2"))).outcome is APPROVED
    assert nexo.asked() == 1
