"""The encrypted envelope against what Adyen's library for Node (@adyen/api-library 32.1) made of the same message."""

from __future__ import annotations

import base64
import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.drivers.terminal.nexo_security import Key, NotTrusted, derived, first_object, opened, read_json, sealed

KEY = Key("mysupersecretpassphrase", "CryptoKeyIdentifier12345", 1)
HEADER = {
    "ProtocolVersion": "3.0",
    "MessageClass": "Service",
    "MessageCategory": "Payment",
    "MessageType": "Request",
    "SaleID": "POSSystemID12345",
    "ServiceID": "0207111104",
    "POIID": "V400m-324688179",
}
PLAIN = json.dumps(
    {"SaleToPOIRequest": {"MessageHeader": HEADER, "PaymentRequest": {"x": "é卡", "y": 1}}},
    separators=(",", ":"),
    ensure_ascii=False,
).encode()
#: NexoCrypto.encrypt of that library, its random nonce replaced by the bytes 0 to 15; it opens ours as well
THEIRS: dict[str, Any] = {
    "MessageHeader": HEADER,
    "NexoBlob": "gP0vnBpYJLc06akeJiZwNBlFjrp5++STsmoXHGz4jwAr9O5BymB2RSOz7rVhr/LFcdA758vrh2gO+M8T4iOaJLQAfb5eDZ8lxGMP"
    "OHND4Vk4KprvToxY+JwS9n+qwOsPArftu0j7O6HRgXaJSrvz0IFt4ypqgELLD4O3F5aG+dprk3jfeY4wE9LlemaVRuQlQW8TvOTZ"
    "FTL8oaHKQwmosFGPRg6BNDklBbl55gEkkbOYb3Q+F4p2tpgLJWiviDUilLApCXKVSpoYFFdcUbpdPFn9TeyhcxSBp8EPAeIL9N6w"
    "UM9/Y//e1d5VACQNL/Fu/k7iUV34//5gW9w9TpJw+bDYLUtf"
    "e9RuE6Wl0f9QECQ=",
    "SecurityTrailer": {
        "AdyenCryptoVersion": 1,
        "KeyIdentifier": "CryptoKeyIdentifier12345",
        "KeyVersion": 1,
        "Nonce": "AAECAwQFBgcICQoLDA0ODw==",
        "Hmac": "zKhpAyDW+y6nn2BZEPFzv/JTEA3ozeGI5uBHSCpDVoQ=",
    },
}


def test_the_keys_are_those_of_adyens_library() -> None:
    assert [part.hex() for part in derived(KEY.passphrase)] == [
        "633651f2a778f91ef37ca2eae92d2f8e58073b766d26899967dc1202c1444742",
        "89b3399a5c77fc0c38762ba1529488d19b4daf8360a2ef3f7a0b06d23c89b12a",
        "17be85c2e52ba327bdce1910f4c2c7de",
    ]


def test_the_same_nonce_gives_the_same_message() -> None:
    assert sealed(HEADER, PLAIN, KEY, nonce=bytes(range(16))) == THEIRS


def test_adyens_message_opens() -> None:
    assert opened(THEIRS, KEY) == PLAIN


def test_a_nonce_is_never_used_again() -> None:
    one, other = sealed(HEADER, PLAIN, KEY), sealed(HEADER, PLAIN, KEY)
    assert one["NexoBlob"] != other["NexoBlob"]
    assert opened(one, KEY) == opened(other, KEY) == PLAIN


@given(plain=st.binary(max_size=100))
def test_what_was_sealed_opens_again(plain: bytes) -> None:
    assert opened(sealed({}, plain, KEY), KEY) == plain


@pytest.mark.parametrize("place", [0, 3, 16, 100, -1])
def test_a_blob_changed_on_its_way_is_not_trusted(place: int) -> None:
    message = copy.deepcopy(THEIRS)
    blob = bytearray(base64.b64decode(message["NexoBlob"]))
    blob[place] ^= 1
    message["NexoBlob"] = base64.b64encode(blob).decode()
    with pytest.raises(NotTrusted, match="signature does not fit"):
        opened(message, KEY)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("Hmac", base64.b64encode(bytes(32)).decode(), "compare the passphrase"),
        ("Hmac", "not base64!", "compare the passphrase"),
        ("Hmac", None, "compare the passphrase"),
        ("Nonce", "AAAA", "impossible length"),
        ("Nonce", 7, "impossible length"),
        ("KeyVersion", 2, "compare key_identifier"),
        ("KeyIdentifier", "other", "compare key_identifier"),
    ],
)
def test_a_wrong_trailer_says_what_to_compare(field: str, value: object, told: str) -> None:
    message = copy.deepcopy(THEIRS)
    message["SecurityTrailer"][field] = value
    with pytest.raises(NotTrusted, match=told):
        opened(message, KEY)


def test_another_passphrase_and_no_encryption_at_all_are_told_apart() -> None:
    with pytest.raises(NotTrusted, match="compare the passphrase"):
        opened(THEIRS, Key("another", KEY.identifier, KEY.version))
    with pytest.raises(NotTrusted, match="switch encryption on"):
        opened({"MessageHeader": HEADER, "PaymentResponse": {}}, KEY)
    with pytest.raises(NotTrusted, match="impossible length"):
        opened(THEIRS | {"NexoBlob": "AAAA"}, KEY)


def test_only_objects_of_json_are_read_and_amounts_are_exact() -> None:
    assert str(read_json(b'{"a": 0.10}')["a"]) == "0.10"
    for rubbish in (b"", b"[1]", b"7", b"{", b"\xff", b"[" * 100_000):
        assert read_json(rubbish) == {}


def test_the_first_object_ends_where_it_ends() -> None:
    assert first_object(b' {"a": "}"} behind') == b'{"a": "}"}'
    assert first_object(b'{"a": "}"') == b""
