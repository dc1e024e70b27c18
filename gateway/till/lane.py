"""What a workstation is made of, and what it shows: its store, its devices, its last sale, its word to the cashier."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from gateway.peripherals import Request
from retail.barcode import Layouts
from retail.sale import TenderType
from retail.shop_codes import Codes
from retail.units import Money

Ask = Callable[[Request, float], Awaitable[Any]]
EntryMethod = Literal["scanned", "keyed"]


@dataclass(frozen=True, slots=True)
class Store:
    """What all workstations of a store share. cash_step_minor: the smallest coin. groups: those that rules name."""

    store_id: str
    name: str
    currency: str
    locale: str
    layouts: Layouts
    codes: Codes = field(default_factory=Codes)
    cash_step_minor: int = 1
    groups: tuple[str, ...] = ()
    sessions_required: bool = False
    bag_tolerance_grams: int = 25
    bag_tolerance_percent: int = 5

    def bag_tolerance(self, grams: int) -> int:
        """How far a bag may weigh from what was scanned, packaging and all, in grams."""
        return max(self.bag_tolerance_grams, grams * self.bag_tolerance_percent // 100)


@dataclass(frozen=True, slots=True)
class Lane:
    """The devices of a workstation: how to ask its scale and drawer, which printer and which terminal are its own.

    self_checkout: customers serve themselves; bagging_scale then weighs what was scanned and bagged.
    """

    workstation_id: str
    scale: Ask | None = None
    drawer: Ask | None = None
    printer: str | None = None
    terminal: str | None = None
    self_checkout: bool = False
    bagging_scale: Ask | None = None


@dataclass(frozen=True, slots=True)
class Paid:
    """One tender of the last sale; of a card its masked number, of a voucher that was given out its number."""

    tender_type: TenderType
    amount: Money
    card: str = ""
    wallet: str = ""
    voucher_id: str = ""
    points: int = 0


@dataclass(frozen=True, slots=True)
class Finished:
    """The last sale of this workstation, for the screen. rounding: what cash was rounded by."""

    number: str
    seq: int
    total: Money
    tendered: Money
    change: Money
    paid: tuple[Paid, ...] = ()
    rounding: Money | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """What the screen says to the cashier until the next command. kind `error` beeps."""

    kind: Literal["error", "hint"]
    reason: str
    text: str
