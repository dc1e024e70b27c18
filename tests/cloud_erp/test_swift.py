"""The quick way of reading takes nothing that the long way would refuse, and reads it alike."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud_erp.intake import swift
from cloud_erp.intake.batch import read_batch, read_record
from cloud_erp.intake.item import Item
from retail.units import Quantity, Weight
from retail.wire.canonical import canonical, sha256_hex
from tests.cloud_erp.batches import Outbox, sale
from tests.retail.examples import sale as taxed_sale

PLAIN = sale(1, ("1001", Quantity(2), 119), ("2001", Weight(450), 199)).model_dump(mode="json")
TAXED = taxed_sale().model_dump(mode="json")


def record(body: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A record whose hash is right for that body, whatever the body says."""
    made = {**outbox_record(), "body": body, **fields}
    if "body_sha256" not in fields:
        made["body_sha256"] = sha256_hex(canonical(body))
    return made


def outbox_record() -> dict[str, Any]:
    box = Outbox()
    box.add(sale(1))
    return box.records[0]


def quick(raw: Any) -> Item | None:
    source = swift.record(raw)
    return swift.item(1, source) if source is not None else None


def through_bytes(raw: Any) -> Item | None:
    """As it goes where every record of a batch is sound: from the bytes at once."""
    batch = {"schema": "backroom.log/1", "epoch": "01JD0000000000000000000001", "first_seq": 1, "count": 1}
    plain = json.dumps({**batch, "prev_chain": "0" * 64, "items": [raw]}).encode()
    read = swift.envelope(plain)
    return swift.item(1, read["items"][0]) if read is not None else None


def holds(raw: dict[str, Any]) -> bool:
    """Whether the quick way took it; it then came to what the long way comes to."""
    long = read_record(1, json.loads(json.dumps(raw)))
    for taken in (quick(json.loads(json.dumps(raw))), through_bytes(raw)):
        if taken is not None:
            assert long.poison is None
            assert taken == long
            assert taken.raw() == long.raw()
    return quick(raw) is not None


@pytest.mark.parametrize("body", [PLAIN, TAXED, {**PLAIN, "training_flag": True}], ids=["plain", "taxed", "training"])
def test_what_a_gateway_writes_goes_the_quick_way(body: dict[str, Any]) -> None:
    assert holds(record(body))
    assert through_bytes(record(body)) is not None


def test_fields_with_defaults_may_be_left_out_and_keys_may_stand_in_any_order() -> None:
    lean = {name: value for name, value in reversed(PLAIN.items()) if name != "training_flag"}
    lean["line_items"] = [
        {name: part for name, part in line.items() if part is not None} for line in PLAIN["line_items"]
    ]
    assert holds(record(lean))


def without(place: int, name: str) -> dict[str, Any]:
    lines = [dict(line) for line in TAXED["line_items"]]
    del lines[place][name]
    return {**TAXED, "line_items": lines}


def altered(place: int, **fields: Any) -> dict[str, Any]:
    lines = [dict(line) for line in TAXED["line_items"]]
    lines[place] |= fields
    return {**TAXED, "line_items": lines}


ODD = (
    "2026-11-22", "2026-02-30", "2026-11-22T12:00:00.125Z", "2026-13-01T00:00:00.000Z", "2026-11-22T12:00:00Z",
    "2026-11-22T24:00:00.000Z", "0000-01-01T00:00:00.000Z", "EUR", "Sale", "Tax", "1", "a\x00b", '"\\',
)  # fmt: skip
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 400),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=6),
    st.sampled_from(ODD),
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_sale_with_anything_altered_is_read_alike_or_left_to_the_long_way(data: st.DataObject) -> None:
    place = data.draw(st.integers(-1, len(TAXED["line_items"]) - 1))
    names = sorted(TAXED if place < 0 else TAXED["line_items"][place])
    name = data.draw(st.sampled_from([*names, "surprise"]))
    value = data.draw(SCALARS)
    body = {**TAXED, name: value} if place < 0 else altered(place, **{name: value})
    holds(record(body))


@settings(max_examples=200, deadline=None)
@given(name=st.sampled_from([*sorted(outbox_record()), "surprise"]), value=SCALARS)
def test_a_record_with_anything_altered_is_read_alike_or_left_to_the_long_way(name: str, value: Any) -> None:
    raw = {**outbox_record(), name: value}
    if name != "body_sha256" and isinstance(raw["body"], dict):
        raw["body_sha256"] = sha256_hex(canonical(raw["body"]))
    holds(raw)


@settings(max_examples=200, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_any_text_is_hashed_in_its_canonical_form(text: str) -> None:
    assert holds(record(altered(0, description=text)))


@pytest.mark.parametrize(
    "body",
    [
        altered(0, unit_price_minor=120.0),
        altered(0, weight_grams="450"),
        altered(0, void_flag=0),
        altered(0, expiry="2026-02-30"),
        {**TAXED, "business_day_date": "2026-02-30"},
        {**TAXED, "begin_date_time": "2026-11-22T20:00:00.125+08:00"},
        {**TAXED, "total_minor": TAXED["total_minor"] + 1},
        without(0, "type"),
    ],
)
def test_what_is_odd_is_left_to_the_long_way(body: dict[str, Any]) -> None:
    assert not holds(record(body))


def test_a_body_that_hashes_otherwise_is_left_to_the_long_way() -> None:
    raw = record(PLAIN, body_sha256=sha256_hex(json.dumps(PLAIN).encode()))
    assert not holds(raw)
    assert (read_record(1, raw).poison or pytest.fail("no poison")).code == "hash_mismatch"


def test_of_a_name_that_stands_twice_both_ways_take_the_last() -> None:
    box = Outbox()
    box.add(sale(1))
    plain = canonical(box.batch())
    twice = plain.replace(b'"operator_id":"anna"', b'"operator_id":"eve","operator_id":"anna"')
    (item,) = read_batch(twice).items
    assert item.poison is None
    assert json.loads(item.body)["operator_id"] == "anna"
    other = plain.replace(b'"operator_id":"anna"', b'"operator_id":"anna","operator_id":"eve"')
    (item,) = read_batch(other).items
    assert item.poison is not None
    assert item.poison.code == "hash_mismatch"


def test_one_odd_record_sends_only_itself_the_long_way(monkeypatch: pytest.MonkeyPatch) -> None:
    box = Outbox()
    for number in range(1, 6):
        box.add(sale(number))
    batch = box.batch()
    batch["items"][2] = "what?"
    long: list[int] = []

    def noted(seq: int, raw: Any) -> Item:
        long.append(seq)
        return read_record(seq, raw)

    monkeypatch.setattr("cloud_erp.intake.batch.read_record", noted)
    items = read_batch(json.dumps(batch).encode()).items
    assert long == [3]
    assert [item.poison is None for item in items] == [True, True, False, True, True]
