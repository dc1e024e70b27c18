"""Reading a batch the quick way: for records that are just as a gateway writes them, which nearly all are.

A record is taken here only where every rule of the models holds without any conversion; whatever is odd in the least is
left to cloud_erp/intake/batch.py. So this module never calls a record poison, and what it takes the other way reads
alike (tests/cloud_erp/test_swift.py).

One pass from bytes to a checked sale: the shapes (cloud_erp/intake/shapes.py) are made of the models' own fields and
limits. Writing such a dict out gives the canonical form of the body, whose hash is held against what the store says.
"""

from __future__ import annotations

from datetime import date, datetime
from operator import itemgetter
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import to_json

from cloud_erp.intake.effects import NOTHING, effects
from cloud_erp.intake.envelope import MOST, MOST_RECORDS, MOST_TOTAL, Envelope
from cloud_erp.intake.item import SAID, Booking, Item
from cloud_erp.intake.shapes import Time, Written, either, shape, some
from retail.pricing import included_tax_minor, weighed_minor
from retail.sale import (
    MOST_LINES,
    CouponLine,
    LoyaltyLine,
    RetailTransaction,
    ReturnLine,
    RoundingLine,
    SaleLine,
    TaxLine,
    TenderLine,
)
from retail.wire.canonical import sha256_hex
from retail.wire.log import Record

_LINES = (SaleLine, TaxLine, TenderLine, ReturnLine, RoundingLine, LoyaltyLine, CouponLine)
_LINE: Any = Annotated[either([shape(line) for line in _LINES]), Field(discriminator="type")]
_SALE = shape(
    RetailTransaction,
    business_day_date=Written,
    begin_date_time=Time,
    end_date_time=Time,
    line_items=some(_LINE, MOST_LINES),
)
_RECORD = shape(Record, type=Literal["RetailTransaction"], wall_utc=Time, body=_SALE)
_BATCH = shape(Envelope, items=some(_RECORD, MOST_RECORDS))
_BATCHES: TypeAdapter[dict[str, Any]] = TypeAdapter(_BATCH)
_RECORDS: TypeAdapter[dict[str, Any]] = TypeAdapter(_RECORD)
#: the minutes of a clock cut to the quarter
_QUARTERS = {f"{minute:02d}": f"{minute - minute % 15:02d}" for minute in range(60)}
_NUMBER = itemgetter("line_number")


def envelope(plain: bytes) -> dict[str, Any] | None:
    """The batch in that JSON, its items as `item` takes them; None where not all of them are so."""
    try:
        return _BATCHES.validate_json(plain)
    except ValidationError:
        return None


def record(raw: Any) -> dict[str, Any] | None:
    """The same for a single record out of a batch that was parsed otherwise."""
    try:
        return _RECORDS.validate_python(raw)
    except ValidationError:
        return None


def item(seq: int, source: dict[str, Any]) -> Item | None:
    """A record of `envelope` or `record`; None where it has to be looked at more closely."""
    key: str = source["idempotency_key"]
    stated: str = source["body_sha256"]
    body = to_json(source["body"])
    if source["seq"] != seq or sha256_hex(body) != stated or "\x00" in key:
        return None
    try:
        datetime.fromisoformat(source["wall_utc"])
        booking = _booking(source["body"])
    except ValueError:
        return None
    if booking is None:
        return None
    said = to_json({name: source[name] for name in SAID}).decode()
    return Item(seq, source, body.decode(), stated, key, stated, source["chain"], said, booking)


def _booking(sale: dict[str, Any]) -> Booking | None:
    """What the sale does, if it adds up and lies within all limits; the sums are those of retail.sale.faults.

    Raises:
        ValueError: a time or day that no calendar has.
    """
    ended = sale["end_date_time"]
    begin, end = datetime.fromisoformat(sale["begin_date_time"]), datetime.fromisoformat(ended)
    total, number, lines = sale["total_minor"], sale["sequence_number"], sale["line_items"]
    sums = _sums(lines)
    if sums is None or not sums.fit(lines, total):
        return None
    if end < begin or total > MOST_TOTAL or number > MOST:
        return None
    training, after = sale.get("training_flag", False), NOTHING
    if sums.odd:
        if not training:
            after = effects(lines, sale.get("member_id"))
        if max(-total, sums.returned, sums.off, abs(sums.rounding), after.most) > MOST_TOTAL:
            return None
    entry = (
        sale["store_id"],
        sale["workstation_id"],
        number,
        sale["operator_id"],
        date.fromisoformat(sale["business_day_date"]),
        begin,
        end,
        datetime.fromisoformat(f"{ended[:14]}{_QUARTERS[ended[14:16]]}:00Z"),
        sale["currency"],
        total,
        sums.count,
        training,
        sale.get("session_id"),
        sums.returned or None,
        sums.off or None,
        sums.rounding or None,
    )
    return Booking(sale["store_id"], sale["currency"], entry, {} if training else sums.taken, sums.units, after)


class _Sums:
    """Sums over the lines that are not void. back: per tax code what was paid back, and the tax in it.

    odd: there is more than goods sold at their price and paid in cash, which is what most sales are.
    """

    __slots__ = ("back", "count", "nets", "odd", "off", "paid", "returned", "rounding", "taken", "taxes", "units")

    def __init__(self) -> None:
        self.count = self.paid = self.off = self.returned = self.rounding = 0
        self.odd = False
        self.nets: dict[str, int] = {}
        self.back: dict[str, tuple[int, int]] = {}
        self.taken: dict[str, int] = {}
        self.units: set[tuple[str, str]] = set()
        self.taxes: list[dict[str, Any]] = []

    def fit(self, lines: list[dict[str, Any]], total: int) -> bool:
        """Whether lines, taxes and tenders come to that total."""
        taxed = set()
        for line in self.taxes:
            code = line["tax_code"]
            net, (back, tax) = self.nets.get(code, 0), self.back.get(code, (0, 0))
            contained = included_tax_minor(net, line["rate_basis_points"]) - tax
            if line["taxable_amount_minor"] != net - back or line["tax_amount_minor"] != contained or code in taxed:
                return False
            taxed.add(code)
        if self.paid - self.rounding != total or sum(self.nets.values()) - self.returned != total:
            return False
        return len(set(map(_NUMBER, lines))) == len(lines)

    def other(self, line: dict[str, Any]) -> bool:
        """Add a line that is neither Sale nor Tender; False where it does not come to its amount."""
        kind = line["type"]
        if kind == "Tax":
            self.taxes.append(line)
            return True
        self.odd = True
        if kind == "Rounding":
            self.rounding += line["amount_minor"]
        return kind != "Return" or self._came_back(line)

    def _came_back(self, line: dict[str, Any]) -> bool:
        quantity, grams, amount = line.get("quantity"), line.get("weight_grams"), line["extended_amount_minor"]
        if (quantity is None) == (grams is None) or line["tax_amount_minor"] > amount or not _by_unit(line, amount):
            return False
        if line.get("void_flag"):
            return True
        item_id, code = line["item_id"], line["tax_code"]
        back, tax = self.back.get(code, (0, 0))
        self.back[code] = back + amount, tax + line["tax_amount_minor"]
        if line.get("restock", True):
            self.taken[item_id] = self.taken.get(item_id, 0) - (quantity or grams or 0)
        self.units.add((item_id, "each" if grams is None else "kg"))
        self.count -= quantity or 1
        self.returned += amount
        return True

    def net(self, line: dict[str, Any]) -> int | None:
        """Of a Sale line from which something was taken off; None where that is not so by its own figures."""
        self.odd = True
        amount: int = line["extended_amount_minor"]
        off: int = sum([one["amount_minor"] for one in line.get("price_modifiers", ())])
        if off > amount or not _by_unit(line, amount - off):
            return None
        if not line.get("void_flag"):
            self.off += off
        return amount - off


def _sums(lines: list[dict[str, Any]]) -> _Sums | None:
    """The sums, if each line comes to its amount."""
    sums = _Sums()
    nets, taken, units = sums.nets, sums.taken, sums.units
    paid = count = 0
    for line in lines:
        kind = line["type"]
        if kind != "Sale":
            if kind == "Tender":
                paid += line["amount_minor"] - line.get("change_minor", 0)
                if line.get("tender_type", "Cash") != "Cash":
                    sums.odd = True
            elif not sums.other(line):
                return None
            continue
        quantity, grams, net = line.get("quantity"), line.get("weight_grams"), line["extended_amount_minor"]
        if grams is None and quantity is not None:
            fair = line["unit_price_minor"] * quantity == net
        else:
            fair = quantity is None and grams is not None and weighed_minor(line["unit_price_minor"], grams) == net
        if fair and ("price_modifiers" in line or "net_units" in line):
            net = sums.net(line)
        if not fair or net is None:
            return None
        if line.get("void_flag"):
            continue
        item_id, code = line["item_id"], line["tax_code"]
        nets[code] = nets.get(code, 0) + net
        taken[item_id] = taken.get(item_id, 0) + (quantity or grams or 0)
        units.add((item_id, "each" if grams is None else "kg"))
        count += quantity or 1
    sums.count += count
    sums.paid = paid
    return sums


def _by_unit(line: dict[str, Any], net: int) -> bool:
    """Whether net_units, which must be there where anything was taken off, come to that net."""
    parts = line.get("net_units", ())
    if not parts and not line.get("price_modifiers") and line["type"] == "Sale":
        return True
    units = 1 if line.get("weight_grams") is not None else line.get("quantity") or 1
    count, amount = sum([part["count"] for part in parts]), sum([part["count"] * part["net_minor"] for part in parts])
    return bool(count == units and amount == net)
