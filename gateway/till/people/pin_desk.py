"""PINs are checked here, one at a time; wrong ones are slowed down, then the operator is locked for a while.

The counts live in memory and on the monotonic clock: a restart forgets them, a clock that is set does not lift a lock.
A PIN is never logged and never stands in a text.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from gateway.errors import SaleRefused
from gateway.till.people.operators import Operators
from retail.pins import SALT_BYTES, PinError, hash_pin, verify_pin
from retail.wire.rows import OperatorRow

log = logging.getLogger(__name__)

#: so many wrong PINs in a row cost nothing, the next ones a pause that doubles, then the operator is locked
FREE = 3
FIRST_PAUSE_S = 5.0
LOCK_AFTER = 6
LOCKED_S = 300.0
#: all ids that nobody has share one count, so that guessing names fills no memory
NOBODY = ""

#: severity, code, text, facts -> on record for headquarters
Tell = Callable[[Any, str, str, dict[str, str | int | None]], Awaitable[None]]


@dataclass(slots=True)
class _Tries:
    wrong: int = 0
    not_before: float = 0.0


class PinDesk:
    def __init__(self, operators: Operators, monotonic: Callable[[], float], tell: Tell) -> None:
        self._operators, self._monotonic, self._tell = operators, monotonic, tell
        self._tries: dict[str, _Tries] = {}
        #: one at a time: two guesses must not pass side by side, and each takes 16 MiB
        self._turn = asyncio.Lock()
        self._nobodys = ""

    async def check(self, operator_id: str, pin: str) -> OperatorRow:
        """The active operator whose PIN this is.

        Raises:
            SaleRefused: wrong_pin, without a word which of the two was wrong; pin_locked: wait first.
        """
        async with self._turn:
            known = self._operators.find(operator_id)
            name = operator_id if known is not None else NOBODY
            self._must_not_wait(name)
            if await asyncio.to_thread(self._fits, known, pin) and known is not None:
                self._tries.pop(name, None)
                return known
            wait_s = self._note_wrong(name)
            if wait_s == LOCKED_S and known is not None:
                facts: dict[str, str | int | None] = {"operator_id": operator_id, "wrong_pins": self._tries[name].wrong}
                text = f"operator {operator_id} is locked for {LOCKED_S:.0f} s after wrong PINs"
                await self._tell("warning", "pin_locked", text, facts)
            then = f"; try again in {wait_s:.0f} s" if wait_s else ""
            raise SaleRefused(f"operator or PIN is wrong{then}", reason="wrong_pin", field="pin")

    def _fits(self, known: OperatorRow | None, pin: str) -> bool:
        """An operator who is not there takes as long as one who is."""
        if known is not None and known.pin is not None:
            try:
                return verify_pin(pin, known.pin)
            except PinError as error:
                log.error("operator %s cannot sign on: his PIN's hash is none: %s", known.operator_id, error)
        self._nobodys = self._nobodys or hash_pin("0000", bytes(SALT_BYTES))
        verify_pin(pin, self._nobodys)
        return False

    def _must_not_wait(self, name: str) -> None:
        tries = self._tries.get(name)
        left_s = tries.not_before - self._monotonic() if tries else 0.0
        if left_s > 0:
            text = f"too many wrong PINs: try again in {math.ceil(left_s)} s"
            raise SaleRefused(text, reason="pin_locked", field="pin")

    def _note_wrong(self, name: str) -> float:
        """Seconds until the next try."""
        tries = self._tries.setdefault(name, _Tries())
        tries.wrong += 1
        if tries.wrong < FREE:
            return 0.0
        wait_s = LOCKED_S if tries.wrong >= LOCK_AFTER else FIRST_PAUSE_S * 2 ** (tries.wrong - FREE)
        tries.not_before = self._monotonic() + wait_s
        return wait_s
