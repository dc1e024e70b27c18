"""ControlTransaction (POSLog): what happens at a till beside sales. Sessions are barriers in the log.

A session runs from SessionOpen to SessionClose on one workstation; its business day is the one it was opened on. The
close carries what the till counted and what the cashier counted, blind; headquarters reckons the first again from the
log between the two.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from retail.lines import Currency, Identifier, Shape, TenderType, UtcTime, seldom

CONTROL_TRANSACTION = "ControlTransaction"
Control = Literal["SessionOpen", "SessionClose", "NoSale", "PaidIn", "PaidOut", "PickUp", "SaleVoid"]


class TenderTotal(Shape):
    """One kind of tender over a session: how many, and what they came to less change; below 0 more went out."""

    tender_type: TenderType
    count: int = Field(ge=0)
    amount_minor: int


class SessionTotals(Shape):
    """The Z report. expected_cash = opening float + cash tenders less change + paid in - paid out - picked up."""

    z_number: int = Field(ge=1, description="counts the workstation's closes")
    opened_at: UtcTime
    sales_count: int = Field(ge=0, description="finished transactions, training left out")
    sales_minor: int = Field(description="the sum of their totals")
    returned_minor: int = Field(ge=0, description="paid back in them for goods that came back")
    discounts_minor: int = Field(ge=0)
    rounding_minor: int
    voids_count: int = Field(ge=0, description="sales given up")
    first_sequence_number: int | None = Field(description="of its receipts; None where it sold nothing")
    last_sequence_number: int | None
    tenders: list[TenderTotal]
    float_minor: int = Field(ge=0)
    paid_in_minor: int = Field(ge=0)
    paid_out_minor: int = Field(ge=0)
    picked_up_minor: int = Field(ge=0)
    expected_cash_minor: int
    counted_cash_minor: int | None = Field(ge=0, description="None: it closed by itself, and nobody counted")
    over_short_minor: int | None = Field(description="counted less expected; below 0 cash is missing; None: not known")


class ControlTransaction(Shape):
    """amount: the float of a SessionOpen, the cash of PaidIn, PaidOut and PickUp, the total of a SaleVoid."""

    transaction_type: Literal["ControlTransaction"] = "ControlTransaction"
    control: Control
    store_id: Identifier
    workstation_id: Identifier
    business_day_date: date
    operator_id: Identifier
    authorised_by: Identifier | None = seldom()
    session_id: Identifier | None = seldom()
    at: UtcTime
    currency: Currency
    amount_minor: int | None = seldom(ge=0)
    reason: str | None = seldom(max_length=200)
    totals: SessionTotals | None = seldom(description="of a SessionClose")
