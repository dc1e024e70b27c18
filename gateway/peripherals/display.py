"""LineDisplay: the customer's two rows. Source: UnifiedPOS 1.16, chapter LineDisplay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class DisplayText:
    """Show these rows and nothing else: a shorter one is filled with blanks, a longer one is cut at the edge.

    blink: the whole text blinks, where the device can. scroll: the first row wanders if it is too long for its width.
    """

    rows: tuple[str, ...]
    blink: bool = False
    scroll: bool = False


@dataclass(frozen=True, slots=True)
class ClearText:
    pass


@dataclass(frozen=True, slots=True)
class SetBrightness:
    """percent: 0 to 100, taken to the nearest step that the device has."""

    percent: int


@dataclass(frozen=True, slots=True)
class DisplayStatus:
    """What was shown last, as rows of the device's width; () after a clear."""

    rows: tuple[str, ...]
    #: "by the device": it answered a question; "sent": its line took the bytes, nobody can ask it
    known: Literal["by the device", "sent"] = "sent"
