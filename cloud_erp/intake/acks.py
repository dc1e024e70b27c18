"""The acknowledgement of a stream: its mark, the chain value there, and what of it went to quarantine.

A store must hear of every rejected record, though it may miss any single ack (a later one replaces it). It sends at
most CREDIT batches of BATCH_RECORDS at once, so when it sends a batch it has taken in an ack of all but the last
CREDIT - 1 batches before. An ack therefore names what was rejected from there up to its mark. Where that is more than
MOST_REJECTED, the mark that it tells is held back before the first one left out; MOST_REJECTED is all that the window
and one batch can hold, so the store gets on with every batch it sends.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from cloud_erp.intake.model import inbox
from cloud_erp.intake.work import REJECTED
from cloud_erp.journal.model import quarantine
from retail.wire.ack import Ack, Rejected
from retail.wire.log import BATCH_RECORDS

CREDIT = 4
WINDOW = (CREDIT - 1) * BATCH_RECORDS
MOST_REJECTED = WINDOW + BATCH_RECORDS


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
    query = (
        select(inbox.c.seq, quarantine.c.code, quarantine.c.id)
        .join(quarantine, quarantine.c.id == inbox.c.quarantine_id)
        .where(here, inbox.c.fate == REJECTED, inbox.c.seq > known_from, inbox.c.seq <= mark)
        .order_by(inbox.c.seq)
        .limit(MOST_REJECTED + 1)
    )
    rows = list(connection.execute(query))
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
