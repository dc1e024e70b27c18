"""Payments at a terminal with a commit rule: it says its result, holds it, and books when the till has it on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.devices.payment import Patience, PaymentDesk
from gateway.devices.snapshot import Entry, Happened
from gateway.errors import DeviceGone, DeviceRefused, DeviceSilent
from gateway.peripherals import (
    ErrorCode,
    KeepResult,
    Pay,
    PaymentKind,
    PaymentOutcome,
    PaymentPhase,
    PaymentProgress,
    PaymentReceipt,
    PaymentResult,
    Request,
    ResolvePayment,
    Result,
)
from tests.devices.book import Book, Killed

APPROVED, UNKNOWN = PaymentOutcome.APPROVED, PaymentOutcome.UNKNOWN
PATIENCE = Patience(first_s=0.02, cap_s=0.1, total_s=4.0)
HELD = PaymentResult(
    "p-1", APPROVED, 318, "EUR", reference="42", receipts=(PaymentReceipt("customer", ("OK",)),), held=True
)
FINAL = replace(HELD, held=False)


class Holding:
    """A terminal with a commit rule, as ZVT's: it says its result and books when KeepResult came."""

    device_id = "terminal-1"

    def __init__(self, book: Book) -> None:
        self.book = book
        self.asked: list[Request] = []
        self.known_when_kept: list[str] = []
        self.end: Callable[[bool], Result] = lambda kept: (
            FINAL if kept else replace(FINAL, outcome=PaymentOutcome.REVERSED)
        )
        self.found: list[Result | Exception] = []
        self._listeners: list[Callable[[str, Entry], None]] = []
        self._kept: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def listen(self, callback: Callable[[str, Entry], None], /) -> Callable[[], None]:
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    async def ask(self, request: Request, timeout_s: float | None = None) -> Result | None:
        self.asked.append(request)
        if isinstance(request, KeepResult):
            self.known_when_kept = self.book.kinds()
            self._kept.set_result(request.keep)
            return None
        if isinstance(request, ResolvePayment):
            found = self.found.pop(0)
            if isinstance(found, Exception):
                raise found
            return found
        for event in (PaymentProgress("p-1", PaymentPhase.ACCEPTED), HELD):
            for listener in self._listeners:
                listener(self.device_id, Happened(None, event))  # type: ignore[arg-type]
        return self.end(await self._kept)


PAY = Pay("p-1", PaymentKind.SALE, 318, "EUR")


async def test_a_held_result_is_on_disk_before_the_terminal_may_book_it(tmp_path: Path) -> None:
    terminal = Holding(Book(tmp_path / "payments"))
    result = await PaymentDesk(terminal, terminal.book, patience=PATIENCE).pay(PAY)
    assert result == FINAL
    assert terminal.known_when_kept == ["intent", "accepted", "result"]
    assert terminal.asked[1:] == [KeepResult("p-1")]
    assert [entry.get("held") for entry in terminal.book.entries()] == [None, None, True, False]


async def test_a_result_that_cannot_be_kept_is_given_back(tmp_path: Path) -> None:
    terminal = Holding(Book(tmp_path / "payments", dies=("result", True)))
    desk = PaymentDesk(terminal, terminal.book, patience=PATIENCE)
    with pytest.raises(Killed):
        await desk.pay(PAY)
    assert terminal.asked[-1] == KeepResult("p-1", keep=False)
    assert list(desk.open_payments) == ["p-1"], "and until it is resolved no other is taken"


@pytest.mark.parametrize("outcome", [APPROVED, PaymentOutcome.REVERSED])
async def test_a_completion_lost_after_it_was_kept_is_asked_for(tmp_path: Path, outcome: PaymentOutcome) -> None:
    terminal = Holding(Book(tmp_path / "payments"))

    def lost(kept: bool) -> Result:
        raise DeviceGone("terminal-1: went away", reason="unknown", code=ErrorCode.NOHARDWARE, begun=True)

    terminal.end = lost
    silent = DeviceSilent("terminal-1: no answer", reason="silent", code=ErrorCode.TIMEOUT)
    terminal.found = [silent, replace(FINAL, outcome=UNKNOWN), replace(FINAL, outcome=outcome)]
    result = await PaymentDesk(terminal, terminal.book, patience=PATIENCE).pay(PAY)
    assert result.outcome is outcome
    assert terminal.book.kinds() == ["intent", "accepted", "result", "unknown", "resolved"]
    assert sum(isinstance(request, Pay) for request in terminal.asked) == 1


async def test_what_the_terminal_cannot_tell_goes_to_a_person_at_once(tmp_path: Path) -> None:
    terminal = Holding(Book(tmp_path / "payments"))
    terminal.end = lambda kept: replace(FINAL, payment_id="p-0")
    refused = DeviceRefused("terminal-1: cannot", reason="unsupported", code=ErrorCode.ILLEGAL)
    terminal.found = [refused]
    result = await PaymentDesk(terminal, terminal.book, patience=PATIENCE).pay(PAY)
    assert result.outcome is UNKNOWN
    assert terminal.book.kinds()[-1] == "unknown"


async def test_the_question_knows_the_reference_before_and_the_time_it_was_asked(tmp_path: Path) -> None:
    book = Book(tmp_path / "payments")
    await book.result(replace(FINAL, payment_id="p-0", reference="41"))
    terminal = Holding(book)
    terminal.end = lambda kept: replace(FINAL, outcome=UNKNOWN)
    terminal.found = [FINAL]
    await PaymentDesk(terminal, book, patience=PATIENCE).pay(PAY)
    question = terminal.asked[-1]
    assert isinstance(question, ResolvePayment)
    assert question.last_reference == "41"
    assert question.asked_at == terminal.asked[0].asked_at != ""  # type: ignore[union-attr]
