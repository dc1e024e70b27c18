"""The uplink: reads the outbox in order, sends batches, and believes only the core's acknowledgement.

Window:  at most `credit` batches in flight (the core says how many).
Resend:  on a new connection, from the first record not acknowledged; on a second acknowledgement with the same mark
         while later batches are in flight (a hole), from the mark, at once and once; else when the timer runs out
         (5 s to 5 min by the measured round trip, with jitter, doubling while nothing moves); soon after headquarters
         says that its intake opens, since nobody may have heard what was sent before.
Contract: retail/wire/log.py, retail/wire/ack.py; design: a PUBACK marks nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

from pydantic import ValidationError

from gateway.errors import QueueError, UnknownRecord
from gateway.mqtt.link import LinkDown, Publication
from gateway.queue.outbox import BatchOut, Outbox
from retail.wire.ack import Ack
from retail.wire.log import BATCH_RECORDS
from retail.wire.payload import PayloadError, pack, unpack
from retail.wire.presence import HqState

log = logging.getLogger(__name__)

RESEND_LEAST_S = 5.0
RESEND_MOST_S = 300.0
#: a disk that refused to keep an acknowledgement is tried again after this
KEEP_AGAIN_S = 1.0
#: PUBACK reason codes (MQTT 5.0, 3.4.2.1)
NO_SUBSCRIBER = 0x10
NOT_AUTHORISED = 0x87
TOO_LARGE = 0x95
QUOTA_EXCEEDED = 0x97
#: how long nothing new is sent after the broker asked for less, or headquarters said that it pauses, at the most
PAUSE_MOST_S = 10.0
#: within this what is in flight is sent again after intake has opened: all stores hear of it at once
ANEW_MOST_S = 3.0


@dataclass(frozen=True, slots=True)
class _InFlight:
    first_seq: int
    last_seq: int
    sent_at: float


class Uplink:
    def __init__(
        self,
        outbox: Outbox,
        topic: str,
        publish: Callable[[Publication], Awaitable[int]],
        monotonic: Callable[[], float],
        random: Random,
    ) -> None:
        self._outbox = outbox
        self._topic = topic
        self._publish = publish
        self._monotonic = monotonic
        self._random = random
        self._wake = asyncio.Event()
        self._acks: asyncio.Queue[Ack] = asyncio.Queue()
        self._up = False
        self._credit = 1
        self._cursor = 0
        self._mark = -1
        self._gone_back_for = -1
        self._in_flight: deque[_InFlight] = deque()
        self._round_trip_s: float | None = None
        self._silent_rounds = 0
        self._deadline: float | None = None
        self._publishing: set[asyncio.Task[None]] = set()
        self._not_kept = False
        self._alarmed = False
        self._pause_until = 0.0
        self._most_records = BATCH_RECORDS
        outbox.listen(self._wake.set)

    # --- what the link tells ----------------------------------------------------------------------------------------

    def link_up(self) -> None:
        """A new connection: what was in flight may be lost, so begin at the first record not acknowledged."""
        self._up = True
        self._alarmed = False
        self._pause_until = 0.0
        self._most_records = BATCH_RECORDS
        self._go_back()

    def link_down(self) -> None:
        self._up = False
        self._in_flight.clear()
        self._deadline = None

    def on_ack(self, _topic: str, payload: bytes) -> None:
        try:
            self._acks.put_nowait(Ack.model_validate_json(unpack(payload)))
        except (ValidationError, PayloadError) as error:
            log.error("an acknowledgement that cannot be read was left out: %s", error)

    def on_hq(self, _topic: str, payload: bytes) -> None:
        """Headquarters opens its intake, or pauses it. One of several cores may say so: it is a hint and no order."""
        try:
            state = HqState.model_validate_json(unpack(payload))
        except (ValidationError, PayloadError) as error:
            log.error("headquarters' state cannot be read and was left out: %s", error)
            return
        if state.intake == "paused":
            self._send_less()
            return
        self._pause_until, self._silent_rounds = 0.0, 0
        if self._deadline is not None:
            self._deadline = min(self._deadline, self._monotonic() + self._random.uniform(0, ANEW_MOST_S))
        self._wake.set()

    # --- the work ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._take_acks())
            group.create_task(self._send_forever())

    async def _send_forever(self) -> None:
        while True:
            await self._until_something_to_do()
            self._wake.clear()
            if self._deadline is not None and self._monotonic() >= self._deadline:
                self._silent_rounds += 1
                log.info("no acknowledgement for %d batches; sending again", len(self._in_flight))
                self._go_back()
            while self._may_send():
                batch = await self._outbox.batch_from(self._cursor, self._most_records)
                if batch is None or not self._may_send():
                    break
                self._send(batch)

    def _may_send(self) -> bool:
        return self._up and len(self._in_flight) < self._credit and self._monotonic() >= self._pause_until

    async def _until_something_to_do(self) -> None:
        now = self._monotonic()
        moments = [self._deadline] if self._deadline is not None else []
        if self._pause_until > now:
            moments.append(self._pause_until)
        timeout = max(0.0, min(moments) - now) if moments else None
        try:
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        except TimeoutError:
            pass

    def _send(self, batch: BatchOut) -> None:
        now = self._monotonic()
        self._in_flight.append(_InFlight(batch.first_seq, batch.last_seq, now))
        self._cursor = batch.last_seq + 1
        if self._deadline is None:
            self._set_timer(now)
        task = asyncio.create_task(self._hand_over(batch))
        self._publishing.add(task)
        task.add_done_callback(self._publishing.discard)

    async def _hand_over(self, batch: BatchOut) -> None:
        try:
            code = await self._publish(Publication(self._topic, pack(batch.json)))
        except LinkDown:
            return  # link_up begins again from the first record not acknowledged
        self._heed(code, batch)

    def _heed(self, code: int, batch: BatchOut) -> None:
        """What the broker's answer asks of us. Whatever it says, only the core's acknowledgement marks anything."""
        if code == NOT_AUTHORISED:
            self._pause_until = self._monotonic() + PAUSE_MOST_S
            if not self._alarmed:
                self._alarmed = True
                log.error(
                    "the broker does not let this gateway publish on %s: enrol it at headquarters; sales are kept here",
                    self._topic,
                )
        elif code == TOO_LARGE:
            self._split(batch)
        elif code in (QUOTA_EXCEEDED, NO_SUBSCRIBER):
            # Nobody listens, or too much at once: the batch stays in flight for the timer, nothing new follows at once.
            self._send_less()
            log.debug("the broker answered 0x%02x; sending less", code)

    def _split(self, batch: BatchOut) -> None:
        records = batch.last_seq - batch.first_seq + 1
        if records > 1:
            self._most_records = records // 2
            log.warning("a batch of %d records is too large for the broker; now %d", records, self._most_records)
            self._go_back()
            return
        # It stays in flight for the timer; somebody may give the broker more room meanwhile.
        if not self._alarmed:
            self._alarmed = True
            log.error(
                "record %d, of %d bytes, is too large for the broker, and what stands behind it waits here:"
                " raise the broker's largest packet (Mosquitto: max_packet_size)",
                batch.first_seq,
                len(batch.json),
            )

    def _send_less(self) -> None:
        self._pause_until = self._monotonic() + self._random.uniform(0, PAUSE_MOST_S)

    def _go_back(self) -> None:
        self._in_flight.clear()
        self._cursor = 0
        self._deadline = None
        self._wake.set()

    def _set_timer(self, now: float) -> None:
        measured = 4 * self._round_trip_s if self._round_trip_s is not None else 2 * RESEND_LEAST_S
        limit = min(RESEND_MOST_S, max(2 * RESEND_LEAST_S, measured) * 2 ** min(self._silent_rounds, 10))
        self._deadline = now + self._random.uniform(RESEND_LEAST_S, limit)

    async def _take_acks(self) -> None:
        while True:
            ack = await self._acks.get()
            try:
                await self._take_or_part(ack)
            except QueueError as error:
                await self._take_later(ack, error)
            else:
                if self._not_kept:
                    log.info("acknowledgements are kept again")
                self._not_kept = False

    async def _take_or_part(self, ack: Ack) -> None:
        try:
            await self._take(ack)
        except UnknownRecord as clash:
            # Another box, or an older image of this card, wrote under our numbers: leave them to it.
            await self._outbox.new_epoch("identity_clash", str(clash))
            self._mark = self._gone_back_for = -1
            self._go_back()

    async def _take_later(self, ack: Ack, error: QueueError) -> None:
        """The disk takes nothing now: the acknowledgement waits, unless a newer one came, and the daemon lives on."""
        if not self._not_kept:
            log.error("an acknowledgement cannot be kept now, and is tried again: %s", error)
        self._not_kept = True
        await asyncio.sleep(KEEP_AGAIN_S)
        if self._acks.empty():
            self._acks.put_nowait(ack)

    async def _take(self, ack: Ack) -> None:
        if ack.epoch != self._outbox.epoch:
            log.info("acknowledgement for the earlier epoch %s left out", ack.epoch)
            return
        known = self._outbox.recall("core_incarnation")
        if known != ack.core_incarnation:
            if known is not None:
                again = await self._outbox.refill(ack.contiguous_seq, ack.chain)
                log.warning("headquarters was restored from a backup: %d records are sent again", again)
                self._go_back()
            await self._outbox.remember("core_incarnation", ack.core_incarnation)
            if ack.epoch != self._outbox.epoch:
                self._mark = self._gone_back_for = -1
                return
        rejected = {item.seq: (item.code, item.quarantine_id) for item in ack.rejected}
        await self._outbox.acknowledge(ack.epoch, ack.contiguous_seq, rejected, ack.chain)
        self._credit = ack.credit
        self._advance(ack.contiguous_seq)
        self._wake.set()

    def _advance(self, mark: int) -> None:
        now = self._monotonic()
        if mark == self._mark and self._is_hole(mark, now):
            self._gone_back_for = mark
            log.info("headquarters misses seq %d: sending from there again", mark + 1)
            self._go_back()
            return
        moved = mark > self._mark
        if moved:
            self._pause_until = 0.0  # the core is there and books
        self._mark = mark
        while self._in_flight and self._in_flight[0].last_seq <= mark:
            done = self._in_flight.popleft()
            took = now - done.sent_at
            self._round_trip_s = took if self._round_trip_s is None else 0.875 * self._round_trip_s + 0.125 * took
        if moved:
            self._silent_rounds = 0
            self._deadline = None
            if self._in_flight:
                self._set_timer(now)

    def _is_hole(self, mark: int, now: float) -> bool:
        """The core had something later, not this. (An echo of an earlier resend comes sooner than a round trip.)"""
        if len(self._in_flight) < 2 or self._gone_back_for == mark:
            return False
        return now - self._in_flight[0].sent_at >= (self._round_trip_s or 0.0)
