"""One connection: a fresh codec, an open transport, and the commands that wait for their turn.

The codec is called from one place only, the loop in run(). A reader and a writer task stand between it and the line, so
that a device that stopped taking bytes cannot stop the clock of its own codec.

A connection ends in one of two ways: its line breaks, or the codec hangs up, which is how a conversation with some
devices is meant to end and no fault.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from gateway.devices.pending import Pending, failure
from gateway.devices.snapshot import Direction
from gateway.devices.transport import Transport
from gateway.errors import DeviceError, DeviceGone
from gateway.peripherals import (
    OUT_OF_TURN,
    Answer,
    Codec,
    ErrorCode,
    Event,
    Forwarded,
    HangUp,
    Output,
    Power,
    PowerChanged,
    Refusal,
    Send,
    WakeAt,
)

#: A line that takes no bytes collects the codec's polls; at this many it is as good as broken.
MOST_UNSENT = 1000
#: bytes read in advance of the codec; a device that floods waits, its codec and everybody else's do not
MOST_UNREAD = 16

#: called with each event; with the pending command where the event ends one
Saw = Callable[[Event, Pending | None], None]
Passed = Callable[[Direction, bytes], None]


class Connection:
    """idle_s: hang up after so many seconds with nothing to do, and take the far end's hanging up then for no fault."""

    def __init__(
        self,
        codec: Codec,
        transport: Transport,
        monotonic: Callable[[], float],
        saw: Saw,
        passed: Passed,
        idle_s: float | None = None,
    ) -> None:
        self._codec, self._transport, self._idle_s = codec, transport, idle_s
        self._monotonic, self._saw, self._passed = monotonic, saw, passed
        self._read: asyncio.Queue[bytes] = asyncio.Queue(MOST_UNREAD)
        self._unsent: asyncio.Queue[tuple[bytes, Pending | None] | Answer | HangUp] = asyncio.Queue()
        self._waiting: deque[Pending] = deque()
        self._current: Pending | None = None
        self._out_of_turn: dict[int, Pending] = {}  # under way beside the current one, by number
        self._forwarded = b""
        self._refused: deque[tuple[Pending, DeviceError]] = deque()
        self._written: deque[Answer] = deque()
        self._wake_at: float | None = None
        self._idle_at: float | None = None
        self._bell = asyncio.Event()
        self._hanging_up = False
        self._over = False
        self._end: DeviceError | None = None

    # --- from outside ---------------------------------------------------------------------------------------

    @property
    def takes_more(self) -> bool:
        return not (self._hanging_up or self._over)

    @property
    def hung_up(self) -> bool:
        return self._over and self._end is None

    def submit(self, pending: Pending) -> None:
        self._waiting.append(pending)
        self._bell.set()

    def unbegun(self) -> list[Pending]:
        """Take back what had not its turn yet; the device knows nothing of it."""
        waiting = [pending for pending in self._waiting if not pending.given_up]
        self._waiting.clear()
        return waiting

    def fail_all(self, device_id: str) -> None:
        """The line is gone: whoever waits hears so now. What had begun may have been done, or not."""
        for pending in self._begun():
            pending.fail(failure(device_id, "lost"))
        for pending in self._waiting:
            pending.fail(failure(device_id, "gone"))
        self._waiting.clear()
        self._out_of_turn.clear()
        self._current = None

    async def run(self) -> DeviceError | None:
        """Carry until the line breaks, and return why it did; None if it was hung up."""
        tasks = [asyncio.create_task(self._pump_in()), asyncio.create_task(self._pump_out())]
        try:
            self._do(self._codec.on_time(self._monotonic()))
            while not self._over:
                await self._bell_or_time()
                self._take_turns()
            return self._end
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # --- the line -------------------------------------------------------------------------------------------

    async def _pump_in(self) -> None:
        try:
            while True:
                await self._read.put(await self._transport.read())
                self._bell.set()
        except DeviceError as broken:
            self._break(broken)

    async def _pump_out(self) -> None:
        try:
            while True:
                item = await self._unsent.get()
                if isinstance(item, HangUp):
                    self._over = True
                    self._bell.set()
                    return
                if isinstance(item, Answer):
                    self._written.append(item)
                    self._bell.set()
                    continue
                data, pending = item
                try:
                    await self._transport.write(data)
                except DeviceGone:
                    raise
                except DeviceError as refused:
                    # The device in between said no (its cover is open): whoever asked hears its words.
                    if pending is not None:
                        self._refused.append((pending, refused))
                        self._bell.set()
        except DeviceError as broken:
            self._break(broken)

    def _break(self, why: DeviceError) -> None:
        """The line is gone; no fault if we were about to let go of it, or had no use for it."""
        at_rest = self._hanging_up or (self._idle_s is not None and not self._begun())
        if not self._over and not (at_rest and why.reason == "gone"):
            self._end = why
        self._over = True
        self._bell.set()

    # --- the codec ------------------------------------------------------------------------------------------

    async def _bell_or_time(self) -> None:
        guards = (pending.guard_at for pending in self._begun())
        due = [at for at in (self._wake_at, self._idle_at, *guards) if at is not None]
        wait_s = max(0.0, min(due) - self._monotonic()) if due else None
        try:
            async with asyncio.timeout(wait_s):
                await self._bell.wait()
        except TimeoutError:
            return
        self._bell.clear()

    def _begun(self) -> list[Pending]:
        return [*([self._current] if self._current else []), *self._out_of_turn.values()]

    def _take_turns(self) -> None:
        """Everything that is due: bytes, what became of our own on the way, time, guards, then the next command."""
        while not self._read.empty():
            data = self._read.get_nowait()
            self._passed("in", data)
            self._do(self._codec.on_bytes(data, self._monotonic()))
        while self._refused:
            pending, error = self._refused.popleft()
            self._fail(pending, error)
        while self._written:
            self._ended(self._written.popleft())
        now = self._monotonic()
        if self._wake_at is not None and now >= self._wake_at:
            self._wake_at = None
            self._do(self._codec.on_time(now))
        for pending in self._begun():
            if now >= pending.guard_at:
                self._fail(pending, failure(pending.device_id, "overdue"))
        self._begin_commands()
        self._hang_up_if_idle(now)

    def _hang_up_if_idle(self, now: float) -> None:
        if self._idle_s is None or self._begun() or self._hanging_up:
            self._idle_at = None
        elif self._idle_at is None:
            self._idle_at = now + self._idle_s
        elif now >= self._idle_at:
            self._idle_at = None
            self._do([HangUp()])

    def _begin_commands(self) -> None:
        """What is about the command under way goes out at once; anything else waits for the one before it."""
        for pending in list(self._waiting):
            out_of_turn = isinstance(pending.command.request, OUT_OF_TURN)
            if self._hanging_up or self._over:
                return
            if pending.given_up:
                self._waiting.remove(pending)
            elif out_of_turn or self._current is None:
                self._waiting.remove(pending)
                self._begin(pending, out_of_turn)

    def _begin(self, pending: Pending, out_of_turn: bool) -> None:
        now = self._monotonic()
        if out_of_turn:
            self._out_of_turn[pending.command.number] = pending
        else:
            self._current = pending
        pending.start(now)
        self._do(self._codec.on_command(pending.command, now))

    def _do(self, outputs: list[Output]) -> None:
        sends = any(isinstance(output, Send) for output in outputs)
        for output in outputs:
            match output:
                case Send(data=data):
                    self._send(data)
                case WakeAt(at=at):
                    self._wake_at = at
                case Forwarded(data=data):
                    self._forwarded = data
                    self._saw(output, None)
                case Answer() if sends:
                    # "Done" that rests on having sent alone waits until the line took the bytes, or refused them.
                    self._unsent.put_nowait(output)
                case Answer() | Refusal():
                    self._ended(output)
                case HangUp():
                    # Behind whatever is still to be written; nothing new begins on this line.
                    self._hanging_up = True
                    self._unsent.put_nowait(output)
                case _:
                    self._saw(output, None)
                    if output == PowerChanged(Power.OFF) and self._transport.reopen_when_silent:
                        text = "no answer; check its power and cable"
                        self._break(DeviceGone(text, reason="silent", code=ErrorCode.TIMEOUT))

    def _send(self, data: bytes) -> None:
        self._passed("out", data)
        self._unsent.put_nowait((data, self._current))
        if self._unsent.qsize() > MOST_UNSENT:
            text = "takes no more bytes; check its power and cable"
            self._break(DeviceGone(text, reason="stuck", code=ErrorCode.NOHARDWARE))

    def _ended(self, end: Answer | Refusal) -> None:
        if self._current is not None and self._current.command.number == end.number:
            pending: Pending | None = self._current
            self._current = None
        else:
            pending = self._out_of_turn.pop(end.number, None)
        if pending is None:
            return  # ended here before: by its guard, or by a refusal on the way
        pending.forwarded, self._forwarded = self._forwarded, b""
        self._saw(end, pending)
        pending.end(end)
        self._bell.set()

    def _fail(self, pending: Pending, error: DeviceError) -> None:
        """End a command here; the codec's own end of it, if it ever comes, finds nobody."""
        if pending is self._current:
            self._current = None
        self._out_of_turn.pop(pending.command.number, None)
        text = str(error).removeprefix(f"{pending.device_id}: ")
        refusal = Refusal(pending.command.number, ErrorCode(error.code), error.reason, text)
        pending.fail(type(error)(f"{pending.device_id}: {text}", reason=error.reason, code=error.code))
        self._saw(refusal, pending)
        self._bell.set()
