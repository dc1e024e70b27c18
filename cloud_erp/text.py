"""Text from outside, made fit for every database and page."""

from __future__ import annotations


def printable(text: str) -> str:
    """Without NUL, which PostgreSQL keeps in no text, and without half characters, which no encoding has."""
    return text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()
