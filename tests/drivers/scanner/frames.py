"""Labels and rubbish of scanners."""

from gateway.simulators.scanner.hid_pos import SHAPES

FRAMES = [
    b"]E04711234567899\r\n", b"]C1010471123456789910A\x1d\r", b"caf\xc3\xa9\r", b"\xff\xfe\r", b"\x1b@\r",
    # Honeywell: an answer of its menu
    b"CBRENA1\x06.", b"ALLENA0\x15!",
    # SSI: a label, an acknowledgement, a revision, a label with a wrong checksum
    bytes.fromhex("09f300000b34373131fe2c"), bytes.fromhex("04d00000ff2c"), bytes.fromhex("05a4000053ff04"),
    bytes.fromhex("09f300000b34373131fe2d"),
    # HID POS: a descriptor, a report; a keyboard's events: 4, 7, Enter; and events lost
    b"D" + len(SHAPES["access"]).to_bytes(2, "little") + SHAPES["access"],
    b"I\x40\x00" + bytes([2, 4]) + b"]E04711".ljust(59, b"\0") + bytes(3),
    b"".join(bytes([1, 0, key, 0, value, 0, 0, 0]) for key in (5, 8, 28) for value in (1, 0)),
    bytes([0, 0, 3, 0, 0, 0, 0, 0]),
]  # fmt: skip


def is_data(label: str) -> bool:
    """Not one of the words that a knob takes for control characters."""
    return label not in ("cr", "lf", "crlf", "tab", "etx", "none")
