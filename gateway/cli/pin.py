"""`backroom pin`: asks for a PIN without showing it and prints its hash, for gateway.toml or headquarters' list."""

from __future__ import annotations

import getpass
import secrets
import sys

import typer

from retail.pins import SALT_BYTES, PinError, hash_pin


def pin() -> None:
    """Print the hash of a PIN of 4 to 12 digits. Asks twice on a terminal; else reads one line.

    Example: backroom pin, then in gateway.toml: [operator.anna] name = "Anna", role = "cashier", pin = "scrypt$..."
    """
    try:
        print(hash_pin(_ask(), secrets.token_bytes(SALT_BYTES)))
    except PinError as error:
        print(f"backroom pin: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


def _ask() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    first = getpass.getpass("PIN: ")
    if getpass.getpass("again: ") != first:
        raise PinError("the two differ: nothing was made")
    return first
