"""Operators' PINs: kept as scrypt hashes, at headquarters, in the feed and in gateway.toml.

Form:   scrypt$<log2 n>$<r>$<p>$<salt, hex>$<hash, hex>. The parameters stand in it, so that they may change.
Cost:   n 2^14, r 8: 16 MiB and about 50 ms of a desktop's core, a quarter second of a Raspberry Pi 3.
Worth:  a PIN of four digits has ten thousand values: the hash hinders who reads a stolen card, and no more. What keeps
        a guesser at the till away is the lock after a few wrong ones (gateway/till/people/pin_desk.py).
Source: RFC 7914.
"""

from __future__ import annotations

import hashlib
import hmac
import re

LOG2_N, BLOCKS, PARALLEL = 14, 8, 1
HASH_BYTES = 32
SALT_BYTES = 16
#: what a hash from elsewhere may ask of this machine
LOG2_N_MOST, BLOCKS_MOST, PARALLEL_MOST = 15, 8, 4
_FORM = re.compile(r"scrypt\$(\d{1,2})\$(\d{1,2})\$(\d{1,2})\$([0-9a-f]{16,64})\$([0-9a-f]{64})")
_PIN = re.compile(r"[0-9]{4,12}")


class PinError(ValueError):
    """This cannot be a PIN, or is not the hash of one. Never holds the PIN."""


def hash_pin(pin: str, salt: bytes) -> str:
    """The hash of a PIN of 4 to 12 digits. salt: SALT_BYTES random bytes, new for each hash.

    Raises:
        PinError: not 4 to 12 digits, or no proper salt.
    """
    if not _PIN.fullmatch(pin):
        raise PinError("a PIN has 4 to 12 digits, and nothing else")
    if not SALT_BYTES // 2 <= len(salt) <= 2 * SALT_BYTES:
        raise PinError(f"a salt has {SALT_BYTES} bytes")
    digest = _derive(pin, salt, LOG2_N, BLOCKS, PARALLEL)
    return f"scrypt${LOG2_N}${BLOCKS}${PARALLEL}${salt.hex()}${digest.hex()}"


def verify_pin(pin: str, hashed: str) -> bool:
    """Whether this PIN made that hash. Takes the hash's time; run it beside the event loop.

    Raises:
        PinError: what should be a hash is none.
    """
    log2_n, blocks, parallel, salt, digest = _read(hashed)
    return hmac.compare_digest(_derive(pin, salt, log2_n, blocks, parallel), digest)


def check_hash(hashed: str) -> str:
    """The same, for who keeps hashes and never sees a PIN; raises PinError."""
    _read(hashed)
    return hashed


def _read(hashed: str) -> tuple[int, int, int, bytes, bytes]:
    form = _FORM.fullmatch(hashed)
    if form is None:
        raise PinError("not a PIN's hash: make one with `backroom pin`")
    log2_n, blocks, parallel = (int(form[place]) for place in (1, 2, 3))
    if not (1 <= log2_n <= LOG2_N_MOST and 1 <= blocks <= BLOCKS_MOST and 1 <= parallel <= PARALLEL_MOST):
        raise PinError("this PIN's hash asks too much of the till: make one with `backroom pin`")
    return log2_n, blocks, parallel, bytes.fromhex(form[4]), bytes.fromhex(form[5])


def _derive(pin: str, salt: bytes, log2_n: int, blocks: int, parallel: int) -> bytes:
    needs = 128 * blocks * ((1 << log2_n) + parallel + 2)
    return hashlib.scrypt(
        pin.encode(), salt=salt, n=1 << log2_n, r=blocks, p=parallel, maxmem=needs + (1 << 20), dklen=HASH_BYTES
    )
