"""A pretend nexo terminal's own half of the encrypted envelope: from Adyen's description, not from the driver.

Source: docs.adyen.com, "Protect local communications".
"""

from __future__ import annotations

import hashlib
import hmac
import random
from base64 import b64decode, b64encode
from typing import Any


class Vault:
    """Seals and opens with one shared key; wrong_hmac is what a broken or foreign terminal would do."""

    def __init__(self, passphrase: str, identifier: str, version: int, noise: random.Random) -> None:
        self.identifier, self.version, self._noise = identifier, version, noise
        stretched = hashlib.pbkdf2_hmac("sha1", passphrase.encode("utf-8"), b"AdyenNexoV1Salt", 4000, dklen=80)
        self._mac_key = stretched[0:32]
        self._aes_key = stretched[32:64]
        self._iv = int.from_bytes(stretched[64:80], "big")

    def seal(self, header: dict[str, Any], clear: bytes, *, wrong_hmac: bool = False) -> dict[str, Any]:
        from cryptography.hazmat.primitives import padding  # noqa: PLC0415 -- only an encrypted terminal pays for it

        nonce = self._noise.randbytes(16)
        filler = padding.PKCS7(128).padder()
        mac = hmac.new(self._mac_key, clear, hashlib.sha256).digest()
        return {
            "MessageHeader": header,
            "NexoBlob": self._text(self._aes(nonce).encryptor().update(filler.update(clear) + filler.finalize())),
            "SecurityTrailer": {
                "AdyenCryptoVersion": 1,
                "Hmac": self._text(bytes(32) if wrong_hmac else mac),
                "KeyIdentifier": self.identifier,
                "KeyVersion": self.version,
                "Nonce": self._text(nonce),
            },
        }

    def unseal(self, sealed: dict[str, Any]) -> bytes | None:
        """The clear text; None where key, blob or signature is wrong."""
        from cryptography.hazmat.primitives import padding  # noqa: PLC0415

        try:
            trailer = sealed["SecurityTrailer"]
            if trailer["KeyIdentifier"] != self.identifier or int(trailer["KeyVersion"]) != self.version:
                return None
            filled = self._aes(b64decode(trailer["Nonce"])).decryptor().update(b64decode(sealed["NexoBlob"]))
            filler = padding.PKCS7(128).unpadder()
            clear = filler.update(filled) + filler.finalize()
            mac = hmac.new(self._mac_key, clear, hashlib.sha256).digest()
            return clear if hmac.compare_digest(mac, b64decode(trailer["Hmac"])) else None
        except (KeyError, TypeError, ValueError):
            return None

    def _aes(self, nonce: bytes) -> Any:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415

        vector = (self._iv ^ int.from_bytes(nonce, "big")).to_bytes(16, "big")
        return Cipher(algorithms.AES(self._aes_key), modes.CBC(vector))

    @staticmethod
    def _text(data: bytes) -> str:
        return b64encode(data).decode()
