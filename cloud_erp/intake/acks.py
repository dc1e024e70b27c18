"""The acknowledgement of a stream: its mark, the chain value there, and what of it went to quarantine.

A store must hear of every rejected record, though it may miss any single ack (a later one replaces it). It sends at
most CREDIT batches of BATCH_RECORDS at once, so when it sends a batch it has taken in an ack of all but the last
CREDIT - 1 batches before. An ack therefore names what was rejected from there up to its mark. Where that is more than
MOST_REJECTED, the mark that it tells is held back before the first one left out; MOST_REJECTED is all that the window
and one batch can hold, so the store gets on with every batch it sends.

Batches that were booked together need one ack: the one for the first of them, which looks back furthest. Only where its
mark is held back do the next ones get acks of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, literal_column, select

from cloud_erp.intake.envelope import Parcel
from cloud_erp.intake.model import inbox
from cloud_erp.intake.work import REJECTED
from cloud_erp.journal.model import quarantine
from retail.wire.ack import Ack, Rejected
from retail.wire.log import BATCH_RECORDS

CREDIT = 4
WINDOW = (CREDIT - 1) * BATCH_RECORDS
MOST_REJECTED = WINDOW + BATCH_RECORDS

_REJECTED = (
    select(inbox.c.seq, quarantine.c.code, quarantine.c.id)
    .join(quarantine, quarantine.c.id == inbox.c.quarantine_id)
    .where(
        inbox.c.gateway == bindparam("of_gateway"),
        inbox.c.epoch == bindparam("of_epoch"),
        inbox.c.fate == literal_column(f"'{REJECTED}'"),  # a bound value would hide it from the partial index
        inbox.c.seq > bindparam("known_from"),
        inbox.c.seq <= bindparam("mark"),
    )
    .order_by(inbox.c.seq)
    .limit(MOST_REJECTED + 1)
)


def answers(
    connection: Connection,
    stream: tuple[str, str],
    mark: int,
    chain: str | None,
    incarnation: str,
    run: Sequence[Parcel],
    some_rejected: bool = True,
) -> list[Ack]:
    """The acks for batches that were booked together, in the order in which they are to be published.

    some_rejected: False where it is known that none of the stream's last records is in quarantine.
    """
    made: list[Ack] = []
    for parcel in run:
        made.append(ack(connection, stream, mark, chain, incarnation, parcel.first_seq if some_rejected else None))
        if made[-1].contiguous_seq == mark:
            break
    # A second ack with the same mark tells the store of a hole before what came last.
    if run[0].first_seq <= mark < run[-1].first_seq:
        made.append(made[-1])
    return made


def ack(
    connection: Connection,
    stream: tuple[str, str],
    mark: int,
    chain: str | None,
    incarnation: str,
    first_seq: int | None = None,
) -> Ack:
    """For a stream (gateway, epoch) at that mark. first_seq: of the batch it answers; None: it answers none."""
    known_from = mark if first_seq is None else max(0, first_seq - 1 - WINDOW)
    here = (inbox.c.gateway == stream[0]) & (inbox.c.epoch == stream[1])
    span = {"of_gateway": stream[0], "of_epoch": stream[1], "known_from": known_from, "mark": mark}
    rows = list(connection.execute(_REJECTED, span)) if known_from < mark else []
    if len(rows) > MOST_REJECTED:
        left_out = rows.pop().seq
        stated = dict(
            connection.execute(
                select(inbox.c.seq, inbox.c.chain).where(here, inbox.c.seq.in_((mark, left_out - 1)))
            ).all()
        )
        # A store whose chain is another one begins a new epoch, and sends all again: it must see that now.
        if stated[mark] == chain:
            mark, chain = left_out - 1, stated[left_out - 1]
    return Ack(
        epoch=stream[1],
        contiguous_seq=mark,
        chain=chain if mark else None,
        rejected=[Rejected(seq=row.seq, code=row.code, quarantine_id=row.id) for row in rows],
        credit=CREDIT,
        core_incarnation=incarnation,
    )
