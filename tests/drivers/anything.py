"""Anything that a till, a technician or a mistake could ask of a device, or a line make of its bytes."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from gateway.peripherals import (
    AbortPayment,
    BarCode,
    Beep,
    CheckHealth,
    ClearTare,
    ClearText,
    Columns,
    Cut,
    DeviceClass,
    DisplayText,
    EndOfDay,
    Forward,
    KeepResult,
    Label,
    LabelBarCode,
    LabelBox,
    LabelElement,
    LabelQr,
    LabelText,
    Logo,
    OpenDrawer,
    Pay,
    PaymentKind,
    Print,
    PrintLabels,
    PrintLine,
    Qr,
    Raster,
    ReadWeight,
    RepeatReceipt,
    Request,
    ResolvePayment,
    Rule,
    SelfTest,
    SetBrightness,
    SetScanning,
    TareScale,
    Text,
    ZeroScale,
)

WORDS = (
    "",
    "Milk",
    "Ünvergleichlich süße Äpfel",
    "牛奶 1 公升",
    "Hot\nand\tcold",
    "x" * 90,
    "\x1b@\x10\x14",
    "€ 1,19",
    "^XZ\"~'",
)
CODES = ("4006381333931", "96385074", "", "ABC-123", "12345", "ä", "0" * 60)
ASKED_AT = ("", "2026-11-22T09:15:00Z")
#: of every class, and so a mistake for all but one
STRANGE: tuple[Request, ...] = (
    ReadWeight(), OpenDrawer(), Print((Text("x"),)), DisplayText(("a",)), PrintLabels(()), Beep(), EndOfDay(),
    AbortPayment("nobody"), KeepResult("nobody"), RepeatReceipt(), Forward(b"x"), CheckHealth(),
)  # fmt: skip

#: the driver's options, and the knobs that make its pretend device fit them; ({}, {}) is always among them
OPTIONS: Mapping[str, tuple[tuple[dict[str, Any], dict[str, str]], ...]] = {
    "scale-cas": (({"mode": "stream"}, {"mode": "stream"}), ({"poll_s": 0.2}, {})),
    "scale-dialog": (({"dialog": "02"}, {"dialog": "02"}), ({"dialog": "04"}, {"dialog": "04"})),
    "scale-magellan": (({"ask": "S11", "poll_s": 0.2}, {}), ({"beep": "s334"}, {})),
    "scale-mt-sics": (({"ask": "S", "poll_s": 0.2}, {}),),
    "scale-nci": (({"poll_s": 0.2}, {}),),
    "scale-sma": (({"poll_s": 0.2}, {}),),
    "scale-toledo-8217": (
        ({"poll_s": 0.2}, {}), ({"probe": "echo"}, {}), ({"dialect": "baxtran"}, {"dialect": "baxtran"}),
        ({"unit": "lb"}, {"unit": "lb"}),
    ),
    "printer-escpos": (({"done": "status", "asb": False}, {}), ({"charset": "big5"}, {"chinese": "big5"})),
    "label-tspl": (({"status": "frame", "poll_s": 0.5}, {"frame": "yes"}),),
    "label-zpl": (({"poll_s": 0.5}, {}),),
    "scanner-line": (({"idle_ms": 50, "prefix": "~"}, {"prefix": "~"}), ({"max_length": 20}, {})),
    "scanner-honeywell": (({"idle_ms": 50}, {}),),
    "scanner-evdev": (({"idle_ms": 50, "suffix": "none"}, {}), ({"layout": "fr"}, {"layout": "fr"})),
    "drawer-kick": (({"sensor": "none"}, {}),),
    "terminal-zvt": (({"framing": "serial"}, {"framing": "serial"}), ({"keep_open": True, "print": "blocks"}, {})),
    "terminal-ecr17": (({"keep_open": True}, {}), ({"lrc": "stx", "request": "P"}, {"lrc": "stx"})),
    "terminal-nexo": (
        ({"passphrase": "p", "key_identifier": "k", "key_version": 1},
         {"passphrase": "p", "key_identifier": "k", "key_version": "1"}),
    ),
    "terminal-taiwan-edc": (({"layout": "as320-144"}, {"layout": "as320-144"}),),
}  # fmt: skip

NOISE = (
    bytes(range(256)), b"\x02\x03\x04\x05\x06\x10\x15\x16\x1b\r\n", b"0123456789., kglb\r\n\x02\x03", b"\x00",
    b"\xff\xfe", b'{}[]":,HTTP/1. 0', b"DIFOSG\x00\x01\x05\x3f",
)  # fmt: skip


def request(device_class: DeviceClass, chance: Random, payment_id: str, before: str) -> Request:
    """One thing to ask; now and then the wrong one. payment_id: of a new payment; before: of the one before it."""
    if chance.random() < 0.05:
        return chance.choice(STRANGE)
    if chance.random() < 0.1:
        return CheckHealth()
    match device_class:
        case DeviceClass.SCANNER:
            return chance.choice((SetScanning(chance.random() < 0.5), Beep(chance.choice(("good", "bad")))))
        case DeviceClass.SCALE:
            return _of_scale(chance)
        case DeviceClass.POS_PRINTER:
            lines = tuple(_line(chance) for _ in range(chance.choice((0, 1, 1, 2, 5))))
            return Print(lines, chance.choice(("", "job-1", "job-2")))
        case DeviceClass.CASH_DRAWER:
            return OpenDrawer()
        case DeviceClass.LINE_DISPLAY:
            return _of_display(chance)
        case DeviceClass.LABEL_PRINTER:
            labels = tuple(_label(chance) for _ in range(chance.choice((0, 1, 1, 3))))
            return PrintLabels(labels, chance.choice((1, 1, 2, 9)))
        case DeviceClass.PAYMENT_TERMINAL:
            return _of_terminal(chance, payment_id, before)


def _of_scale(chance: Random) -> Request:
    if chance.random() < 0.6:
        return ReadWeight(chance.choice((None, 0, 199, 99_999_999)), chance.choice(WORDS))
    return chance.choice((ZeroScale(), TareScale(), TareScale(chance.choice((0, 12, 99_999))), ClearTare(), SelfTest()))


def _of_display(chance: Random) -> Request:
    rows = tuple(chance.choice(WORDS) for _ in range(chance.randrange(4)))
    shown = DisplayText(rows, blink=chance.random() < 0.3, scroll=chance.random() < 0.3)
    return chance.choice((shown, shown, ClearText(), SetBrightness(chance.choice((0, 33, 100)))))


def _of_terminal(chance: Random, payment_id: str, before: str) -> Request:
    amount, currency = chance.choice((0, 1, 318, 99_999_999)), chance.choice(("EUR", "EUR", "EUR", "TWD", "XXX"))
    kind = chance.choice((PaymentKind.SALE, PaymentKind.SALE, PaymentKind.REFUND, PaymentKind.REVERSAL))
    reference, asked_at = chance.choice(("", "0001", "000471", "x.y")), chance.choice(ASKED_AT)
    if chance.random() < 0.6:
        return Pay(payment_id, kind, amount, currency, reference, asked_at)
    return chance.choice(
        (ResolvePayment(before, kind, amount, currency, reference, asked_at), RepeatReceipt(), EndOfDay())
    )


def _line(chance: Random) -> PrintLine:
    words, code = chance.choice(WORDS), chance.choice(CODES)
    bold, double = chance.random() < 0.3, chance.random() < 0.3
    return chance.choice(
        (
            Text(words, chance.choice(("left", "center", "right")), bold, double),
            Columns(words, "1.19", bold, double),
            Rule(),
            Cut(),
            Logo(),
            Qr(code or "x"),
            BarCode(code, chance.choice(("EAN13", "EAN8", "UPCA", "CODE39", "CODE128", "ITF"))),
            Raster(16, (b"\xff\x00", b"\x18\x81")),
        )
    )


def _label(chance: Random) -> Label:
    elements: list[LabelElement] = []
    for _ in range(chance.randrange(4)):
        x, y, code = chance.randrange(600), chance.randrange(400), chance.choice(CODES)
        elements.append(
            chance.choice(
                (
                    LabelText(x, y, chance.choice(WORDS), width=chance.choice((None, 200))),
                    LabelBarCode(x, y, code, chance.choice(("EAN13", "CODE128", "ITF"))),
                    LabelQr(x, y, code or "x"),
                    LabelBox(x, y, 100, 3),
                )
            )
        )
    return Label(chance.choice((500, 1000)), 300, tuple(elements))


def mutated(data: bytes, chance: Random) -> bytes:
    """One byte other, one bit other, one more, one less, or a piece twice."""
    if not data:
        return data
    place, byte = chance.randrange(len(data)), chance.randrange(256)
    return chance.choice(
        (
            data[:place] + bytes([byte]) + data[place + 1 :],
            data[:place] + bytes([data[place] ^ 1 << byte % 8]) + data[place + 1 :],
            data[:place] + bytes([byte]) + data[place:],
            data[:place] + data[place + 1 :],
            data[:place] + data[max(0, place - 5) :],
        )
    )
