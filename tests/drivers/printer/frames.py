"""Status bytes and rubbish of receipt printers."""

FRAMES = [b"\x12", b"\x1a", b"\x16", b"\x7e", b"\x00\x00\x1a", b"\x11\x13", b"\x10\x00\x00\x0f"]
