"""A purge never deletes an outbox that holds sales which headquarters has not acknowledged."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deb.box import DPKG, Box
from tests.deb.test_held import filled
from tests.money import an_outbox, money_file

pytestmark = [pytest.mark.timeout(600)]
STATE = "/var/lib/backroom"
IN_FORCE = "/etc/backroom/gateway.toml"


@pytest.fixture(scope="session")
def removed(installed: Box, suite: str, tmp_path_factory: pytest.TempPathFactory) -> Box:
    """A box whose program is gone and whose files are left. Not to be changed."""
    box = installed.on_top(tmp_path_factory.mktemp(f"removed-{suite}"))
    box.write("/etc/backroom/credentials/mqtt.password", "secret\n")
    box.run(*DPKG, "--remove", "backroom")
    return box


@pytest.fixture
def box(removed: Box, tmp_path: Path) -> Box:
    return removed.on_top(tmp_path / "box")


async def sold(box: Box, folder: str, count: int, acked: int) -> Path:
    """Put an outbox with so many sales there; its folder, as seen from outside."""
    box.run("mkdir", "-p", folder)
    place = box.upper / folder.lstrip("/")
    database = money_file(place)
    await filled(database, count, acked)
    database.close()
    return place


def purged(box: Box) -> tuple[int, str]:
    done = box.tried(*DPKG, "--purge", "backroom")
    return done.returncode, done.stdout + done.stderr


async def acknowledge_all(place: Path) -> None:
    database = money_file(place)
    outbox = an_outbox(database)
    await outbox.acknowledge(outbox.epoch, outbox.position().next_seq - 1, {})
    database.close()


def all_gone(box: Box) -> bool:
    return box.state() == "" and not any(box.exists(one) for one in (STATE, "/etc/backroom", "/opt/backroom"))


def test_a_box_that_never_sold_is_gone_without_a_trace(box: Box) -> None:
    code, told = purged(box)
    assert code == 0, told
    assert all_gone(box)
    links = box.run("find", "/etc/systemd", "/var/lib/systemd/deb-systemd-helper-enabled", "-name", "backroom*")
    assert links == ""
    assert box.run("id", "-un", "backroom") == "backroom", "its number must not go to somebody else"


async def test_sales_that_are_not_acknowledged_stop_it_and_a_second_one_works_once_they_are(box: Box) -> None:
    place = await sold(box, STATE, 5, acked=2)
    before = (place / "money.sqlite").read_bytes()
    for _ in range(2):
        code, told = purged(box)
        assert code != 0
        assert f"{STATE}/money.sqlite: 3 records not acknowledged, 3 of them sales (gateway S0421-1" in told
        assert "Nothing was deleted" in told
        assert "install the package again" in told
        assert (place / "money.sqlite").read_bytes() == before
        assert box.state() == "pc", "a purge is wanted, the configuration is there"
        assert box.read("/etc/backroom/credentials/mqtt.password") == "secret", "it is needed to send them"
        assert box.exists(IN_FORCE)
    await acknowledge_all(place)
    code, told = purged(box)
    assert code == 0, told
    assert all_gone(box)


async def test_who_deletes_the_folder_himself_can_purge(box: Box) -> None:
    await sold(box, STATE, 5, acked=2)
    assert purged(box)[0] != 0
    box.run("rm", "-r", STATE)
    assert purged(box)[0] == 0
    assert all_gone(box)


async def test_a_data_dir_elsewhere_is_asked_and_never_deleted(box: Box) -> None:
    place = await sold(box, "/data/sales", 5, acked=4)
    box.write(IN_FORCE, '[gateway]\nid = "S0421-1"\nstore_id = "S0421"\ndata_dir = "/data/sales"\n')
    code, told = purged(box)
    assert code != 0
    assert "/data/sales/money.sqlite: 1 records not acknowledged" in told
    await acknowledge_all(place)
    assert purged(box)[0] == 0
    assert box.exists("/data/sales/money.sqlite")


async def test_a_damaged_file_stops_it(box: Box) -> None:
    place = await sold(box, STATE, 5, acked=5)
    whole = (place / "money.sqlite").read_bytes()
    (place / "money.sqlite").rename(place / "money-damaged-20261122T093000Z.sqlite")
    (place / "money-damaged-20261122T093000Z.sqlite").write_bytes(whole[: len(whole) // 2])
    code, told = purged(box)
    assert code != 0
    assert "money-damaged-20261122T093000Z.sqlite: damaged or not readable" in told
    assert "it may hold sales" in told


async def test_without_python_every_outbox_counts(box: Box) -> None:
    place = await sold(box, STATE, 5, acked=5)
    box.run("sh", "-c", "rm /usr/bin/python3*")
    code, told = purged(box)
    assert code != 0
    assert "there is no python3" in told
    assert (place / "money.sqlite").exists()
    box.run("rm", "-r", STATE)
    assert purged(box)[0] == 0


@pytest.mark.long
async def test_a_purge_in_one_step_removes_the_program_and_keeps_the_sales(installed: Box, tmp_path: Path) -> None:
    box = installed.on_top(tmp_path / "box")
    await sold(box, STATE, 5, acked=2)
    code, told = purged(box)
    assert code != 0
    assert "3 records not acknowledged" in told
    assert box.state() == "pc"
    assert box.exists(f"{STATE}/money.sqlite")
