"""Goods come back into the open basket: by a receipt of this box, or, by somebody's word, without one.

With sale lines beside them it is an exchange. What is paid back stands fast when the line is made: the units are held
for this basket on disk from then on, so that no other lane takes them back too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.errors import BackroomError, SaleRefused
from gateway.till.authority import Act, Approval, Asked
from gateway.till.lane import Notice
from gateway.till.returns.originals import Original, Originals, is_receipt_number
from gateway.till.returns.reckoning import Back, rate_of
from gateway.till.returns.rows import Returning
from gateway.till.returns.unverified import Unverified
from retail.lines import ReturnLine, SaleLine
from retail.wire.rows import Item

if TYPE_CHECKING:
    from gateway.till.basket import Basket
    from gateway.till.workstation import Workstation

#: reason codes with which goods do not go back on the shelf, unless somebody says so
NOT_FOR_SALE = ("damaged", "expired", "recall")
REASON_MOST = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """What comes back. line_number or code say which line of the receipt; without a receipt only code does.

    quantity: pieces; a weighed line comes back whole. weight_grams: without a receipt, of what was not weighed here.
    restock: None: as the reason has it. approval: of somebody with more rights, where the cashier's do not do.
    """

    reason_code: str
    receipt: str | None = None
    line_number: int | None = None
    code: str | None = None
    symbology: str = ""
    quantity: int = 1
    weight_grams: int | None = None
    reason: str = ""
    restock: bool | None = None
    approval: Approval | None = None


@dataclass(frozen=True, slots=True)
class ReturnDesk:
    """What all lanes of a box share. reasons: the codes that may be given. turn: one lane after the other."""

    originals: Originals
    unverified: Unverified
    reasons: Sequence[str]
    turn: asyncio.Lock


class Returns:
    """opened: the receipt that was scanned last, for the screen, until something of it comes back."""

    def __init__(self, till: Workstation, desk: ReturnDesk | None) -> None:
        self._till, self._shared = till, desk
        self.opened: Original | None = None

    @property
    def _desk(self) -> ReturnDesk:
        if self._shared is None:
            raise SaleRefused("no goods are taken back at this till", reason="no_returns")
        return self._shared

    def reasons(self) -> Sequence[str]:
        """The codes that may be given."""
        return self._shared.reasons if self._shared is not None else ()

    async def scanned(self, code: str) -> bool:
        """The code of a receipt: it is looked up. False: it is none, or no goods come back now."""
        if self._shared is None or not is_receipt_number(code) or self._till.basket.state not in ("idle", "selling"):
            return False
        await self.open(code)
        return True

    # --- commands ---------------------------------------------------------------------------------------------------

    async def open(self, number: str) -> Original:
        """Look a receipt up, so that the screen can show what of it can come back; nothing changes yet."""
        async with self._till.command():
            self.opened = None
            self.opened = self._desk.originals.find(number)
            text = f"receipt {number}: choose what comes back, and why"
            self._till.notice = Notice("hint", "receipt", text)
            return self.opened

    async def add(self, wanted: Wanted) -> Returning:
        """Take goods back.

        Raises:
            SaleRefused: reason `no_reason`, `already_returned`, `not_returnable`, `no_such_line`, `unknown_receipt`,
                `other_store`, or whose word is needed.
            DeviceError: the scale has no stable weight.
        """
        async with self._till.command(), self._desk.turn:
            self._must_have_reason(wanted)
            self._till.may_add()
            original = self._original(wanted)
            if original is not None:
                returning = await self._of_receipt(wanted, original)
            else:
                returning = await self._without_receipt(wanted)
            await self._put(returning)
            return returning

    # --- which goods, and what is paid back for them ----------------------------------------------------------------

    def _must_have_reason(self, wanted: Wanted) -> None:
        if wanted.reason_code not in self._desk.reasons:
            text = f"say why it comes back; reasons are {', '.join(self._desk.reasons)}"
            raise SaleRefused(text, reason="no_reason", field="reason_code")
        if len(wanted.reason) > REASON_MOST:
            raise SaleRefused(f"a reason has {REASON_MOST} letters at most", reason="no_reason", field="reason")
        if not 1 <= wanted.quantity <= 100_000:
            raise SaleRefused("a return is of one piece at least", reason="bad_quantity", field="quantity")

    def _original(self, wanted: Wanted) -> Original | None:
        """The sale that they came from; None where it takes somebody's word."""
        if wanted.receipt is None:
            return None
        try:
            return self._desk.originals.find(wanted.receipt)
        except SaleRefused as refused:
            if refused.reason in ("other_store", "unknown_receipt") and wanted.code is not None:
                return None
            raise

    async def _of_receipt(self, wanted: Wanted, original: Original) -> Returning:
        till = self._till
        if wanted.line_number is not None:
            line = original.line(wanted.line_number)
        elif wanted.code is not None:
            line = original.line_of(till.article(wanted.code, wanted.symbology)[0].item_id)
        else:
            raise SaleRefused("say which line of the receipt, or scan the article", reason="no_line", field="code")
        self._must_be_returnable(till.item(line.item_id))
        if original.sale.currency != till.store.currency:
            raise SaleRefused(f"that sale was in {original.sale.currency}", reason="wrong_currency", field="receipt")
        back = original.reckoning.back(line, 1 if line.weight_grams is not None else wanted.quantity)
        self._must_not_be_in_this_basket(original, line)
        allowed = await self._allowed(Act.RETURN, back.net_minor, wanted, line.description)
        return Returning(
            line=self._line(wanted, line, back, original, allowed),
            tax_rate_basis_points=rate_of(original.sale, line.tax_code),
            sale_key=original.key,
            member_id=original.sale.member_id,
            points=back.points,
            paid_with=original.paid_with(),
        )

    def _must_not_be_in_this_basket(self, original: Original, line: SaleLine) -> None:
        """A line of a sale is one line of a return: its units are held under one row."""
        for one in self._till.basket.returns:
            known = one.line.original
            if not one.void and one.sale_key == original.key and known and known.line_number == line.line_number:
                text = (
                    f"{line.description} of this receipt is on line {one.line_number} already: void that and give both"
                )
                raise SaleRefused(text, reason="already_in_basket", field="line_number")

    def _must_be_returnable(self, item: Item | None) -> None:
        if item is not None and item.not_returnable:
            text = f"{item.description} is not taken back"
            raise SaleRefused(text, reason="not_returnable", field="code")

    async def _allowed(self, act: Act, amount_minor: int, wanted: Wanted, what: str) -> str | None:
        reason = wanted.reason or wanted.reason_code
        asked = Asked(act, amount_minor=amount_minor, of_minor=amount_minor, reason=reason, what=what)
        return await self._till.people.allow(asked, approval=wanted.approval)

    def _line(
        self, wanted: Wanted, line: SaleLine, back: Back, original: Original, authorised_by: str | None
    ) -> ReturnLine:
        pieces = None if line.weight_grams is not None else sum(units.count for units in back.net_units)
        return ReturnLine(
            line_number=self._till.basket.next_line_number(),
            item_id=line.item_id,
            description=line.description,
            scanned_code=wanted.code or line.scanned_code,
            entry_method="scanned" if wanted.code else "keyed",
            quantity=pieces,
            weight_grams=line.weight_grams,
            unit_price_minor=line.unit_price_minor,
            extended_amount_minor=back.net_minor,
            tax_code=line.tax_code,
            lot=line.lot,
            expiry=line.expiry,
            net_units=back.net_units,
            tax_amount_minor=back.tax_minor,
            reason_code=wanted.reason_code,
            reason=wanted.reason or None,
            original=original.where(line),
            restock=restock(wanted),
            authorised_by=authorised_by,
        )

    async def _without_receipt(self, wanted: Wanted) -> Returning:
        till = self._till
        if wanted.code is None:
            raise SaleRefused("without a receipt, scan the article", reason="no_line", field="code")
        item, meaning = till.article(wanted.code, wanted.symbology)
        self._must_be_returnable(item)
        line, rate = await self._desk.unverified.line(till, item, meaning, wanted)
        amount = line.extended_amount_minor
        allowed = await self._allowed(Act.RETURN_WITHOUT_RECEIPT, amount, wanted, line.description)
        line = line.model_copy(update={"authorised_by": allowed, "restock": restock(wanted)})
        return Returning(line=line, tax_rate_basis_points=rate, unverified=wanted.receipt or "none")

    # --- into the basket --------------------------------------------------------------------------------------------

    async def _put(self, returning: Returning) -> None:
        till = self._till
        before = till.basket.model_copy(deep=True)
        try:
            till.basket.begin_if_idle(till.clock.wall())
            till.basket.step("add")
            till.basket.returns.append(returning)
            await till.keep()
        except BackroomError:
            till.basket = before
            raise
        self.opened = None
        till.last = None

    def book(self, basket: Basket) -> None:
        """With the finished sale: what nobody could look up is told to headquarters."""
        for back in basket.returns:
            if back.unverified and not back.void:
                text = f"{back.description} was taken back without a receipt that this box could look up"
                facts: dict[str, str | int | None] = {
                    "receipt": back.unverified,
                    "item_id": back.line.item_id,
                    "amount_minor": back.line.extended_amount_minor,
                    "currency": basket.currency,
                    "reason": back.line.reason_code,
                    "operator": basket.operator_id,
                    "authorised_by": back.line.authorised_by,
                    "sale": basket.idempotency_key,
                }
                self._till.change.audit("warning", "return_unverified", text, facts)


def restock(wanted: Wanted) -> bool:
    return wanted.reason_code not in NOT_FOR_SALE if wanted.restock is None else wanted.restock
