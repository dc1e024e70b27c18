"""Returns, discounts and sessions in the journal; points, coupons, vouchers, control transactions; feeds of any name.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

from cloud_erp.db import BigId, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

IN_SESSION = sa.text("session_id IS NOT NULL")
WAITS = sa.text("NOT settled")
UNPROVEN = sa.text("closed_seq IS NOT NULL AND (checked_at IS NULL OR differences IS NOT NULL)")


def upgrade() -> None:
    _journal()
    _feeds()
    _movements()
    _tills()
    op.create_table(
        "audit_case",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False, comment="what it is about, once for each code"),
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column(
            "sales", sa.Text(), nullable=False, comment="JSON: [[gateway, epoch, seq], ...] of the sales it is about"
        ),
        sa.Column("raised_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("settled_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.String(length=64), nullable=True),
        sa.Column("note", sa.Text(), nullable=True, comment="what the person found"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_case"),
        sa.UniqueConstraint("code", "subject", name="uq_audit_case_code_subject"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_case_settled_at", "audit_case", ["settled_at"])
    op.create_table(
        "deed",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False, comment="such as import items"),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False, comment="JSON: figures and keys"),
        sa.PrimaryKeyConstraint("id", name="pk_deed"),
        sqlite_autoincrement=True,
    )


def _journal() -> None:
    columns = (
        sa.Column("session_id", sa.String(length=64), comment="the till session, where the till keeps any"),
        sa.Column("returned_minor", sa.BigInteger(), comment="paid back for goods that came back; NULL: nothing"),
        sa.Column("discount_minor", sa.BigInteger(), comment="what deals and people took off; NULL: nothing"),
        sa.Column("rounding_minor", sa.BigInteger(), comment="cash rounding: above 0 paid on top; NULL: none"),
    )
    for column in columns:
        op.add_column("journal", column)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("COMMENT ON COLUMN journal.item_count IS 'pieces and weighed lines sold, less returned'")
    op.create_index(
        "ix_journal_session_id",
        "journal",
        ["session_id", "gateway"],
        sqlite_where=IN_SESSION,
        postgresql_where=IN_SESSION,
    )


def _feeds() -> None:
    op.create_table(
        "feed_row",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column(
            "row", sa.Text(), nullable=True, comment="canonical JSON, as the feed hashes it; NULL: this key is gone"
        ),
        sa.Column("version", sa.BigInteger(), nullable=False, comment="of the feed that changed it last"),
        sa.PrimaryKeyConstraint("name", "key", name="pk_feed_row"),
    )
    op.create_index("ix_feed_row_name_version", "feed_row", ["name", "version"])
    op.execute("INSERT INTO feed_row SELECT 'items', item_id, row, version FROM item")
    gone: sa.Column[bool] = sa.Column(
        "gone", sa.Boolean(), nullable=False, server_default=sa.false(), comment="no store sells it any more"
    )
    op.add_column("item", gone)


def _movements() -> None:
    op.create_table(
        "member",
        sa.Column("member_id", sa.String(length=64), nullable=False),
        sa.Column("opening", sa.BigInteger(), nullable=False, comment="points that the import brought"),
        sa.Column("moved", sa.BigInteger(), nullable=False, comment="the sum of the settled movements"),
        sa.PrimaryKeyConstraint("member_id", name="pk_member"),
    )
    op.create_table(
        "coupon",
        sa.Column("coupon_id", sa.String(length=64), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False, comment="the number of settled uses"),
        sa.PrimaryKeyConstraint("coupon_id", name="pk_coupon"),
    )
    op.create_table(
        "voucher",
        sa.Column("voucher_id", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column(
            "origin",
            sa.String(length=16),
            nullable=False,
            comment="imported, issued by a till, unknown (never seen), gone",
        ),
        sa.Column("opening_minor", sa.BigInteger(), nullable=False, comment="what the import brought"),
        sa.Column("moved_minor", sa.BigInteger(), nullable=False, comment="the sum of the settled movements"),
        sa.PrimaryKeyConstraint("voucher_id", name="pk_voucher"),
    )
    _movement(
        "points_movement",
        "member_id",
        sa.Column(
            "member_id",
            sa.String(length=64),
            nullable=False,
            comment="empty: points were spent, and the sale names nobody",
        ),
        sa.Column("points", sa.BigInteger(), nullable=False, comment="below 0: spent, or taken back"),
        settled="it is in the balance",
    )
    _movement(
        "coupon_use",
        "coupon_id",
        sa.Column("coupon_id", sa.String(length=64), nullable=False),
        settled="it is in the count",
    )
    _movement(
        "voucher_movement",
        "voucher_id",
        sa.Column("voucher_id", sa.String(length=64), nullable=False, comment="empty: the tender named none"),
        sa.Column(
            "amount_minor", sa.BigInteger(), nullable=False, comment="above 0: issued or topped up; below 0: spent"
        ),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True, comment="of one that was issued: its last day"),
        settled="it is in the balance",
    )


def _movement(name: str, owner: str, *columns: sa.Column[object], settled: str) -> None:
    op.create_table(
        name,
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        *columns,
        sa.Column("gateway", sa.String(length=64), nullable=False),
        sa.Column("epoch", sa.String(length=26), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False, comment="which line of the sale, from 0"),
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("received_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("settled", sa.Boolean(), nullable=False, comment=settled),
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        sqlite_autoincrement=True,
    )
    op.create_index(f"ix_{name}_{owner}", name, [owner, "id"])
    op.create_index(f"ix_{name}_waits", name, ["id"], sqlite_where=WAITS, postgresql_where=WAITS)


def _tills() -> None:
    op.create_table(
        "control",
        sa.Column("gateway", sa.String(length=64), nullable=False),
        sa.Column("epoch", sa.String(length=26), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("idempotency_key", sa.String(length=128), nullable=False),
        sa.Column(
            "control", sa.String(length=16), nullable=False, comment="SessionOpen, SessionClose, NoSale, PaidIn, ..."
        ),
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("workstation_id", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=True),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("operator_id", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False, comment="by the box's clock"),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column(
            "record", sa.Text(), nullable=False, comment="JSON: boot id, boot time, wall clock, its state, chain"
        ),
        sa.Column("body", sa.Text(), nullable=False, comment="canonical JSON, as hashed"),
        sa.Column("received_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["gateway"], ["gateway.id"], name="fk_control_gateway"),
        sa.PrimaryKeyConstraint("gateway", "epoch", "seq", name="pk_control"),
    )
    op.create_index("ix_control_session_id_gateway", "control", ["session_id", "gateway"])
    op.create_index("ix_control_business_date_store_id", "control", ["business_date", "store_id"])
    op.create_table(
        "till_session",
        sa.Column("gateway", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("workstation_id", sa.String(length=64), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("opened_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("opened_by", sa.String(length=64), nullable=True),
        sa.Column("closed_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(length=64), nullable=True),
        sa.Column("closed_epoch", sa.String(length=26), nullable=True),
        sa.Column("closed_seq", sa.BigInteger(), nullable=True),
        sa.Column("totals", sa.Text(), nullable=True, comment="JSON: what the close said"),
        sa.Column(
            "checked_at",
            UtcDateTime(timezone=True),
            nullable=True,
            comment="when its figures were reckoned again; NULL: that is to be done",
        ),
        sa.Column(
            "differences", sa.Text(), nullable=True, comment="JSON: [[figure, stated, reckoned], ...]; NULL: none"
        ),
        sa.ForeignKeyConstraint(["gateway"], ["gateway.id"], name="fk_till_session_gateway"),
        sa.PrimaryKeyConstraint("gateway", "session_id", name="pk_till_session"),
    )
    op.create_index("ix_till_session_business_date_store_id", "till_session", ["business_date", "store_id"])
    op.create_index(
        "ix_till_session_unproven", "till_session", ["gateway"], sqlite_where=UNPROVEN, postgresql_where=UNPROVEN
    )


def downgrade() -> None:
    # What was booked into the new tables stands nowhere else.
    raise NotImplementedError("a database is taken back by restoring the backup made before the upgrade")
