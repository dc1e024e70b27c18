"""What a token may do. A shop's own POS gets a token that sells, a monitor one that reads; the box's own may do all."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """read: everything that changes nothing. sell: baskets and transactions. pay: payments on a terminal. devices: have
    devices print, weigh, open, show. admin: the technician's page, and all of these."""

    READ = "read"
    SELL = "sell"
    PAY = "pay"
    DEVICES = "devices"
    ADMIN = "admin"


EVERY = frozenset(Scope)


@dataclass(frozen=True, slots=True)
class Grant:
    """name: the token's, as the configuration calls it; it stands in the log, the token never does."""

    name: str
    scopes: frozenset[Scope]

    def allows(self, wanted: Scope) -> bool:
        # Whoever may change something may look at it too.
        return wanted is Scope.READ or wanted in self.scopes or Scope.ADMIN in self.scopes


#: the grant of everybody where no token is configured: the API then listens on loopback only
ON_THE_BOX = Grant("this box", EVERY)


def tokens_of(secrets: Iterable[tuple[str, str, Iterable[str]]]) -> Tokens:
    """From (name, token, scopes) as the configuration gives them."""
    return Tokens({token: Grant(name, frozenset(map(Scope, scopes))) for name, token, scopes in secrets})


class Tokens:
    """by_token: the secret itself -> what it allows; empty: no token is asked for."""

    def __init__(self, by_token: Mapping[str, Grant]) -> None:
        self._by_token = dict(by_token)

    def __bool__(self) -> bool:
        return bool(self._by_token)

    def find(self, given: str) -> Grant | None:
        """The grant of a token; every one is compared, so that the time tells nothing."""
        found = None
        for token, grant in self._by_token.items():
            if hmac.compare_digest(given.strip().encode(), token.encode()):
                found = grant
        return found
