"""Rubbish of displays: none of them says anything, so all of it is."""

FRAMES = [b"\x11", b"\x13", b"\x00", b"W#0\x1f\x00"]
