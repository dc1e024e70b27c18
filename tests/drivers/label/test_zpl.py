from __future__ import annotations

from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.drivers.label.layout import CannotPrint, check_digit, dots
from gateway.drivers.label.zpl import ZplPrinter
from gateway.drivers.label.zpl_format import fitted, letters_width, render
from gateway.peripherals import (
    Answer,
    CheckHealth,
    Command,
    ErrorCode,
    Label,
    LabelBarCode,
    LabelBox,
    LabelElement,
    LabelPrinterStatus,
    LabelQr,
    LabelText,
    Output,
    Power,
    PowerChanged,
    PrintLabels,
    Refusal,
)
from gateway.simulators.label.roll import Element
from gateway.simulators.label.zpl import PretendZpl
from tests.drivers.bench import Bench, events, sent
from tests.drivers.label.frames import HQES_HEAD_OPEN, HS_PAUSED, HS_PRINTING, HS_READY

MILK = PrintLabels((Label(500, 300, (LabelText(20, 20, "Milk"),)),))


def label(*elements: LabelElement) -> PrintLabels:
    return PrintLabels((Label(500, 300, elements),))


def zpl(*elements: LabelElement, dpi: int = 203, font: str = "0") -> str:
    return render((Label(500, 300, elements),), 1, dpi, font).decode("ascii")


def pretend(bench: Bench) -> PretendZpl:
    return cast(PretendZpl, bench.device)


def refusal_in(outputs: list[Output]) -> Refusal:
    (refusal,) = [output for output in outputs if isinstance(output, Refusal)]
    return refusal


# --- the language -------------------------------------------------------------------------------------------------


def test_a_label_byte_for_byte() -> None:
    elements = (
        LabelText(20, 20, "Milk 1^2", height=50, width=300),
        LabelBarCode(20, 100, "4006381333931", "EAN13", height=80, module=3),
        LabelQr(300, 100, "https://example.org", module=5),
        LabelBox(0, 0, 500, 300, thickness=3),
    )
    assert zpl(*elements) == (
        "^XA^CI28^PW400^LL240^LH0,0"
        "^FO16,16^FB240,1,0,L,0^A0N,40,40^FH^FDMilk 1_5E2^FS"
        "^FO16,80^BY2,3.0^BEN,64,Y,N^FH^FD400638133393^FS"
        "^FO240,70^BQN,2,4^FH^FDMA,https://example.org^FS"
        "^FO0,0^GB400,240,2^FS"
        "^PQ1,0,1,Y^XZ\n"
    )


@pytest.mark.parametrize(("dpi", "expected"), [(203, 40), (300, 60), (600, 120)])
def test_tenths_of_a_millimetre_become_dots(dpi: int, expected: int) -> None:
    assert dots(50, dpi) == expected
    assert f"^A0N,{expected},{expected}" in zpl(LabelText(0, 0, "x", height=50), dpi=dpi)


@given(st.text(max_size=40))
@settings(max_examples=300)
def test_no_description_holds_a_command(words: str) -> None:
    plain = zpl(LabelText(0, 0, "x"), font="E:ANMDT.TTF")
    try:
        dressed = zpl(LabelText(0, 0, words, width=480), font="E:ANMDT.TTF")
    except UnicodeEncodeError:  # pragma: no cover -- surrogates are cleaned out
        raise AssertionError(words) from None
    for command in "^~":
        assert dressed.count(command) == plain.count(command)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Zs", "Zl", "Zp"]), max_size=20))
@settings(max_examples=200)
def test_what_is_sent_is_what_the_printer_reads(words: str) -> None:
    device = PretendZpl()
    device.on_bytes(zpl(LabelText(0, 0, words, height=10), font="E:ANMDT.TTF").encode(), 0.0)
    (printed,) = device.labels
    (element,) = printed.elements
    expected = fitted(words, 10, 400).replace("\\", "\\\\")
    assert (element.kind, element.data, element.what) == ("text", expected, "E:ANMDT.TTF")
    assert not device.unknown


def test_what_font_0_does_not_have_is_named() -> None:
    with pytest.raises(CannotPrint, match=r"米 \(U\+7C73\)"):
        zpl(LabelText(0, 0, "Rice 米"))
    assert "_E7_B1_B3" in zpl(LabelText(0, 0, "Rice 米"), font="E:ANMDT.TTF")
    assert "M_C3_BCsli _E2_82_AC" in zpl(LabelText(0, 0, "Müsli €"))


@pytest.mark.parametrize(
    ("code", "command"),
    [
        (LabelBarCode(0, 0, "4006381333931", "EAN13"), "^BEN,64,Y,N^FH^FD400638133393^FS"),
        (LabelBarCode(0, 0, "400638133393", "EAN13"), "^BEN,64,Y,N^FH^FD400638133393^FS"),
        (LabelBarCode(0, 0, "96385074", "EAN8"), "^B8N,64,Y,N^FH^FD9638507^FS"),
        (LabelBarCode(0, 0, "036000291452", "UPCA"), "^BUN,64,Y,N,Y^FH^FD03600029145^FS"),
        (LabelBarCode(0, 0, "AB-12", "CODE39", hri=False), "^B3N,N,64,N,N^FH^FDAB-12^FS"),
        (LabelBarCode(0, 0, "a^b", "CODE128"), "^BCN,64,Y,N,N,A^FH^FDa_5Eb^FS"),
        (LabelBarCode(0, 0, "0012", "ITF"), "^B2N,64,Y,N,N^FH^FD0012^FS"),
    ],
)
def test_every_bar_code_has_its_command(code: LabelBarCode, command: str) -> None:
    assert command in zpl(code)


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        (LabelBarCode(0, 0, "4006381333930", "EAN13"), "check digit is wrong, 1 fits"),
        (LabelBarCode(0, 0, "123", "EAN8"), "8 digits"),
        (LabelBarCode(0, 0, "\u0664006381333931", "EAN13"), "13 digits"),
        (LabelBarCode(0, 0, "ab", "CODE39"), "CODE39"),
        (LabelBarCode(0, 0, "123", "ITF"), "ITF"),
        (LabelBarCode(0, 0, "米", "CODE128"), "CODE128"),
        (LabelBarCode(0, 0, "a>b", "CODE128"), "> for a command"),
    ],
)
def test_data_that_a_bar_code_cannot_hold_is_named(code: LabelBarCode, complaint: str) -> None:
    with pytest.raises(CannotPrint, match=complaint):
        zpl(code)


@pytest.mark.parametrize(("digits", "check"), [("400638133393", "1"), ("9638507", "4"), ("03600029145", "2")])
def test_check_digits_of_gs1(digits: str, check: str) -> None:
    assert check_digit(digits) == check


def test_text_too_long_is_cut_with_an_ellipsis() -> None:
    assert fitted("Milk", 40, 400) == "Milk"
    cut = fitted("Organic wholemeal sunflower bread", 40, 300)
    assert cut.endswith("...")
    assert letters_width(cut, 40) <= 300
    assert fitted("wide", 40, 5) in ("...", "")


def test_bold_is_printed_twice_one_dot_apart() -> None:
    assert zpl(LabelText(20, 20, "Milk", bold=True)).count("^FDMilk^FS") == 2
    assert "^FO17,16" in zpl(LabelText(20, 20, "Milk", bold=True))


# --- the printer --------------------------------------------------------------------------------------------------


def asked_to_print() -> ZplPrinter:
    printer = ZplPrinter()
    assert sent(printer.on_command(Command(1, MILK, timeout_s=3.0), now=0.0)) == b"~HS\r\n"
    return printer


def test_done_is_when_nothing_is_left() -> None:
    printer = asked_to_print()
    assert sent(printer.on_bytes(HS_READY, now=0.1)).startswith(b"^XA")
    assert sent(printer.on_time(now=0.4)) == b"~HS\r\n"
    assert not [event for event in events(printer.on_bytes(HS_PRINTING, now=0.5)) if isinstance(event, Answer)]
    assert sent(printer.on_time(now=0.8)) == b"~HS\r\n"
    (answer,) = [event for event in events(printer.on_bytes(HS_READY, now=0.9)) if isinstance(event, Answer)]
    assert answer.result == LabelPrinterStatus(online=True)


def test_the_job_is_sent_once() -> None:
    bench = Bench("label-zpl")
    bench.set(print_s=0.9)
    assert isinstance(bench.ask(MILK), Answer)
    assert bench.wire.count(b"^XA") == 1
    assert len(pretend(bench).labels) == 1


def test_a_paused_printer_prints_nothing_and_says_why() -> None:
    refusal = refusal_in(asked_to_print().on_bytes(HS_PAUSED, now=0.1))
    assert (refusal.reason, refusal.code, refusal.begun) == ("paused", ErrorCode.OFFLINE, False)
    assert "nothing was printed" in refusal.text


def test_silence_is_told_with_where_to_look() -> None:
    printer = asked_to_print()
    assert sent(printer.on_time(now=1.0)) == b"~HQES\r\n~HS\r\n"
    refusal = refusal_in(printer.on_time(now=3.0))
    assert (refusal.reason, refusal.code, refusal.begun) == ("silent", ErrorCode.TIMEOUT, False)
    assert "look at the printer" in refusal.text
    assert "nothing was printed" in refusal.text


def test_the_second_question_names_the_open_head() -> None:
    printer = asked_to_print()
    printer.on_time(now=1.0)
    refusal = refusal_in(printer.on_bytes(HQES_HEAD_OPEN, now=1.1))
    assert (refusal.reason, refusal.code) == ("head_open", ErrorCode.OFFLINE)


def test_an_old_answer_does_not_start_a_new_job() -> None:
    printer = asked_to_print()
    printer.on_time(now=3.0)
    printer.on_command(Command(2, MILK), now=3.1)
    assert not sent(printer.on_bytes(HS_READY, now=3.15))
    assert sent(printer.on_time(now=3.5)) == b"~HS\r\n"
    assert sent(printer.on_bytes(HS_READY, now=3.6)).startswith(b"^XA")


@pytest.mark.parametrize("talkative", ["yes", "no"])
@pytest.mark.parametrize(
    ("knob", "reason"),
    [("head_open", "head_open"), ("media_out", "media_out"), ("ribbon_out", "ribbon_out"), ("hot", "over_temperature")],
)
def test_every_hindrance_is_named(talkative: str, knob: str, reason: str) -> None:
    bench = Bench("label-zpl")
    bench.set(talkative=talkative, **{knob: "yes"})
    end = bench.ask(MILK)
    assert isinstance(end, Refusal)
    assert (end.reason, end.begun) == (reason, False)
    assert bench.of(PowerChanged)[-1].power is Power.OFFLINE
    assert not pretend(bench).labels


def test_where_even_the_second_question_is_not_answered() -> None:
    bench = Bench("label-zpl")
    bench.set(head_open="yes", mute_errors="yes")
    end = bench.ask(MILK)
    assert isinstance(end, Refusal)
    assert (end.reason, end.code) == ("silent", ErrorCode.TIMEOUT)


def test_labels_that_run_out_in_the_middle() -> None:
    bench = Bench("label-zpl")
    bench.run(1.0)
    bench.set(labels_on_roll=2, talkative="yes")
    end = bench.ask(PrintLabels(MILK.labels, copies=5))
    assert isinstance(end, Refusal)
    assert (end.reason, end.begun) == ("media_out", True)
    assert "look at the labels" in end.text
    assert len(pretend(bench).labels) == 2
    bench.set(media_out="no")
    bench.run(1.0)
    assert len(pretend(bench).labels) == 5
    assert bench.wire.count(b"^XA") == 1


def test_a_printer_that_falls_silent_after_the_job_is_an_unknown_end() -> None:
    bench = Bench("label-zpl")
    bench.run(1.0)
    bench.set(labels_on_roll=2, mute_errors="yes")
    end = bench.ask(PrintLabels(MILK.labels, copies=5))
    assert isinstance(end, Refusal)
    assert (end.reason, end.code, end.begun) == ("unknown", ErrorCode.TIMEOUT, True)


def test_a_long_job_that_is_not_done_in_time_says_what_is_left() -> None:
    bench = Bench("label-zpl")
    bench.set(print_s=2.0)
    end = bench.ask(PrintLabels(MILK.labels, copies=5))
    assert isinstance(end, Refusal)
    assert (end.reason, end.begun) == ("still_printing", True)
    assert "4 labels are not printed yet" in end.text


def test_what_cannot_be_printed_is_refused_before_anything_is_sent() -> None:
    bench = Bench("label-zpl")
    end = bench.ask(label(LabelText(0, 0, "米")))
    assert isinstance(end, Refusal)
    assert (end.reason, end.code, end.begun) == ("unprintable", ErrorCode.ILLEGAL, False)
    assert b"^XA" not in bench.wire


@pytest.mark.parametrize("request_", [PrintLabels(()), PrintLabels(MILK.labels, copies=0)])
def test_no_label_is_no_job(request_: PrintLabels) -> None:
    end = Bench("label-zpl").ask(request_)
    assert isinstance(end, Refusal)
    assert end.reason == "no_labels"


def test_health_is_asked_and_changes_are_told_once() -> None:
    bench = Bench("label-zpl")
    assert bench.ask(CheckHealth()) == Answer(1, LabelPrinterStatus(online=True))
    bench.run(100.0)
    assert len(bench.of(LabelPrinterStatus)) == 1
    bench.set(paused="yes")
    bench.run(11.0)
    assert bench.of(LabelPrinterStatus)[-1].paused


@given(
    st.lists(
        st.one_of(
            st.builds(LabelText, st.integers(0, 400), st.integers(0, 250), st.text("Mü^~_\\ é€", max_size=8)),
            st.builds(LabelBox, st.integers(0, 400), st.integers(0, 250), st.integers(1, 90), st.integers(1, 90)),
            st.builds(LabelQr, st.integers(0, 400), st.integers(20, 250), st.text("abcé^,", max_size=20)),
        ),
        max_size=5,
    ),
    st.integers(1, 4),
)
@settings(deadline=None, max_examples=60)
def test_driver_and_simulator_agree(elements: list[LabelElement], copies: int) -> None:
    bench = Bench("label-zpl")
    assert isinstance(bench.ask(PrintLabels((Label(500, 300, tuple(elements)),), copies)), Answer)
    assert len(pretend(bench).labels) == copies
    assert not pretend(bench).unknown
    printed = pretend(bench).labels[0]
    assert (printed.width, printed.height) == (400, 240)
    for element, found in zip(elements, printed.elements, strict=True):
        assert (found.x, found.y if found.kind != "qr" else found.y + 10) == (
            dots(element.x, 203),
            dots(element.y, 203),
        )
        if isinstance(element, LabelQr):
            assert found == Element("qr", found.x, found.y, element.data, "MA")


@pytest.mark.parametrize("options", [{"dpi": 204}, {"font": "comic"}])
def test_a_wrong_option_is_told(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        ZplPrinter(**options)  # type: ignore[arg-type]
