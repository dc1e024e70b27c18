"""What all scanners' labels have in common, whatever line they came on: text, an AIM identifier, no control characters.

Source: AIM identifiers: ISO/IEC 15424; GS as the FNC1 between element strings: GS1 General Specifications, 7.8.3.
"""

from __future__ import annotations

import re
import unicodedata

from gateway.peripherals import Oddity, Scan

GS = "\x1d"
AIM = re.compile(r"\][A-Za-z][0-9A-Za-z]")
#: the longest that a QR code of version 40-L holds in letters; longer ones are two labels without an end between them
MAX_LENGTH = 4296
#: A label arrives within a second even at 1200 baud; what waits longer is a torn one and must not begin the next label.
TORN_S = 1.0


def label_of(text: str, raw: bytes, *, aim: bool = True, symbology: str = "") -> Scan | Oddity:
    """One complete label.

    aim: split off an identifier at its beginning; it wins over `symbology`, which the scanner sent beside the data
    raw: as it came, for the technician's page
    """
    if any(unicodedata.category(character) == "Cc" and character != GS for character in text):
        return Oddity("a control character in a label", raw)
    if aim and (found := AIM.match(text)):
        symbology, text = found.group(), text[found.end() :]
    return Scan(text, symbology) if text else Oddity("a label without data", raw)


def decoded(raw: bytes, *, aim: bool = True, symbology: str = "") -> Scan | Oddity:
    """As label_of, from bytes."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return Oddity("a label that is not text; check baud and parity", raw)
    return label_of(text, raw, aim=aim, symbology=symbology)
