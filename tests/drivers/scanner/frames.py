"""Labels and rubbish of scanners."""

FRAMES = [
    b"]E04711234567899\r\n", b"]C1010471123456789910A\x1d\r", b"caf\xc3\xa9\r", b"\xff\xfe\r", b"\x1b@\r",
]  # fmt: skip
