"""The pretend card terminal and the counter of tests/till, for payments that go out and those of wallets."""

from tests.till.conftest import counter, host

__all__ = ["counter", "host"]
