"""Answers and rubbish of scales."""

FRAMES = [
    b"\x0201.234\r", b"\x0200.450N\r", b"\x02?\x01\r", b"\x02?\x02\r", b"\x02?\x0d\r", b"\x02?\x00\r",
]  # fmt: skip

# scale-toledo-8217: self-test, bare CR, echo, Baxtran
FRAMES += [b"\x02\r", b"\x02?@\r", b"\r", b"\x02E\rhello", b"\x0201234\r", b"\x02?h\r"]

# scale-magellan
FRAMES += [
    b"S14400260\r", b"S143\r", b"S1100450\r", b"S08F4006381333931\r", b"S08B3]C10104006381333931\x1d10AB\r",
    b"\x01\x02mOK\x03\x02sFAIL\x03\x04", b"S08\r", b"\x01\x02",
]  # fmt: skip

# scale-nci, scale-sma, scale-cas (dialogue, stream), scale-mt-sics
FRAMES += [
    b"\n 12.34lb\r\n00\r\x03", b"\n01.234KG\r\nS0pt4\r\x03", b"\nS10\r\x03", b"\n?\r\x03", b"\n^^^^^^lb\r\n02\r\x03",
    b"\n 1G       5.025lb \r", b"\nZ1G       0.000kg_\r", b"\nE1G  ----------kg \r", b"\n!\r", b"\n    \r",
    b"\x06", b"\x15", b"\x01\x02S 01.234kg\x65\x03\x04", b"\x01\x02SFFFFFFFkg\x1f\x03\x04",
    b"ST,GS,1\xc4,000013.5 kg\r\n", b"OL,NT,1\x84,00000000 kg\r\n",
    b"S S     100.00 g\r\n", b"S D     100.00 g\r\n", b"S +\r\n", b'I4 A "B012345678"\r\n', b"ES\r\n", b"TAC A\r\n",
]  # fmt: skip

# scale-hid: the descriptor of a USB scale, reports, half a report
FRAMES += [
    b"D\x3c\x00" + bytes.fromhex(
        "058d0920a1017508950115010970a1022508197129788100c00950a102250c1951295c8100c0"
        "1581257f094181027510150027ffff000009408102c0"
    ),
    b"I\x05\x00\x04\x02\x00\x14\x00", b"I\x05\x00\x03\x02\x00\x14\x00", b"I\x05\x00\x04\x0b\xff\x34\x19",
    b"I\x06\x00\x03\x04",
]  # fmt: skip

# scale-dialog
FRAMES += [
    b"\x06", b"\x15", b"\x0202\x1b3\x1b01500\x1b000000\x1b000000\x03", b"\x0209\x1b20\x03", b"\x0209\x1b31\x03",
    b"\x0211\x1b247\x03", b"\x0211\x1b1\x03", b"\x0202\x1b3",
]  # fmt: skip
