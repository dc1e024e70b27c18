"""The live view: the newest session speaks, a late will never does."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from cloud_erp.db import Database
from cloud_erp.errors import AlreadyRegistered, CoreError
from cloud_erp.fleet import alarms, registry
from cloud_erp.fleet.inbound import FleetInbound
from cloud_erp.fleet.routes import fleet
from cloud_erp.fleet.service import GatewayView
from retail.wire.presence import Birth, DeviceBrief, DeviceState, GatewayEvent, LogPosition, Metrics, State
from tests.cloud_erp.batches import BEGAN, BOOT, EPOCH, GATEWAY, NEXT_EPOCH, STORE

PRINTER = DeviceBrief(id="printer-1", device_class="PosPrinter", driver="printer_escpos", power="online")
SCALE = DeviceBrief(id="scale-1", device_class="Scale", driver="scale_toledo_8217", power="online")


def position(epoch: str = EPOCH, unacked: int = 0) -> LogPosition:
    return LogPosition(
        epoch=epoch, next_seq=9, oldest_unacked_seq=None, oldest_unacked_age_s=None, unacked=unacked,
        head_chain="00" * 32, count_today=8, sum_today_minor=952,
    )  # fmt: skip


def state(word: str, session: int) -> State:
    return State.model_validate({"state": word, "session": session, "boot_id": BOOT, "since": BEGAN})


def birth(session: int, epoch: str = EPOCH, devices: list[DeviceBrief] | None = None, later_s: int = 0) -> Birth:
    return Birth(
        session=session, store_id=STORE, model="Raspberry Pi 4", serial="1", software="0.1.0", currency="EUR",
        timezone="Europe/Berlin", clock="synced", certificate_expires=None, feeds={"items": 1}, log=position(epoch),
        devices=devices if devices is not None else [PRINTER, SCALE], at=BEGAN + timedelta(seconds=later_s),
    )  # fmt: skip


def metrics(session: int, devices: list[DeviceBrief], unacked: int = 0) -> Metrics:
    return Metrics(
        session=session, at=BEGAN + timedelta(minutes=1), log=position(unacked=unacked), disk_used_percent=41.5,
        memory_rss_mib=58.0, cpu_temperature_c=None, link_reconnects=2, devices=devices,
    )  # fmt: skip


def say(database: Database, rest: str, message: Any, gateway: str = GATEWAY, fresh: bool = True) -> None:
    payload = message if isinstance(message, bytes) else message.model_dump_json().encode()
    FleetInbound(database, lambda *_: True).handle(f"edge/v1/{gateway}/{rest}", payload, fresh)


def only(database: Database) -> GatewayView:
    (view,) = fleet(database).gateways
    return view


def test_a_gateway_that_was_registered_but_never_spoke_is_shown_so(database: Database) -> None:
    view = only(database)
    assert (view.gateway, view.state, view.last_seen) == (GATEWAY, "never seen", None)


def test_a_late_will_of_an_older_session_overwrites_nothing(database: Database) -> None:
    say(database, "state", state("ready", 8))
    say(database, "state", state("lost", 7))
    assert (only(database).state, only(database).session) == ("ready", 8)


def test_the_will_of_the_current_session_counts_and_is_no_sign_of_life(database: Database) -> None:
    say(database, "state", state("ready", 8))
    seen = only(database).last_seen
    say(database, "state", state("lost", 8))
    assert (only(database).state, only(database).last_seen) == ("lost", seen)


def test_a_kept_message_does_not_say_that_a_gateway_is_there_now(database: Database) -> None:
    say(database, "state", state("ready", 8), fresh=False)
    assert (only(database).state, only(database).last_seen) == ("ready", None)


def test_a_new_card_begins_its_sessions_anew(database: Database) -> None:
    say(database, "state", state("ready", 8))
    say(database, "birth", birth(8))
    say(database, "state", state("init", 1))
    assert only(database).session == 8
    say(database, "birth", birth(1, epoch=NEXT_EPOCH))
    assert (only(database).session, only(database).state, only(database).epoch) == (1, "ready", NEXT_EPOCH)
    # and the old card's birth, kept by a broker, does not bring it back
    say(database, "birth", birth(8, later_s=-60), fresh=False)
    assert only(database).session == 1


def test_devices_and_figures_are_shown(database: Database) -> None:
    say(database, "birth", birth(3))
    say(database, "up/metrics", metrics(3, [PRINTER.model_copy(update={"power": "offline"}), SCALE], unacked=4))
    view = only(database)
    assert (view.software, view.devices, view.devices_in_trouble, view.queue_depth) == ("0.1.0", 2, 1, 4)
    assert (view.disk_used_percent, view.memory_rss_mib, view.link_reconnects) == (41.5, 58.0, 2)


def test_a_device_topic_is_taken_over_and_its_clearing_too(database: Database) -> None:
    say(database, "birth", birth(3))
    broken = DeviceState(
        id="printer-1", device_class="PosPrinter", driver="printer_escpos", power="offline", since=BEGAN,
        last_error="cover open", statistics={},
    )  # fmt: skip
    say(database, "dev/PosPrinter/printer-1", broken)
    printer = next(device for device in only(database).device_list if device.id == "printer-1")
    assert (printer.power, printer.last_error) == ("offline", "cover open")
    say(database, "dev/PosPrinter/printer-1", b"")
    assert [device.id for device in only(database).device_list] == ["scale-1"]


def test_an_older_birth_that_the_broker_kept_does_not_undo_what_metrics_told(database: Database) -> None:
    say(database, "birth", birth(3))
    say(database, "up/metrics", metrics(3, [PRINTER.model_copy(update={"power": "offline"})]))
    say(database, "birth", birth(3), fresh=False)
    assert (only(database).devices, only(database).devices_in_trouble) == (1, 1)


def test_events_become_alarms_by_their_severity(database: Database) -> None:
    say(database, "up/event/info", GatewayEvent(code="started", text="up", at=BEGAN))
    for _ in range(3):
        say(database, "up/event/error", GatewayEvent(code="outbox_salvaged", text="12 rows", at=BEGAN))
    (alarm,) = fleet(database).alarms
    assert (alarm.code, alarm.times, alarm.severity) == ("outbox_salvaged", 3, "error")
    assert only(database).alarms == 1
    with database.write() as connection:
        assert alarms.clear(connection, alarm.id)
        assert not alarms.clear(connection, alarm.id)
    assert fleet(database).alarms == []
    say(database, "up/event/error", GatewayEvent(code="outbox_salvaged", text="12 rows", at=BEGAN))
    assert [again.times for again in fleet(database).alarms] == [1]


@pytest.mark.parametrize("payload", [b"{}", b"no", b"\x28\xb5\x2f\xfd", b"[" * 100_000])
def test_a_message_that_cannot_be_read_raises_an_alarm_and_nothing_more(database: Database, payload: bytes) -> None:
    say(database, "state", state("ready", 2))
    say(database, "birth", payload)
    assert only(database).state == "ready"
    assert [alarm.code for alarm in fleet(database).alarms] == ["unreadable_message"]


def test_a_gateway_that_nobody_registered_raises_one_alarm(database: Database) -> None:
    say(database, "state", state("ready", 2), gateway="S0666-1")
    say(database, "up/metrics", metrics(2, []), gateway="S0666-1")
    (alarm,) = fleet(database).alarms
    assert (alarm.gateway, alarm.code, alarm.times) == ("S0666-1", "unregistered_gateway", 2)
    assert "backroom-core gateway add S0666-1" in alarm.text


@pytest.mark.parametrize(
    ("gateway", "store", "currency"),
    [
        ("S0421 1", STORE, "EUR"),
        ("a/b", STORE, "EUR"),
        ("hq", STORE, "EUR"),
        ("S" * 65, STORE, "EUR"),
        ("S1-1", "Store 1", "EUR"),
        ("S1-1", STORE, "euro"),
    ],
)
def test_a_gateway_that_cannot_be_is_not_registered(
    database: Database, gateway: str, store: str, currency: str
) -> None:
    with database.write() as connection, pytest.raises(CoreError):
        registry.add(connection, registry.Gateway(gateway, store, "x", currency))


def test_a_gateway_is_registered_once(database: Database) -> None:
    with database.write() as connection, pytest.raises(AlreadyRegistered, match="for store S0421"):
        registry.add(connection, registry.Gateway(GATEWAY, "S0001", "x", "EUR"))


def test_the_view_is_json_that_programs_read(database: Database) -> None:
    say(database, "birth", birth(3))
    found = json.loads(fleet(database).model_dump_json())
    assert found["gateways"][0]["feeds"] == {"items": 1}
