"""Report descriptors: of the HID 1.11 specification itself, of a scale, and of a HID POS scanner."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.peripherals.hid_descriptor import BadDescriptor, Layout, parse

#: HID 1.11, appendix B.1 / E.6: the boot keyboard
KEYBOARD = bytes.fromhex(
    "05 01 09 06 a1 01 05 07 19 e0 29 e7 15 00 25 01 75 01 95 08 81 02 95 01 75 08 81 01"
    "95 05 75 01 05 08 19 01 29 05 91 02 95 01 75 03 91 01 95 06 75 08 15 00 25 65 05 07 19 00 29 65 81 00 c0"
)
#: a scale of the POS usage tables 1.02, page 8D: report 3 with status and unit as named arrays, exponent, 16 bit weight
SCALE = bytes.fromhex(
    "05 8d 09 20 a1 01 85 03 09 32 a1 02 15 01 25 08 75 08 95 01 09 33 a1 02 19 71 29 78 81 00 c0"
    "09 50 a1 02 15 01 25 0c 19 51 29 5c 81 00 c0 15 80 25 7f 09 41 81 02 15 00 27 ff ff 00 00 75 10 09 40 81 02 c0"
    "85 02 09 31 a1 02 15 00 25 01 75 01 95 02 09 81 09 80 91 02 95 06 91 03 c0 c0"
)
#: a scanner of page 8C as Access-IS LSR118 and the JieLi SDK describe it: 64 bytes with the id, 56 of them data
SCANNER = bytes.fromhex(
    "05 8c 09 02 a1 01 09 12 a1 02 85 02 15 00 26 ff 00 75 08 95 01 05 01 09 3b 81 02 95 03 05 8c 09 fb 09 fc 09 fd"
    "81 02 95 38 09 fe 82 02 01 06 66 ff 95 02 09 04 09 00 81 02 05 8c 25 01 75 01 95 08 09 ff 81 02 c0"
    "09 14 a1 02 85 04 15 00 25 01 75 01 95 08 09 00 09 5f 09 60 09 00 09 00 09 85 09 86 91 86 c0 c0"
)


def test_the_boot_keyboard_of_the_specification() -> None:
    layout = parse(KEYBOARD)
    assert (layout.numbered, layout.applications) == (False, (0x010006,))
    assert (layout.size("input", 0), layout.size("output", 0)) == (8, 1)
    report = layout.read(bytes([0x02, 0, 0x04, 0x05, 0, 0, 0, 0]))
    assert report is not None
    assert report.value(0x0700E1) == 1
    assert report.value(0x0700E0) == 0
    assert report.chosen() == (0x070004, 0x070005, 0x070000, 0x070000, 0x070000, 0x070000)


def test_a_scale_by_its_usages() -> None:
    layout = parse(SCALE)
    # The captured report of a letter scale: 645.2 ounces as 0x1934 at 10 to the -1.
    report = layout.read(bytes.fromhex("03 04 0b ff 34 19"))
    assert report is not None
    assert report.value(0x8D0040) == 0x1934
    assert report.value(0x8D0041) == -1
    assert report.chosen(within=0x8D0033) == (0x8D0074,)
    assert report.chosen(within=0x8D0050) == (0x8D005B,)


def test_a_zero_command_for_a_scale() -> None:
    layout = parse(SCALE)
    zero = layout.find(0x8D0080, kind="output")
    assert zero is not None
    assert zero.application == 0x8D0020
    assert layout.build("output", zero.report_id, {0x8D0080: 1}) == bytes([2, 2])


def test_a_scanner_with_a_repeated_usage_and_buffered_bytes() -> None:
    layout = parse(SCANNER)
    label = b"4711234567899"
    report = layout.read(bytes([2, len(label)]) + b"]E0" + label.ljust(56, b"\0") + b"d\0\1")
    assert report is not None
    assert report.value(0x01003B) == 13
    assert bytes(report.values(0x8C00FE)[:13]) == label
    assert report.values(0x8C00FF) == (1, 0, 0, 0, 0, 0, 0, 0)
    assert layout.build("output", 4, {0x8C005F: 1, 0x8C0086: 1}) == bytes([4, 0x42])


def test_a_short_report_is_none_and_a_long_one_is_cut() -> None:
    layout = parse(SCALE)
    assert layout.read(bytes.fromhex("03 04 0b ff 34")) is None
    assert layout.read(b"") is None
    assert layout.read(bytes.fromhex("07 04 0b ff 34 19")) is None
    longer = layout.read(bytes.fromhex("03 04 0b ff 34 19 00 00"))
    assert longer is not None
    assert longer.data == bytes.fromhex("04 0b ff 34 19")


def test_what_is_pushed_comes_back() -> None:
    # Size and count of the second field are those from before the push.
    layout = parse(bytes.fromhex("05 8d 09 20 a1 01 75 08 95 02 a4 75 10 95 01 09 40 81 02 b4 09 41 81 02 c0"))
    assert [(f.bit_offset, f.bit_size, f.count) for f in layout.fields] == [(0, 16, 1), (16, 8, 2)]


def test_a_usage_of_four_bytes_brings_its_page_and_long_items_are_passed_over() -> None:
    layout = parse(bytes.fromhex("fe 02 f0 81 81 0b 20 00 8d 00 a1 01 05 01 75 08 95 01 0b 40 00 8d 00 81 02 c0"))
    assert layout.find(0x8D0040) is not None
    assert layout.applications == (0x8D0020,)


def test_the_first_of_delimited_alternatives_is_taken() -> None:
    layout = parse(bytes.fromhex("05 8d 09 20 a1 01 75 08 95 01 a9 01 09 40 09 41 a9 00 81 02 c0"))
    assert layout.find(0x8D0040) is not None
    assert layout.find(0x8D0041) is None


def test_a_maximum_of_255_in_one_byte_is_not_minus_one() -> None:
    field = parse(bytes.fromhex("05 8d 09 20 a1 01 15 00 25 ff 75 08 95 01 09 40 81 02 c0")).fields[0]
    assert field.logical_max == 255


def test_exponents_are_nibbles_or_whole() -> None:
    for exponent in ("55 0d", "55 fd"):
        field = parse(bytes.fromhex(f"05 8d 09 20 a1 01 {exponent} 75 08 95 01 09 40 81 02 c0")).fields[0]
        assert field.unit_exponent == -3


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        ("05", "cut off"),
        ("fe", "cut off"),
        ("05 8d 09 20 a1 01 75 08 95 01 09 40 81 02", "without its end"),
        ("c0", "never began"),
        ("b4", "do not match"),
        ("a4" * 33, "more than 32"),
        ("a1 01" * 33, "more than 32"),
        ("85 00", "report id"),
        ("05 8d 09 20 a1 01 c0", "no report"),
        ("75 ff 95 ff 96 ff ff 81 02", "more than a report can hold"),
        ("19 05 29 04", "does not begin below"),
        ("29 04", "does not begin below"),
    ],
)
def test_what_is_no_descriptor_says_where_and_why(broken: str, complaint: str) -> None:
    with pytest.raises(BadDescriptor, match=complaint):
        parse(bytes.fromhex(broken))


@given(st.one_of(st.binary(max_size=200), st.builds(lambda a, b: SCANNER[:a] + b, st.integers(0, 90), st.binary())))
@settings(max_examples=300, deadline=None)
def test_noise_is_refused_or_read_but_never_more(noise: bytes) -> None:
    try:
        layout = parse(noise)
    except BadDescriptor:
        return
    assert isinstance(layout, Layout)
    for field in layout.fields:
        layout.read(bytes([field.report_id]) + bytes(20), field.kind)


@given(st.binary(min_size=0, max_size=56), st.integers(0, 1))
@settings(deadline=None)
def test_what_is_built_is_read_again(data: bytes, continued: int) -> None:
    layout = parse(SCANNER)
    built = layout.build("input", 2, {0x01003B: len(data), 0x8C00FE: data, 0x8C00FF: continued})
    report = layout.read(built)
    assert report is not None
    assert bytes(report.values(0x8C00FE))[: len(data)] == data
    assert (report.value(0x01003B), report.value(0x8C00FF)) == (len(data), continued)


def test_what_does_not_fit_is_told() -> None:
    layout = parse(SCANNER)
    for values in ({0x8C00FE: b"x" * 57}, {0x8C00AA: 1}, {0x01003B: 256}, {0x01003B: -1}):
        with pytest.raises(ValueError, match=r"fit|no usage"):
            layout.build("input", 2, values)
