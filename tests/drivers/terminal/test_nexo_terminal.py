"""The nexo driver and the pretend nexo terminal, plain and encrypted."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.drivers.terminal.nexo import DRIVER, NexoTerminal
from gateway.peripherals import Answer, Pay, PaymentKind, PaymentOutcome, PaymentResult, Refusal
from tests.drivers.bench import Bench

SALE = Pay("S0421-1-000017", PaymentKind.SALE, 318, "EUR", asked_at="2026-11-22T09:30:00Z")

KEYS = {"passphrase": "open sesame", "key_identifier": "till", "key_version": 3}


@pytest.mark.parametrize("keys", [{}, KEYS])
@pytest.mark.parametrize("minor", [1, 9, 10, 318, 99_999, 12_345_678])
def test_driver_and_simulator_agree_over_the_range(minor: int, keys: dict[str, Any]) -> None:
    bench = Bench("terminal-nexo", **keys)
    bench.set(**keys)
    end = bench.ask(Pay(f"p-{minor}", PaymentKind.SALE, minor, "EUR"))
    assert isinstance(end, Answer)
    assert isinstance(end.result, PaymentResult)
    assert (end.result.outcome, end.result.amount_minor) == (PaymentOutcome.APPROVED, minor)
    assert bench.device.charged() == minor  # type: ignore[attr-defined]
    assert "sesame" not in bench.wire.decode()
    assert ("RequestedAmount" in bench.wire.decode()) is not bool(keys)


@pytest.mark.parametrize(
    ("settings", "reason", "told"),
    [
        ({"wrong_hmac": "yes"}, "not_trusted", "compare the passphrase"),
        ({"passphrase": "none"}, "http", "check passphrase"),
        ({"passphrase": "other"}, "http", "check passphrase"),
        ({"key_version": 4}, "http", "key_version"),
        ({"garbage": "yes"}, "unknown", "do not take it again"),
        ({"wrong_service_id": "yes"}, "garbled", "makes no sense"),
        ({"status": 503}, "http", "503"),
    ],
)
def test_a_terminal_with_another_key_is_told_apart(settings: dict[str, Any], reason: str, told: str) -> None:
    bench = Bench("terminal-nexo", **KEYS)
    bench.set(**KEYS)
    bench.set(**settings)
    end = bench.ask(SALE)
    assert isinstance(end, Refusal)
    assert (end.reason, end.begun) == (reason, True)
    assert told in end.text


def test_a_whole_card_number_never_leaves_the_driver() -> None:
    bench = Bench("terminal-nexo")
    bench.set(full_pan="yes")
    end = bench.ask(SALE)
    assert "5413330089020011" in repr(bench.device.ledger)  # type: ignore[attr-defined]
    assert "5413330089020011" not in repr(bench.seen) + repr(end)
    assert "541333******0011" in repr(end)


def test_options_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="does not begin with /"):
        NexoTerminal(path="nexo")
    with pytest.raises(ValueError, match="key_identifier"):
        NexoTerminal(passphrase="x")
    assert DRIVER.on_demand
    assert DRIVER.private
