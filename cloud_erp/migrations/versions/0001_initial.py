"""The tables of intake, journal, stock, catalogue and fleet.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

from cloud_erp.db import BigId, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _core()
    _catalogue()
    _gateways()
    _devices_and_alarms()
    _journal()
    _quarantine()
    _inbox()
    _stock()


def downgrade() -> None:
    for table in (
        "stream",
        "quarantine",
        "position",
        "journal",
        "inbox",
        "gateway_live",
        "gateway_device",
        "barcode",
        "item",
        "gateway",
        "feed",
        "core_fact",
        "alarm",
    ):
        op.drop_table(table)


def _core() -> None:
    op.create_table(
        "core_fact",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_core_fact"),
    )


def _catalogue() -> None:
    op.create_table(
        "feed",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("changed_at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_feed"),
    )
    op.create_table(
        "item",
        sa.Column("item_id", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=200), nullable=False),
        sa.Column("unit", sa.String(length=8), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("tax_code", sa.String(length=64), nullable=False),
        sa.Column("tax_rate_basis_points", sa.Integer(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("row", sa.Text(), nullable=False, comment="canonical JSON of the whole item, as the feed hashes it"),
        sa.Column("version", sa.BigInteger(), nullable=False, comment="of the feed that changed it last"),
        sa.PrimaryKeyConstraint("item_id", name="pk_item"),
    )
    op.create_table(
        "barcode",
        sa.Column("barcode", sa.String(length=48), nullable=False),
        sa.Column("item_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["item.item_id"], name="fk_barcode_item_id"),
        sa.PrimaryKeyConstraint("barcode", name="pk_barcode"),
    )


def _gateways() -> None:
    op.create_table(
        "gateway",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("registered_at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_gateway"),
    )
    op.create_table(
        "gateway_live",
        sa.Column("gateway", sa.String(length=64), nullable=False),
        sa.Column("session", sa.BigInteger(), nullable=False, comment="-1: no state was seen yet"),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("state_since", UtcDateTime(timezone=True), nullable=True),
        sa.Column("last_seen", UtcDateTime(timezone=True), nullable=True),
        sa.Column("birth_session", sa.BigInteger(), nullable=True),
        sa.Column("birth_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("birth", sa.Text(), nullable=True),
        sa.Column("metrics_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("metrics", sa.Text(), nullable=True),
        sa.Column("updated_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["gateway"], ["gateway.id"], name="fk_gateway_live_gateway"),
        sa.PrimaryKeyConstraint("gateway", name="pk_gateway_live"),
    )


def _devices_and_alarms() -> None:
    op.create_table(
        "gateway_device",
        sa.Column("gateway", sa.String(length=64), nullable=False),
        sa.Column("device_class", sa.String(length=64), nullable=False),
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("driver", sa.Text(), nullable=False),
        sa.Column("power", sa.String(length=16), nullable=False),
        sa.Column("since", UtcDateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["gateway"], ["gateway.id"], name="fk_gateway_device_gateway"),
        sa.PrimaryKeyConstraint("gateway", "device_class", "device_id", name="pk_gateway_device"),
    )
    op.create_table(
        "alarm",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column(
            "gateway", sa.String(length=64), nullable=False, comment="as it named itself: it need not be registered"
        ),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column(
            "subject",
            sa.String(length=128),
            nullable=False,
            comment="what it is about: one open alarm per gateway, code, subject",
        ),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("raised_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("last_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("cleared_at", UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_alarm"),
        sa.UniqueConstraint("gateway", "code", "subject", name="uq_alarm_gateway_code_subject"),
        sqlite_autoincrement=True,
    )


def _journal() -> None:
    op.create_table(
        "journal",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("gateway", sa.String(length=64), nullable=False),
        sa.Column("epoch", sa.String(length=26), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("idempotency_key", sa.String(length=128), nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("workstation_id", sa.String(length=64), nullable=False),
        sa.Column("sequence_number", sa.BigInteger(), nullable=False),
        sa.Column("operator_id", sa.String(length=64), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("begin_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("end_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column(
            "end_slot",
            UtcDateTime(timezone=True),
            nullable=False,
            comment="end_at cut to the quarter of an hour, for charts",
        ),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("item_count", sa.Integer(), nullable=False, comment="pieces, and one for each weighed line"),
        sa.Column("training", sa.Boolean(), nullable=False),
        sa.Column(
            "record", sa.Text(), nullable=False, comment="JSON: boot id, boot time, wall clock, its state, chain"
        ),
        sa.Column("body", sa.Text(), nullable=False, comment="canonical JSON, as hashed"),
        sa.Column("received_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["gateway"], ["gateway.id"], name="fk_journal_gateway"),
        sa.PrimaryKeyConstraint("id", name="pk_journal"),
        sa.UniqueConstraint("gateway", "epoch", "seq", name="uq_journal_gateway_epoch_seq"),
        sa.UniqueConstraint("store_id", "idempotency_key", name="uq_journal_store_id_idempotency_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_journal_business_date_store_id", "journal", ["business_date", "store_id"], unique=False)


def _quarantine() -> None:
    op.create_table(
        "quarantine",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("gateway", sa.String(length=64), nullable=False),
        sa.Column("epoch", sa.String(length=26), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False, comment="the record as it came, JSON"),
        sa.Column("raw_sha256", sa.String(length=64), nullable=False),
        sa.Column("received_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["gateway"], ["gateway.id"], name="fk_quarantine_gateway"),
        sa.PrimaryKeyConstraint("id", name="pk_quarantine"),
        sa.UniqueConstraint("gateway", "epoch", "seq", "raw_sha256", name="uq_quarantine_gateway_epoch_seq_raw_sha256"),
    )


def _inbox() -> None:
    op.create_table(
        "stream",
        sa.Column("gateway", sa.String(length=64), nullable=False),
        sa.Column("epoch", sa.String(length=26), nullable=False),
        sa.Column("contiguous_seq", sa.BigInteger(), nullable=False, comment="every record up to here was received"),
        sa.Column(
            "head_chain",
            sa.String(length=64),
            nullable=True,
            comment="the chain of that record; NULL where it could not be read",
        ),
        sa.Column("updated_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["gateway"], ["gateway.id"], name="fk_stream_gateway"),
        sa.PrimaryKeyConstraint("gateway", "epoch", name="pk_stream"),
    )
    op.create_table(
        "inbox",
        sa.Column("gateway", sa.String(length=64), nullable=False),
        sa.Column("epoch", sa.String(length=26), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=False, comment="of the body as it came, reckoned here"),
        sa.Column("idempotency_key", sa.String(length=128), nullable=False),
        sa.Column(
            "stated_sha256",
            sa.String(length=64),
            nullable=True,
            comment="as the record says; what its chain was made with",
        ),
        sa.Column("chain", sa.String(length=64), nullable=True),
        sa.Column("fate", sa.String(length=16), nullable=False, comment="booked, repeated or rejected"),
        sa.Column("quarantine_id", sa.String(length=26), nullable=True),
        sa.Column("received_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["gateway"], ["gateway.id"], name="fk_inbox_gateway"),
        sa.PrimaryKeyConstraint("gateway", "epoch", "seq", name="pk_inbox"),
    )
    op.create_index(
        "ix_inbox_gateway_epoch_quarantine_id", "inbox", ["gateway", "epoch", "quarantine_id"], unique=False
    )


def _stock() -> None:
    op.create_table(
        "position",
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("item_id", sa.String(length=64), nullable=False),
        sa.Column(
            "on_hand",
            sa.BigInteger(),
            nullable=False,
            comment="pieces or grams; below zero when more was sold than known",
        ),
        sa.Column("moved_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["item.item_id"], name="fk_position_item_id"),
        sa.PrimaryKeyConstraint("store_id", "item_id", name="pk_position"),
    )
