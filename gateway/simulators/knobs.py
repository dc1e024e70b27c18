"""The knobs of simulators: how their values are written on a command line, and what is said about a wrong one."""

from __future__ import annotations

from collections.abc import Iterable

YES = ("yes", "true", "on", "1")
NO = ("no", "false", "off", "0", "")
_ENDS = {"cr": "\r", "lf": "\n", "crlf": "\r\n", "tab": "\t", "etx": "\x03", "none": ""}


def yes(value: str) -> bool:
    if value.lower() in YES:
        return True
    if value.lower() in NO:
        return False
    raise ValueError(f"{value!r} is neither yes nor no")


def whole(value: str, least: int = 0) -> int:
    """A whole number, not below `least`."""
    if not value.lstrip("-").isascii() or not value.lstrip("-").isdigit() or int(value) < least:
        raise ValueError(f"{value!r} is not a whole number of {least} or more")
    return int(value)


def seconds(value: str) -> float:
    try:
        amount = float(value)
    except ValueError:
        amount = -1.0
    if not 0 <= amount < 3600:
        raise ValueError(f"{value!r} is not a number of seconds")
    return amount


def written(value: str) -> str:
    """Text as typed: \\r, \\n, \\t and \\x1d stand for what they mean in Python; so do the words cr, lf, crlf, none."""
    if value in _ENDS:
        return _ENDS[value]
    return value.encode("latin-1", "backslashreplace").decode("unicode_escape") if "\\" in value else value


def unknown(knob: str, known: Iterable[str]) -> ValueError:
    return ValueError(f"no knob {knob!r}; there are {', '.join(sorted(known))}")
