"""A pretend card terminal, and a counter that is joined to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.devices.host import TcpHost
from tests.till.card_shop import Counter, open_counter, pretend_terminal


@pytest.fixture
async def host() -> AsyncIterator[TcpHost]:
    async with pretend_terminal() as host:
        yield host


@pytest.fixture
async def counter(tmp_path: Path, host: TcpHost) -> AsyncIterator[Counter]:
    async with open_counter(tmp_path, host, stock=True) as counter:
        yield counter
