from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.drivers.scanner.evdev import WedgeScanner
from gateway.drivers.scanner.keyboards import LAYOUTS
from gateway.peripherals import Beep, Command, ErrorCode, Event, Oddity, Refusal, Scan, SetScanning, WakeAt
from gateway.peripherals.reports import EV_KEY, EV_SYN, SYN_DROPPED, Key, pack_key
from tests.drivers.bench import Bench, events
from tests.drivers.scanner.frames import is_data

#: as the kernel reports a scanner that read 4711 and pressed Enter, with the scan code and SYN events left in
REAL = [
    (4, 4, 0x70021), (1, 5, 1), (0, 0, 0), (1, 5, 0), (0, 0, 0), (1, 8, 1), (1, 8, 0), (1, 2, 1), (1, 2, 0),
    (1, 2, 1), (1, 2, 0), (1, 28, 1), (1, 28, 0),
]  # fmt: skip
SHIFT, CTRL, ALT, ALTGR, CAPS, ENTER = 42, 29, 56, 100, 58, 28


def typed(*keys: tuple[int, int, int] | int) -> bytes:
    """Events as they are; a bare number is a key pressed and released, a negative one held from here to the end."""
    found: list[Key] = []
    held: list[int] = []
    for key in keys:
        if isinstance(key, tuple):
            found.append(Key(*key))
        elif key < 0:
            found.append(Key(EV_KEY, -key, 1))
            held.append(-key)
        else:
            found += [Key(EV_KEY, key, 1), Key(EV_KEY, key, 0)]
    found += [Key(EV_KEY, key, 0) for key in held]
    return b"".join(map(pack_key, found))


def read(data: bytes, now: float = 0.0, **options: object) -> list[Event]:
    return events(WedgeScanner(**options).on_bytes(data, now))  # type: ignore[arg-type]


def test_what_the_kernel_reports_for_a_label_is_one_scan() -> None:
    assert read(typed(*REAL)) == [Scan("4711")]


@pytest.mark.parametrize("end", [28, 96, 15])
def test_enter_keypad_enter_and_tab_end_a_label(end: int) -> None:
    assert read(typed(5, end)) == [Scan("4")]


def test_enter_with_shift_still_down_is_an_end() -> None:
    assert read(typed(5) + typed(-SHIFT, 28)) == [Scan("4")]


def test_with_enter_alone_a_tab_is_no_end() -> None:
    assert [type(event) for event in read(typed(5, 15, 5, 28), suffix="enter")] == [Oddity]


def test_shift_caps_lock_and_both() -> None:
    assert read(typed(-SHIFT, 30) + typed(30, ENTER)) == [Scan("Aa")]
    assert read(typed(CAPS, 30, 5) + typed(-SHIFT, 30) + typed(CAPS, 30, ENTER)) == [Scan("A4aa")]
    assert read(typed(30, ENTER), caps_lock=True) == [Scan("A")]


def test_a_repeated_key_is_the_kernels_and_no_digit() -> None:
    assert read(typed((1, 5, 1), (1, 5, 2), (1, 5, 2), (1, 5, 0), ENTER)) == [Scan("4")]


def test_german_y_z_and_umlauts() -> None:
    assert read(typed(44, 21, 26, ENTER), layout="de") == [Scan("yzü")]


def test_french_digits_need_shift() -> None:
    assert read(typed(-SHIFT, 2, 3, 4) + typed(ENTER), layout="fr") == [Scan("123")]
    assert read(typed(2, 3, 4, ENTER), layout="fr") == [Scan('&é"')]


def test_altgr_by_the_right_alt_key_or_by_ctrl_and_alt() -> None:
    assert read(typed(-ALTGR, 16) + typed(ENTER), layout="de") == [Scan("@")]
    assert read(typed(-CTRL, -ALT, 16) + typed(ENTER), layout="de") == [Scan("@")]


def test_dead_keys() -> None:
    assert read(typed(41, 57, ENTER), layout="de") == [Scan("^")]
    assert read(typed(41, 18, ENTER), layout="de") == [Scan("ê")]
    assert read(typed(41, 2, ENTER), layout="de") == [Scan("^1")]
    assert read(typed(41, 41, 2, ENTER), layout="de") == [Scan("^1")]
    assert read(typed(41, ENTER), layout="de") == [Scan("^")]


def test_gs_by_ctrl_in_every_layout_and_by_alt() -> None:
    for layout in LAYOUTS:
        assert read(typed(3) + typed(-CTRL, 27) + typed(ENTER), layout=layout) == [
            Scan(f"{LAYOUTS[layout].levels[0][3]}\x1d")
        ]
    assert read(typed(5) + typed(-ALT, 82, 80, 73) + typed(ENTER)) == [Scan("4\x1d")]


def test_alt_codes_by_both_code_pages() -> None:
    # 0228 is ä in code page 1252; 132 is ä in 437.
    assert read(typed(-ALT, 82, 80, 80, 72) + typed(ENTER)) == [Scan("ä")]
    assert read(typed(-ALT, 79, 81, 80) + typed(ENTER)) == [Scan("ä")]
    assert [type(event) for event in read(typed(-ALT, 73, 73, 73) + typed(ENTER))] == [Oddity]


@pytest.mark.parametrize("control", [30, 46, 1])
def test_other_control_characters_and_keys_without_a_meaning_sell_nothing(control: int) -> None:
    assert [type(event) for event in read(typed(5) + typed(-CTRL, control) + typed(5, ENTER))] == [Oddity]


def test_ctrl_m_is_an_end() -> None:
    assert read(typed(5) + typed(-CTRL, 50)) == [Scan("4")]


def test_events_lost_in_the_kernel_spoil_the_label_and_only_this_one() -> None:
    got = read(typed(5, (EV_SYN, SYN_DROPPED, 0), 5, ENTER) + typed(5, ENTER))
    assert [type(event) for event in got] == [Oddity, Scan]


def test_the_aim_identifier_and_the_prefix_are_taken_off() -> None:
    keys = typed(44, 27) + typed(-SHIFT, 18) + typed(11, 5, 8, ENTER)
    assert read(keys, prefix="z") == [Scan("47", "]E0")]
    assert [type(event) for event in read(keys, prefix="q")] == [Oddity]
    assert read(keys[len(typed(44)) :], aim=False) == [Scan("]E047")]


def test_a_pause_ends_a_label_without_a_suffix() -> None:
    scanner = WedgeScanner(suffix="none", idle_ms=50)
    scanner.on_time(0.0)
    assert scanner.on_bytes(typed(5, 8), 1.0) == [WakeAt(1.05)]
    assert events(scanner.on_bytes(typed(2), 1.03)) == []
    assert events(scanner.on_time(1.05)) == []
    assert events(scanner.on_time(1.08)) == [Scan("471")]


def test_a_label_over_by_its_pause_does_not_begin_the_next_one_when_the_clock_came_late() -> None:
    scanner = WedgeScanner(suffix="none", idle_ms=50)
    scanner.on_time(0.0)
    scanner.on_bytes(typed(5), 1.0)
    assert events(scanner.on_bytes(typed(8), 1.2)) == [Scan("4")]
    assert events(scanner.on_time(1.3)) == [Scan("7")]


def test_a_torn_label_does_not_begin_the_next_one() -> None:
    scanner = WedgeScanner()
    scanner.on_bytes(typed(5), 0.0)
    got = events(scanner.on_bytes(typed(8, ENTER), 1.5))
    assert [type(event) for event in got] == [Oddity, Scan]
    assert got[1] == Scan("7")


def test_an_endless_label_is_bounded_and_told() -> None:
    scanner = WedgeScanner(max_length=10)
    for _ in range(1000):
        assert events(scanner.on_bytes(typed(5), 0.0)) == []
    assert len(scanner._label) == 10
    assert [type(event) for event in events(scanner.on_bytes(typed(ENTER), 0.1))] == [Oddity]


@pytest.mark.parametrize("request_", [SetScanning(False), Beep()])
def test_it_cannot_be_asked_for_anything(request_: SetScanning | Beep) -> None:
    (end,) = WedgeScanner().on_command(Command(7, request_), 0.0)
    assert isinstance(end, Refusal)
    assert (end.code, end.reason) == (ErrorCode.ILLEGAL, "unsupported")


@pytest.mark.parametrize("options", [{"layout": "xx"}, {"suffix": "cr"}, {"suffix": "none"}])
def test_impossible_options_are_told(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        WedgeScanner(**options)  # type: ignore[arg-type]


printable = st.text(
    st.sampled_from([chr(code) for code in range(0x20, 0x7F)] + ["\x1d"]), min_size=1, max_size=40
).filter(is_data)


@pytest.mark.parametrize("layout", list(LAYOUTS))
@given(label=printable, gs=st.sampled_from(["ctrl", "alt"]), caps=st.sampled_from(["yes", "no"]))
@settings(deadline=None, max_examples=60)
def test_driver_and_simulator_agree_over_all_characters(layout: str, label: str, gs: str, caps: str) -> None:
    # The simulator's strokes come from xkeyboard-config, the driver's rows were written down: two sources.
    bench = Bench("scanner-evdev", layout=layout, aim=False, caps_lock=caps == "yes")
    bench.set(layout=layout, gs=gs, caps_lock=caps, scan=label.replace("\\", "\\\\"))
    assert bench.seen == [Scan(label)]


def test_characters_beyond_ascii_come_by_alt_codes() -> None:
    bench = Bench("scanner-evdev")
    bench.set(scan="Äpfel €")
    assert bench.seen == [Scan("Äpfel €")]


def test_the_simulators_other_knobs() -> None:
    bench = Bench("scanner-evdev")
    bench.run(0.1)
    bench.set(aim="]C1", suffix="tab", lost="yes", scan="0104711234567899")
    bench.set(scan="0104711234567899")
    assert [type(event) for event in bench.seen[1:]] == [Oddity, Scan]
    bench.set(late="1.5", scan="0104711234567899")
    assert len(bench.of(Scan)) == 1
    bench.run(2.0)
    assert len(bench.of(Scan)) == 2
    bench.set(silent="yes", scan="1")
    bench.run(2.0)
    assert len(bench.of(Scan)) == 2
