"""The labels of a Datalogic scanner: which letters before the data are which kind of code; used by magellan.py.

Source: Datalogic Magellan 9400i and 9500 product reference guides, "Datalogic Handheld Data Format Requirements" (A, E,
        F, R4, #, %, &, @, P and their lengths); B1, B2, B3 from two users of the single cable, FF, RX, QR, DM from one
        (brendangooden/datalogic-magellan-dotnet, CORE-POS SPH_Magellan_Scale). AIM identifiers: ISO/IEC 15424.
"""

from __future__ import annotations

import re

from gateway.peripherals import Oddity, Scan

#: label id -> AIM identifier; tried longest first, for FF begins with F
_SYMBOLOGIES = {
    "FF": "]E4",  # EAN-8
    "R4": "]e0",  # GS1 DataBar
    "RX": "]e0",  # GS1 DataBar Expanded
    "B1": "]A0",  # Code 39
    "B2": "]I0",  # Interleaved 2 of 5
    "B3": "]C0",  # Code 128
    "QR": "]Q1",
    "DM": "]d1",  # DataMatrix
    "A": "]E0",  # UPC-A
    "E": "]E0",  # UPC-E, as 8 digits: whoever reads ]E0 must look at the length
    "F": "]E0",  # EAN-13
    "#": "]C0",  # Code 128
    "%": "]F0",  # Codabar
    "&": "]G0",  # Code 93
    "@": "]M0",  # MSI
    "P": "]L0",  # PDF417
}
_IDS = sorted(_SYMBOLOGIES, key=len, reverse=True)
#: digits of the EAN and UPC family, and of what may stand beside them (2 or 5)
_DIGITS = {
    "A": re.compile(r"([0-9]{12})([0-9]{2}|[0-9]{5})?"),
    "E": re.compile(r"([0-9]{6,8})([0-9]{2}|[0-9]{5})?"),
    "F": re.compile(r"([0-9]{13})([0-9]{2}|[0-9]{5})?"),
    "FF": re.compile(r"([0-9]{8})([0-9]{2}|[0-9]{5})?"),
}
_AIM = re.compile(r"\][A-Za-z][0-9]")
_GS = "\x1d"


def read(label: bytes) -> Scan | Oddity:
    """One label, its id first. What is not surely one of the known kinds sells nothing."""
    text = label.decode("ascii", "replace")
    if not all(" " <= character <= "~" or character == _GS for character in text):
        return Oddity("a control character in a label", label)
    name = next((name for name in _IDS if text.startswith(name)), "")
    if not name and not _AIM.match(text):
        return Oddity("a label of an unknown kind; set the scanner's label ids to their defaults", label)
    data, symbology = text[len(name) :], _SYMBOLOGIES.get(name, "")
    # A label id may be set to be followed by the AIM identifier, which knows more (GS1-128 is ]C1).
    if aim := _AIM.match(data):
        symbology, data = aim.group(), data[aim.end() :]
    elif name in _DIGITS:
        found = _DIGITS[name].fullmatch(data)
        if not found:
            return Oddity(f"a label that is too short or too long for its kind {name}", label)
        symbology = "]E3" if found[2] and name in ("A", "F") else symbology
        data = "0" + data if found[2] and name == "A" else data  # ]E3 is 13 digits and what stands beside them
    return Scan(data, symbology) if data else Oddity("a label without data", label)
