"""Reading a batch the quick way: for records that are just as a gateway writes them, which nearly all are.

A record is taken here only where every rule of the models holds without any conversion; whatever is odd in the least is
left to cloud_erp/intake/batch.py. So this module never calls a record poison, and what it takes the other way reads
alike (tests/cloud_erp/test_swift.py).

Shapes:  made of the models' own fields and limits, as dicts: one pass from bytes to a checked sale.
Hash:    the fields of a shape stand in order of name, and pydantic gives a dict its keys in that order. Nothing was
         converted (strict), times and dates stay the text they came as, and no field takes a float: so writing the
         dict out gives the canonical form of the body, whose hash is then held against what the store says.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from types import GenericAlias
from typing import Annotated, Any, Literal, NotRequired

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import to_json
from typing_extensions import TypedDict

from cloud_erp.intake.envelope import MOST, MOST_RECORDS, MOST_TOTAL, Envelope
from cloud_erp.intake.item import SAID, Booking, Item
from retail.pricing import included_tax_minor, weighed_minor
from retail.sale import MOST_LINES, RetailTransaction, SaleLine, TaxLine, TenderLine
from retail.wire.canonical import sha256_hex
from retail.wire.log import Record

Time = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$")]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]


def _shape(model: type[BaseModel], **instead: Any) -> Any:
    """The model as a dict with its keys in order of name; `instead`: what to take for a field's own annotation."""
    fields: dict[str, Any] = {}
    for name, field in sorted((field.alias or name, field) for name, field in model.model_fields.items()):
        kind = instead.get(name, field.annotation)
        if name not in instead:
            for limit in field.metadata:
                kind = Annotated[kind, limit]
        fields[name] = kind if field.is_required() else NotRequired[kind]
    typed_dict: Any = TypedDict
    made = typed_dict(model.__name__, fields)
    made.__pydantic_config__ = ConfigDict(extra="forbid", strict=True)
    return made


def _some(kind: Any, most: int) -> Any:
    kinds: Any = GenericAlias(list, (kind,))
    return Annotated[kinds, Field(min_length=1, max_length=most)]


def _line() -> Any:
    kinds: Any = _shape(SaleLine, expiry=Day | None) | _shape(TaxLine) | _shape(TenderLine)
    return Annotated[kinds, Field(discriminator="type")]


_SALE = _shape(
    RetailTransaction,
    business_day_date=Day,
    begin_date_time=Time,
    end_date_time=Time,
    line_items=_some(_line(), MOST_LINES),
)
_RECORD = _shape(Record, type=Literal["RetailTransaction"], wall_utc=Time, body=_SALE)
_BATCH = _shape(Envelope, items=_some(_RECORD, MOST_RECORDS))
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
    total, number = sale["total_minor"], sale["sequence_number"]
    sold = _sold(sale["line_items"])
    if sold is None or not _fits(sale["line_items"], sold.gross, total):
        return None
    if end < begin or total > MOST_TOTAL or number > MOST:
        return None
    training = sale.get("training_flag", False)
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
    )
    return Booking(sale["store_id"], sale["currency"], entry, {} if training else sold.taken, sold.units)


class _Sold:
    """Sums over the sale lines that are not void."""

    __slots__ = ("count", "gross", "taken", "units")

    def __init__(self) -> None:
        self.count = 0
        self.gross: dict[str, int] = {}
        self.taken: dict[str, int] = {}
        self.units: set[tuple[str, str]] = set()


def _sold(lines: list[dict[str, Any]]) -> _Sold | None:
    """The sums, if each line comes to its amount."""
    sold = _Sold()
    gross, taken, units = sold.gross, sold.taken, sold.units
    for line in lines:
        if line["type"] != "Sale":
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
        if line.get("void_flag"):
            continue
        item_id, code = line["item_id"], line["tax_code"]
        gross[code] = gross.get(code, 0) + amount
        moved: int = quantity or grams or 0
        taken[item_id] = taken.get(item_id, 0) + moved
        units.add((item_id, "each" if grams is None else "kg"))
        sold.count += quantity or 1
    return sold


def _fits(lines: list[dict[str, Any]], gross: dict[str, int], total: int) -> bool:
    """Whether lines, taxes and tenders come to that total."""
    paid, taxed = 0, set()
    for line in lines:
        if line["type"] == "Tender":
            paid += line["amount_minor"] - line.get("change_minor", 0)
        elif line["type"] == "Tax":
            code = line["tax_code"]
            contained = included_tax_minor(gross.get(code, 0), line["rate_basis_points"])
            if line["taxable_amount_minor"] != gross.get(code, 0) or line["tax_amount_minor"] != contained:
                return False
            if code in taxed:
                return False
            taxed.add(code)
    numbers = {line["line_number"] for line in lines}
    return paid == total == sum(gross.values()) and len(numbers) == len(lines)
