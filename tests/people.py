"""Operators for tests, with PINs whose hashes are cheap to check."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from gateway.queue.inbox import Inbox
from gateway.till.people.operators import Operators
from gateway.till.people.pin_desk import PinDesk
from gateway.till.people.signing import People
from retail.authority import Limits, OperatorRole
from retail.wire.rows import OperatorRow


def quick_hash(pin: str) -> str:
    """In the form of retail/pins.py, with the least work that it takes."""
    salt = b"salt of the tests"
    return f"scrypt$1$1$1${salt.hex()}${hashlib.scrypt(pin.encode(), salt=salt, n=2, r=1, p=1, dklen=32).hex()}"


def an_operator(operator_id: str, role: OperatorRole, pin: str, active: bool = True) -> OperatorRow:
    name = operator_id.capitalize()
    return OperatorRow(operator_id=operator_id, name=name, role=role, pin=quick_hash(pin), active=active)


ANNA = an_operator("anna", "cashier", "1111")
BEN = an_operator("ben", "cashier", "2222")
SUSE = an_operator("suse", "supervisor", "5555")
MIA = an_operator("mia", "manager", "9999")
STAFF = (ANNA, BEN, SUSE, MIA)


def some_people(
    inbox: Inbox,
    monotonic: Callable[[], float],
    tell: Callable[..., Awaitable[Any]],
    operators: Sequence[OperatorRow] = (),
    limits: Limits | None = None,
) -> People:
    known = Operators(inbox, {one.operator_id: one for one in operators})
    return People(known, PinDesk(known, monotonic, tell), limits or Limits())
