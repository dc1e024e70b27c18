"""Debian trees with the package in them, made once a run for all tests of a suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.appliance import tree
from tests.deb.box import Box, why_not
from tests.deb.made import package


@pytest.fixture(scope="session", params=["trixie", pytest.param("bookworm", marks=pytest.mark.long)])
def suite(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def debian(suite: str) -> Path:
    if reason := why_not():
        pytest.skip(reason)
    try:
        return tree.debian(print, suite)
    except tree.Unavailable as problem:
        pytest.skip(str(problem))


@pytest.fixture(scope="session")
def installed(debian: Path, suite: str, tmp_path_factory: pytest.TempPathFactory) -> Box:
    """A box as it is after the first installation. Not to be changed: take one on top of it."""
    box = Box([debian], tmp_path_factory.mktemp(f"installed-{suite}"))
    box.install(package("amd64"))
    return box


@pytest.fixture
def box(installed: Box, tmp_path: Path) -> Box:
    return installed.on_top(tmp_path / "box")
