"""The driver: producers that post sales all the while, and remember exactly what was answered.

A 2xx counts: that sale must be at headquarters, once. Anything else (an error, a timeout, a connection that broke)
leaves the outcome open; the producer posts the same sale under the same key again until it knows, or, now and then,
walks away and never learns. What it walked away from may be at headquarters, at most once.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from random import Random
from statistics import median
from types import TracebackType
from typing import Self

import httpx

from torture.program import PATIENCE, Broken
from torture.sales import Sale, Shelf

PRODUCERS = 8
ANSWER_WITHIN_S = 10.0
#: of the sales whose outcome is open, how many the producer walks away from at each try
WALKS_AWAY = 0.05
#: of the sales that were answered, how many are posted once more
ASKS_AGAIN = 0.05


@dataclass(slots=True)
class Book:
    """What the driver knows. refused: answered 4xx, which no sale of ours deserves."""

    sent: dict[str, Sale] = field(default_factory=dict)
    kept: dict[str, tuple[str, int]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    first_words: dict[str, str] = field(default_factory=dict)
    contradictions: list[str] = field(default_factory=list)
    #: seconds that an answer with 2xx took, with the moment (monotonic) at which it came
    took: list[tuple[float, float]] = field(default_factory=list)

    def median_ms(self, since: float, until: float) -> float:
        times = [took for at, took in self.took if since <= at < until]
        return round(1000 * median(times), 2) if times else float("nan")


class Driver:
    """`async with driver:` sells until the block ends, and may be entered again. pace_s: a producer's longest rest."""

    def __init__(
        self, url: str, random: Random, name: str = "own", days: tuple[date, ...] = (), pace_s: float = 0.15
    ) -> None:
        self.url = url
        self.book = Book()
        self._random = random
        self._name = name
        self._pace_s = pace_s
        self._shelf = Shelf(random, days)
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._client = httpx.AsyncClient()

    async def __aenter__(self) -> Self:
        self._stopping.clear()
        self._client = httpx.AsyncClient(timeout=ANSWER_WITHIN_S, limits=httpx.Limits(max_connections=PRODUCERS))
        self._tasks = [asyncio.create_task(self._produce(f"{self._name}-{lane}")) for lane in range(PRODUCERS)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        if kind is not None:
            for task in self._tasks:
                task.cancel()
        ends = await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()
        if kind is None:
            for end in ends:
                if isinstance(end, Exception):
                    raise end

    async def until_kept(self, more: int, within_s: float = 40) -> None:
        """Until that many more sales were answered 2xx than at the call."""
        within_s *= PATIENCE
        wanted = len(self.book.kept) + more
        deadline = time.monotonic() + within_s
        while len(self.book.kept) < wanted:
            if time.monotonic() > deadline:
                raise Broken(f"{more} more sales were not kept within {within_s:.0f} s: {dict(self.book.answers)}")
            for task in self._tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.02)

    async def ask_again(self, sales: int) -> list[str]:
        """Post that many answered sales once more, from all along the run; what was not answered 2xx, in words."""
        keys = sorted(self.book.kept)
        unlike: list[str] = []
        async with httpx.AsyncClient(timeout=ANSWER_WITHIN_S) as client:
            for key in self._random.sample(keys, min(sales, len(keys))):
                body, headers = self.book.sent[key].body, {"Idempotency-Key": key}
                answer = await client.post(f"{self.url}/v1/transactions", json=body, headers=headers)
                if not answer.is_success:
                    unlike.append(f"{key} was kept; asked again: {answer.status_code} {answer.text[:200]}")
        return unlike[:3]

    async def _produce(self, lane: str) -> None:
        while not self._stopping.is_set():
            await self._sell(self._shelf.new(lane))
            await asyncio.sleep(self._random.uniform(0, self._pace_s))

    async def _sell(self, sale: Sale) -> None:
        self.book.sent[sale.key] = sale
        rest_s = 0.02
        while not await self._post(sale):
            if self._stopping.is_set() or self._random.random() < WALKS_AWAY:
                return
            await asyncio.sleep(self._random.uniform(0, rest_s))
            rest_s = min(0.5, rest_s * 2)
        if self._random.random() < ASKS_AGAIN:
            await self._post(sale)

    async def _post(self, sale: Sale) -> bool:
        """True once the outcome is known."""
        began = time.monotonic()
        try:
            answer = await self._client.post(
                f"{self.url}/v1/transactions", json=sale.body, headers={"Idempotency-Key": sale.key}
            )
        except httpx.HTTPError as error:
            self._note(type(error).__name__, str(error))
            return False
        self._note(str(answer.status_code), answer.text)
        if answer.is_success:
            now = time.monotonic()
            self.book.took.append((now, now - began))
            self._remember(sale.key, answer.json())
            return True
        if answer.is_client_error:
            self.book.refused[sale.key] = answer.text
            return True
        return False

    def _remember(self, key: str, answer: dict[str, object]) -> None:
        epoch, seq = str(answer["epoch"]), int(str(answer["seq"]))
        before = self.book.kept.get(key)
        if before is not None and before[0] == epoch and before[1] != seq:
            self.book.contradictions.append(f"{key} was answered seq {before[1]} and then seq {seq}")
        self.book.kept[key] = (epoch, seq)

    def _note(self, kind: str, words: str) -> None:
        self.book.answers[kind] += 1
        if kind not in ("200", "201"):
            self.book.first_words.setdefault(kind, words[:300])
