"""One line with a codec at one end and its pretend device at the other, and anything that can happen between them.

An episode is a list of steps: real answers (whole, cut, doubled, out of order, mutated), frames of all protocols,
noise, echoes, commands, knobs, time, new connections. Each step is one number, so that an episode that fails can be
made shorter by leaving steps out. What holds at every input:

- nothing raises; no input takes more than CPU_S of this thread, and none makes the codec wake itself for ever;
- what a codec holds is bounded, and so is what it hands back;
- a command ends once, at the latest at its time-out; nothing else ends; no line is hung up on one that has not;
- a terminal's ledger never has more bookings than payments were asked for.
"""

from __future__ import annotations

import functools
import itertools
import signal
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from gateway import drivers, simulators
from gateway.peripherals import (
    AbortPayment,
    Answer,
    Codec,
    Command,
    Forward,
    HangUp,
    KeepResult,
    Output,
    Pay,
    PaymentResult,
    Power,
    PowerChanged,
    Refusal,
    Request,
    Send,
    WakeAt,
)
from tests.drivers import anything
from tests.drivers.bench import frames, held_bytes

CPU_S = 0.05
#: laying out a job with pictures is the one thing that may take longer; a till waits for that anyway
COMMAND_CPU_S = 0.5
HANGS_S = 5.0
MOST_HELD = 100_000
LATE_S = 0.001
#: of one input; and two more for each byte that came of late
MOST_OUTPUTS = 30
MOST_AT_ONCE = 100
KNOB_VALUES = ("yes", "no", "", "0", "1", "2", "5", "450", "0.2", "3", "none", "S")
LABELS = ("4711234567899", "A\\x1dB", "x" * 300)


#: How a terminal says that it did not take a request, which then is to be sent again. A line that holds back what the
#: terminal said and makes this up is no noise but a forger: what comes of it is not the codec's doing.
NOT_TAKEN = {"terminal-taiwan-edc": b"\x15"}
#: looking through the folders takes longer than an episode
simulator_of = functools.cache(simulators.load)
driver_of = functools.cache(drivers.load)


class Fault(Exception):
    """kind: raised, hung, grew or wrong. what: the same for the same mistake; detail: of this time."""

    def __init__(self, kind: str, what: str, detail: str = "") -> None:
        super().__init__(f"{kind}: {what}: {detail}")
        self.kind, self.what, self.detail = kind, what, detail
        self.trace: list[str] = []  # what passed before it


class Hung(BaseException):
    """Raised into a codec that does not come back; no `except Exception` of its own holds it up."""


@dataclass(slots=True)
class Asked:
    command: Command
    by: float


class Episode:
    """One codec, its pretend device, and what lies on the line between them.

    stays: the line is never given up, whatever the codec says, as long as it does not hang up itself.
    """

    def __init__(self, name: str, beginning: int, *, stays: bool = False) -> None:
        self.driver, self.name, self.stays = driver_of(name), name, stays
        if self.driver.prepare is not None:
            self.driver.prepare()
        self.chance = chance = Random(beginning)
        self.options, self._fitting = chance.choice((({}, {}), *anything.OPTIONS.get(name, ())))
        self.honesty = chance.choice((1.0, 1.0, 0.95, 0.7, 0.0))
        self.reopens = chance.random() < 0.5 and not stays
        self.chunks = self._inputs = 0
        self.now = 100.0
        self.trace: deque[str] = deque(maxlen=60)
        self._numbers = itertools.count(1)
        self._asked: dict[int, Asked] = {}
        self._current: int | None = None
        self._to_keep: deque[str] = deque(maxlen=4)
        self._pool: deque[bytes] = deque(maxlen=20)
        self._last_sent, self._last_payment = b"", "S0421-1-0"
        self._at_once = self._heard = 0
        self._codec_at: float | None = None
        self.new_device()
        self.codec: Codec = self.driver.codec(**self.options)

    # --- both ends ------------------------------------------------------------------------------------------

    def new_device(self) -> None:
        self.device = simulator_of(self.name).device()
        self._device_at: float | None = None
        self.pays = sum(isinstance(asked.command.request, Pay) for asked in self._asked.values())
        for knob, value in self._fitting.items():
            self.device.set(knob, value)

    def connect(self) -> None:
        """A fresh codec for a fresh line, as a session makes one; what was under way has failed with the old line."""
        self.trace.append(f"{self.now:.3f} connect {self.options}")
        self.codec = self.driver.codec(**self.options)
        self._fresh = held_bytes(self.codec)
        self._asked.clear()
        self._to_keep.clear()
        self._pool.clear()
        self._current, self._codec_at = None, None
        self._wake()

    def _call(self, what: str, limit_s: float, function: Callable[..., list[Any]], *arguments: Any) -> list[Any]:
        signal.setitimer(signal.ITIMER_VIRTUAL, HANGS_S)
        started = time.thread_time()
        try:
            outputs = function(*arguments)
        except Hung:
            raise Fault("hung", f"{what} does not come back") from None
        except Exception as bug:
            at = traceback.extract_tb(bug.__traceback__)[-1]
            where = f"{type(bug).__name__} at {Path(at.filename).name}:{at.lineno}"
            raise Fault("raised", f"{what}: {where}", str(bug)) from bug
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        if (spent := time.thread_time() - started) > limit_s:
            raise Fault("hung", f"{what} is slow", f"{spent * 1000:.0f} ms")
        return outputs

    # --- the codec ------------------------------------------------------------------------------------------

    def _bytes(self, data: bytes) -> None:
        """One chunk from the line."""
        if not data:
            return
        self._inputs += 1
        self.trace.append(f"{self.now:.3f} bytes {data!r}")
        if data == NOT_TAKEN.get(self.name) and self._pool:
            self.pays += 1
        self._heard = min(4096, self._heard + len(data))
        self._from_codec(
            self._call("on_bytes", CPU_S, self.codec.on_bytes, data, self.now), MOST_OUTPUTS + 2 * self._heard
        )
        if self._inputs % 64 == 0:
            self.check_held()

    def _wake(self) -> None:
        self.trace.append(f"{self.now:.3f} time")
        self._codec_at = None
        heard, self._heard = self._heard, self._heard // 2
        outputs = self._call("on_time", CPU_S, self.codec.on_time, self.now)
        self._from_codec(outputs, MOST_OUTPUTS + 2 * heard)

    def ask(self, request: Request, timeout_s: float, *, beside: bool = False) -> None:
        command = Command(next(self._numbers), request, timeout_s)
        self.trace.append(f"{self.now:.3f} {command}")
        self._asked[command.number] = Asked(command, self.now + timeout_s)
        if not beside:
            self._current = command.number
        if isinstance(request, Pay):
            self.pays, self._last_payment = self.pays + 1, request.payment_id
        self._from_codec(
            self._call("on_command", COMMAND_CPU_S, self.codec.on_command, command, self.now), MOST_OUTPUTS
        )

    def _from_codec(self, outputs: list[Output], most: int) -> None:
        if len(outputs) > most:
            raise Fault("grew", "outputs of one input", f"{len(outputs)} of them")
        hangs_up = gone = False
        for output in outputs:
            match output:
                case Answer() | Refusal():
                    self._ended(output)
                case WakeAt(at=at):
                    self._codec_at = at
                case HangUp():
                    hangs_up = True
                case PaymentResult(held=True):
                    self._to_keep.append(output.payment_id)
                case PowerChanged(power=Power.OFF):
                    gone = self.reopens
        sent = b"".join(output.data for output in outputs if isinstance(output, Send))
        if hangs_up and self._asked:
            raise Fault("wrong", "hung up on a command", str(next(iter(self._asked.values())).command))
        if sent:
            self._last_sent = sent
            self.trace.append(f"{self.now:.3f}   sent {sent[:200]!r}")
            self._from_device(self._call("simulator.on_bytes", HANGS_S, self.device.on_bytes, sent, self.now))
        if hangs_up or gone:
            self.connect()

    def _ended(self, end: Answer | Refusal) -> None:
        self.trace.append(f"{self.now:.3f}   {end}"[:200])
        if self._asked.pop(end.number, None) is None:
            raise Fault("wrong", "the end of a command that nobody waits for", str(end))
        if self._current == end.number:
            self._current = None
        if isinstance(end, Refusal) and not (end.text and end.reason):
            raise Fault("wrong", "a refusal without words", str(end))
        if isinstance(end, Answer) and isinstance(end.result, PaymentResult) and end.result.held:
            self._to_keep.append(end.result.payment_id)

    def _from_device(self, outputs: Sequence[Send | WakeAt]) -> None:
        for output in outputs:
            if isinstance(output, WakeAt):
                self._device_at = output.at
        for output in outputs:
            if isinstance(output, Send):
                self._at_once += 1
                if self._at_once < MOST_AT_ONCE and self.chance.random() < self.honesty:
                    self._bytes(output.data)
                else:
                    self._pool.append(output.data)

    # --- what holds -----------------------------------------------------------------------------------------

    def check(self) -> None:
        for asked in self._asked.values():
            if self.now > asked.by + LATE_S:
                raise Fault("wrong", f"{type(asked.command.request).__name__} never ended", str(asked.command))
        ledger = getattr(self.device, "ledger", ())
        if len(ledger) > self.pays:
            raise Fault("wrong", "more bookings than payments", f"{len(ledger)} for {self.pays}: {ledger}")

    def check_held(self) -> None:
        if (held := held_bytes(self.codec) - self._fresh) > MOST_HELD:
            raise Fault("grew", "what the codec holds", f"{held} bytes")

    # --- steps ----------------------------------------------------------------------------------------------

    def step(self, number: int) -> None:
        self.chance, self._at_once = Random(number), 0
        (action,) = self.chance.choices(ACTIONS, WEIGHTS)
        # What a device sends by itself, a stream of weights perhaps, is no chunk of ours.
        self.chunks += action in (Episode.deliver, Episode.frame, Episode.noise, Episode.echo)
        action(self, self.chance)
        self.check()

    def finish(self) -> None:
        """Time enough for everything to end."""
        self.chance, self._at_once = Random(0), 0
        self._pass(max((asked.by - self.now for asked in self._asked.values()), default=0.0) + 2 * LATE_S)
        self.check()
        self.check_held()

    def deliver(self, chance: Random) -> None:
        """Something the device said before, more or less as it was."""
        if not self._pool:
            self.frame(chance)
            return
        place = chance.choice((0, 0, 0, len(self._pool) - 1, chance.randrange(len(self._pool))))
        data = self._pool[place]
        what = chance.random()
        if what >= 0.2:  # else it comes once more later
            del self._pool[place]
        if what > 0.8:
            data = anything.mutated(data, chance)
        if what > 0.6:
            cut = chance.randrange(len(data) + 1)
            self._bytes(data[:cut])
            if what > 0.7:
                self._pool.appendleft(data[cut:])
        else:
            self._bytes(data)

    def frame(self, chance: Random) -> None:
        folder = self.name.partition("-")[0] if chance.random() < 0.8 else chance.choice(sorted(frames()))
        data = chance.choice(frames()[folder])
        if chance.random() < 0.3:
            data = anything.mutated(data, chance)
        if chance.random() < 0.2:
            data = data[: chance.randrange(len(data) + 1)]
        self._bytes(data * chance.choice((1, 1, 1, 2, 20)))

    def noise(self, chance: Random) -> None:
        letters = chance.choice(anything.NOISE)
        self._bytes(bytes(chance.choices(letters, k=chance.choice((1, 2, 5, 40, 400, 4096)))))

    def echo(self, chance: Random) -> None:
        """A line with two wires gives back what was sent; so does a modem that was not told."""
        self._bytes(self._last_sent)

    def command(self, chance: Random) -> None:
        if self._current is not None:
            self.beside(chance)
            return
        payment_id = f"S0421-1-{chance.randrange(1_000_000)}"
        request = anything.request(self.driver.device_class, chance, payment_id, self._last_payment)
        if isinstance(request, Forward) and not self.driver.forwards:
            return  # a session does not ask such a driver
        self.ask(request, chance.choice((0.0, 0.3, 1.0, 3.0, 3.0, 15.0, 120.0)))

    def beside(self, chance: Random) -> None:
        """What does not wait for the command before it."""
        current = self._asked.get(self._current or 0)
        request = current.command.request if current else None
        if self._to_keep and chance.random() < 0.8:
            self.ask(KeepResult(self._to_keep.popleft(), chance.random() < 0.8), 3.0, beside=True)
        elif self.driver.forwards and chance.random() < 0.5:
            self.ask(Forward(chance.choice((b"\x1bp\x00\x19\xfa", b"\x1br1", b""))), 1.0, beside=True)
        elif isinstance(request, Pay):
            self.ask(AbortPayment(chance.choice((request.payment_id, "other"))), 3.0, beside=True)

    def wait(self, chance: Random) -> None:
        self._pass(chance.choice((0.0, 0.001, 0.02, 0.3, 0.3, 1.1, 3.5, 20.0)))

    def sleep(self, chance: Random) -> None:
        """The box was too busy to look at the clock; what came meanwhile is read first."""
        self.now += chance.choice((0.5, 3.0, 16.0, 130.0))
        if chance.random() < 0.5:
            self.deliver(chance)
        self._pass(0.0)

    def too_early(self, chance: Random) -> None:
        at = self._codec_at
        self._wake()
        if self._codec_at is None:
            self._codec_at = at

    def knob(self, chance: Random) -> None:
        knob = chance.choice(sorted(simulator_of(self.name).knobs))
        if knob in self._fitting:
            return
        value = chance.choice(LABELS if knob == "scan" else KNOB_VALUES)
        try:
            outputs = self.device.set(knob, value)
        except ValueError:
            return
        self.trace.append(f"{self.now:.3f}   knob {knob}={value}")
        self._from_device(outputs)

    def mood(self, chance: Random) -> None:
        self.honesty = chance.choice((1.0, 1.0, 0.95, 0.7, 0.0))

    def cable(self, chance: Random) -> None:
        if not self.stays:
            self.connect()

    def _pass(self, seconds: float) -> None:
        until, wakes = self.now + seconds, 0
        while (at := self._next()) <= until:
            self.now = max(self.now, at)
            if self._device_at is not None and self.now >= self._device_at:
                self._device_at = None
                self._from_device(self._call("simulator.on_time", HANGS_S, self.device.on_time, self.now))
            if self._codec_at is not None and self.now >= self._codec_at:
                wakes += 1
                if wakes > 100 + 500 * seconds:
                    raise Fault("hung", "wakes itself without end", f"{wakes} times in {seconds} s")
                self._wake()
                self.check()
        self.now = until

    def _next(self) -> float:
        return min(at for at in (self._codec_at, self._device_at, float("inf")) if at is not None)


ACTIONS, WEIGHTS = zip(
    (Episode.deliver, 20), (Episode.frame, 12), (Episode.noise, 8), (Episode.echo, 2), (Episode.command, 20),
    (Episode.beside, 4), (Episode.wait, 20), (Episode.sleep, 2), (Episode.too_early, 2), (Episode.knob, 5),
    (Episode.mood, 3), (Episode.cable, 1),
    strict=True,
)  # fmt: skip
