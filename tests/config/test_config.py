"""gateway.toml: what is wrong is named by file, table and key, with the next step."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config import load, read_secret
from gateway.errors import ConfigError

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


def test_a_secret_that_is_not_there_is_named_but_never_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="password_file"):
        read_secret(tmp_path / "none", "[mqtt] password_file")
    empty = tmp_path / "empty"
    empty.write_text("\n")
    with pytest.raises(ConfigError, match="is empty"):
        read_secret(empty, "[mqtt] password_file")
    assert read_secret(None, "x") is None


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
