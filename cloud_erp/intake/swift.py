"""Reading a batch the quick way: for records that are just as a gateway writes them, which nearly all are.

A record is taken here only where every rule of the models holds without any conversion; whatever is odd in the least is
left to cloud_erp/intake/batch.py. So this module never calls a record poison, and what it takes the other way reads
alike (tests/cloud_erp/test_swift.py).

One pass from bytes to a checked sale: the shapes (cloud_erp/intake/shapes.py) are made of the models' own fields and
limits. Writing such a dict out gives the canonical form of the body, whose hash is held against what the store says.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import to_json

from cloud_erp.intake.effects import NOTHING, effects
from cloud_erp.intake.envelope import MOST, MOST_RECORDS, MOST_TOTAL, Envelope
from cloud_erp.intake.item import SAID, Booking, Item
from cloud_erp.intake.shapes import Day, Time, either, shape, some
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
    business_day_date=Day,
    begin_date_time=Time,
    end_date_time=Time,
    line_items=some(_LINE, MOST_LINES),
)
_RECORD = shape(Record, type=Literal["RetailTransaction"], wall_utc=Time, body=_SALE)
_BATCH = shape(Envelope, items=some(_RECORD, MOST_RECORDS))
_BATCHES: TypeAdapter[dict[str, Any]] = TypeAdapter(_BATCH)
_RECORDS: TypeAdapter[dict[str, Any]] = TypeAdapter(_RECORD)


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
    begin, end = datetime.fromisoformat(sale["begin_date_time"]), datetime.fromisoformat(sale["end_date_time"])
    total, number, lines = sale["total_minor"], sale["sequence_number"], sale["line_items"]
    sold = _sold(lines)
    if sold is None or not _fits(lines, sold, total):
        return None
    if end < begin or number > MOST or not sold.sane(total):
        return None
    training = sale.get("training_flag", False)
    after = NOTHING if training or not sold.more else effects(lines, sale.get("member_id"))
    if after.most > MOST_TOTAL:
        return None
    entry = (
        sale["store_id"],
        sale["workstation_id"],
        number,
        sale["operator_id"],
        date.fromisoformat(sale["business_day_date"]),
        begin,
        end,
        end - timedelta(minutes=end.minute % 15, seconds=end.second, microseconds=end.microsecond),
        sale["currency"],
        total,
        sold.count,
        training,
        sale.get("session_id"),
        sold.returned or None,
        sold.off or None,
        sold.rounding or None,
    )
    return Booking(sale["store_id"], sale["currency"], entry, {} if training else sold.taken, sold.units, after)


class _Sold:
    """Sums over the lines that are not void. nets: per tax code, sold less returned.

    more: there are lines of tender, points or coupons that may do something beside paying.
    """

    __slots__ = ("back", "back_tax", "count", "more", "nets", "off", "returned", "rounding", "taken", "units")

    def __init__(self) -> None:
        self.count = 0
        self.nets: dict[str, int] = {}
        #: per tax code: what was paid back, and the tax in it
        self.back: dict[str, int] = {}
        self.back_tax: dict[str, int] = {}
        self.taken: dict[str, int] = {}
        self.units: set[tuple[str, str]] = set()
        self.off = self.returned = self.rounding = 0
        self.more = False

    def sane(self, total: int) -> bool:
        return max(abs(total), self.returned, self.off, abs(self.rounding)) <= MOST_TOTAL


def _sold(lines: list[dict[str, Any]]) -> _Sold | None:
    """The sums, if each line comes to its amount."""
    sold = _Sold()
    nets, taken, units = sold.nets, sold.taken, sold.units
    for line in lines:
        kind = line["type"]
        if kind != "Sale":
            if kind == "Return" and not _came_back(sold, line):
                return None
            if kind == "Rounding":
                sold.rounding += line["amount_minor"]
            continue
        quantity, grams, amount = line.get("quantity"), line.get("weight_grams"), line["extended_amount_minor"]
        if grams is None and quantity is not None:
            fair = line["unit_price_minor"] * quantity == amount
        else:
            fair = quantity is None and grams is not None and weighed_minor(line["unit_price_minor"], grams) == amount
        if not fair:
            return None
        if line.get("expiry") is not None:
            date.fromisoformat(line["expiry"])
        if "price_modifiers" in line or "net_units" in line:
            off = sum([one["amount_minor"] for one in line.get("price_modifiers", ())])
            if off > amount or not _by_unit(line, amount - off):
                return None
            amount -= off
        else:
            off = 0
        if line.get("void_flag"):
            continue
        item_id, code = line["item_id"], line["tax_code"]
        nets[code] = nets.get(code, 0) + amount
        moved: int = quantity or grams or 0
        taken[item_id] = taken.get(item_id, 0) + moved
        units.add((item_id, "each" if grams is None else "kg"))
        sold.count += quantity or 1
        sold.off += off
    return sold


def _came_back(sold: _Sold, line: dict[str, Any]) -> bool:
    """Add a Return line; False where it does not come to its amount.

    Raises:
        ValueError: a day that no calendar has.
    """
    quantity, grams, amount = line.get("quantity"), line.get("weight_grams"), line["extended_amount_minor"]
    if (quantity is None) == (grams is None) or line["tax_amount_minor"] > amount or not _by_unit(line, amount):
        return False
    if line.get("expiry") is not None:
        date.fromisoformat(line["expiry"])
    if line.get("original") is not None:
        date.fromisoformat(line["original"]["business_day_date"])
    if line.get("void_flag"):
        return True
    item_id, code = line["item_id"], line["tax_code"]
    sold.back[code] = sold.back.get(code, 0) + amount
    sold.back_tax[code] = sold.back_tax.get(code, 0) + line["tax_amount_minor"]
    if line.get("restock", True):
        sold.taken[item_id] = sold.taken.get(item_id, 0) - (quantity or grams or 0)
    sold.units.add((item_id, "each" if grams is None else "kg"))
    sold.count -= quantity or 1
    sold.returned += amount
    return True


def _by_unit(line: dict[str, Any], net: int) -> bool:
    """Whether net_units, which must be there where anything was taken off, come to that net."""
    parts = line.get("net_units", ())
    if not parts and not line.get("price_modifiers") and line["type"] == "Sale":
        return True
    units = 1 if line.get("weight_grams") is not None else line.get("quantity") or 1
    count, amount = sum([part["count"] for part in parts]), sum([part["count"] * part["net_minor"] for part in parts])
    return bool(count == units and amount == net)


def _fits(lines: list[dict[str, Any]], sold: _Sold, total: int) -> bool:
    """Whether lines, taxes and tenders come to that total."""
    paid, taxed, nets, back = 0, set(), sold.nets, sold.back
    for line in lines:
        kind = line["type"]
        if kind == "Tender":
            paid += line["amount_minor"] - line.get("change_minor", 0)
            if line.get("tender_type", "Cash") != "Cash":
                sold.more = True
        elif kind == "Tax":
            code, net = line["tax_code"], nets.get(line["tax_code"], 0)
            contained = included_tax_minor(net, line["rate_basis_points"]) - sold.back_tax.get(code, 0)
            if line["taxable_amount_minor"] != net - back.get(code, 0) or line["tax_amount_minor"] != contained:
                return False
            if code in taxed:
                return False
            taxed.add(code)
        elif kind in ("LoyaltyReward", "Coupon"):
            sold.more = True
    numbers = {line["line_number"] for line in lines}
    due = sum(nets.values()) - sold.returned
    return paid - sold.rounding == total == due and len(numbers) == len(lines)
