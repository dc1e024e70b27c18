"""The wire: bytes that both sides make alike, topics, and every message through JSON and back."""

from __future__ import annotations

import io
import json
from hashlib import sha256
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from retail.sale import Shape
from retail.wire import payload
from retail.wire.canonical import canonical, sha256_hex
from retail.wire.feed import feed_sha256
from retail.wire.log import GENESIS, Batch, chain_link
from retail.wire.rows import Item
from retail.wire.topics import HQ_STATE, GatewayTopics, gateway_of
from tests.retail.examples import EPOCH, ITEM, batch, messages

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)

# --- canonical JSON and hashes ---------------------------------------------------------------------------------------


def test_canonical_json_has_sorted_keys_no_spaces_and_plain_utf_8() -> None:
    assert canonical({"b": [1, None], "a": "é蘋"}) == '{"a":"é蘋","b":[1,null]}'.encode()


@given(json_values)
def test_canonical_json_is_the_same_after_a_round_trip(value: Any) -> None:
    assert canonical(json.loads(canonical(value))) == canonical(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_canonical_json_refuses_what_json_has_not(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical(value)


def test_the_hash_of_a_body_by_sha256sum() -> None:
    expected = "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
    assert sha256_hex(canonical({"a": 1})) == expected


def test_the_first_link_of_a_chain() -> None:
    body = sha256(b'{"a":1}').digest()
    expected = "113435f798847a8102e51c9a023b7b5586a9958848d0e761ba74e6347c4d6897"
    assert chain_link(GENESIS, "01KAKJ7Q3M8T4V5W6X7Y8Z9A0B", 1, body).hex() == expected


def test_a_chain_changes_with_each_of_its_parts() -> None:
    body = sha256(b"{}").digest()
    links = [
        chain_link(GENESIS, EPOCH, 1, body),
        chain_link(GENESIS, EPOCH, 2, body),
        chain_link(GENESIS, EPOCH[:-1] + "C", 1, body),
        chain_link(body, EPOCH, 1, body),
        chain_link(GENESIS, EPOCH, 1, GENESIS),
    ]
    assert len(set(links)) == len(links)


def test_the_hash_of_a_feed_by_sha256sum() -> None:
    rows = [("APPLE-1", canonical({"a": 1})), ("BREAD-1", canonical({"b": "é"}))]
    assert feed_sha256(rows) == "76d566b740a75f09244aba411e3c705f06508e0298ba363113d1102c1281b984"
    assert feed_sha256(reversed(rows)) != feed_sha256(rows)
    assert feed_sha256([]) == sha256_hex(b"")


# --- payload bytes ---------------------------------------------------------------------------------------------------


@given(st.binary(max_size=5000))
def test_what_was_packed_unpacks_to_the_same(body: bytes) -> None:
    plain = b"{" + body
    packed = payload.pack(plain)
    assert payload.unpack(packed) == plain
    assert packed.startswith(payload.ZSTD_MAGIC) == (len(plain) > payload.COMPRESS_OVER_BYTES)


def test_a_payload_shows_by_its_first_bytes_what_it_is() -> None:
    assert payload.pack(messages()[0]).startswith(b"{")
    long = payload.pack(batch(20))
    assert long.startswith(b"\x28\xb5\x2f\xfd")
    assert len(long) < 20_000
    assert Batch.model_validate_json(payload.unpack(long)) == batch(20)


def bomb(*, declared: bool) -> bytes:
    """A few hundred bytes that unpack to 9 MiB, with or without saying so in their header."""
    plain = b"{" + b" " * 9 * 1024 * 1024
    if declared:
        return zstandard.ZstdCompressor().compress(plain)
    target = io.BytesIO()
    with zstandard.ZstdCompressor().stream_writer(target, closefd=False) as writer:
        writer.write(plain)
    return target.getvalue()


@pytest.mark.parametrize("declared", [True, False])
def test_a_payload_that_would_unpack_beyond_bearing_is_refused(declared: bool) -> None:
    assert len(bomb(declared=declared)) < 10_000
    with pytest.raises(payload.PayloadError):
        payload.unpack(bomb(declared=declared))


@given(st.binary(max_size=200))
def test_damaged_zstd_is_one_kind_of_error(rest: bytes) -> None:
    try:
        payload.unpack(payload.ZSTD_MAGIC + rest)
    except payload.PayloadError:
        pass


def test_a_payload_cut_short_is_an_error() -> None:
    whole = payload.pack(batch(20))
    for length in (4, 10, len(whole) // 2, len(whole) - 1):
        with pytest.raises(payload.PayloadError):
            payload.unpack(whole[:length])


# --- topics ----------------------------------------------------------------------------------------------------------


def test_the_topics_of_a_gateway() -> None:
    topics = GatewayTopics("S0421-1")
    assert topics.state == "edge/v1/S0421-1/state"
    assert topics.birth == "edge/v1/S0421-1/birth"
    assert topics.log == "edge/v1/S0421-1/up/log"
    assert topics.ack == "edge/v1/S0421-1/down/ack"
    assert topics.metrics == "edge/v1/S0421-1/up/metrics"
    assert topics.device("scale", "scale-1") == "edge/v1/S0421-1/dev/scale/scale-1"
    assert topics.event("warning") == "edge/v1/S0421-1/up/event/warning"
    assert topics.feed_head("items") == "edge/v1/S0421-1/down/feed/items/head"
    assert topics.feed_pull("items") == "edge/v1/S0421-1/up/feed/items/pull"
    assert topics.feed_page("items") == "edge/v1/S0421-1/down/feed/items/page"
    assert GatewayTopics("+").log == "edge/v1/+/up/log"


@pytest.mark.parametrize("gateway_id", ["", "a/b", "a+", "#", "a b", "S0421_1", "é", "S0421-1\n", "hq", "prov"])
def test_an_id_that_would_break_a_topic_or_take_headquarters_place_is_refused(gateway_id: str) -> None:
    with pytest.raises(ValueError, match="gateway id"):
        GatewayTopics(gateway_id)


def test_the_gateway_of_a_topic() -> None:
    assert gateway_of(GatewayTopics("S0421-1").log) == "S0421-1"
    assert gateway_of(GatewayTopics("hq-2").state) == "hq-2"
    for foreign in (HQ_STATE, "edge/v1/S0421-1", "edge/v2/S0421-1/state", "edge/v1/+/state", "x", ""):
        with pytest.raises(ValueError, match="names no gateway"):
            gateway_of(foreign)


# --- messages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("message", messages(), ids=lambda message: type(message).__name__)
def test_a_message_comes_back_from_its_payload_as_it_was(message: Shape) -> None:
    assert type(message).model_validate_json(payload.unpack(payload.pack(message))) == message


@pytest.mark.parametrize("message", messages(), ids=lambda message: type(message).__name__)
def test_mqtt_3_1_1_tools_find_each_fact_in_the_payload(message: Shape) -> None:
    """No fact needs a user property: the plain JSON names its schema, and each field of the model stands in it."""
    body = json.loads(payload.unpack(payload.pack(message)))
    names = {field.alias or name for name, field in type(message).model_fields.items()}
    assert set(body) == names
    assert body["schema"].startswith("backroom.")
    assert body["schema"].endswith("/1")


@pytest.mark.parametrize("message", messages(), ids=lambda message: type(message).__name__)
def test_a_message_with_a_field_that_nobody_knows_or_of_another_schema_is_refused(message: Shape) -> None:
    body = json.loads(message.model_dump_json())
    with pytest.raises(ValidationError, match="surprise"):
        type(message).model_validate({**body, "surprise": 1})
    with pytest.raises(ValidationError, match="schema"):
        type(message).model_validate({**body, "schema": "backroom.other/9"})


def test_the_records_of_a_batch_are_chained_from_the_epochs_beginning() -> None:
    previous = GENESIS
    for record in batch().items:
        assert record.body_sha256 == sha256_hex(canonical(record.body))
        previous = chain_link(previous, EPOCH, record.seq, bytes.fromhex(record.body_sha256))
        assert record.chain == previous.hex()


@pytest.mark.parametrize(
    "epoch", ["", "81KAKJ7Q3M8T4V5W6X7Y8Z9A0B", "01KAKJ7Q3M8T4V5W6X7Y8Z9A0I", "01kakj7q3m8t4v5w6x7y8z9a0b"]
)
def test_an_epoch_is_a_ulid(epoch: str) -> None:
    with pytest.raises(ValidationError, match="epoch"):
        Batch.model_validate({**batch().model_dump(mode="json"), "epoch": epoch})


def test_an_item_does_not_carry_one_bar_code_twice() -> None:
    with pytest.raises(ValidationError, match="twice"):
        Item.model_validate({**ITEM.model_dump(), "barcodes": ["1", "1"]})


def test_an_item_without_a_price_is_not_for_sale_yet_but_travels() -> None:
    unpriced = ITEM.model_copy(update={"price_minor": None})
    assert Item.model_validate_json(unpriced.model_dump_json()) == unpriced
