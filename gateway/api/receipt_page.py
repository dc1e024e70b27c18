"""A receipt as a page: the printer-neutral lines as HTML, its QR code as a drawing of its own."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from gateway.peripherals import BarCode, Columns, PrintLine, Qr, Rule, Text

HEAD = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"></head><body><main class="receipt">
"""


def page(number: str, lines: Sequence[PrintLine], locale: str) -> str:
    """Names of articles are data of strangers: all text is escaped, and nothing is styled inline."""
    head = HEAD.format(lang=escape(locale), title=escape(number))
    return head + "\n".join(part for line in lines if (part := _line(line))) + "\n</main></body></html>\n"


def _line(line: PrintLine) -> str:
    match line:
        case Text(text=text, align=align):
            return f'<p class="{_classes(line, align)}">{_kept(text)}</p>'
        case Columns(left=left, right=right):
            return f'<p class="{_classes(line, "left")}"><span>{_kept(left)}</span> <span>{escape(right)}</span></p>'
        case Rule():
            return "<hr>"
        case Qr(data=data):
            return f"<figure>{qr(data)}<figcaption>{escape(data)}</figcaption></figure>"
        case BarCode(data=data):
            return f'<p class="center code">{escape(data)}</p>'
        case _:
            return ""


def _classes(line: Text | Columns, align: str) -> str:
    return " ".join([align, *(["bold"] if line.bold else []), *(["double"] if line.double else [])])


def _kept(text: str) -> str:
    """Blanks at its beginning indent it on paper, and here too."""
    indent = len(text) - len(text.lstrip(" "))
    return "&nbsp;" * indent + escape(text[indent:])


def qr(data: str) -> str:
    """An SVG of one path, a module a unit."""
    import qrcode  # type: ignore[import-untyped]  # noqa: PLC0415  0.1 s, only where somebody looks

    maker = qrcode.QRCode(border=4)
    maker.add_data(data)
    matrix = maker.get_matrix()
    size = len(matrix)
    path = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(matrix) for x, dark in enumerate(row) if dark)
    return (
        f'<svg class="qr" viewBox="0 0 {size} {size}" width="{size * 4}" height="{size * 4}" role="img"'
        f' aria-label="{escape(data)}"><path d="{path}"/></svg>'
    )
