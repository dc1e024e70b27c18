"""Answers and rubbish of scales."""

FRAMES = [
    b"\x0201.234\r", b"\x0200.450N\r", b"\x02?\x01\r", b"\x02?\x02\r", b"\x02?\x0d\r", b"\x02?\x00\r",
]  # fmt: skip
