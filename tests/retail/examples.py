"""One example of each message on the wire, and a sale that adds up."""

from __future__ import annotations

from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

from retail.sale import RetailTransaction, SaleLine, Shape, TaxLine, TenderLine
from retail.wire.ack import Ack, Rejected
from retail.wire.canonical import canonical, sha256_hex
from retail.wire.feed import FeedHead, FeedPage, FeedPull, FeedRow
from retail.wire.log import GENESIS, Batch, Record, chain_link
from retail.wire.presence import (
    Birth,
    DeviceBrief,
    DeviceState,
    GatewayEvent,
    HqState,
    LaneBrief,
    LogPosition,
    Metrics,
    State,
)
from retail.wire.rows import Item

EPOCH = "01KAKJ7Q3M8T4V5W6X7Y8Z9A0B"
NOON = datetime(2026, 11, 22, 12, 0, 0, 125_000, tzinfo=UTC)


def sale(**changes: Any) -> RetailTransaction:
    """Apples by weight (0.450 kg at 1.20: 0.54), two breads at 2.50, one void: 5.54, paid with a ten."""
    values: dict[str, Any] = {
        "store_id": "S0421",
        "workstation_id": "lane-1",
        "sequence_number": 17,
        "business_day_date": date(2026, 11, 22),
        "operator_id": "anna",
        "begin_date_time": NOON,
        "end_date_time": NOON,
        "currency": "EUR",
        "line_items": [
            SaleLine(
                line_number=1,
                item_id="APPLE-1",
                description="Äpfel 蘋果",
                scanned_code="2812341004504",
                weight_grams=450,
                unit_price_minor=120,
                extended_amount_minor=54,
                tax_code="B",
                lot="L7",
                expiry=date(2026, 12, 1),
            ),
            SaleLine(
                line_number=2,
                item_id="BREAD-1",
                description="Bread",
                entry_method="keyed",
                quantity=2,
                unit_price_minor=250,
                extended_amount_minor=500,
                tax_code="B",
            ),
            SaleLine(
                line_number=3,
                item_id="SOAP-1",
                description="Soap",
                quantity=1,
                unit_price_minor=300,
                extended_amount_minor=300,
                tax_code="A",
                void_flag=True,
            ),
            TaxLine(line_number=4, tax_code="B", rate_basis_points=700, taxable_amount_minor=554, tax_amount_minor=36),
            TenderLine(line_number=5, amount_minor=1000, change_minor=446),
        ],
        "total_minor": 554,
    }
    return RetailTransaction(**{**values, **changes})


def record(seq: int, previous: bytes, body: dict[str, Any]) -> Record:
    digest = sha256(canonical(body))
    return Record(
        seq=seq,
        type="RetailTransaction",
        idempotency_key=f"0193b4f0-0000-7000-8000-{seq:012d}",
        body_sha256=digest.hexdigest(),
        chain=chain_link(previous, EPOCH, seq, digest.digest()).hex(),
        boot_id="b1",
        boottime_ns=12_345_678_901,
        wall_utc=NOON,
        clock_state="synced",
        business_date="2026-11-22",
        body=body,
    )


def batch(count: int = 3) -> Batch:
    previous, items = GENESIS, []
    for seq in range(1, count + 1):
        items.append(record(seq, previous, sale(sequence_number=seq).model_dump(mode="json")))
        previous = bytes.fromhex(items[-1].chain)
    return Batch(epoch=EPOCH, first_seq=1, count=count, prev_chain=GENESIS.hex(), items=items)


ITEM = Item(
    item_id="APPLE-1",
    description="Apples",
    barcodes=["1234", "4006381333931"],
    unit="kg",
    price_minor=120,
    currency="EUR",
    tax_code="B",
    tax_rate_basis_points=700,
    category="fruit",
    tags=["fresh"],
)
LOG = LogPosition(
    epoch=EPOCH,
    next_seq=18,
    oldest_unacked_seq=17,
    oldest_unacked_age_s=1.5,
    unacked=1,
    head_chain=sha256_hex(b"head"),
    count_today=17,
    sum_today_minor=9418,
)
SCALE = DeviceBrief(id="scale-1", device_class="scale", driver="toledo-8217", power="online")


def messages() -> list[Shape]:
    """One of each message that has a topic."""
    return [
        State(state="ready", session=3, boot_id="b1", since=NOON),
        Birth(
            session=3,
            store_id="S0421",
            model="Raspberry Pi 4 Model B Rev 1.4",
            serial="10000000abcdef01",
            software="0.1.0",
            currency="EUR",
            timezone="Europe/Berlin",
            clock="synced",
            certificate_expires=NOON,
            feeds={"items": 7},
            log=LOG,
            devices=[SCALE],
            at=NOON,
        ),
        Metrics(
            session=3,
            at=NOON,
            log=LOG,
            disk_used_percent=41.5,
            memory_rss_mib=52.25,
            cpu_temperature_c=None,
            link_reconnects=0,
            devices=[SCALE],
            lanes=[
                LaneBrief(workstation_id="1", kind="attended", state="idle", since=NOON),
                LaneBrief(
                    workstation_id="9",
                    kind="self-checkout",
                    state="selling",
                    since=NOON,
                    call="help",
                    call_text="help was asked for",
                    call_since=NOON,
                ),
            ],
        ),
        DeviceState(
            id="scale-1",
            device_class="scale",
            driver="toledo-8217",
            power="offline",
            since=NOON,
            last_error="no answer for 3 s",
            statistics={"weighings": 12},
        ),
        HqState(intake="open", core_incarnation="c1", since=NOON),
        GatewayEvent(code="outbox_salvaged", text="17 records read again", at=NOON),
        batch(),
        Ack(
            epoch=EPOCH,
            contiguous_seq=17,
            rejected=[Rejected(seq=12, code="does_not_add_up", quarantine_id="q1")],
            core_incarnation="c1",
        ),
        FeedHead(version=7, sha256=sha256_hex(b"feed"), rows=2),
        FeedPull(request_id="r1", from_version=0),
        FeedPage(
            request_id="r1",
            from_version=0,
            version=7,
            page=1,
            pages=1,
            rows=[
                FeedRow(key="APPLE-1", row=ITEM.model_dump(mode="json")),
                FeedRow(key="GONE-1", row=None),
            ],
        ),
    ]
