"""Every driver in a few episodes (see episode.py); `python -m tests.drivers.fuzz` plays many more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway import drivers
from gateway.drivers.scale.toledo_8217 import DRIVER, ToledoScale
from gateway.peripherals import Answer, Command, HangUp, Oddity, Output, WakeAt
from tests.drivers import episode, fuzz

NUMBERS = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module", autouse=True)
def watched() -> Iterator[None]:
    with fuzz.watched():
        yield


@pytest.mark.parametrize("name", drivers.names())
@given(beginning=NUMBERS, steps=st.lists(NUMBERS, min_size=5, max_size=60))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_nothing_that_a_line_can_do_brings_a_codec_down(name: str, beginning: int, steps: list[int]) -> None:
    fault = fuzz.fault_of(name, beginning, steps)
    assert fault is None, "\n".join([str(fault), *fault.trace])


# --- a fuzzer that finds nothing may be one that looks at nothing -----------------------------------------------------


class Raises(ToledoScale):
    def on_bytes(self, data: bytes, now: float) -> list[Output]:
        if b"?" in data:
            raise IndexError("a mistake in a driver")
        return super().on_bytes(data, now)


class NeverReturns(ToledoScale):
    def on_bytes(self, data: bytes, now: float) -> list[Output]:
        while b"?" in data:
            pass
        return super().on_bytes(data, now)


class WakesForEver(ToledoScale):
    def on_time(self, now: float) -> list[Output]:
        return [*super().on_time(now), WakeAt(now)]


class Forgets(ToledoScale):
    """Its commands end only if the scale answers."""

    def on_time(self, now: float) -> list[Output]:
        if self._command and now >= self._deadline:
            return []
        return super().on_time(now)


class AnswersTwice(ToledoScale):
    def on_bytes(self, data: bytes, now: float) -> list[Output]:
        outputs = super().on_bytes(data, now)
        return outputs + [output for output in outputs if isinstance(output, Answer)]


class HangsUpOnIt(ToledoScale):
    def on_command(self, command: Command, now: float) -> list[Output]:
        return [*super().on_command(command, now), HangUp()]


class Helper:
    __slots__ = ("kept",)

    def __init__(self) -> None:
        self.kept: list[bytes] = []


class Grows(ToledoScale):
    """What it keeps is not its own, but a helper's."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.helper = Helper()

    def on_bytes(self, data: bytes, now: float) -> list[Output]:
        self.helper.kept.append(data * 50)
        return super().on_bytes(data, now)


class Floods(ToledoScale):
    def on_time(self, now: float) -> list[Output]:
        return [*super().on_time(now), *[Oddity("x")] * 10_000]


KEPT: list[int] = []


class GrowsElsewhere(ToledoScale):
    """Kept where no codec's own memory shows it, as a cache of the module's would be."""

    def on_bytes(self, data: bytes, now: float) -> list[Output]:
        KEPT.extend(range(1_000_000, 1_000_200))
        return super().on_bytes(data, now)


@pytest.mark.parametrize(
    ("broken", "kind", "words"),
    [
        (Raises, "raised", "IndexError at test_fuzz.py"),
        (NeverReturns, "hung", "does not come back"),
        (WakesForEver, "hung", "wakes itself"),
        (Forgets, "wrong", "never ended"),
        (AnswersTwice, "wrong", "nobody waits for"),
        (HangsUpOnIt, "wrong", "hung up on a command"),
        (Grows, "grew", "what the codec holds"),
        (Floods, "grew", "outputs of one input"),
        (GrowsElsewhere, "grew", "the process"),
    ],
)
def test_each_kind_of_mistake_is_found(
    broken: type[ToledoScale], kind: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(episode, "driver_of", lambda name: replace(DRIVER, codec=broken))
    monkeypatch.setattr(episode, "HANGS_S", 0.06)
    monkeypatch.setattr(fuzz, "MOST_TRIES", 5)
    monkeypatch.setattr(fuzz, "STEPS", 20)
    # A codec that hangs costs its time in every episode, and hangs in the first one.
    tally = fuzz.fuzzed(DRIVER.name, 60 if kind == "hung" else 600, seed=1)
    KEPT.clear()
    assert [fault.kind for fault in tally.mistakes if words in str(fault)][:1] == [kind], tally.mistakes
    told = json.loads(tally.line())
    assert told["driver"] == DRIVER.name
    assert told[kind] > 0


def test_a_sound_driver_passes_and_is_told_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz.main(["--chunks", "200", "--driver", "scanner-line", "--seed", "3"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told.pop("seconds") >= 0
    assert told.pop("chunks") >= 200
    assert told == {"driver": "scanner-line", "raised": 0, "hung": 0, "grew": 0, "wrong": 0}


def test_an_episode_is_made_shorter_and_fails_in_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(episode, "driver_of", lambda name: replace(DRIVER, codec=Raises))
    chance = Random(5)
    while True:
        steps = [chance.getrandbits(32) for _ in range(40)]
        if (fault := fuzz.fault_of(DRIVER.name, 7, steps)) is not None:
            break
    short = fuzz.shortest(DRIVER.name, 7, steps, fault)
    assert short.what == fault.what
    assert len(short.trace) <= min(len(fault.trace), 8)
