from __future__ import annotations

import pytest

from gateway.drivers.drawer.kick import KickDrawer
from gateway.peripherals import (
    Answer,
    CheckHealth,
    Command,
    DrawerStatus,
    ErrorCode,
    OpenDrawer,
    Power,
    PowerChanged,
    Refusal,
    Send,
)
from tests.drivers.bench import Bench, events


def test_the_pulse_is_the_one_of_the_manual() -> None:
    drawer = KickDrawer(sensor="none", pin=5, on_ms=100, off_ms=200)
    outputs = drawer.on_command(Command(1, OpenDrawer()), 0.0)
    assert outputs == [Send(b"\x1b\x70\x01\x32\x64"), Answer(1, DrawerStatus(None))]


@pytest.mark.parametrize("sensor", ["open-high", "open-low"])
def test_a_drawer_has_opened_when_its_switch_says_so(sensor: str) -> None:
    bench = Bench("drawer-kick", sensor=sensor)
    bench.set(drawer_sensor=sensor)
    bench.run(1.0)
    end = bench.ask(OpenDrawer())
    assert isinstance(end, Answer)
    assert end.result == DrawerStatus(True)
    assert bench.of(DrawerStatus) == [DrawerStatus(False), DrawerStatus(True)]
    bench.set(drawer="closed")
    bench.run(2.0)
    assert bench.of(DrawerStatus)[-1] == DrawerStatus(False)


def test_a_stuck_drawer_is_told_and_gets_one_pulse_only() -> None:
    bench = Bench("drawer-kick")
    bench.set(drawer_stuck="yes")
    end = bench.ask(OpenDrawer())
    assert isinstance(end, Refusal)
    assert (end.reason, end.code) == ("drawer_stuck", ErrorCode.FAILURE)
    assert bench.wire.count(b"\x1bp") == 1


def test_no_pulse_is_left_in_an_offline_printer() -> None:
    bench = Bench("drawer-kick")
    bench.set(offline="yes")
    end = bench.ask(OpenDrawer())
    assert isinstance(end, Refusal)
    assert end.code is ErrorCode.OFFLINE
    assert b"\x1bp" not in bench.wire
    assert bench.of(PowerChanged) == [PowerChanged(Power.OFFLINE)]


def test_a_lost_answer_after_the_pulse_is_unknown_and_sends_no_second_one() -> None:
    drawer = KickDrawer()
    drawer.on_command(Command(1, OpenDrawer()), 0.0)
    outputs = drawer.on_bytes(b"\x12", 0.1)
    assert Send(b"\x1b\x70\x00\x32\xfa\x10\x04\x01") in outputs
    later = [output for at in (2.1, 3.0, 4.0, 9.0) for output in drawer.on_time(at)]
    assert not [output for output in later if isinstance(output, Send) and b"\x1bp" in output.data]
    (end,) = [output for output in events(later) if isinstance(output, Refusal)]
    assert end.reason == "unknown"


def test_health_tells_open_or_closed() -> None:
    bench = Bench("drawer-kick")
    bench.set(drawer="open")
    end = bench.ask(CheckHealth())
    assert isinstance(end, Answer)
    assert end.result == DrawerStatus(True)


@pytest.mark.parametrize("options", [{"pin": 3}, {"sensor": "maybe"}, {"on_ms": 1000}])
def test_impossible_options_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        KickDrawer(**options)  # type: ignore[arg-type]
