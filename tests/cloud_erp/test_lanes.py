"""What headquarters is told of each till of a store: its state, and a call for somebody, which is an alarm."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from cloud_erp.db import Database
from cloud_erp.fleet import alarms
from retail.wire.presence import LaneBrief
from tests.cloud_erp.batches import BEGAN, GATEWAY
from tests.cloud_erp.test_fleet import metrics, only, say

IDLE = LaneBrief(workstation_id="1", kind="attended", state="idle", since=BEGAN)
KIOSK = LaneBrief(workstation_id="9", kind="self-checkout", state="selling", since=BEGAN)


def calls(lane: LaneBrief, at: int = 0) -> LaneBrief:
    facts = {"call": "help", "call_text": "help was asked for", "call_since": BEGAN + timedelta(minutes=at)}
    return lane.model_copy(update=facts)


def told(database: Database, *lanes: LaneBrief) -> None:
    say(database, "up/metrics", metrics(3, []).model_copy(update={"lanes": list(lanes)}))


def open_calls(database: Database) -> list[str]:
    with database.read() as connection:
        return [one.text for one in alarms.open_alarms(connection) if one.code == "help_called"]


def test_each_till_stands_with_its_state(database: Database) -> None:
    told(database, IDLE, KIOSK)
    assert [(one.workstation_id, one.kind, one.state) for one in only(database).lanes] == [
        ("1", "attended", "idle"),
        ("9", "self-checkout", "selling"),
    ]
    told(database, IDLE, KIOSK.model_copy(update={"state": "closed"}))
    assert only(database).lanes[1].state == "closed"


def test_a_call_is_one_alarm_until_somebody_came(database: Database) -> None:
    told(database, IDLE, calls(KIOSK))
    told(database, IDLE, calls(KIOSK))
    assert open_calls(database) == ["till 9 calls for somebody: help was asked for"]
    assert only(database).lanes[1].call == "help"
    told(database, calls(IDLE), calls(KIOSK))
    assert len(open_calls(database)) == 2
    told(database, calls(IDLE), KIOSK)
    assert open_calls(database) == ["till 1 calls for somebody: help was asked for"]
    told(database, IDLE, KIOSK)
    assert open_calls(database) == []


def test_one_that_a_person_cleared_stays_so_and_the_next_call_is_told_anew(database: Database) -> None:
    told(database, calls(KIOSK))
    with database.write() as connection:
        [one] = [one for one in alarms.open_alarms(connection) if one.code == alarms.HELP]
        alarms.clear(connection, one.id)
    told(database, calls(KIOSK))
    assert open_calls(database) == []
    told(database, KIOSK)
    told(database, calls(KIOSK, at=5))
    assert len(open_calls(database)) == 1


def test_metrics_of_an_earlier_software_say_nothing_of_tills(database: Database) -> None:
    old: dict[str, Any] = metrics(3, []).model_dump(mode="json")
    del old["lanes"]
    say(database, "up/metrics", json.dumps(old).encode())
    assert only(database).lanes == []
    assert only(database).gateway == GATEWAY
