"""What the pretend scales of NCI, SMA, CAS and MT-SICS have in common: a pan, its knobs, and how answers are sent."""

from __future__ import annotations

import random
from typing import ClassVar

from gateway.peripherals import Send, WakeAt
from gateway.simulators import knobs

KNOBS = {
    "grams": "what lies on the pan (default 0)",
    "moving": "yes: the weight does not settle (default no)",
    "tare": "grams taken off as tare (default 0)",
    "over": "yes: more than its capacity (default no)",
    "under_zero": "yes: the pan was taken off (default no)",
    "capacity": "grams above which it is over capacity by itself (default 15000)",
    "unit": "kg or lb (default kg)",
    "silent": "yes: answers nothing (default no)",
    "late": "seconds that each answer takes (default 0)",
    "garbage": "yes: answers random bytes (default no)",
    "cut": "so many bytes of each answer are sent, then the line is dead; -1 is all (default -1)",
}


class PretendPan:
    """A protocol adds its own KNOBS and turns received bytes into answers in `_answers`."""

    KNOBS: ClassVar[dict[str, str]] = KNOBS

    def __init__(self) -> None:
        self.grams = 0
        self.tare = 0
        self.capacity = 15_000
        self.cut = -1
        self.unit = "kg"
        self.late = 0.0
        self.moving = self.over = self.under_zero = self.silent = self.garbage = False
        self._later: list[tuple[float, bytes]] = []
        self._noise = random.Random(499)  # noqa: S311 -- the same noise each time, on purpose

    def set(self, knob: str, value: str) -> list[Send | WakeAt]:
        match knob:
            case "grams" | "tare" | "capacity":
                setattr(self, knob, knobs.whole(value))
            case "cut":
                self.cut = knobs.whole(value, least=-1)
            case "late":
                self.late = knobs.seconds(value)
            case "unit":
                self.unit = one_of(knob, value, "kg", "lb")
            case _ if knob in self.KNOBS:
                self._turn(knob, value)
            case _:
                raise knobs.unknown(knob, self.KNOBS)
        return []

    def _turn(self, knob: str, value: str) -> None:
        """The protocol's own knobs; yes or no unless it says otherwise."""
        setattr(self, knob, knobs.yes(value))

    def on_bytes(self, data: bytes, now: float) -> list[Send | WakeAt]:
        return self._say([answer for byte in data for answer in self._answers(byte)], now)

    def _answers(self, byte: int) -> list[bytes]:
        raise NotImplementedError

    def _say(self, answers: list[bytes], now: float) -> list[Send | WakeAt]:
        if self.silent or not answers:
            return []
        if self.garbage:
            answers = [self._noise.randbytes(len(answer)) for answer in answers]
        if self.cut >= 0:
            answers = [answer[: self.cut] for answer in answers]
        if not self.late:
            return [Send(b"".join(answers))]
        self._later += [(now + self.late, answer) for answer in answers]
        return [WakeAt(self._later[0][0])]

    def on_time(self, now: float) -> list[Send | WakeAt]:
        due: list[Send | WakeAt] = []
        while self._later and self._later[0][0] <= now:
            due.append(Send(self._later.pop(0)[1]))
        return [*due, WakeAt(self._later[0][0])] if self._later else due

    # --- the pan --------------------------------------------------------------------------------------------

    def net(self) -> int:
        return self.grams - self.tare

    def is_over(self) -> bool:
        return self.over or self.grams > self.capacity

    def is_under(self) -> bool:
        return self.under_zero or self.net() < 0

    def at_zero(self) -> bool:
        return not (self.is_over() or self.is_under()) and self.net() == 0

    def zero(self) -> bool:
        """As the zero key does: only with goods at rest. Empties the pan, for whatever lay there is zero now."""
        if self.moving or self.is_over():
            return False
        self.grams = self.tare = 0
        self.under_zero = False
        return True

    def shown(self, grams: int) -> str:
        """The display: 1.234 or 2.72 without its unit; pounds are rounded half up to hundredths."""
        sign, grams = ("-" if grams < 0 else ""), abs(grams)
        if self.unit == "kg":
            return f"{sign}{grams // 1000}.{grams % 1000:03}"
        hundredths = (grams * 10_000_000 + 22_679_618) // 45_359_237  # 0.01 lb is 4.5359237 g
        return f"{sign}{hundredths // 100}.{hundredths % 100:02}"


def one_of(knob: str, value: str, *allowed: str) -> str:
    if value not in allowed:
        raise ValueError(f"{knob} {value!r} is none of {', '.join(allowed)}")
    return value
