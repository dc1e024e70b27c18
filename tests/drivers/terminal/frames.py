"""Answers and rubbish of payment terminals."""

FRAMES: list[bytes] = []

# nexo: HTTP around JSON
FRAMES += [
    b'HTTP/1.1 200 OK\r\nContent-Length: 46\r\n\r\n{"SaleToPOIResponse":{"MessageHeader":{"a":1}}}',
    b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"SaleToPOIResponse":{}}',
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
]

# Taiwan EDC: ACK, NAK, and records of 144 and 400 bytes, good and bad
_NCCC = b"I       01N  000123474609******9784       000000000100261122173000A00123    0000".ljust(400) + b"\x03"
_144 = b"0100000123474609******9784      000000000100261122173000A00123               0000".ljust(144) + b"\x03"
FRAMES += [
    b"\x06", b"\x15", b"\x06\x06",
    *(b"\x02" + data + bytes([check]) for data in (_NCCC, _144) for check in (0x03, 0x2A, 0x55)),
]  # fmt: skip

# ZVT: bare messages, and a frame of its serial line
FRAMES += [
    bytes.fromhex("80 00 00"),
    bytes.fromhex("84 9C 00"),
    bytes.fromhex("06 0F 00"),
    bytes.fromhex("06 1E 01 6C"),
    bytes.fromhex("04 FF 01 0A"),
    bytes.fromhex("04 0F 23 27 00 04 000000000318 0B 000471 22 F0F8 EEEEEEEEEEEE4771 87 0471 8B F0F5 56495341 00"),
    bytes.fromhex("04 0F 1E 27 6C 29 28004869 3C F0F1F9") + b"Abbruch durch Kunde",
    bytes.fromhex("06 D1 05 81") + b"Ende",
    bytes.fromhex("06 D3 0F 06 0D 1F07 01 02 25 07 07 02 4F4B 09 01 81"),
    bytes.fromhex("10 02 80 00 00 10 03 F5 1F"),
    bytes.fromhex("06 10 02 04 0F"),
]

# ECR17: acknowledgements, progress, a result, a receipt, a state
FRAMES += [
    b"\x06\x03\x79",
    b"\x15\x03\x6a",
    b"\x01INSERIRE CARTA      \x04",
    b"\x02123456780S}}}}}}\x1b\x03\x1e",
    b"\x02123456780E00000411111******1111ICCA1B2C321115202881050000020000010000010000000031800000000000\x03\x00",
    b"\x02123456780s000000000029072615202NX170100\x03\x00",
]
