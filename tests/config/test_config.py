"""gateway.toml: what is wrong is named by file, table and key, with the next step."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config import load
from gateway.errors import ConfigError
from gateway.places import data_folder, read_secret, to_configure

GOOD = """
[gateway]
id = "S0421-1"
store_id = "S0421"

[mqtt]
host = "127.0.0.1"

[workstation.1]
scale = "scale-1"

[device.scale-1]
driver = "scale-toledo-8217"
url = "serial:///dev/serial/by-id/x"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "gateway.toml"
    path.write_text(text)
    return path


def test_a_good_one_is_read_and_its_paths_start_from_its_folder(tmp_path: Path) -> None:
    config = load(written(tmp_path, GOOD))
    assert config.gateway.data_dir == tmp_path / "data"
    assert config.api.host == "127.0.0.1"
    assert config.device["scale-1"].options("scale-1") == {}


def test_the_example_in_the_docs_is_right() -> None:
    load(Path("docs/gateway.toml"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("store_id", "stor_id"), "gateway.toml, [gateway]: unknown key 'stor_id'; did you mean 'store_id'?"),
        (('host = "127.0.0.1"', 'host = "h"\nprot = 1883'), "[mqtt]: unknown key 'prot'; did you mean 'port'?"),
        (("[mqtt]", "[mqqt]"), "unknown key 'mqqt'; did you mean 'mqtt'?"),
        (
            ("[workstation.1]", "[workstation.1]\nscal = 'x'"),
            "[workstation.1]: unknown key 'scal'; did you mean 'scale'?",
        ),
        (('"S0421-1"', '"S0421/1"'), "[gateway]: id: 'S0421/1': use letters, digits and hyphens only"),
        (('scale = "scale-1"', 'scale = "scale-2"'), "there is no [device.scale-2]; did you mean 'scale-1'?"),
        (('url = "serial', '# url = "serial'), "[device.scale-1]: 'url' is missing"),
        (("[gateway]", "[gateway]\ncurrency = 'EURO'"), "[gateway]: currency: unknown currency 'EURO'"),
        (("[mqtt]", "[operator.anna]\nname = 'Anna'\npin = '4711'\n[mqtt]"), "make one with `backroom pin`"),
        (("[mqtt]", "[operator.'an na']\nname = 'A'\npin = 'x'\n[mqtt]"), "[operator.an na]"),
        (("[mqtt]", "[operator.anna]\nnam = 'A'\n[mqtt]"), "[operator.anna]: unknown key 'nam'; did you mean 'name'?"),
        (
            ("[mqtt]", "[till]\nsessions = 'always'\n[mqtt]"),
            "[till]: sessions: Input should be 'required'",
        ),
        (("[mqtt]", "[till]\nclose_at = '3 Uhr'\n[mqtt]"), "[till]: close_at: '3 Uhr': write a time of day like 03:00"),
        (
            ("[mqtt]", "[till.limits]\nno_sail = 'cashier'\n[mqtt]"),
            "[till.limits]: unknown key 'no_sail'; did",
        ),
        (("[mqtt]", "[till.limits]\nno_sale = 'boss'\n[mqtt]"), "[till.limits]: no_sale: Input should be 'customer'"),
        (("[gateway]", "[gateway]\ntimezone = 'Berlin'"), "no such time zone; write it like Europe/Berlin"),
        (("[mqtt]", "[api]\nhost = '0.0.0.0'\n[mqtt]"), "set token_file"),
        (("[mqtt]", "[api]\nport = 70000\n[mqtt]"), "[api]: port"),
        (("[mqtt]", "[barcode]\ncountry = 'XX'\n[mqtt]"), "[barcode]"),
        (("[mqtt]", "[api.tokens.pos]\nfile = 'a'\nscopes = ['sel']\n[mqtt]"), "[api.tokens.pos.scopes]"),
        (("[mqtt]", "[api.tokens.pos]\nfile = 'a'\nscope = ['sell']\n[mqtt]"), "did you mean 'scopes'?"),
        (("[mqtt]", "[barcode]\nsets = ['taiwann']\n[mqtt]"), "there is no set 'taiwann'"),
        (("[mqtt]", "[barcode]\nrules = [{kind = 'member'}]\n[mqtt]"), "needs a pattern"),
        (("[mqtt]", "[barcode]\nprecedence = ['member']\n[mqtt]"), "must name item"),
        (("[gateway]", "[gateway"), "not valid TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    with pytest.raises(ConfigError) as error:
        load(written(tmp_path, GOOD.replace(*change, 1)))
    assert words in str(error.value)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="say where it is with --config"):
        load(tmp_path / "nowhere.toml")


def test_a_box_without_one_is_told_where_on_a_box_it_goes() -> None:
    told = to_configure(Path("/etc/backroom/gateway.toml"))
    assert "put backroom.toml on the card's volume BACKROOM" in told
    assert "cp /usr/share/backroom/gateway.toml /etc/backroom/gateway.toml" in told


@pytest.mark.parametrize(
    ("lines", "user"),
    [("", None), ('password_file = "mqtt.password"', "S0421-1"), ('username = "box"', "box")],
)
def test_at_the_broker_a_box_goes_by_its_id(lines: str, user: str | None, tmp_path: Path) -> None:
    config = load(written(tmp_path, GOOD.replace('host = "127.0.0.1"', f'host = "127.0.0.1"\n{lines}')))
    assert config.broker_user() == user


def test_a_secret_that_is_not_there_is_named_but_never_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="password_file"):
        read_secret(tmp_path / "none", "[mqtt] password_file")
    empty = tmp_path / "empty"
    empty.write_text("\n")
    with pytest.raises(ConfigError, match="is empty"):
        read_secret(empty, "[mqtt] password_file")
    assert read_secret(None, "x") is None


def test_a_secret_is_looked_for_where_systemd_hands_it_over_then_beside_then_below(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed_over, home = tmp_path / "handed-over", tmp_path / "etc"
    for folder in (handed_over, home / "credentials"):
        folder.mkdir(parents=True)
    path = written(home, GOOD.replace("[mqtt]", "[mqtt]\npassword_file = 'mqtt.password'", 1))
    assert load(path).mqtt.password_file == home / "mqtt.password"
    (home / "credentials" / "mqtt.password").write_text("x")
    assert load(path).mqtt.password_file == home / "credentials" / "mqtt.password"
    (home / "mqtt.password").write_text("x")
    assert load(path).mqtt.password_file == home / "mqtt.password"
    (handed_over / "backroom_mqtt.password").write_text("x")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(handed_over))
    assert load(path).mqtt.password_file == handed_over / "backroom_mqtt.password"
    for written_out in ("credentials/mqtt.password", str(home / "credentials" / "mqtt.password")):
        written(home, GOOD.replace("[mqtt]", f"[mqtt]\npassword_file = '{written_out}'", 1))
        assert load(path).mqtt.password_file == handed_over / "backroom_mqtt.password"
    written(home, GOOD.replace("[mqtt]", "[mqtt]\npassword_file = '/srv/mqtt.password'", 1))
    assert load(path).mqtt.password_file == Path("/srv/mqtt.password"), "elsewhere is taken as it stands"


def test_tls_files_and_those_of_devices_are_handed_over_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "handed-over"))
    (tmp_path / "handed-over").mkdir()
    names = ("ca.pem", "box.pem", "box.key", "pos", "nexo")
    for name in names:
        (tmp_path / "handed-over" / f"backroom_{name}").write_text("x")
    tables = "[mqtt.tls]\nca_file = 'ca.pem'\ncert_file = 'box.pem'\nkey_file = 'box.key'\n"
    tables += "[api.tokens.pos]\nfile = 'pos'\nscopes = ['sell']\n"
    terminal = "[device.terminal-1]\ndriver = 'terminal-nexo'\nurl = 'tls://h:1'\npassphrase_file = 'nexo'\n"
    config = load(written(tmp_path, GOOD + tables + terminal))
    assert {path.name for path in config.secret_files().values()} == {f"backroom_{name}" for name in names}
    config.check_secrets()


def test_a_missing_secret_says_where_to_put_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    config = load(written(tmp_path, GOOD.replace("[mqtt]", "[mqtt]\npassword_file = 'mqtt.password'", 1)))
    with pytest.raises(ConfigError) as missing:
        config.check_secrets()
    assert f"put it into {tmp_path}/credentials/mqtt.password, root's own, mode 600" in str(missing.value)
    assert "systemctl restart backroom" in str(missing.value)


def test_sales_are_kept_where_the_unit_says_unless_they_stand_elsewhere_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert data_folder(Path("/etc/backroom")) == Path("/var/lib/backroom")
    assert data_folder(tmp_path) == tmp_path / "data"
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/other")
    assert load(written(tmp_path, GOOD)).gateway.data_dir == Path("/var/lib/other")
    given = GOOD.replace("[mqtt]", "data_dir = 'sales'\n[mqtt]", 1)
    assert load(written(tmp_path, given)).gateway.data_dir == tmp_path / "sales"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "money.sqlite").touch()
    assert load(written(tmp_path, GOOD)).gateway.data_dir == tmp_path / "data", "of an earlier version"


def test_tokens_are_read_from_files_with_what_each_may_do(tmp_path: Path) -> None:
    table = "[api]\ntoken_file = 'keeper'\n[api.tokens.pos]\nfile = 'pos'\nscopes = ['sell', 'pay']\n[mqtt]"
    path = written(tmp_path, GOOD.replace("[mqtt]", table, 1))
    (tmp_path / "keeper").write_text("k-secret\n")
    (tmp_path / "pos").write_text("p-secret\n")
    config = load(path)
    assert config.api.guarded
    assert config.api.secrets() == [("token_file", "k-secret", ["admin"]), ("pos", "p-secret", ["sell", "pay"])]
    (tmp_path / "pos").write_text("k-secret\n")
    with pytest.raises(ConfigError, match="two tokens are the same"):
        config.api.secrets()


def test_a_secret_of_a_device_stands_in_a_file(tmp_path: Path) -> None:
    terminal = "[device.terminal-1]\ndriver = 'terminal-nexo'\nurl = 'tls://h:1'\npassphrase_file = 'nexo'\n[mqtt]"
    config = load(written(tmp_path, GOOD.replace("[mqtt]", terminal, 1)))
    with pytest.raises(ConfigError, match=r"\[device.terminal-1\] passphrase_file.*cannot be read"):
        config.device["terminal-1"].options("terminal-1")
    (tmp_path / "nexo").write_text("very long and random\n")
    assert config.device["terminal-1"].options("terminal-1") == {"passphrase": "very long and random"}
    both = terminal.replace("passphrase_file", "passphrase = 'x'\npassphrase_file")
    config = load(written(tmp_path, GOOD.replace("[mqtt]", both, 1)))
    with pytest.raises(ConfigError, match="both set"):
        config.device["terminal-1"].options("terminal-1")


def test_a_workstation_names_its_terminal_and_display(tmp_path: Path) -> None:
    table = "terminal = 'terminal-1'\n[device.terminal-1]\ndriver = 'terminal-zvt'\nurl = 'tcp://h:20007'\n"
    lane = f"[workstation.1]\n{table}[mqtt]"
    text = GOOD.split("[workstation", maxsplit=1)[0]
    config = load(written(tmp_path, text.replace("[mqtt]", lane, 1)))
    assert config.workstation["1"].devices() == [("terminal", "terminal-1")]
    wrong = lane.replace("terminal = 'terminal-1'", "display = 'terminal-2'")
    with pytest.raises(ConfigError, match=r"\[workstation.1\] display: there is no \[device.terminal-2\]"):
        load(written(tmp_path, text.replace("[mqtt]", wrong, 1)))
