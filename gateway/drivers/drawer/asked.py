"""A drawer that is asked whether it is open: the conversation, whatever its bytes are.

The order to open is sent once and never again by itself. The drawer has opened when its switch says so. Answers carry
no number: those owed from before a new question are let pass, and one more is asked for; see scale/toledo_8217.py.
"""

from __future__ import annotations

from gateway.peripherals import (
    Answer,
    CheckHealth,
    Command,
    DrawerStatus,
    ErrorCode,
    OpenDrawer,
    Output,
    Power,
    PowerChanged,
    Refusal,
    Send,
    WakeAt,
)

REPLY_S, AGAIN_S = 2.0, 0.1
MOST_OWED = 5
LOOK_AGAIN_S = 5.0


class AskedDrawer:
    def __init__(self, order: bytes, question: bytes, poll_s: float, hangs_on: str = "its cable") -> None:
        """hangs_on: what to check where no answer comes."""
        self.order, self.question, self.poll_s = order, question, poll_s
        self._hangs_on = hangs_on
        self._command: Command | None = None
        self._deadline = 0.0
        self._ordered = False
        self._open_by = 0.0
        self._owed = self._stale = 0
        self._reply_by: float | None = None
        self._ask_at: float | None = 0.0
        self._power = Power.UNKNOWN
        self._opened: bool | None = None

    def on_command(self, command: Command, now: float) -> list[Output]:
        if not isinstance(command.request, OpenDrawer | CheckHealth):
            return [Refusal(command.number, ErrorCode.ILLEGAL, "unsupported", "a drawer cannot do this")]
        self._command, self._deadline, self._ordered = command, now + command.timeout_s, False
        self._forget()
        return [*self._ask(now), *self._wake()]

    def _ask(self, now: float, first: bytes = b"") -> list[Output]:
        self._owed += 1
        self._ask_at, self._reply_by = None, now + REPLY_S
        return [Send(first + self.question)]

    def _forget(self) -> None:
        """Whatever is still owed answers a question that no longer stands."""
        self._stale = self._owed = min(self._owed, MOST_OWED)
        self._reply_by = None

    def on_time(self, now: float) -> list[Output]:
        outputs: list[Output] = []
        if self._command and now >= self._deadline:
            outputs += self._refuse_late(self._command, now)
        elif self._reply_by is not None and now >= self._reply_by:
            self._forget()
            if self._command:
                outputs += self._ask(now)
            else:
                self._ask_at = now + LOOK_AGAIN_S
                outputs += self._power_is(Power.OFF)
        elif self._ask_at is not None and now >= self._ask_at:
            outputs += self._ask(now)
        return outputs + self._wake()

    def _refuse_late(self, command: Command, now: float) -> list[Output]:
        self._command = None
        self._forget()
        self._ask_at = now + LOOK_AGAIN_S
        if self._ordered:
            text = "no answer after the order to open; look whether it is open before sending another"
            return [
                Refusal(command.number, ErrorCode.TIMEOUT, "unknown", text, begun=True),
                *self._power_is(Power.OFF),
            ]
        text = f"no answer; check {self._hangs_on}"
        return [Refusal(command.number, ErrorCode.TIMEOUT, "silent", text), *self._power_is(Power.OFF)]

    def _answered(self, opened: bool, now: float, offline: bool = False) -> list[Output]:
        """An answer came; call it only while some are owed."""
        self._owed -= 1
        if not self._stale:
            return self._fresh(opened, offline, now)
        self._stale -= 1
        if self._reply_by is not None:
            # Perhaps the old answer was lost and this was the new one: ask once more rather than guess.
            self._reply_by, self._ask_at = None, now + AGAIN_S
        return []

    def _fresh(self, opened: bool, offline: bool, now: float) -> list[Output]:
        self._reply_by, self._ask_at = None, now + self.poll_s
        outputs = self._power_is(Power.OFFLINE if offline else Power.ONLINE)
        if opened is not self._opened:
            self._opened = opened
            outputs.append(DrawerStatus(opened))
        return outputs + (self._advance(self._command, opened, offline, now) if self._command else [])

    def _advance(self, command: Command, opened: bool, offline: bool, now: float) -> list[Output]:
        if isinstance(command.request, CheckHealth) or (self._ordered and opened):
            self._command = None
            return [Answer(command.number, DrawerStatus(opened))]
        if self._ordered and now >= self._open_by:
            self._command = None
            text = "it was told to open and did not; unlock it, check its cable and the option sensor"
            return [Refusal(command.number, ErrorCode.FAILURE, "drawer_stuck", text, begun=True)]
        if self._ordered:
            self._ask_at = now + AGAIN_S
            return []
        if offline:
            # The printer would keep the pulse and open the drawer minutes later, when somebody closes its cover.
            self._command = None
            text = "the printer it hangs on is offline; close its cover, look at its paper, then open the drawer again"
            return [Refusal(command.number, ErrorCode.OFFLINE, "offline", text)]
        self._ordered = True
        # A receipt still in the printer's buffer comes first, so the drawer has nearly all the time there is.
        self._open_by = self._deadline - 2 * AGAIN_S
        return self._ask(now, first=self.order)

    def _power_is(self, power: Power) -> list[Output]:
        if power is self._power:
            return []
        self._power = power
        return [PowerChanged(power)]

    def _wake(self) -> list[Output]:
        timers = (self._ask_at, self._reply_by, self._deadline if self._command else None)
        at = min((timer for timer in timers if timer is not None), default=None)
        return [] if at is None else [WakeAt(at)]
