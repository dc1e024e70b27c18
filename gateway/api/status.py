"""How the store stands towards headquarters: online or not, how many sales wait, which price book is in force."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel

from gateway.api.operations import Call, Operation


class StatusView(BaseModel):
    """online: the broker is reachable. unacked: records that headquarters has not yet booked."""

    gateway_id: str
    store_id: str
    store_name: str
    software: str
    online: bool
    link_error: str | None
    unacked: int
    oldest_unacked_age_s: float | None
    epoch: str
    next_seq: int
    price_book_version: int
    sales_today: int
    receipts_waiting: int
    printer_trouble: list[str]
    disk_trouble: str | None = None


class StoreStatus:
    """view() now; listen() for changes."""

    def __init__(self, view: Callable[[], StatusView]) -> None:
        self.view = view
        self._listeners: list[Callable[[], None]] = []

    def listen(self, heard: Callable[[], None]) -> Callable[[], None]:
        self._listeners.append(heard)
        return lambda: self._listeners.remove(heard)

    def changed(self) -> None:
        for heard in list(self._listeners):
            heard()


def operations(status: StoreStatus) -> list[Operation]:
    async def show(_call: Call) -> StatusView:
        return status.view()

    return [
        Operation(
            "GET",
            "/v1/status",
            "How the store stands",
            show,
            description="Online or not, how many records headquarters has not yet booked, the price book in force.",
            answer=StatusView,
        )
    ]
