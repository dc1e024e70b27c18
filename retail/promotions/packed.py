"""What is left of every kind in one whole number: a move is one subtraction, and whether it fits one comparison."""

from __future__ import annotations

from retail.promotions.candidates import Candidate


class Packed:
    """A field of bits for every kind, each with a bit on top that stays set: it is lost where too much is taken."""

    def __init__(self, counts: list[int], moves: list[Candidate]) -> None:
        width = max(counts).bit_length() + 1
        self.shifts = [kind * width for kind in range(len(counts))]
        self.field = (1 << (width - 1)) - 1
        #: the bits on top: `left - taken` fits where none of them is missing
        self.guards = sum([1 << (shift + width - 1) for shift in self.shifts])
        self.full = self.guards + sum([count << shift for count, shift in zip(counts, self.shifts, strict=True)])
        #: per move what it takes
        self.taken = [sum([count << self.shifts[kind] for kind, count in move.takes]) for move in moves]
