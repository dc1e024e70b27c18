"""Scanner: what one read, and what it can be told. Source: UnifiedPOS 1.16, chapter Scanner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class SetScanning:
    """Let the scanner read labels, or not (UnifiedPOS DeviceEnabled): a till that waits for a person stops it."""

    enabled: bool


@dataclass(frozen=True, slots=True)
class Beep:
    """Sound the scanner's own beeper: `good` for an item that was found, `bad` for one that was not."""

    sound: Literal["good", "bad"] = "good"


@dataclass(frozen=True, slots=True)
class Scan:
    """A label as the scanner sent it, less prefix and suffix. Its meaning is retail/barcode.py's matter.

    symbology: the AIM identifier with its bracket (`]E0`), or "" where the scanner sent none.
    """

    data: str
    symbology: str = ""
