"""The registry: which gateways there are, what store each belongs to, and in which currency it sells."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, insert, select

from cloud_erp.db import now_utc
from cloud_erp.errors import AlreadyRegistered, CoreError
from cloud_erp.fleet.model import gateway
from retail.units import exponent
from retail.wire.topics import GatewayTopics

LONGEST = 64
#: as in every sale (retail.sale.Identifier): another word would match none of them
STORE_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")


@dataclass(frozen=True, slots=True)
class Gateway:
    id: str
    store_id: str
    name: str
    currency: str


def add(connection: Connection, new: Gateway) -> None:
    """Register a gateway; from now on its batches are booked.

    Raises:
        AlreadyRegistered: the id is taken.
        CoreError: an id or currency that cannot be.
    """
    try:
        GatewayTopics(new.id)
        exponent(new.currency)
    except ValueError as error:
        raise CoreError(str(error)) from error
    if len(new.id) > LONGEST:
        raise CoreError(f"gateway id {new.id!r}: use at most {LONGEST} characters")
    if not STORE_ID.fullmatch(new.store_id):
        raise CoreError(f"store {new.store_id!r}: use at most 64 letters, digits, '.', '_', ':' or '-', such as S0421")
    if new.id in ("+", "hq", "prov"):
        raise CoreError(f"gateway id {new.id!r} is a word of the wire; use <store>-<n>, such as S0421-1")
    there = find(connection, new.id)
    if there is not None:
        raise AlreadyRegistered(f"gateway {new.id} is registered already, for store {there.store_id} ({there.name})")
    connection.execute(
        insert(gateway).values(
            id=new.id, store_id=new.store_id, name=new.name, currency=new.currency, registered_at=now_utc()
        )
    )


def find(connection: Connection, gateway_id: str) -> Gateway | None:
    row = connection.execute(_FIND, {"gateway_id": gateway_id}).one_or_none()
    return None if row is None else Gateway(*row)


def found(connection: Connection, gateway_ids: Sequence[str]) -> dict[str, Gateway]:
    """Those of them that are registered, by id."""
    rows = connection.execute(_SELECT.where(gateway.c.id.in_(gateway_ids)))
    return {row.id: Gateway(*row) for row in rows}


def listed(connection: Connection) -> list[Gateway]:
    return [Gateway(*row) for row in connection.execute(_SELECT.order_by(gateway.c.store_id, gateway.c.id))]


_SELECT = select(gateway.c.id, gateway.c.store_id, gateway.c.name, gateway.c.currency)
_FIND = _SELECT.where(gateway.c.id == bindparam("gateway_id"))
