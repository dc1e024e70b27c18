"""Answers and rubbish of label printers."""

HS_READY = b"\x02030,0,0,1225,000,0,0,0,000,0,0,0\x03\r\n\x02000,0,0,0,0,2,4,0,00000000,1,000\x03\r\n\x021234,0\x03\r\n"
HS_PRINTING = (
    b"\x02030,0,0,1225,001,0,0,0,000,0,0,0\x03\r\n\x02000,0,0,0,0,2,4,0,00000003,1,000\x03\r\n\x021234,0\x03\r\n"
)
HS_PAUSED = (
    b"\x02030,0,1,1225,000,0,0,0,000,0,0,0\x03\r\n\x02000,0,0,0,0,2,4,0,00000000,1,000\x03\r\n\x021234,0\x03\r\n"
)
HQES_HEAD_OPEN = (
    b"\x02\r\n  PRINTER STATUS                  \r\n   ERRORS:         1 00000000 00000004\r\n"
    b"   WARNINGS:       0 00000000 00000000\r\n\x03"
)
FRAMES = [
    HS_READY, HS_PRINTING, HS_PAUSED, HQES_HEAD_OPEN, HS_READY[:60], b"\x02000,0,0,0,0,2,4,0,00000000,1,000\x03\r\n",
    b"\x00", b"\x20", b"\x01", b"\x04", b"\x10", b"\x02@@@@\x03\r\n", b"\x02P@@@\x03\r\n", b"\x02E@@A\x03\r\n",
]  # fmt: skip
