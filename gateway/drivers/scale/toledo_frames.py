"""What an 8217 scale's answers mean, for the four makers whose frames or bits differ; used by toledo_8217.py.

Sources beside those of toledo_8217.py: Datalogic's confidence byte from datalogic/androidPOS-core (DLSSerialScale: 0x1F
is passed, each bit of it a part that works); Ohaus Courier 7000 manual, page EN-39 (bits 5 and 6 of a status are always
1, a confidence byte of 0 is passed); Baxtran "tw-vw-protocols" v5 (five digits without a point, four status bits).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.peripherals import ScaleStatus, Weight

ASK = 0x3F
MOTION, OVER, UNDER, OUTSIDE_ZERO, CENTRE_OF_ZERO, NET = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
UNITS = ("kg", "lb")
_ZERO = (ScaleStatus.WEIGHT_ZERO, "zero")
Bits = tuple[tuple[int, tuple[ScaleStatus, str]], ...]
#: the first bit that is set decides; bit 0x40 is a bad command on 8217 scales and always set on 8213: it tells nothing
_MOVING_OVER_UNDER: Bits = (
    (MOTION, (ScaleStatus.WEIGHT_UNSTABLE, "unstable")),
    (OVER, (ScaleStatus.WEIGHT_OVERWEIGHT, "overweight")),
    (UNDER, (ScaleStatus.WEIGHT_UNDER_ZERO, "under_zero")),
)
_METTLER_BITS: Bits = (
    *_MOVING_OVER_UNDER,
    (OUTSIDE_ZERO, (ScaleStatus.NOT_READY, "outside_zero")),
    (CENTRE_OF_ZERO, _ZERO),
)
#: 8213 scales send one more leading digit
_POINTED = {"kg": re.compile(rb"0?([0-9]{2}\.[0-9]{3})(N?)"), "lb": re.compile(rb"0?([0-9]{2}\.[0-9]{2})(N?)")}
_FIVE_DIGITS = {unit: re.compile(rb"([0-9]{5})(N?)") for unit in UNITS}


@dataclass(frozen=True, slots=True)
class Dialect:
    """One maker's frames.

    numbers: unit -> the pattern of a weight
    net: the status bit that tells of a tare; 0 where a maker has none
    failures: bit of the confidence byte -> the part that failed when the bit is set
    works: bit -> the part that failed when the bit is not set
    fresh: the bit that a result bears until it was read, 0 where results have none
    """

    numbers: Mapping[str, re.Pattern[bytes]]
    bits: Bits
    net: int
    failures: Mapping[int, str]
    works: Mapping[int, str]
    fresh: int


DIALECTS = {
    "mettler": Dialect(
        _POINTED,
        _METTLER_BITS,
        NET,
        failures={0x02: "NOVRAM", 0x04: "RAM", 0x08: "processor RAM", 0x10: "ROM"},
        works={},
        fresh=0x40,
    ),
    "datalogic": Dialect(
        _POINTED,
        _METTLER_BITS,
        NET,
        failures={},
        works={0x01: "EEPROM 1", 0x02: "EEPROM 2", 0x04: "RAM", 0x08: "processor", 0x10: "ROM"},
        fresh=0,
    ),
    "ohaus": Dialect(_POINTED, _METTLER_BITS, 0, failures={0x08: "RAM", 0x10: "flash ROM"}, works={}, fresh=0),
    "baxtran": Dialect(_FIVE_DIGITS, (*_MOVING_OVER_UNDER, (OUTSIDE_ZERO, _ZERO)), 0, failures={}, works={}, fresh=0),
}


def reading(body: bytes, dialect: Dialect, unit: str, now: float) -> tuple[Weight, str] | None:
    """The weight, and the reason to refuse it ("" for a legal one); None for what is neither weight nor status."""
    if number := dialect.numbers[unit].fullmatch(body):
        grams = grams_of(number[1].replace(b".", b""), unit)
        status = ScaleStatus.STABLE_WEIGHT if grams else ScaleStatus.WEIGHT_ZERO
        return Weight(grams, stable=True, net=number[2] == b"N", status=status, at=now), ""
    if len(body) != 2 or body[0] != ASK:
        return None
    bits = body[1]
    status, reason = next(
        (meaning for bit, meaning in dialect.bits if bits & bit), (ScaleStatus.NOT_READY, "same_weight")
    )
    return Weight(None, stable=reason == "zero", net=bool(bits & dialect.net), status=status, at=now), reason


def grams_of(digits: bytes, unit: str) -> int:
    """Digits without their point: thousandths of a kilogram, exact; hundredths of a pound, half up to the gram."""
    if unit == "kg":
        return int(digits)
    return (int(digits) * 45_359_237 + 5_000_000) // 10_000_000


def tare_digits(grams: int, unit: str) -> bytes | None:
    """A known tare as T wants it: WW.WWW kg or WWW.WW lb without the point, half up; None if it does not fit."""
    number = grams if unit == "kg" else (grams * 10_000_000 + 22_679_618) // 45_359_237
    return b"%05d" % number if 0 <= number <= 99_999 else None


def confidence(body: bytes, dialect: Dialect) -> list[str] | None:
    """The parts that failed their test, [] when all passed; None where the byte holds no new result.

    body: `?` and the byte, as the Mettler manual has it, or the byte alone.
    """
    if len(body) not in (1, 2) or (len(body) == 2 and body[0] != ASK):
        return None
    result = body[-1]
    if dialect.fresh and not result & dialect.fresh:
        return None
    failed = [part for bit, part in dialect.failures.items() if result & bit]
    return failed + [part for bit, part in dialect.works.items() if not result & bit]
