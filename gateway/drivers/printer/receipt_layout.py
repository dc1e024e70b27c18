"""Lays a receipt out in columns: wraps, aligns, and keeps what must not reach a printer out of the text.

An item name is data of strangers: a control character in it would be a command to the printer.
"""

from __future__ import annotations

import unicodedata

from gateway.peripherals import Columns, Rule, Text


def printable(text: str) -> str:
    """The text without control and format characters; line breaks and tabs become blanks."""
    blanks = "".join(" " if character in "\n\r\t" else character for character in text)
    return "".join(character for character in blanks if unicodedata.category(character) not in ("Cc", "Cf", "Cs"))


def width(text: str) -> int:
    """Columns of paper that a text takes: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def wrapped(text: str, columns: int) -> list[str]:
    """Lines of at most so many columns, broken at blanks where there are some; never fewer than one line.

    Blanks at its beginning indent all of them.
    """
    indent = " " * min(len(text) - len(text.lstrip(" ")), columns // 4)
    return [indent + line for line in _broken(text, columns - len(indent))] if text.strip() else [""]


def _broken(text: str, columns: int) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        if line and width(line) + 1 + width(word) <= columns:
            line += " " + word
            continue
        if line:
            lines.append(line)
        *full, line = _pieces(word, columns)
        lines += full
    return [*lines, line]


def _pieces(word: str, columns: int) -> list[str]:
    """A word cut wherever the paper ends; at least one piece, and a piece is at least one character."""
    pieces = [""]
    for character in word:
        if pieces[-1] and width(pieces[-1]) + width(character) > columns:
            pieces.append("")
        pieces[-1] += character
    return pieces


def lines_of(line: Text | Columns | Rule, columns: int) -> list[str]:
    """What is printed for one entry, each line at most so many columns wide (half of it in double size)."""
    match line:
        case Text(text=text, double=double):
            return wrapped(printable(text), columns // 2 if double else columns)
        case Columns(left=left, right=right, double=double):
            return _two_columns(printable(left), printable(right), columns // 2 if double else columns)
        case Rule():
            return ["-" * columns]


def _two_columns(left: str, right: str, columns: int) -> list[str]:
    room = columns - width(right) - 1
    if room < 1:
        return [*wrapped(left, columns), *(" " * (columns - width(part)) + part for part in wrapped(right, columns))]
    *above, last = wrapped(left, room)
    return [*above, last + " " * (columns - width(last) - width(right)) + right]
