"""core.toml: a fault names the file, the table and the key, and says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cloud_erp.cli import app
from cloud_erp.config import load
from cloud_erp.errors import ConfigError

GOOD = """
[core]
data_dir = "data"
timezone = "Europe/Berlin"
[mqtt]
username = "hq-core"
password_file = "password"
[mqtt.tls]
ca_file = "ca.pem"
[web]
port = 9000
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "core.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_paths_start_at_the_files_own_folder(tmp_path: Path) -> None:
    config = load(written(tmp_path, GOOD))
    assert config.database_url == f"sqlite:///{tmp_path / 'data' / 'core.db'}"
    assert config.mqtt.password_file == tmp_path / "password"
    assert config.mqtt.tls is not None
    assert config.mqtt.tls.ca_file == tmp_path / "ca.pem"
    assert (config.web.host, config.web.port) == ("127.0.0.1", 9000)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("username", "user_name", "core.toml, [mqtt]: unknown option 'user_name'; did you mean 'username'?"),
        ("ca_file", "cafile", "core.toml, [mqtt.tls]: unknown option 'cafile'; did you mean 'ca_file'?"),
        ("[web]", "[webb]", "core.toml: unknown table 'webb'; did you mean 'web'?"),
        ("Europe/Berlin", "Europe/Berlim", "unknown time zone 'Europe/Berlim'; did you mean 'Europe/Berlin'?"),
        ("9000", "90000", "core.toml, [web], port: "),
        ("9000", '"high"', "core.toml, [web], port: "),
        ('data_dir = "data"', "", "core.toml, [core]: give either data_dir"),
        ("[core]", '[core]\ndatabase_url = "sqlite:///x"', "core.toml, [core]: give either data_dir"),
        ('username = "hq-core"', "", "core.toml, [mqtt]: password_file needs a username beside it"),
        ("[web]", '[web]\nhost = "0.0.0.0"', "core.toml, [web]: host '0.0.0.0' can be reached from other machines"),
        ('ca_file = "ca.pem"', 'ca_file = "c"\nkey_file = "k"', "core.toml, [mqtt.tls]: cert_file and key_file belong"),
        ("[web]", "[intake]\nworkers = 0\n[web]", "core.toml, [intake], workers: "),
        ("[web]", "[alarms]\nhole = 1\n[web]", "core.toml, [alarms]: unknown option 'hole'; did you mean 'hole_s'?"),
        ("[core]", "[core", "is not TOML"),
    ],
)
def test_a_fault_is_named_with_table_and_key(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        load(written(tmp_path, GOOD.replace(old, new)))
    assert said in str(error.value)


def test_a_host_beyond_this_machine_needs_a_token_of_some_length(tmp_path: Path) -> None:
    config = load(written(tmp_path, GOOD.replace("[web]", '[web]\nhost = "0.0.0.0"\ntoken_file = "token"')))
    (tmp_path / "token").write_text("short\n")
    with pytest.raises(ConfigError, match="use at least 16"):
        config.web_token()
    (tmp_path / "token").write_text("long enough to be one\n")
    assert config.web_token() == "long enough to be one"


def test_check_says_what_is_wrong_and_exits_2(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD.replace("username", "user_name"))
    result = CliRunner().invoke(app, ["check", "--config", str(path)])
    assert result.exit_code == 2
    assert "did you mean 'username'?" in result.output


def test_the_commands_of_a_new_core_work_one_after_the_other(tmp_path: Path) -> None:
    path = str(written(tmp_path, '[core]\ndata_dir = "data"\n'))

    def said(*words: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, [*words, "--config", path])
        assert result.exit_code == code, result.output
        return result.output

    assert "sound" in said("check")
    assert "No gateway" in said("gateway", "ls")
    said("gateway", "add", "S0421-1", "--store", "S0421", "--name", "Berlin Mitte")
    assert '"store_id": "S0421"' in said("gateway", "ls", "--json")
    assert "already" in said("gateway", "add", "S0421-1", "--store", "S0421", "--name", "x", code=2)
    (tmp_path / "bad.csv").write_text("item_id\n1\n")
    assert "is missing; add it" in said("import", "items", str(tmp_path / "bad.csv"), code=2)
    assert "S0421-1" in said("fleet", "watch", "--once")
    assert "\x1b" not in said("fleet", "watch")
    before = said("check")
    assert "New incarnation" in said("restored")
    assert said("check") != before
