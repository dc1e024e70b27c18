"""What every campaign shares: its setting (dice, length, folder) and its result, one JSON line."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from torture.driver import Driver
from torture.house import Box, House
from torture.oracle import Oracle, Verdict, drained


@dataclass(slots=True)
class Setting:
    """short: seconds instead of minutes. database: sqlite or postgresql. core_data: as of House."""

    name: str
    folder: Path
    seed: int
    short: bool = True
    database: str = "sqlite"
    core_data: Path | None = None
    began: float = field(default_factory=time.monotonic)
    random: Random = field(init=False)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)

    def house(self, name: str = "house") -> House:
        return House(self.folder / name, self.database, core_data=self.core_data)


@dataclass(slots=True)
class Result:
    """problems: what does not hold; more: what else the campaign measured."""

    campaign: str
    accepted: int
    booked: int
    lost: int
    duplicated: int
    faults: int
    seconds: float
    problems: list[str]
    more: dict[str, Any]

    @property
    def holds(self) -> bool:
        return not self.lost and not self.duplicated and not self.problems

    def line(self) -> str:
        facts = asdict(self)
        return json.dumps(facts | facts.pop("more"), ensure_ascii=False)


def result(setting: Setting, verdict: Verdict, faults: int, **more: Any) -> Result:
    return Result(
        setting.name,
        verdict.accepted,
        verdict.booked,
        verdict.lost,
        verdict.duplicated,
        faults,
        round(time.monotonic() - setting.began, 1),
        verdict.problems,
        {"seed": setting.seed, "database": setting.database, **more},
    )


def together(verdicts: Sequence[Verdict]) -> Verdict:
    """The sum of several worlds' verdicts."""
    whole = Verdict()
    for one in verdicts:
        whole.accepted += one.accepted
        whole.booked += one.booked
        whole.lost += one.lost
        whole.duplicated += one.duplicated
        whole.quarantined += one.quarantined
        whole.problems += one.problems
    return whole


async def settle(
    house: House, boxes: Sequence[Box], driver: Driver, within_s: float = 90, quarantine: frozenset[str] = frozenset()
) -> tuple[Verdict, float]:
    """Wait for quiet and judge; (the verdict, the seconds until all was drained)."""
    since = time.monotonic()
    await drained(house, boxes, within_s)
    took = round(time.monotonic() - since, 1)
    return await Oracle(house, boxes, driver.book, quarantine).judge(), took


@contextmanager
def own_folder(name: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=f"torture-{name}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
