from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.drivers.scale.dialog import DialogScale
from gateway.drivers.scale.dialog_records import Secrets, shown_text
from gateway.peripherals import (
    Answer,
    CheckHealth,
    ClearTare,
    Command,
    ErrorCode,
    Oddity,
    Power,
    PowerChanged,
    ReadWeight,
    Refusal,
    ScaleStatus,
    TareScale,
    Weight,
    ZeroScale,
)
from tests.drivers.bench import Bench, events, sent

SALE = ReadWeight(unit_price_minor=199)
RECORD_01 = b"\x04\x0201\x1b000199\x1b\x03"
EOT, EOT_ENQ, ASK_STATUS = b"\x04", b"\x04\x05", b"\x04\x0208\x03"
ACK, NAK = b"\x06", b"\x15"
RESULT = b"\x0202\x1b3\x1b01500\x1b000199\x1b000299\x03"
CHALLENGE = b"\x0211\x1b247\x03"  # the manual's example


def asked(request: ReadWeight = SALE, **options: Any) -> tuple[DialogScale, bytes]:
    scale = DialogScale(**options)
    return scale, sent(scale.on_command(Command(1, request), now=0.0))


def polling(**options: Any) -> DialogScale:
    scale, _ = asked(**options)
    assert sent(scale.on_bytes(ACK, now=0.05)) == EOT + EOT_ENQ
    return scale


def status(code: str) -> bytes:
    return b"\x0209\x1b" + code.encode() + b"\x03"


def weight_in(outputs: list[object]) -> Weight:
    (answer,) = [output for output in outputs if isinstance(output, Answer)]
    assert isinstance(answer.result, Weight)
    return answer.result


def refusal_in(outputs: list[object]) -> Refusal:
    (refusal,) = [output for output in outputs if isinstance(output, Refusal)]
    return refusal


# --- records ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "tare", "options", "record"),
    [
        (SALE, 0, {}, RECORD_01),
        (SALE, 0, {"price_digits": 5}, b"\x04\x0201\x1b00199\x1b\x03"),
        (SALE, 120, {}, b"\x04\x0203\x1b000199\x1b0120\x03"),
        (ReadWeight(199, "Milk"), 0, {}, b"\x04\x0204\x1b000199\x1bMilk         \x03"),
        (ReadWeight(199, "Milk"), 120, {}, b"\x04\x0205\x1b000199\x1b0120\x1bMilk         \x03"),
        (ReadWeight(199, "Milk"), 0, {"send_text": False}, RECORD_01),
        (ReadWeight(), 0, {}, b"\x04\x0201\x1b000000\x1b\x03"),
    ],
)
def test_the_price_record_of_each_weighing(
    request_: ReadWeight, tare: int, options: dict[str, Any], record: bytes
) -> None:
    scale = DialogScale(**options)
    if tare:
        assert scale.on_command(Command(1, TareScale(tare)), now=0.0) == [Answer(1)]
    assert sent(scale.on_command(Command(2, request_), now=0.0)) == record


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Äpfel Jonagold kg", "Apfel Jonagol"),
        ("Milk\x03\x1b1", "Milk  1      "),
        ("有機蘋果", ""),
        ("Crème fraîche 30 %", "Creme fraiche"),
    ],
)
def test_a_text_is_thirteen_characters_of_seven_bits(text: str, shown: str) -> None:
    assert shown_text(text) == shown


def test_a_price_of_too_many_digits_is_refused_before_anything_is_sent() -> None:
    (end,) = DialogScale(price_digits=5).on_command(Command(1, ReadWeight(100_000)), now=0.0)
    assert isinstance(end, Refusal)
    assert (end.reason, end.code) == ("bad_price", ErrorCode.ILLEGAL)


# --- weighing --------------------------------------------------------------------------------------------------------


def test_a_weighing_as_the_manual_tells_it() -> None:
    scale, record = asked()
    assert record == RECORD_01
    assert sent(scale.on_bytes(ACK, now=0.05)) == EOT + EOT_ENQ
    outputs = scale.on_bytes(RESULT, now=0.1)
    assert sent(outputs) == EOT
    assert weight_in([*outputs]) == Weight(
        1500, stable=True, net=False, status=ScaleStatus.STABLE_WEIGHT, at=0.1, price_minor=299
    )


def test_parity_bits_seen_through_eight_bits_change_nothing() -> None:
    with_parity = bytes(byte if byte.bit_count() % 2 else byte | 0x80 for byte in RESULT)
    assert weight_in([*polling().on_bytes(with_parity, now=0.1)]).grams == 1500


def test_a_result_without_a_price_has_no_total() -> None:
    scale, _ = asked(ReadWeight())
    scale.on_bytes(ACK, now=0.05)
    assert weight_in([*scale.on_bytes(b"\x0202\x1b3\x1b01500\x1b000000\x1b000000\x03", now=0.1)]).price_minor is None


def test_a_result_for_another_price_is_an_old_one() -> None:
    outputs = polling().on_bytes(RESULT.replace(b"000199", b"000250"), now=0.1)
    assert [type(event) for event in events(outputs)] == [Oddity]


@pytest.mark.parametrize("code", ["20", "22"])
def test_a_weight_that_is_not_ready_is_polled_again(code: str) -> None:
    scale = polling()
    assert sent(scale.on_bytes(NAK, now=0.1)) == EOT + ASK_STATUS
    assert sent(scale.on_bytes(status(code), now=0.15)) == EOT
    assert sent(scale.on_time(now=0.4)) == EOT_ENQ
    assert weight_in([*scale.on_bytes(RESULT, now=0.5)]).grams == 1500


@pytest.mark.parametrize(
    ("code", "reason"), [("00", "no_result"), ("01", "broken"), ("02", "garbled"), ("21", "same_weight")]
)
def test_after_other_errors_it_begins_again_with_the_price(code: str, reason: str) -> None:
    scale = polling()
    scale.on_bytes(NAK, now=0.1)
    scale.on_bytes(status(code), now=0.15)
    assert sent(scale.on_time(now=0.4)) == RECORD_01
    assert refusal_in([*scale.on_time(now=3.0)]).reason == reason


@pytest.mark.parametrize(
    ("code", "reason", "error"),
    [
        ("10", "not_understood", ErrorCode.FAILURE),
        ("11", "bad_price", ErrorCode.ILLEGAL),
        ("12", "bad_tare", ErrorCode.ILLEGAL),
        ("13", "bad_text", ErrorCode.ILLEGAL),
        ("30", "too_light", ErrorCode.EXTENDED),
        ("31", "under_zero", ErrorCode.EXTENDED),
        ("32", "overweight", ErrorCode.EXTENDED),
    ],
)
def test_what_a_person_must_mend_is_refused_at_once(code: str, reason: str, error: ErrorCode) -> None:
    scale = polling()
    scale.on_bytes(NAK, now=0.1)
    end = refusal_in([*scale.on_bytes(status(code), now=0.15)])
    assert (end.reason, end.code) == (reason, error)


def test_a_price_that_is_refused_is_explained() -> None:
    scale, _ = asked()
    assert sent(scale.on_bytes(NAK, now=0.1)) == EOT + ASK_STATUS
    assert refusal_in([*scale.on_bytes(status("11"), now=0.15)]).reason == "bad_price"


def test_a_scale_without_texts_gets_the_price_alone() -> None:
    bench = Bench("scale-dialog")
    bench.set(grams=1500, texts="no")
    end = bench.ask(ReadWeight(199, "Milk"))
    assert isinstance(end, Answer)
    assert RECORD_01 in bench.wire


def test_a_silent_scale_is_asked_again_and_then_refused() -> None:
    scale, _ = asked()
    assert sent(scale.on_time(now=0.5)) == RECORD_01
    assert (refusal_in([*scale.on_time(now=3.0)])).code is ErrorCode.TIMEOUT


@pytest.mark.parametrize(
    "frame",
    [
        b"\x0202\x1b3\x1b1500\x1b000199\x1b000299\x03",
        b"\x0202\x1b3\x1b-1500\x1b000199\x1b000299\x03",
        b"\x0202\x1b3\x1b01500\x1b000199\x1b00029\x03",
        b"\x0202\x1b4\x1b01500\x1b000199\x1b000299\x03",
        b"\x0207\x03",
        CHALLENGE.replace(b"247", b"2G7"),
    ],
)
def test_what_is_no_result_sells_nothing(frame: bytes) -> None:
    scale = polling()
    assert [type(event) for event in events(scale.on_bytes(frame, now=0.1))] == [Oddity]


def test_a_result_of_before_is_not_taken_for_the_next_sale() -> None:
    scale = polling()
    scale.on_time(now=3.0)
    scale.on_command(Command(2, SALE), now=3.1)
    assert not [o for o in scale.on_bytes(RESULT, now=3.2) if isinstance(o, Answer)]
    assert sent(scale.on_time(now=3.5)) == RECORD_01
    scale.on_bytes(ACK, now=3.55)
    assert weight_in([*scale.on_bytes(RESULT.replace(b"01500", b"00700"), now=3.6)]).grams == 700


def test_nothing_is_sold_twice_without_being_lifted() -> None:
    bench = Bench("scale-dialog")
    bench.set(grams=1500)
    assert isinstance(bench.ask(SALE), Answer)
    again = bench.ask(SALE)
    assert isinstance(again, Refusal)
    assert (again.reason, again.code) == ("same_weight", ErrorCode.EXTENDED)
    bench.set(grams=1501)
    assert isinstance(bench.ask(SALE), Answer)


def test_goods_that_settle_late_are_sold() -> None:
    bench = Bench("scale-dialog")
    bench.set(grams=700, moving="yes")
    number = bench.begin(SALE)
    bench.run(1.5)
    assert bench.ended(number) is None
    bench.set(moving="no")
    bench.run(1.0)
    assert isinstance(bench.ended(number), Answer)


@given(st.integers(20, 15_000), st.integers(0, 9_999), st.sampled_from(["02", "04", "06"]), st.booleans())
@settings(deadline=None, max_examples=60)
def test_driver_and_simulator_agree_over_the_whole_range(grams: int, price: int, dialog: str, parity: bool) -> None:
    bench = Bench("scale-dialog", dialog=dialog)
    bench.set(grams=grams, dialog=dialog, parity="yes" if parity else "no")
    end = bench.ask(ReadWeight(price))
    assert isinstance(end, Answer)
    assert isinstance(end.result, Weight)
    assert end.result.grams == grams
    assert end.result.price_minor == ((grams * price + 500) // 1000 if price else None)


def test_a_tare_is_taken_off_until_it_is_cleared() -> None:
    bench = Bench("scale-dialog")
    bench.set(grams=620)
    assert isinstance(bench.ask(TareScale(120)), Answer)
    end = bench.ask(SALE)
    assert isinstance(end, Answer)
    assert isinstance(end.result, Weight)
    assert (end.result.grams, end.result.net) == (500, True)
    bench.ask(ClearTare())
    bench.set(grams=621)
    gross = bench.ask(SALE)
    assert isinstance(gross, Answer)
    assert isinstance(gross.result, Weight)
    assert (gross.result.grams, gross.result.net) == (621, False)


@pytest.mark.parametrize("tare", [TareScale(), TareScale(10_000), TareScale(-1)])
def test_a_tare_that_does_not_fit_is_refused(tare: TareScale) -> None:
    (end,) = DialogScale().on_command(Command(1, tare), now=0.0)
    assert isinstance(end, Refusal)
    assert end.reason == "bad_tare"


def test_zero_is_a_key_of_the_scale() -> None:
    (end,) = DialogScale().on_command(Command(1, ZeroScale()), now=0.0)
    assert isinstance(end, Refusal)
    assert end.code is ErrorCode.ILLEGAL


@pytest.mark.parametrize(("decimals", "grams"), [(2, 6804), (3, 680)])
def test_pounds_are_read_as_the_option_says(decimals: int, grams: int) -> None:
    # 15.00 lb are 6803.89 g, 1.500 lb are 680.39 g.
    outputs = polling(lb_decimals=decimals).on_bytes(RESULT.replace(b"\x1b3\x1b", b"\x1b1\x1b"), now=0.1)
    assert weight_in([*outputs]).grams == grams


@pytest.mark.parametrize("unit", [b"0", b"1", b"2"])
def test_pounds_without_the_option_are_refused(unit: bytes) -> None:
    end = refusal_in([*polling().on_bytes(RESULT.replace(b"\x1b3\x1b", b"\x1b" + unit + b"\x1b"), now=0.1)])
    assert (end.reason, end.code) == ("unit", ErrorCode.FAILURE)


# --- checksums -------------------------------------------------------------------------------------------------------


def test_a_challenge_is_answered_with_the_rotated_secrets() -> None:
    scale, _ = asked(cs="1234", kw="ABCD")
    # 1234 left by 4 is 2341; ABCD right by 7 is 9B57.
    assert sent(scale.on_bytes(CHALLENGE, now=0.1)) == EOT + b"\x04\x0210\x1b23419B57\x03"
    assert sent(scale.on_bytes(ACK, now=0.2)) == EOT + EOT_ENQ
    # Whatever the verdict, the manual has the whole weighing repeated.
    assert sent(scale.on_bytes(b"\x0211\x1b1\x03", now=0.3)) == EOT + RECORD_01
    scale.on_bytes(ACK, now=0.4)
    assert weight_in([*scale.on_bytes(RESULT, now=0.5)]).grams == 1500


def test_several_pairs_go_out_in_their_order() -> None:
    secrets = Secrets.parse("1234,0001", "ABCD,0001")
    assert secrets.record(b"01") == b"\x04\x0210\x1b1234D5E600018000\x03"


def test_a_challenge_without_secrets_says_what_to_configure() -> None:
    scale, _ = asked()
    end = refusal_in([*scale.on_bytes(CHALLENGE, now=0.1)])
    assert (end.reason, end.code) == ("no_secret", ErrorCode.FAILURE)
    assert "cs and kw" in end.text


@pytest.mark.parametrize(("kw", "good"), [("ABCD", True), ("ABCE", False)])
def test_the_whole_dialog_with_a_scale_that_asks(kw: str, good: bool) -> None:
    bench = Bench("scale-dialog", cs="1234,5678", kw=f"{kw},EF01")
    bench.set(grams=1500, checksums="yes", cs="1234,5678", kw="ABCD,EF01")
    end = bench.ask(SALE)
    assert isinstance(end, Answer) is good
    if isinstance(end, Refusal):
        assert (end.reason, end.code) == ("wrong_secret", ErrorCode.FAILURE)


def test_the_checksums_are_asked_for_again_after_fifty_sales() -> None:
    bench = Bench("scale-dialog", cs="1234", kw="ABCD")
    bench.set(checksums="yes")
    for grams in range(1000, 1052):
        bench.set(grams=grams)
        assert isinstance(bench.ask(SALE), Answer)
    assert bench.wire.count(b"\x0210\x1b") == 2


def test_dialog_02_knows_no_challenge() -> None:
    scale, _ = asked(dialog="02", cs="1234", kw="ABCD")
    assert Oddity in [type(event) for event in events(scale.on_bytes(CHALLENGE, now=0.1))]


@pytest.mark.parametrize(
    ("cs", "kw"),
    [("1234", ""), ("", "1234"), ("123", "1234"), ("1234,5678", "1234"), ("12 4", "1234"), ("1234," * 6, "")],
)
def test_secrets_of_a_wrong_form_are_told_without_showing_them(cs: str, kw: str) -> None:
    with pytest.raises(ValueError, match=r"hexadecimal|pairs") as told:
        DialogScale(cs=cs, kw=kw)
    assert not cs or cs not in str(told.value)


# --- the line --------------------------------------------------------------------------------------------------------


def test_an_idle_scale_is_asked_once_and_left_alone() -> None:
    bench = Bench("scale-dialog")
    bench.run(600.0)
    assert bench.wire == ASK_STATUS + EOT
    assert bench.of(PowerChanged) == [PowerChanged(Power.ONLINE)]


def test_a_scale_that_comes_back_is_found_again() -> None:
    bench = Bench("scale-dialog")
    bench.set(silent="yes")
    bench.run(30.0)
    bench.set(silent="no")
    bench.run(10.0)
    assert bench.of(PowerChanged) == [PowerChanged(Power.OFF), PowerChanged(Power.ONLINE)]


def test_health_is_record_09() -> None:
    bench = Bench("scale-dialog")
    assert isinstance(bench.ask(CheckHealth()), Answer)
    scale = DialogScale()
    assert sent(scale.on_command(Command(1, CheckHealth()), now=0.0)) == ASK_STATUS
    assert weight_in([*scale.on_bytes(status("32"), now=0.1)]).status is ScaleStatus.WEIGHT_OVERWEIGHT


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_an_answer_that_is_cut_off_sells_nothing(cut: int) -> None:
    bench = Bench("scale-dialog")
    bench.run(1.0)
    bench.set(grams=1500, cut=cut)
    assert isinstance(bench.ask(SALE), Refusal)


@pytest.mark.parametrize(("option", "value"), [("dialog", "05"), ("price_digits", 7), ("lb_decimals", 1)])
def test_a_wrong_option_is_told(option: str, value: Any) -> None:
    with pytest.raises(ValueError, match=option):
        DialogScale(**{option: value})
