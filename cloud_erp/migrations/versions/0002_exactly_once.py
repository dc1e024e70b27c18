"""The inbox guards the keys, the journal is partitioned, quarantine is mended, stores are watched, audit is kept.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op

from cloud_erp.db import BigId, UtcDateTime, now_utc
from cloud_erp.journal import partitions

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BOOKED = sa.text("fate = 'booked'")
REJECTED = sa.text("fate = 'rejected'")
CLEARED_BY = sa.Column(
    "cleared_by", sa.String(length=64), nullable=True, comment="a person's name, or system: it mended"
)
TOLD = sa.Column(
    "told_incarnation",
    sa.String(length=26),
    nullable=True,
    comment="the core's incarnation in the last ack made for this stream",
)
PROVEN = sa.Column(
    "proven_seq",
    sa.BigInteger(),
    nullable=True,
    comment="the store held an ack up to here that this database does not know",
)
STATE = sa.Column(
    "state",
    sa.String(length=16),
    nullable=False,
    server_default="open",
    comment="open, booked, repeated or discarded",
)


def upgrade() -> None:
    _inbox()
    _stream()
    if op.get_bind().dialect.name == "postgresql":
        _journal_postgresql()
    else:
        _journal_sqlite()
    _quarantine()
    _audit()
    with op.batch_alter_table("alarm", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.add_column(CLEARED_BY)


def _inbox() -> None:
    with op.batch_alter_table("inbox") as batch:
        batch.add_column(sa.Column("store_id", sa.String(length=64), nullable=True))
        batch.drop_index("ix_inbox_gateway_epoch_quarantine_id")
        batch.drop_constraint("fk_inbox_gateway", type_="foreignkey")
    op.execute("UPDATE inbox SET store_id = (SELECT store_id FROM gateway WHERE gateway.id = inbox.gateway)")
    with op.batch_alter_table("inbox") as batch:
        batch.alter_column("store_id", existing_type=sa.String(length=64), nullable=False)
    op.create_index(
        "uq_inbox_store_id_idempotency_key",
        "inbox",
        ["store_id", "idempotency_key"],
        unique=True,
        sqlite_where=BOOKED,
        postgresql_where=BOOKED,
    )
    op.create_index(
        "ix_inbox_rejected", "inbox", ["gateway", "epoch", "seq"], sqlite_where=REJECTED, postgresql_where=REJECTED
    )


def _stream() -> None:
    with op.batch_alter_table("stream") as batch:
        batch.add_column(TOLD)
        batch.add_column(PROVEN)
    op.create_table(
        "log_position",
        sa.Column("gateway", sa.String(length=64), nullable=False),
        sa.Column("epoch", sa.String(length=26), nullable=False),
        sa.Column("next_seq", sa.BigInteger(), nullable=False, comment="the highest that the store ever told"),
        sa.Column(
            "awaited_seq",
            sa.BigInteger(),
            nullable=True,
            comment="the store wrote up to here, and not all of it was received",
        ),
        sa.Column("awaited_since", UtcDateTime(timezone=True), nullable=True),
        sa.Column("heard_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["gateway"], ["gateway.id"], name="fk_log_position_gateway"),
        sa.PrimaryKeyConstraint("gateway", "epoch", name="pk_log_position"),
    )


def _journal_sqlite() -> None:
    with op.batch_alter_table("journal", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.drop_constraint("uq_journal_gateway_epoch_seq", type_="unique")
        batch.drop_constraint("uq_journal_store_id_idempotency_key", type_="unique")
        batch.drop_constraint("fk_journal_gateway", type_="foreignkey")
    op.create_index("ix_journal_gateway_epoch_seq", "journal", ["gateway", "epoch", "seq"])


def _journal_postgresql() -> None:
    for line in (
        "ALTER TABLE journal RENAME TO journal_before",
        "ALTER TABLE journal_before DROP CONSTRAINT pk_journal",
        "DROP INDEX ix_journal_business_date_store_id",
        "CREATE TABLE journal (LIKE journal_before INCLUDING DEFAULTS INCLUDING COMMENTS)"
        " PARTITION BY RANGE (received_at)",
        "ALTER TABLE journal ADD CONSTRAINT pk_journal PRIMARY KEY (id, received_at)",
        "ALTER SEQUENCE journal_id_seq OWNED BY journal.id",
        # Bodies are read one by one and written by the thousand: lz4 costs a third of the built-in compression.
        "ALTER TABLE journal ALTER COLUMN body SET COMPRESSION lz4",
    ):
        op.execute(line)
    op.create_index("ix_journal_business_date_store_id", "journal", ["business_date", "store_id"])
    op.create_index("ix_journal_gateway_epoch_seq", "journal", ["gateway", "epoch", "seq"])
    bind = op.get_bind()
    month, newest = bind.execute(sa.text("SELECT min(received_at), max(received_at) FROM journal_before")).one()
    while month is not None and month <= newest:
        month = partitions.ensure(bind, month, ahead=0)
    partitions.ensure(bind, now_utc())
    op.execute("INSERT INTO journal SELECT * FROM journal_before")
    op.execute("DROP TABLE journal_before")


def _quarantine() -> None:
    with op.batch_alter_table("quarantine") as batch:
        batch.add_column(STATE)
        batch.add_column(sa.Column("mended", sa.Text(), nullable=True, comment="the body as a person mended it, JSON"))
        batch.create_index("ix_quarantine_received_at", ["received_at"])
    op.create_table(
        "quarantine_change",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("quarantine_id", sa.String(length=26), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False, comment="mended, reposted or discarded"),
        sa.Column("detail", sa.Text(), nullable=False, comment="what changed from what to what, or why"),
        sa.ForeignKeyConstraint(["quarantine_id"], ["quarantine.id"], name="fk_quarantine_change_quarantine_id"),
        sa.PrimaryKeyConstraint("id", name="pk_quarantine_change"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_quarantine_change_quarantine_id", "quarantine_change", ["quarantine_id"])


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("gateway", sa.String(length=64), nullable=False),
        sa.Column("epoch", sa.String(length=26), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False, comment="by the box's clock"),
        sa.Column("body", sa.Text(), nullable=False, comment="canonical JSON, as hashed"),
        sa.Column("received_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["gateway"], ["gateway.id"], name="fk_audit_gateway"),
        sa.PrimaryKeyConstraint("gateway", "epoch", "seq", name="pk_audit"),
    )
    op.create_index("ix_audit_received_at", "audit", ["received_at"])


def downgrade() -> None:
    # The rows that told repetitions apart cannot be made up again.
    raise NotImplementedError("a database is taken back by restoring the backup made before the upgrade")
