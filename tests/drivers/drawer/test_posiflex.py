from __future__ import annotations

import pytest

from gateway.drivers.drawer.posiflex import DRIVER, PosiflexDrawer
from gateway.peripherals import (
    Answer,
    CheckHealth,
    Command,
    DrawerStatus,
    ErrorCode,
    Oddity,
    OpenDrawer,
    Power,
    PowerChanged,
    Refusal,
)
from gateway.peripherals.reports import pack
from tests.drivers.bench import Bench, events, sent

OPEN = b"O\x79\x00" + b"\x00\x07\x07" + bytes(118)
ASK = b"O\x79\x00" + b"\x00\x07\x08" + bytes(118)
CLOSED, OPENED = (pack("I", bytes([status]) + b"\x55" * 119) for status in (0x71, 0x70))


def test_orders_are_the_120_bytes_of_its_notes_behind_report_id_0() -> None:
    drawer = PosiflexDrawer()
    assert sent(drawer.on_time(0.0)) == b"D\x00\x00" + ASK
    drawer.on_bytes(CLOSED, 0.1)
    assert sent(drawer.on_command(Command(1, OpenDrawer()), 0.2)) == ASK
    assert sent(drawer.on_bytes(CLOSED, 0.3)) == OPEN + ASK
    seen = events(drawer.on_bytes(OPENED, 0.4))
    assert seen == [DrawerStatus(True), Answer(1, DrawerStatus(True))]


@pytest.mark.parametrize("number", range(8))
def test_driver_and_simulator_agree_over_the_whole_range(number: int) -> None:
    bench = Bench("drawer-posiflex", number=number)
    bench.set(number=number)
    bench.run(1.0)
    end = bench.ask(OpenDrawer())
    assert end == Answer(1, DrawerStatus(True))
    bench.set(drawer="closed")
    bench.run(2.0)
    assert bench.of(DrawerStatus) == [DrawerStatus(False), DrawerStatus(True), DrawerStatus(False)]
    assert bench.device.orders == 1  # type: ignore[attr-defined]
    assert bench.ask(CheckHealth()) == Answer(2, DrawerStatus(False))


def test_another_drawers_number_opens_nothing_and_is_told() -> None:
    bench = Bench("drawer-posiflex", number=3)
    bench.run(1.0)
    end = bench.ask(OpenDrawer())
    assert isinstance(end, Refusal)
    assert (end.reason, end.code, end.begun) == ("silent", ErrorCode.TIMEOUT, False)
    assert bench.device.orders == 0  # type: ignore[attr-defined]


def test_a_locked_drawer_gets_one_order_and_is_told() -> None:
    bench = Bench("drawer-posiflex")
    bench.set(stuck="yes")
    end = bench.ask(OpenDrawer())
    assert isinstance(end, Refusal)
    assert (end.reason, end.code, end.begun) == ("drawer_stuck", ErrorCode.FAILURE, True)
    assert bench.device.orders == 1  # type: ignore[attr-defined]


def test_a_slow_drawer_is_waited_for() -> None:
    bench = Bench("drawer-posiflex")
    bench.set(slow=5)
    assert isinstance(bench.ask(OpenDrawer()), Answer)
    assert bench.device.orders == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("knob", ["garbage", "short"])
def test_reports_that_are_no_answer_open_nothing_and_are_shown(knob: str) -> None:
    bench = Bench("drawer-posiflex")
    bench.set(**{knob: "yes"})
    bench.run(1.0)
    end = bench.ask(OpenDrawer())
    assert isinstance(end, Answer if knob == "garbage" else Refusal)
    assert bench.of(Oddity)
    assert bench.device.orders == (knob == "garbage")  # type: ignore[attr-defined]


@pytest.mark.parametrize("status", [0x00, 0x01, 0x61, 0x72, 0x79, 0xF1, 0xFF])
def test_only_its_own_two_answers_are_believed(status: int) -> None:
    drawer = PosiflexDrawer()
    drawer.on_command(Command(1, CheckHealth()), 0.0)
    (odd,) = events(drawer.on_bytes(pack("I", bytes([status]) + bytes(119)), 0.1))
    assert isinstance(odd, Oddity)


def test_an_answer_nobody_asked_for_is_not_believed() -> None:
    drawer = PosiflexDrawer()
    (odd,) = events(drawer.on_bytes(OPENED, 0.1))
    assert isinstance(odd, Oddity)


def test_no_answer_after_the_order_is_unknown_and_sends_no_second_one() -> None:
    drawer = PosiflexDrawer()
    drawer.on_command(Command(1, OpenDrawer()), 0.0)
    assert OPEN in sent(drawer.on_bytes(CLOSED, 0.1))
    later = [output for at in (2.1, 3.0, 4.0, 9.0) for output in drawer.on_time(at)]
    assert OPEN not in sent(later)
    end, power = events(later)
    assert isinstance(end, Refusal)
    assert (end.reason, end.begun) == ("unknown", True)
    assert power == PowerChanged(Power.OFF)


@pytest.mark.parametrize("number", [-1, 8])
def test_a_number_no_drawer_has_is_a_mistake(number: int) -> None:
    with pytest.raises(ValueError, match="0 to 7"):
        PosiflexDrawer(number=number)


def test_its_identities_are_the_product_ids_of_all_numbers() -> None:
    assert (DRIVER.identities[0], DRIVER.identities[7]) == ("usb:0d3a:0200", "usb:0d3a:0207")
