"""Which tests stay together on one worker of `pytest -n`, and which come first.

pytest-xdist 3.8 writes the mark xdist_group into a test's id, and pytest 9.2 takes no notice of that: the mark does
nothing. A module whose fixture boots a machine, opens a store or starts a browser is therefore named here, until xdist
can do it again.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadGroupScheduling

#: one Chromium for each of them
PAGES = [
    *("accessibility", "card_page", "customer_page", "login", "self_checkout_page"),
    *("technician_page", "till_guards", "till_page", "till_panels"),
]
#: file -> the group it is in
TOGETHER = {
    **{f"tests/api/test_{page}.py": page for page in PAGES},
    "tests/appliance/test_nspawn.py": "nspawn",
    "tests/deb/test_package.py": "deb",
    "tests/deb/test_install.py": "deb-tree",
    "tests/deb/test_purge.py": "deb-tree",
    "tests/stories/test_a_day_in_the_shop.py": "a day in the shop",
    "tests/stories/test_card_payments.py": "card payments",
    "tests/stories/test_offers_and_points.py": "offers and points",
    "tests/stories/test_returns.py": "returns",
    "tests/stories/test_the_customers_display.py": "the customer's display",
}


class Together(LoadGroupScheduling):  # type: ignore[misc]  # xdist has no types
    def _split_scope(self, nodeid: str) -> str:
        return TOGETHER.get(nodeid.partition("::")[0]) or str(super()._split_scope(nodeid))


#: they wait for processes most of the time: each comes early, among tests that have something to count meanwhile
WAITING = ("tests/torture/", "tests/powercut/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    waiting = [item for item in items if item.nodeid.startswith(WAITING)]
    others = [item for item in items if not item.nodeid.startswith(WAITING)]
    between = len(others) // (2 * len(waiting)) if waiting else 0
    for number, item in enumerate(waiting):
        others.insert(number * (between + 1), item)
    items[:] = others


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadGroupScheduling | None:
    return Together(config, log) if config.getvalue("dist") == "loadgroup" else None


@pytest.fixture(scope="session")
def core_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Headquarters' data folder with the demo's gateway and catalogue; made once a worker, for each World to copy."""
    from tests.headquarters import registered

    return registered(tmp_path_factory.mktemp("headquarters"))
