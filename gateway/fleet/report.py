"""What this gateway says of itself to headquarters: state, birth, metrics and its devices, as they are when asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from gateway.clock import Clock
from gateway.devices.manager import Manager
from gateway.devices.snapshot import Snapshot
from gateway.fleet import health
from gateway.mqtt.presence import StateWord
from gateway.queue.inbox import Inbox
from gateway.queue.outbox import Outbox
from gateway.till.ledger import Ledger
from retail.wire.presence import Birth, DeviceBrief, DeviceState, LaneBrief, LogPosition, Metrics, State


class Report:
    """since: when the daemon started, UTC."""

    def __init__(
        self,
        store_id: str,
        currency: str,
        software: str,
        data_dir: Path,
        clock: Clock,
        outbox: Outbox,
        inbox: Inbox,
        ledger: Ledger,
        manager: Manager,
        reconnects: Callable[[], int],
        lanes: Callable[[], list[LaneBrief]],
    ) -> None:
        self._store_id = store_id
        self._currency = currency
        self._software = software
        self._data_dir = data_dir
        self._clock = clock
        self._outbox = outbox
        self._inbox = inbox
        self._ledger = ledger
        self._manager = manager
        self._reconnects, self._lanes = reconnects, lanes
        self._since = clock.wall()

    def state(self, word: StateWord, session: int) -> State:
        return State(state=word, session=session, boot_id=self._clock.boot_id, since=self._since)

    def business_day(self) -> date:
        """Over midnight, too, that of the open session."""
        return self._ledger.business_day(self._clock.local_date())

    def position(self) -> LogPosition:
        position = self._outbox.position()
        count, total = self._ledger.day(self.business_day())
        age = position.oldest_unacked_age_s
        return LogPosition(
            epoch=position.epoch,
            next_seq=position.next_seq,
            oldest_unacked_seq=position.oldest_unacked_seq,
            oldest_unacked_age_s=round(age, 1) if age is not None else None,
            unacked=position.unacked,
            head_chain=position.head_chain,
            count_today=count,
            sum_today_minor=total,
        )

    def birth(self, session: int) -> Birth:
        return Birth(
            session=session,
            store_id=self._store_id,
            model=health.model(),
            serial=health.serial(),
            software=self._software,
            currency=self._currency,
            timezone=str(self._clock.zone),
            clock=self._clock.state(),
            certificate_expires=None,
            feeds=self._inbox.versions(),
            log=self.position(),
            devices=self._briefs(),
            at=self._clock.wall(),
        )

    def metrics(self, session: int) -> Metrics:
        return Metrics(
            session=session,
            at=self._clock.wall(),
            log=self.position(),
            disk_used_percent=health.disk_used_percent(self._data_dir),
            memory_rss_mib=health.memory_rss_mib(),
            cpu_temperature_c=health.cpu_temperature_c(),
            link_reconnects=self._reconnects(),
            devices=self._briefs(),
            lanes=self._lanes(),
        )

    def devices(self) -> list[DeviceState]:
        return [_device_state(snapshot) for snapshot in self._manager.snapshots()]

    def _briefs(self) -> list[DeviceBrief]:
        return [
            DeviceBrief(id=one.device_id, device_class=one.device_class, driver=one.driver, power=one.power.value)
            for one in self._manager.snapshots()
        ]


def _device_state(snapshot: Snapshot) -> DeviceState:
    return DeviceState(
        id=snapshot.device_id,
        device_class=snapshot.device_class,
        driver=snapshot.driver,
        power=snapshot.power.value,
        since=snapshot.since,
        last_error=snapshot.last_error or None,
        statistics=dict(snapshot.statistics),
    )
