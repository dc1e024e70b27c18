from __future__ import annotations

from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.drivers.label.layout import CannotPrint
from gateway.drivers.label.tspl import FRAME as STATUS_FRAME
from gateway.drivers.label.tspl import TsplPrinter, from_byte, from_frame
from gateway.drivers.label.tspl_format import letters, render
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
    Power,
    PowerChanged,
    PrintLabels,
    Refusal,
)
from gateway.simulators.label.roll import Element
from gateway.simulators.label.tspl import PretendTspl
from tests.drivers.bench import Bench, events, sent

MILK = PrintLabels((Label(500, 300, (LabelText(20, 20, "Milk"),)),))


def tspl(*elements: LabelElement, dpi: int = 203, code_page: str = "1252", cjk: str = "none") -> bytes:
    return render((Label(500, 300, elements),), 2, dpi, code_page, cjk)


def pretend(bench: Bench) -> PretendTspl:
    return cast(PretendTspl, bench.device)


def test_a_label_byte_for_byte() -> None:
    elements = (
        LabelText(20, 20, 'Say "milk"', height=30, width=300),
        LabelBarCode(20, 100, "4006381333931", "EAN13", height=80, module=3),
        LabelBarCode(20, 200, "AB-1", "CODE39", height=50, module=2, hri=False),
        LabelQr(300, 100, "https://example.org", module=5),
        LabelBox(0, 0, 500, 300, thickness=3),
        LabelBox(0, 150, 500, 3, thickness=3),
    )
    assert tspl(*elements) == (
        b"SIZE 50.0 mm,30.0 mm\r\nGAP 3.0 mm,0 mm\r\nREFERENCE 0,0\r\nCODEPAGE 1252\r\nCLS\r\n"
        b'TEXT 16,16,"3",0,1,1,"Say \\["]milk\\["]"\r\n'
        b'BARCODE 16,80,"EAN13",64,1,0,2,2,"400638133393"\r\n'
        b'BARCODE 16,160,"39",40,0,0,2,6,"AB-1"\r\n'
        b'QRCODE 240,80,M,4,A,0,M2,"https://example.org"\r\n'
        b"BOX 0,0,400,240,2\r\n"
        b"BAR 0,120,400,2\r\n"
        b"PRINT 1,2\r\n"
    )


@pytest.mark.parametrize(
    ("height", "font", "cell"),
    [(8, "1", (8, 12)), (20, "2", (12, 20)), (24, "3", (16, 24)), (36, "1", (24, 36)), (48, "5", (32, 48))],
)
def test_the_largest_letters_that_fit_are_chosen(height: int, font: str, cell: tuple[int, int]) -> None:
    found = letters("x", height, "1252", "none")
    assert (found.font, (found.width, found.height)) == (font, cell)


def test_text_is_aligned_and_cut_by_counted_columns() -> None:
    # 30 tenths are 24 dots: font 3, 16 dots a letter; 200 tenths are 160 dots: ten letters
    assert b'TEXT 8,0,"3",0,1,1,"0123456789"' in tspl(LabelText(10, 0, "0123456789", width=200))
    assert b'"0123456..."' in tspl(LabelText(10, 0, "0123456789A", width=200))
    assert b'TEXT 104,0,"3",0,1,1,"Milk"' in tspl(LabelText(10, 0, "Milk", width=200, align="right"))
    assert b'TEXT 56,0,"3",0,1,1,"Milk"' in tspl(LabelText(10, 0, "Milk", width=200, align="center"))


def test_what_the_code_page_does_not_have_is_named() -> None:
    with pytest.raises(CannotPrint, match=r"米 \(U\+7C73\)"):
        tspl(LabelText(0, 0, "Rice 米"))
    with pytest.raises(CannotPrint, match="€"):
        tspl(LabelText(0, 0, "1 €"), code_page="437")
    assert b'"1 \x80"' in tspl(LabelText(0, 0, "1 €"))
    assert b'"TST24.BF2",0,1,1,"\xa4\xfb\xa5\xa4"' in tspl(LabelText(0, 0, "牛奶"), cjk="big5")


@given(st.text(max_size=40))
@settings(max_examples=200)
def test_no_description_holds_a_command(words: str) -> None:
    lines = tspl(LabelText(0, 0, words, width=480), code_page="UTF-8").split(b"\r\n")
    assert len(lines) == 8
    assert lines[5].startswith(b"TEXT ")
    assert lines[5].replace(b'\\["]', b"").count(b'"') == 4
    assert b"\x1b" not in b"".join(lines)


def asked_to_print(**options: str) -> TsplPrinter:
    printer = TsplPrinter(**options)  # type: ignore[arg-type]
    question = b"\x1b!S" if options else b"\x1b!?"
    assert sent(printer.on_command(Command(1, MILK, timeout_s=3.0), now=0.0)) == question
    return printer


def test_done_is_when_it_stopped_printing() -> None:
    printer = asked_to_print()
    assert sent(printer.on_bytes(b"\x00", now=0.1)).startswith(b"SIZE")
    printer.on_time(now=0.4)
    assert not [event for event in events(printer.on_bytes(b"\x20", now=0.5)) if isinstance(event, Answer)]
    printer.on_time(now=0.8)
    assert Answer(1, LabelPrinterStatus(online=True)) in printer.on_bytes(b"\x00", now=0.9)


def test_a_printer_that_has_not_begun_yet_is_not_done() -> None:
    printer = asked_to_print()
    printer.on_bytes(b"\x00", now=0.1)
    for at, done in ((0.4, False), (0.8, False), (1.2, True)):
        printer.on_time(now=at)
        assert bool([event for event in events(printer.on_bytes(b"\x00", now=at)) if isinstance(event, Answer)]) == done


@pytest.mark.parametrize(
    ("flags", "reason"),
    [(0x01, "head_open"), (0x02, "jammed"), (0x04, "media_out"), (0x08, "ribbon_out"), (0x10, "paused"),
     (0x40, "head_open"), (0x80, "over_temperature"), (0x05, "head_open"), (0x0C, "media_out")],
)  # fmt: skip
def test_every_bit_has_its_reason(flags: int, reason: str) -> None:
    (refusal,) = [o for o in asked_to_print().on_bytes(bytes([flags]), now=0.1) if isinstance(o, Refusal)]
    assert (refusal.reason, refusal.code, refusal.begun) == (reason, ErrorCode.OFFLINE, False)


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"\x02`@@@\x03\r\n", "paused"),
        (b"\x02E@@A\x03\r\n", "media_out"),
        (b"\x02E@@B\x03\r\n", "jammed"),
        (b"\x02E@@D\x03\r\n", "ribbon_out"),
        (b"\x02E@A@\x03\r\n", "over_temperature"),
        (b"\x02E@P@\x03\r\n", "offline"),  # insufficient memory: it has no word of its own
    ],
)
def test_every_letter_of_the_frame_has_its_reason(frame: bytes, reason: str) -> None:
    (refusal,) = [o for o in asked_to_print(status="frame").on_bytes(frame, now=0.1) if isinstance(o, Refusal)]
    assert refusal.reason == reason
    assert refusal.text


def test_an_old_byte_does_not_start_a_new_job() -> None:
    printer = asked_to_print()
    printer.on_time(now=3.0)
    printer.on_command(Command(2, MILK), now=3.1)
    assert not sent(printer.on_bytes(b"\x00", now=3.2))
    assert sent(printer.on_time(now=3.6)) == b"\x1b!?"
    assert sent(printer.on_bytes(b"\x00", now=3.7)).startswith(b"SIZE")


@pytest.mark.parametrize("status", ["byte", "frame"])
@pytest.mark.parametrize(
    ("knob", "reason"),
    [("head_open", "head_open"), ("media_out", "media_out"), ("ribbon_out", "ribbon_out"), ("paused", "paused"),
     ("hot", "over_temperature"), ("jam", "jammed")],
)  # fmt: skip
def test_every_hindrance_of_the_simulator_is_named(status: str, knob: str, reason: str) -> None:
    bench = Bench("label-tspl", status=status)
    bench.set(**{knob: "yes"})
    end = bench.ask(MILK)
    assert isinstance(end, Refusal)
    assert (end.reason, end.begun) == (reason, False)
    assert bench.of(PowerChanged)[-1].power is Power.OFFLINE
    assert not pretend(bench).labels


@pytest.mark.parametrize("status", ["byte", "frame"])
def test_labels_that_run_out_in_the_middle(status: str) -> None:
    bench = Bench("label-tspl", status=status)
    bench.run(1.0)
    bench.set(labels_on_roll=2, print_s=0.2)
    end = bench.ask(PrintLabels(MILK.labels, copies=5))
    assert isinstance(end, Refusal)
    assert (end.reason, end.begun) == ("media_out", True)
    bench.set(media_out="no")
    bench.run(2.0)
    assert len(pretend(bench).labels) == 5
    assert bench.wire.count(b"PRINT") == 1


@given(
    st.lists(
        st.one_of(
            st.builds(LabelText, st.integers(0, 300), st.integers(0, 250), st.text('Mü"\\[] é€', max_size=8)),
            st.builds(LabelQr, st.integers(0, 400), st.integers(0, 250), st.text('abcé",', min_size=1, max_size=20)),
            st.builds(LabelBox, st.integers(0, 400), st.integers(0, 250), st.integers(1, 90), st.integers(1, 90)),
        ),
        max_size=5,
    ),
    st.sampled_from(["byte", "frame"]),
)
@settings(deadline=None, max_examples=60)
def test_driver_and_simulator_agree(elements: list[LabelElement], status: str) -> None:
    bench = Bench("label-tspl", status=status)
    assert isinstance(bench.ask(PrintLabels((Label(500, 300, tuple(elements)),))), Answer)
    (printed,) = pretend(bench).labels
    assert not pretend(bench).unknown
    assert (printed.width, printed.height) == (400, 240)
    for element, found in zip(elements, printed.elements, strict=True):
        if isinstance(element, LabelText):
            assert (found.kind, found.data, found.what) == ("text", element.text, "3")
        elif isinstance(element, LabelQr):
            assert found == Element("qr", found.x, found.y, element.data, "MA")
        else:
            assert found.kind == "box"


def test_health_is_asked() -> None:
    assert Bench("label-tspl").ask(CheckHealth()) == Answer(1, LabelPrinterStatus(online=True))
    assert from_byte(0x20) == LabelPrinterStatus(online=True, labels_left=1)
    found = STATUS_FRAME.fullmatch(b"\x02P@@@\x03")
    assert found is not None
    assert from_frame(found) == LabelPrinterStatus(online=True, labels_left=1)


@pytest.mark.parametrize("options", [{"dpi": 200}, {"code_page": "12"}, {"cjk": "jis"}, {"status": "bit"}])
def test_a_wrong_option_is_told(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        TsplPrinter(**options)  # type: ignore[arg-type]
