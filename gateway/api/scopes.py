"""What a token may do. A shop's own POS gets a token that sells, a monitor one that reads; the box's own may do all."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Mapping
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
    """name: the token's, as the configuration or the pairing calls it; it stands in the log, the token never does.

    paired: by a code, and not by the configuration.
    """

    name: str
    scopes: frozenset[Scope]
    paired: bool = False

    def allows(self, wanted: Scope) -> bool:
        # Whoever may change something may look at it too.
        return wanted is Scope.READ or wanted in self.scopes or Scope.ADMIN in self.scopes


#: the grant of everybody where no token is configured: the API then listens on loopback only
ON_THE_BOX = Grant("this box", EVERY)


def tokens_of(
    secrets: Iterable[tuple[str, str, Iterable[str]]], paired: Callable[[str], Grant | None] = lambda _token: None
) -> Tokens:
    """From (name, token, scopes) as the configuration gives them; paired: see Tokens."""
    return Tokens({token: Grant(name, frozenset(map(Scope, scopes))) for name, token, scopes in secrets}, paired)


class Tokens:
    """by_token: the secret itself -> what it allows. None of them, and no token is asked for.

    paired: the grant of a token that a program got by a code, or None.
    """

    def __init__(
        self, by_token: Mapping[str, Grant], paired: Callable[[str], Grant | None] = lambda _token: None
    ) -> None:
        self._by_token = dict(by_token)
        self._paired = paired

    def __bool__(self) -> bool:
        return bool(self._by_token)

    def find(self, given: str) -> Grant | None:
        """The grant of a token; every one is compared, so that the time tells nothing."""
        found = self._paired(given)
        for token, grant in self._by_token.items():
            if hmac.compare_digest(given.strip().encode(), token.encode()):
                found = grant
        return found
