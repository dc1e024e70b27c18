"""The tables of gateway.toml that are about the till and its people; gateway/config.py reads them with all others."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from retail.authority import Limits, OperatorRole
from retail.pins import check_hash

_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OperatorTable(Table):
    """[operator.<id>]: who may sign on, in a shop to which headquarters sends no list."""

    name: str = Field(min_length=1, max_length=100)
    role: OperatorRole = "cashier"
    pin: str = Field(description="its hash, as `backroom pin` prints it")

    @field_validator("pin")
    @classmethod
    def _hashed(cls, value: str) -> str:
        return check_hash(value)


REASONS = ("damaged", "wrong_item", "not_wanted", "expired", "recall", "other")
ReasonCode = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]


class WalletTable(Table):
    """[wallet.<name>]: a wallet that customers pay with; its name as the store's codes have it (linepay, alipay)."""

    terminal: str | None = Field(
        default=None, description="the terminal that takes it; none: a device of its own, which the cashier reads"
    )
    brand: str = Field(default="", max_length=40, description="as the terminal calls it, where it can be told (nexo)")


class TillTable(Table):
    """[till]: how this store's tills work."""

    sessions: Literal["required", "optional"] = Field(
        default="optional", description="required: nothing is sold before a session was opened"
    )
    close_at: str | None = Field(
        default=None, description="open sessions close by themselves at this local time, uncounted; such as 03:00"
    )
    cash_rounding_minor: int | None = Field(
        default=None, ge=1, le=100_000, description="the smallest coin, in minor units; none: the currency's own"
    )
    bag_tolerance_grams: int = Field(default=25, ge=0, le=10_000, description="self-checkout: at least so much")
    bag_tolerance_percent: int = Field(default=5, ge=0, le=100)
    point_value_minor: int = Field(
        default=0, ge=0, le=10**9, description="what points_per_value points pay, in minor units; 0: points do not pay"
    )
    points_per_value: int = Field(default=1, ge=1, le=10**9)
    return_reasons: list[ReasonCode] = Field(default=list(REASONS), min_length=1, max_length=50)
    voucher_valid_days: int | None = Field(
        default=None, ge=1, le=36_500, description="of vouchers given out for returned goods; none: without end"
    )
    limits: Limits = Field(default_factory=Limits)

    @field_validator("close_at")
    @classmethod
    def _time_of_day(cls, value: str | None) -> str | None:
        if value is not None and not _CLOCK.fullmatch(value):
            raise ValueError(f"{value!r}: write a time of day like 03:00")
        return value


class WorkstationTable(Table):
    """[workstation.<id>]: which devices a lane uses. self-checkout: it sells without an operator."""

    kind: Literal["attended", "self-checkout"] = "attended"
    scanners: list[str] = []
    scale: str | None = None
    printer: str | None = None
    drawer: str | None = None
    terminal: str | None = Field(default=None, description="the card terminal; several workstations may share one")
    display: str | None = Field(default=None, description="the customer's display of two rows")
    bagging_scale: str | None = Field(default=None, description="self-checkout: weighs what was scanned and bagged")

    def devices(self) -> list[tuple[str, str]]:
        single = {
            "scale": self.scale,
            "printer": self.printer,
            "drawer": self.drawer,
            "terminal": self.terminal,
            "display": self.display,
            "bagging_scale": self.bagging_scale,
        }
        return [("scanners", one) for one in self.scanners] + [(key, one) for key, one in single.items() if one]
