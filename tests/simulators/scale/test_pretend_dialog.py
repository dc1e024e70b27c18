from __future__ import annotations

import pytest

from gateway.peripherals import Send
from gateway.simulators.scale.dialog import PretendDialog

EOT_ENQ = b"\x04\x05"
PRICE = b"\x04\x0201\x1b000199\x1b\x03"
ASK_STATUS = b"\x04\x0208\x03"


def turned(**knobs: str) -> PretendDialog:
    scale = PretendDialog()
    for knob, value in knobs.items():
        scale.set(knob, value)
    return scale


def answer(scale: PretendDialog, said: bytes) -> bytes:
    return b"".join(output.data for output in scale.on_bytes(said, 0.0) if isinstance(output, Send))


def status(code: str) -> bytes:
    return b"\x0209\x1b" + code.encode() + b"\x03"


def test_a_weighing_as_the_manual_tells_it() -> None:
    scale = turned(grams="1500")
    assert answer(scale, PRICE) == b"\x06"
    assert answer(scale, b"\x04" + EOT_ENQ) == b"\x0202\x1b3\x1b01500\x1b000199\x1b000299\x03"


@pytest.mark.parametrize(
    ("record", "shown"),
    [
        (b"03\x1b000199\x1b0120", {"price": "000199", "tare": "0120"}),
        (b"04\x1b000199\x1bMilk         ", {"price": "000199", "text": "Milk         "}),
        (b"05\x1b000199\x1b0120\x1bMilk         ", {"price": "000199", "tare": "0120", "text": "Milk         "}),
    ],
)
def test_the_other_price_records(record: bytes, shown: dict[str, str]) -> None:
    scale = turned(grams="1500")
    assert answer(scale, b"\x04\x02" + record + b"\x03") == b"\x06"
    assert scale.shown == shown


@pytest.mark.parametrize(
    ("knobs", "code"),
    [
        ({"moving": "yes"}, "20"),
        ({"counting": "yes"}, "22"),
        ({"grams": "10"}, "30"),
        ({"under_zero": "yes"}, "31"),
        ({"over": "yes"}, "32"),
        ({"grams": "15001"}, "32"),
        ({"status": "02"}, "02"),
    ],
)
def test_a_nak_is_explained_by_record_09(knobs: dict[str, str], code: str) -> None:
    scale = turned(**{"grams": "1500", **knobs})
    answer(scale, PRICE)
    assert answer(scale, EOT_ENQ) == b"\x15"
    assert answer(scale, ASK_STATUS) == status(code)
    assert answer(scale, ASK_STATUS) == status("00")


@pytest.mark.parametrize(
    ("record", "code"),
    [(b"07\x1b000199\x1b", "10"), (b"01\x1b00199\x1b", "11"), (b"01\x1b0001,9\x1b", "11"), (b"01", "10")],
)
def test_a_wrong_record_is_refused(record: bytes, code: str) -> None:
    scale = turned()
    assert answer(scale, b"\x04\x02" + record + b"\x03") == b"\x15"
    assert answer(scale, ASK_STATUS) == status(code)


def test_nothing_is_sold_twice_without_motion() -> None:
    scale = turned(grams="1500")
    answer(scale, PRICE)
    answer(scale, EOT_ENQ)
    answer(scale, PRICE)
    assert answer(scale, EOT_ENQ) == b"\x15"
    assert answer(scale, ASK_STATUS) == status("21")
    scale.set("grams", "1400")
    answer(scale, PRICE)
    assert answer(scale, EOT_ENQ).startswith(b"\x0202\x1b3\x1b01400")


@pytest.mark.parametrize(("sums", "verdict"), [(b"23419B57", b"1"), (b"12349B57", b"0")])
def test_checksums_are_asked_for_and_judged_as_the_manual_tells_it(sums: bytes, verdict: bytes) -> None:
    # The manual's example, STX 11 ESC 247 ETX: 1234 left by 4 is 2341, ABCD right by 7 is 9B57.
    scale = turned(grams="1500", checksums="yes", z="47")
    assert answer(scale, PRICE) == b"\x0211\x1b247\x03"
    assert answer(scale, b"\x04\x0210\x1b" + sums + b"\x03") == b"\x06"
    assert answer(scale, EOT_ENQ) == b"\x0211\x1b" + verdict + b"\x03"
    assert answer(scale, PRICE) == (b"\x06" if verdict == b"1" else b"\x0211\x1b247\x03")


def test_dialog_02_and_04_know_no_checksums() -> None:
    assert answer(turned(dialog="02", checksums="yes"), PRICE) == b"\x06"


def test_odd_parity_is_seen_through_eight_bits() -> None:
    assert answer(turned(parity="yes"), PRICE) == b"\x86"
