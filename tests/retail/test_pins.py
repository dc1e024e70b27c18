"""PINs are kept as hashes that say how they were made."""

from __future__ import annotations

import os

import pytest

from retail.pins import PinError, check_hash, hash_pin, verify_pin
from tests.people import quick_hash


def test_a_pin_fits_its_hash_and_no_other() -> None:
    hashed = hash_pin("47110815", os.urandom(16))
    assert "47110815" not in hashed
    assert verify_pin("47110815", hashed)
    assert not verify_pin("47110816", hashed)
    assert check_hash(hashed) == hashed


def test_the_same_pin_hashes_differently_with_another_salt() -> None:
    assert hash_pin("4711", bytes(16)) != hash_pin("4711", b"\x01" * 16)


def test_it_is_rfc_7914s_scrypt() -> None:
    """The vector of section 12 with n 16384, r 8, p 1; its first 32 bytes."""
    vector = "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
    assert verify_pin("pleaseletmein", f"scrypt$14$8$1${b'SodiumChloride'.hex()}${vector}")


@pytest.mark.parametrize("pin", ["", "123", "1" * 13, "12a4", "１２３４", "1234 "])
def test_what_is_no_pin_is_refused_without_repeating_it(pin: str) -> None:
    with pytest.raises(PinError) as refused:
        hash_pin(pin, bytes(16))
    assert not pin or pin not in str(refused.value)


@pytest.mark.parametrize(
    "hashed",
    ["", "4711", "scrypt$14$8$1$00$00", quick_hash("1234") + "0", "scrypt$20$8$1$" + "0" * 32 + "$" + "0" * 64],
)
def test_what_is_no_hash_is_refused(hashed: str) -> None:
    with pytest.raises(PinError):
        check_hash(hashed)
    with pytest.raises(PinError):
        verify_pin("4711", hashed)
