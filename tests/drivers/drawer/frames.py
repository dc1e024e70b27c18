"""Records of a Posiflex drawer, whole, short and of another number; and rubbish that looks like one."""

FRAMES = [
    b"I\x78\x00\x71" + b"\x55" * 119,
    b"I\x78\x00\x70" + bytes(119),
    b"I\x78\x00\x61" + bytes(119),
    b"I\x08\x00\x71" + bytes(7),
    b"D\x03\x00\x06\xa0\xff",
    b"I\x00\x00",
    b"I\xff\xff",
]
