"""Lines that are opened for a conversation and hung up after it, private ones, and requests out of turn."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.devices.session import BackOff, Session
from gateway.devices.snapshot import Happened, Traffic
from gateway.devices.transport import TcpTransport, Transport, open_transport
from gateway.errors import DeviceGone, DeviceRefused, DeviceSilent
from gateway.peripherals import (
    AbortPayment,
    Answer,
    CheckHealth,
    Command,
    DeviceClass,
    DisplayStatus,
    Driver,
    EndOfDay,
    ErrorCode,
    HangUp,
    KeepResult,
    LabelPrinterStatus,
    Oddity,
    Output,
    Pay,
    PaymentKind,
    PaymentOutcome,
    PaymentResult,
    Power,
    PowerChanged,
    Refusal,
    Send,
)
from tests.devices.shop import QUICK, is_online, running, until

PAY = Pay("p-1", PaymentKind.SALE, 318, "EUR")
CARD = "4711 secret"


class Teller:
    """A made-up protocol of lines: `<number> <request>` out; `<number> ok`, `no`, `crash` or anything else in."""

    def __init__(self, *, stays: bool = False) -> None:
        self.stays = stays
        self._rest = b""

    def on_command(self, command: Command, now: float) -> list[Output]:
        return [Send(f"{command.number} {type(command.request).__name__}\n".encode())]

    def on_bytes(self, data: bytes, now: float) -> list[Output]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [output for line in lines for output in self._said(*line.decode().split(" ", 1))]

    def _said(self, number: str, word: str) -> list[Output]:
        online: list[Output] = [PowerChanged(Power.ONLINE)]
        bye: list[Output] = [] if self.stays else [Send(b"bye\n"), HangUp()]
        match word:
            case "ok":
                return [*online, Answer(int(number)), *bye]
            case "approved":
                return [*online, Answer(int(number), PaymentResult("p-1", PaymentOutcome.APPROVED, 318, "EUR")), *bye]
            case "no":
                return [*online, Refusal(int(number), ErrorCode.EXTENDED, "no", "says no"), *bye]
            case "noted":
                return [*online, Answer(int(number))]
            case "crash":
                raise ValueError(f"cannot read {CARD}")
            case _:
                return [Oddity("what is this", word.encode())]

    def on_time(self, now: float) -> list[Output]:
        return []


TELLER = Driver(
    name="terminal-teller",
    device_class=DeviceClass.PAYMENT_TERMINAL,
    codec=Teller,
    options={"stays": "does not hang up"},
    on_demand=True,
    private=True,
)


class Bank:
    """The far end: it writes down each conversation, and answers each line as `answer` says; None is no answer."""

    def __init__(self) -> None:
        self.conversations: list[list[str]] = []
        self.answer: Callable[[str], str | None] = lambda request: "ok"
        self.open: list[asyncio.StreamWriter] = []
        self.port = 0
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    @property
    def heard(self) -> list[str]:
        return [line for lines in self.conversations for line in lines]

    async def plug(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def unplug(self) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()

    def cut(self) -> None:
        for writer in self.open:
            writer.transport.abort()

    def say(self, text: str) -> None:
        self.open[-1].write(text.encode() + b"\n")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines: list[str] = []
        self.conversations.append(lines)
        self.open.append(writer)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            while line := (await reader.readline()).decode().strip():
                lines.append(line)
                word = self.answer(line) if " " in line else None
                if word is not None:
                    writer.write(f"{line.split()[0]} {word}\n".encode())
        self.open.remove(writer)
        writer.transport.abort()


@pytest.fixture
async def bank() -> AsyncIterator[Bank]:
    bank = Bank()
    await bank.plug()
    yield bank
    await bank.unplug()


def teller(bank: Bank, driver: Driver = TELLER, probe_s: float = 60.0, **options: Any) -> Session:
    return Session("t-1", driver, options, bank.url, open_transport, back_off=QUICK, probe_s=probe_s)


def asked(bank: Bank) -> list[str]:
    return [line.split()[-1] for line in bank.heard if " " in line]


async def test_the_health_is_asked_once_at_the_start_and_the_line_closed_again(
    bank: Bank, caplog: pytest.LogCaptureFixture
) -> None:
    session = teller(bank)
    async with running(session):
        await until(is_online(session))
        await until(lambda: bank.conversations and not bank.open)
        assert bank.conversations == [["1 CheckHealth", "bye"]]
        assert session.snapshot().power is Power.ONLINE
    assert caplog.records == []
    assert session.snapshot().statistics == {"OnlineTransitionCount": 1}


async def test_a_command_opens_the_line_and_what_was_sent_arrives_before_it_is_closed(bank: Bank) -> None:
    session = teller(bank)
    bank.answer = lambda request: "approved" if "Pay" in request else "ok"
    async with running(session):
        await until(is_online(session))
        for _ in range(3):
            await session.ask(PAY)
        await until(lambda: not bank.open)
    assert bank.conversations[1:] == [[f"{number} Pay", "bye"] for number in (2, 3, 4)]
    assert session.snapshot().statistics == {"OnlineTransitionCount": 1, "PaymentApprovedCount": 3}


async def test_a_command_that_came_before_the_line_was_hung_up_goes_out_on_the_next(bank: Bank) -> None:
    session = teller(bank)
    async with running(session):
        await until(is_online(session))
        await asyncio.gather(session.ask(PAY), session.ask(EndOfDay()))
    assert [lines[0] for lines in bank.conversations] == ["1 CheckHealth", "2 Pay", "3 EndOfDay"]


async def test_a_line_is_closed_before_the_next_is_opened(bank: Bank) -> None:
    """A terminal that takes one connection at a time sends a second one away."""
    sockets: list[socket.socket] = []
    others: list[int] = []

    async def opened(url: str) -> Transport:
        others.append(sum(one.fileno() >= 0 for one in sockets))
        transport = await open_transport(url)
        assert isinstance(transport, TcpTransport)
        sockets.append(transport._writer.get_extra_info("socket"))
        return transport

    session = Session("t-1", TELLER, {}, bank.url, opened, back_off=QUICK)
    async with running(session):
        await asyncio.gather(*(session.ask(PAY) for _ in range(4)))
    assert others == [0, 0, 0, 0]


async def test_a_command_that_finds_no_line_fails_at_once_and_nothing_was_begun(bank: Bank) -> None:
    await bank.unplug()
    session = Session("t-1", TELLER, {}, bank.url, open_transport, back_off=BackOff(60, 60, lambda limit_s: limit_s))
    async with running(session), asyncio.timeout(2):
        with pytest.raises(DeviceGone, match="nobody listens there") as gone:
            await session.ask(PAY)
        assert not gone.value.begun
        assert session.snapshot().power is Power.OFF
        await bank.plug()
        assert await session.ask(PAY) is None, "the command itself opens the line, however long the back-off is"


async def test_a_line_lost_with_a_command_under_way_is_a_break_and_the_command_has_begun(
    bank: Bank, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gateway.devices")
    session = teller(bank)
    bank.answer = lambda request: None if "Pay" in request else "ok"
    async with running(session):
        await until(is_online(session))
        paying = asyncio.create_task(session.ask(PAY))
        await until(lambda: "Pay" in asked(bank))
        bank.cut()
        with pytest.raises(DeviceGone, match="went away before it answered") as gone:
            await paying
        assert gone.value.begun
        await until(is_online(session))
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert session.snapshot().statistics["CommunicationErrorCount"] == 1


async def test_the_health_is_asked_again_and_again_but_never_beside_a_payment(bank: Bank) -> None:
    session = teller(bank, probe_s=0.02)
    bank.answer = lambda request: None if "Pay" in request else "ok"
    async with running(session):
        await until(lambda: asked(bank).count("CheckHealth") >= 3)
        paying = asyncio.create_task(session.ask(PAY))
        await until(lambda: "Pay" in asked(bank))
        so_far = len(bank.heard)
        await asyncio.sleep(0.1)
        assert len(bank.heard) == so_far
        bank.say(f"{bank.heard[-1].split()[0]} ok")
        await paying
        await until(lambda: len(bank.heard) > so_far + 3)
    assert session.snapshot().statistics["OnlineTransitionCount"] == 1


async def test_a_device_that_comes_back_is_found_by_the_probe(bank: Bank) -> None:
    session = teller(bank)
    async with running(session):
        await until(is_online(session))
        await until(lambda: not bank.open)
        await bank.unplug()
        with pytest.raises(DeviceGone):
            await session.ask(CheckHealth())
        assert session.snapshot().power is Power.OFF
        await bank.plug()
        await until(is_online(session))


async def test_abort_and_keep_pass_while_the_payment_is_running(bank: Bank) -> None:
    session = teller(bank)
    bank.answer = lambda request: {"Pay": None, "CheckHealth": "ok"}.get(request.split()[-1], "noted")
    async with running(session):
        await until(is_online(session))
        paying = asyncio.create_task(session.ask(PAY))
        await until(lambda: "Pay" in asked(bank))
        other = asyncio.create_task(session.ask(EndOfDay()))
        await asyncio.sleep(0)
        await session.ask(AbortPayment("p-1"))
        await session.ask(KeepResult("p-1"))
        assert not paying.done()
        assert not other.done()
        assert bank.conversations[-1] == ["2 Pay", "4 AbortPayment", "5 KeepResult"]
        bank.answer = lambda request: "ok"
        bank.say("2 ok")
        await paying
        await other
    assert asked(bank) == ["CheckHealth", "Pay", "AbortPayment", "KeepResult", "EndOfDay"]


async def test_keep_result_never_opens_a_line_of_its_own(bank: Bank) -> None:
    session = teller(bank)
    async with running(session):
        await until(is_online(session))
        await until(lambda: not bank.open)
        with pytest.raises(DeviceGone) as gone:
            await session.ask(KeepResult("p-1"))
        assert not gone.value.begun
    assert asked(bank) == ["CheckHealth"]


async def test_the_far_end_may_hang_up_when_nothing_is_asked(bank: Bank, caplog: pytest.LogCaptureFixture) -> None:
    session = teller(bank, stays=True)
    async with running(session):
        await until(is_online(session))
        bank.cut()
        await until(lambda: not bank.open)
        await session.ask(PAY)
        assert asked(bank) == ["CheckHealth", "Pay"]
    assert caplog.records == []


async def test_a_line_left_open_with_nothing_to_do_is_hung_up(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.devices.session.IDLE_S", 0.05)
    session = teller(bank, stays=True)
    async with running(session):
        await until(is_online(session))
        await until(lambda: not bank.open)
        assert session.snapshot().power is Power.ONLINE
    assert session.snapshot().statistics == {"OnlineTransitionCount": 1}


async def test_no_byte_of_a_private_line_is_shown_anywhere(bank: Bank, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "gateway")
    session = teller(bank)
    bank.answer = lambda request: CARD if "Pay" in request else "ok"
    async with running(session):
        await until(is_online(session))
        with pytest.raises(DeviceSilent):
            await session.ask(PAY, 0.1)
    traffic = [entry for entry in session.recent() if isinstance(entry, Traffic)]
    assert [(entry.direction, entry.data, entry.size) for entry in traffic][:2] == [("out", b"", 14), ("in", b"", 5)]
    odd = [entry.event for entry in session.recent() if isinstance(entry, Happened) and isinstance(entry.event, Oddity)]
    assert odd == [Oddity("what is this")]
    assert "secret" not in caplog.text
    assert "73 65 63 72 65 74" not in caplog.text
    assert "t-1 in 5 bytes" in caplog.text


async def test_a_private_driver_that_crashes_quotes_nothing(bank: Bank, caplog: pytest.LogCaptureFixture) -> None:
    session = teller(bank)
    bank.answer = lambda request: "crash"
    async with running(session):
        with pytest.raises(DeviceGone):
            await session.ask(PAY)
        await until(lambda: session.snapshot().power is Power.OFF)
    (error,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "ValueError" in error.getMessage()
    assert "in _said" in error.getMessage(), "where it happened is told"
    assert "secret" not in caplog.text
    assert "secret" not in session.snapshot().last_error


async def test_a_refusal_by_the_device_is_no_break(bank: Bank, caplog: pytest.LogCaptureFixture) -> None:
    session = teller(bank)
    bank.answer = lambda request: "no" if "Pay" in request else "ok"
    async with running(session):
        with pytest.raises(DeviceRefused, match="says no"):
            await session.ask(PAY)
        assert session.snapshot().power is Power.ONLINE
    assert caplog.records == []
    assert session.snapshot().statistics["PaymentNotDoneCount"] == 1


async def test_hang_up_of_a_driver_that_is_not_on_demand_is_no_break_either(
    bank: Bank, caplog: pytest.LogCaptureFixture
) -> None:
    session = teller(bank, replace(TELLER, on_demand=False))
    async with running(session):
        await session.ask(PAY)
        await until(lambda: len(bank.conversations) > 1)
    assert caplog.records == []
    assert "CommunicationErrorCount" not in session.snapshot().statistics


class Shows:
    """Answers everything with what its class says of itself."""

    def __init__(self) -> None:
        self.statuses: list[Output] = [DisplayStatus(("Milk",)), LabelPrinterStatus(online=True, labels_left=2)]

    def on_command(self, command: Command, now: float) -> list[Output]:
        return [PowerChanged(Power.ONLINE), *self.statuses, Answer(command.number, DisplayStatus(("Bread",)))]

    def on_bytes(self, data: bytes, now: float) -> list[Output]:
        return []

    on_time = Teller.on_time


async def test_a_display_and_a_label_printer_stand_in_the_snapshot_until_they_break(bank: Bank) -> None:
    driver = Driver(name="display-shows", device_class=DeviceClass.LINE_DISPLAY, codec=Shows)
    session = teller(bank, driver)
    async with running(session):
        await session.ask(CheckHealth())
        seen = session.snapshot()
        assert seen.display == DisplayStatus(("Bread",))
        assert seen.label_printer == LabelPrinterStatus(online=True, labels_left=2)
        await bank.unplug()
        await until(lambda: session.snapshot().power is Power.OFF)
        assert session.snapshot().display is None
        assert session.snapshot().label_printer is None
