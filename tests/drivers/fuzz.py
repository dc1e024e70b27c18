"""Every codec against everything a line can do: `python -m tests.drivers.fuzz [--chunks N] [--driver NAME] [--seed N]`.

What an episode is, and what holds in each, stands in episode.py. Here many of them are run for each driver, short ones
on fresh lines, and one long one on a line that stays, at whose end nothing may have grown. An episode that fails is
run again without ever more of its steps; the shortest that still fails is printed, with everything that passed.

One JSON object a driver: {"driver", "chunks", "raised", "hung", "grew", "wrong", "seconds"}; exit 1 if any is not 0.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random

from gateway import drivers
from tests.drivers.episode import Episode, Fault, Hung

CHUNKS = 100_000
STEPS = 80
#: of all chunks, how many go to the line that stays
LONG = 0.2
#: memory blocks that a long line may have more at its end than half way: a leak of one a chunk would be twice as many
MOST_BLOCKS = 5_000
NEW_DEVICE_AFTER = 500
SAYS_EVERY_S = 20.0
#: of one driver; the sixth mistake waits until the others are mended
MOST_MISTAKES = 5
MOST_TRIES = 300


@contextlib.contextmanager
def watched() -> Iterator[None]:
    """While this holds, an input that does not come back is ended by a signal after some seconds of its CPU time."""

    def ring(number: int, frame: object) -> None:
        raise Hung

    before = signal.signal(signal.SIGVTALRM, ring)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def played(name: str, beginning: int, steps: Sequence[int]) -> tuple[Episode, Fault | None]:
    """One episode from beginning to end, and what was wrong with it."""
    episode = Episode(name, beginning)
    try:
        episode.connect()
        for step in steps:
            episode.step(step)
        episode.finish()
    except Fault as fault:
        fault.trace = list(episode.trace)
        return episode, fault
    return episode, None


def fault_of(name: str, beginning: int, steps: Sequence[int]) -> Fault | None:
    """What is wrong with an episode; slow only counts if it is slow each time, for the machine may have been busy."""
    _, fault = played(name, beginning, steps)
    for _ in range(2):
        if fault is None or fault.kind != "hung":
            break
        _, fault = played(name, beginning, steps)
    return fault


def shortest(name: str, beginning: int, steps: list[int], fault: Fault) -> Fault:
    """The same mistake with as few steps as can be found."""
    tries, size = 0, max(1, len(steps) // 2)
    # What does not come back costs seconds each time.
    most = MOST_TRIES // 10 if fault.kind == "hung" else MOST_TRIES
    while size and tries < most:
        for start in range(len(steps) - size, -1, -size):
            fewer = steps[:start] + steps[start + size :]
            tries += 1
            again = fault_of(name, beginning, fewer)
            if again is not None and again.what == fault.what:
                steps, fault = fewer, again
        size //= 2
    return fault


@dataclass(slots=True)
class Tally:
    driver: str
    chunks: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    mistakes: list[Fault] = field(default_factory=list)
    seconds: float = 0.0

    def knows(self, fault: Fault) -> bool:
        return any(known.what == fault.what for known in self.mistakes)

    def add(self, fault: Fault) -> bool:
        """Count it; tell whether it is one more mistake, and not the same once more."""
        self.faults[fault.kind] += 1
        if self.knows(fault):
            return False
        self.mistakes.append(fault)
        return True

    def line(self) -> str:
        counts = {kind: self.faults[kind] for kind in ("raised", "hung", "grew", "wrong")}
        return json.dumps({"driver": self.driver, "chunks": self.chunks, **counts, "seconds": round(self.seconds, 1)})


def fuzzed(name: str, chunks: int, seed: int) -> Tally:
    """So many chunks into one driver."""
    tally, chance = Tally(name), Random(f"{seed} {name}")
    started = said = time.monotonic()
    while tally.chunks < chunks * (1 - LONG) and len(tally.mistakes) < MOST_MISTAKES:
        beginning, steps = chance.getrandbits(32), [chance.getrandbits(32) for _ in range(STEPS)]
        episode, fault = played(name, beginning, steps)
        tally.chunks += max(1, episode.chunks)
        if fault is not None and fault.kind == "hung" and not tally.knows(fault):
            fault = fault_of(name, beginning, steps)
        if fault is not None and tally.add(fault):
            tell(name, shortest(name, beginning, steps, fault))
        if time.monotonic() - said > SAYS_EVERY_S:
            said = time.monotonic()
            print(f"{name}: {tally.chunks} chunks of {chunks}", file=sys.stderr, flush=True)
    if len(tally.mistakes) < MOST_MISTAKES:
        _stay(tally, chunks - tally.chunks, chance)
    tally.seconds = time.monotonic() - started
    return tally


def _stay(tally: Tally, chunks: int, chance: Random) -> None:
    """One line that is never given up: what creeps up in a week shows here, wherever it is kept."""
    episode, half_way, blocks = Episode(tally.driver, chance.getrandbits(32), stays=True), False, 0
    try:
        episode.connect()
        for number in count():
            if number % NEW_DEVICE_AFTER == 0:
                episode.new_device()
            if episode.chunks > chunks // 2 and not half_way:
                half_way, blocks = True, _blocks(episode)
            if episode.chunks >= chunks:
                break
            episode.step(chance.getrandbits(32))
        episode.finish()
        if (more := _blocks(episode) - blocks) > MOST_BLOCKS:
            raise Fault("grew", "the process", f"{more} memory blocks more after {chunks // 2} chunks")
    except Fault as fault:
        fault.trace = list(episode.trace)
        if tally.add(fault):
            tell(tally.driver, fault)
    tally.chunks += episode.chunks


def _blocks(episode: Episode) -> int:
    episode.new_device()
    gc.collect()
    return sys.getallocatedblocks()


def tell(name: str, fault: Fault) -> None:
    print(f"{name}: {fault}", *(f"    {line}" for line in fault.trace), sep="\n", file=sys.stderr, flush=True)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drivers.fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--chunks", type=int, default=CHUNKS, help="of each driver")
    parser.add_argument("--driver", action="append", choices=drivers.names(), help="only this one; repeat it")
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args(arguments)
    bad = False
    with watched():
        for name in wanted.driver or drivers.names():
            tally = fuzzed(name, wanted.chunks, wanted.seed)
            print(tally.line(), flush=True)
            bad = bad or bool(tally.mistakes)
    return int(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
