"""A card with a configuration on it: taken over whole, or refused in words that a technician can act on."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from gateway.cli.firstboot import take_over
from tests.devices.test_tls import identity

GOOD = """\
[gateway]
id = "S0421-1"
store_id = "S0421"

[mqtt]
host = "hq.example.com"
username = "S0421-1"
password_file = "mqtt.password"

[api]
token_file = "credentials/api.token"

[device.scale-1]
driver = "scale-toledo-8217"
url = "serial:///dev/ttyUSB0"
"""
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"


class Card:
    """A boot partition and the box that it is put in."""

    def __init__(self, folder: Path) -> None:
        self.boot, self.home = folder / "boot", folder / "etc"
        self.secrets = self.boot / "backroom-secrets"
        self.secrets.mkdir(parents=True)
        self.home.mkdir()
        self.put(GOOD)
        (self.secrets / "mqtt.password").write_text("of the broker")
        (self.secrets / "api.token").write_text("of the keeper")

    def put(self, text: str) -> None:
        (self.boot / "backroom.toml").write_text(text, encoding="utf-8", newline="\r\n")

    def start(self) -> bool:
        """Start the box; whether its first step found all well."""
        return take_over(self.boot, self.home).well

    @property
    def result(self) -> str:
        return (self.boot / "backroom-result.txt").read_text()

    def in_force(self) -> dict[str, str]:
        """Every file of the box, by its path."""
        return {str(path.relative_to(self.home)): path.read_text() for path in self.home.rglob("*") if path.is_file()}


@pytest.fixture
def card(tmp_path: Path) -> Card:
    return Card(tmp_path)


def test_a_good_card_is_taken_over_and_its_secrets_leave_it(card: Card) -> None:
    card.put(BOM + GOOD)
    assert card.start()
    assert card.in_force() == {
        "gateway.toml": BOM + GOOD,
        "credentials/mqtt.password": "of the broker",
        "credentials/api.token": "of the keeper",
    }
    assert sorted(path.name for path in card.boot.iterdir()) == ["backroom-accepted.toml", "backroom-result.txt"]
    assert "took over backroom.toml: gateway S0421-1 of store S0421, 1 devices" in card.result
    assert "Moved from backroom-secrets into the box: api.token, mqtt.password." in card.result
    assert "of the broker" not in card.result
    modes = {path.name: path.stat().st_mode & 0o777 for path in card.home.rglob("*")}
    assert modes == {"gateway.toml": 0o640, "credentials": 0o700, "mqtt.password": 0o600, "api.token": 0o600}


def test_what_was_taken_over_starts_the_daemon_where_systemd_hands_the_secrets_over(card: Card) -> None:
    """As LoadCredential does it: the daemon cannot read the box's own folder, and finds the files all the same."""
    card.start()
    handed_over = card.home.parent / "handed-over"
    handed_over.mkdir()
    for path in (card.home / "credentials").iterdir():
        path.rename(handed_over / f"backroom_{path.name}")
    command = [sys.executable, "-m", "gateway", "doctor", "--json", "--config", str(card.home / "gateway.toml")]
    environment = os.environ | {"CREDENTIALS_DIRECTORY": str(handed_over)}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert '"check": "configuration", "verdict": "ok"' in done.stdout


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("store_id", "stor_id"), "backroom.toml, [gateway]: unknown key 'stor_id'; did you mean 'store_id'?"),
        (("[mqtt]", "[mqtt"), "not valid TOML"),
        (("scale-toledo-8217", "scale-toledo-8218"), "scale-toledo-8217"),
        (("mqtt.password", "mqtt.pasword"), "there is no file mqtt.pasword in backroom-secrets on this card"),
        (('url = "serial:///dev/ttyUSB0"', 'url = "ttyUSB0"'), "scale-1: 'ttyUSB0' is no line"),
        (('host = "hq.example.com"', 'host = "hq"\ntls = { ca_file = "api.token" }'), "holds no certificate (PEM)"),
        (('store_id = "S0421"', 'store_id = "S0421"\nset_hostname = true\nid = "x"'), "not valid TOML"),
        (('id = "S0421-1"', f'set_hostname = true\nid = "{"S" * 64}"'), "cannot be a host name"),
    ],
)
def test_a_bad_card_changes_nothing_and_says_what_is_wrong(card: Card, change: tuple[str, str], words: str) -> None:
    assert card.start()
    before = card.in_force()
    (card.boot / "backroom-secrets").mkdir()
    (card.secrets / "mqtt.password").write_text("another")
    (card.secrets / "api.token").write_text("another")
    card.put(GOOD.replace(*change))
    assert not card.start()
    assert card.in_force() == before
    assert "did NOT take over backroom.toml. Nothing was changed." in card.result
    assert words in card.result
    assert "The configuration from before stays in force" in card.result
    assert (card.boot / "backroom.toml").exists(), "it is there to be corrected"
    assert (card.secrets / "api.token").read_text() == "another"


def test_a_new_card_need_not_bring_the_secrets_again(card: Card) -> None:
    card.start()
    card.put(GOOD.replace("hq.example.com", "hq2.example.com"))
    assert card.start()
    assert "hq2" in card.in_force()["gateway.toml"]
    assert card.in_force()["credentials/mqtt.password"] == "of the broker"


def test_a_file_that_nothing_names_is_left_and_told(card: Card) -> None:
    (card.secrets / "holiday.jpg").write_text("x")
    card.start()
    assert "Left in backroom-secrets, for backroom.toml names them nowhere: holiday.jpg." in card.result
    assert (card.secrets / "holiday.jpg").exists()


@pytest.mark.parametrize(("known", "code"), [("store_id", 0), ("stor_id", 1)])
def test_the_command_prints_the_same_and_ends_accordingly(card: Card, known: str, code: int) -> None:
    card.put(GOOD.replace("store_id", known))
    command = [sys.executable, "-m", "gateway", "firstboot", "--boot", str(card.boot), "--home", str(card.home)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (code, "")
    assert done.stdout == card.result


def test_a_box_without_a_card_or_configuration_says_what_to_do(card: Card) -> None:
    (card.boot / "backroom.toml").unlink()
    assert card.start()
    assert "This box has no configuration yet, so it does not sell." in card.result
    assert "write backroom.toml here" in card.result


def test_the_configuration_that_technicians_are_shown_is_taken_over_as_it_stands(card: Card) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "technician.md").read_text(encoding="utf-8")
    card.put(textwrap.dedent(guide.partition("  ```toml\n")[2].partition("  ```\n")[0]))
    identity(card.secrets, "ca")
    assert card.start(), card.result
    assert "gateway S0421-1 of store S0421, 3 devices, headquarters at hq.example.com:8883" in card.result
    assert "Moved from backroom-secrets into the box: api.token, ca.pem, mqtt.password." in card.result


def test_the_default_of_the_package_is_no_configuration(card: Card, tmp_path: Path) -> None:
    default = tmp_path / "share" / "gateway.toml"
    default.parent.mkdir()
    default.write_text("# the package's\n")
    (card.home / "gateway.toml").write_text("# the package's\n")
    card.put(GOOD.replace("store_id", "stor_id"))
    assert not take_over(card.boot, card.home, default).well
    assert "This box has no configuration yet, so it does not sell." in card.result
    (card.boot / "backroom.toml").unlink()
    assert take_over(card.boot, card.home, default).well
    assert "This box has no configuration yet, so it does not sell." in card.result
    assert f"{default.with_name('every-key.toml')} shows every key" in card.result
    (card.home / "gateway.toml").write_text(GOOD)
    assert take_over(card.boot, card.home, default).text.startswith("nothing to take over")


def test_who_writes_it_finds_the_example_that_lies_beside_it(card: Card) -> None:
    (card.boot / "backroom.toml").unlink()
    (card.boot / "backroom.toml.example").write_text("")
    card.start()
    assert "backroom.toml.example beside it shows every key" in card.result


def test_a_name_that_windows_hid_is_explained(card: Card) -> None:
    (card.boot / "backroom.toml").rename(card.boot / "backroom.toml.txt")
    assert not card.start()
    assert "rename backroom.toml.txt to backroom.toml" in card.result


def test_a_start_with_nothing_new_touches_nothing(card: Card) -> None:
    card.start()
    (card.boot / "backroom-result.txt").unlink()
    before = card.in_force()
    assert card.start()
    assert card.in_force() == before
    assert not (card.boot / "backroom-result.txt").exists()


def test_a_power_cut_between_the_secrets_and_the_card_is_made_good_at_the_next_start(card: Card) -> None:
    """The secrets were moved, the card not yet renamed: it names files that are in the box already."""
    card.start()
    (card.boot / "backroom-accepted.toml").rename(card.boot / "backroom.toml")
    (card.home / "credentials" / "api.token.new").write_text("half of i")
    assert card.start()
    assert "took over" in card.result
    assert card.in_force()["credentials/api.token"] == "of the keeper"
    assert "credentials/api.token.new" not in card.in_force()


def test_a_box_that_cannot_write_its_files_keeps_the_old_ones(card: Card) -> None:
    card.start()
    before = card.in_force()
    card.secrets.mkdir()
    (card.secrets / "mqtt.password").write_text("another")
    card.put(GOOD)
    (card.home / "gateway.toml.new").mkdir()
    (card.home / "gateway.toml.new" / "x").write_text("in the way")
    assert not card.start()
    assert {key: text for key, text in card.in_force().items() if ".new" not in key} == before
    assert "could not write its own files" in card.result
