"""The envelope in which a nexo message travels to an Adyen terminal: encrypted, and signed over the plain text.

PBKDF2-HMAC-SHA1 of the passphrase, salt AdyenNexoV1Salt, 4000 rounds, gives 80 bytes: 32 for HMAC-SHA256, 32 for
AES-256-CBC, and 16 of an IV that is XORed with the nonce of the message.

Source: docs.adyen.com, "Protect local communications"; checked in both directions against Adyen's own library for
        Node, @adyen/api-library 32.1: its vectors stand in tests/drivers/terminal/test_nexo_security.py.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

SALT = b"AdyenNexoV1Salt"
ROUNDS = 4000
NONCE_BYTES = 16
BLOCK = 16


class NotTrusted(Exception):
    """A message that was not made with our key, or was changed on its way; the text says which."""


@dataclass(frozen=True, slots=True)
class Key:
    """As it stands in Adyen's Customer Area."""

    passphrase: str
    identifier: str
    version: int


@lru_cache(maxsize=8)
def derived(passphrase: str) -> tuple[bytes, bytes, bytes]:
    """(key of the HMAC, key of the cipher, IV). Milliseconds of work on purpose, so once and not per connection."""
    material = hashlib.pbkdf2_hmac("sha1", passphrase.encode(), SALT, ROUNDS, 80)
    return material[:32], material[32:64], material[64:]


def sealed(header: dict[str, Any], plain: bytes, key: Key, nonce: bytes | None = None) -> dict[str, Any]:
    """The message's body for `plain`; nonce: only a test hands one in."""
    hmac_key, cipher_key, iv = derived(key.passphrase)
    nonce = nonce or secrets.token_bytes(NONCE_BYTES)
    return {
        "MessageHeader": header,
        "NexoBlob": _base64(_crypt(_padded(plain), cipher_key, _xor(iv, nonce), decrypt=False)),
        "SecurityTrailer": {
            "AdyenCryptoVersion": 1,
            "KeyIdentifier": key.identifier,
            "KeyVersion": key.version,
            "Nonce": _base64(nonce),
            "Hmac": _base64(hmac.digest(hmac_key, plain, "sha256")),
        },
    }


def opened(body: dict[str, Any], key: Key) -> bytes:
    """The plain text of a sealed body.

    Raises:
        NotTrusted: it is not whole, is for another key, or its HMAC does not fit.
    """
    trailer = body.get("SecurityTrailer")
    if not isinstance(trailer, dict):
        raise NotTrusted("it is not encrypted; switch encryption on at the terminal, as the option passphrase expects")
    if (trailer.get("KeyIdentifier"), str(trailer.get("KeyVersion"))) != (key.identifier, str(key.version)):
        raise NotTrusted("the terminal has another key; compare key_identifier and key_version")
    hmac_key, cipher_key, iv = derived(key.passphrase)
    nonce, signed = _bytes(trailer.get("Nonce")), _bytes(trailer.get("Hmac"))
    cipher = _bytes(body.get("NexoBlob"))
    if len(nonce) != NONCE_BYTES or not cipher or len(cipher) % BLOCK:
        raise NotTrusted("its blob or nonce has an impossible length")
    plain = _unpadded(_crypt(cipher, cipher_key, _xor(iv, nonce), decrypt=True))
    if not hmac.compare_digest(hmac.digest(hmac_key, plain, "sha256"), signed):
        raise NotTrusted("its signature does not fit; compare the passphrase")
    return plain


def _crypt(data: bytes, key: bytes, iv: bytes, *, decrypt: bool) -> bytes:
    # Imported here: it costs more than the rest of the driver, and a terminal without a passphrase never needs it.
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    cipher = Cipher(algorithms.AES256(key), modes.CBC(iv))
    way = cipher.decryptor() if decrypt else cipher.encryptor()
    return way.update(data) + way.finalize()


def _padded(plain: bytes) -> bytes:
    """PKCS #7."""
    count = BLOCK - len(plain) % BLOCK
    return plain + bytes([count]) * count


def _unpadded(padded: bytes) -> bytes:
    """Without PKCS #7's filling; what is not filled so comes back whole, and its HMAC will not fit.

    So a wrong filling and a wrong signature are the same mistake to whoever sends them.
    """
    count = padded[-1]
    fits = 1 <= count <= BLOCK and padded.endswith(bytes([count]) * count)
    return padded[:-count] if fits else padded


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(text: object) -> bytes:
    if not isinstance(text, str):
        return b""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def read_json(data: bytes) -> dict[str, Any]:
    """An object of JSON; {} for anything else. Amounts come as exact decimals."""
    try:
        parsed = json.loads(data, parse_float=Decimal, parse_int=Decimal, parse_constant=str)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def first_object(data: bytes) -> bytes:
    """The object of JSON with which the data begin, b"" while it is not whole."""
    text = data.decode("utf-8", "replace")
    try:
        _, end = json.JSONDecoder().raw_decode(text.lstrip())
    except (ValueError, RecursionError):
        return b""
    return text.lstrip()[:end].encode()
