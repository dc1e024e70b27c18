"""core.toml -> frozen models. An unknown key is an error that names file, table and key, and suggests the right one."""

from __future__ import annotations

import difflib
import ipaddress
import tomllib
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from cloud_erp.errors import ConfigError

SQLITE_FILE = "core.db"
LEAST_TOKEN = 16


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CoreTable(Table):
    """[core]"""

    name: str = Field(default="Backroom", min_length=1, max_length=60)
    timezone: str = "UTC"
    database_url: str | None = None
    data_dir: Path | None = None

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError(f"unknown time zone {name!r}{suggestion(name, available_timezones())}")
        return name

    @model_validator(mode="after")
    def _one_database(self) -> CoreTable:
        if (self.database_url is None) == (self.data_dir is None):
            raise ValueError("give either data_dir (a folder, for SQLite) or database_url, not both and not none")
        return self


class TlsTable(Table):
    """[mqtt.tls]"""

    ca_file: Path
    cert_file: Path | None = None
    key_file: Path | None = None

    @model_validator(mode="after")
    def _pair(self) -> TlsTable:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file belong together: give both or none")
        return self


class MqttTable(Table):
    """[mqtt]"""

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=1883, ge=1, le=65535)
    username: str | None = None
    password_file: Path | None = None
    tls: TlsTable | None = None

    @model_validator(mode="after")
    def _who(self) -> MqttTable:
        if self.password_file is not None and self.username is None:
            raise ValueError("password_file needs a username beside it")
        return self


class WebTable(Table):
    """[web]"""

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8090, ge=1, le=65535)
    token_file: Path | None = None

    @model_validator(mode="after")
    def _guarded(self) -> WebTable:
        if self.token_file is None and not is_loopback(self.host):
            raise ValueError(
                f"host {self.host!r} can be reached from other machines: set token_file to a file with a secret of at "
                f"least {LEAST_TOKEN} characters, or host to 127.0.0.1"
            )
        return self


class IntakeTable(Table):
    """[intake]"""

    workers: int = Field(default=1, ge=1, le=32)


class AlarmsTable(Table):
    """[alarms]: after how many seconds a person should look."""

    hole_s: int = Field(default=300, ge=1)
    unacked_age_s: int = Field(default=600, ge=1)
    silent_s: int = Field(default=300, ge=1)
    again_s: int = Field(default=3600, ge=1)


class FeedsTable(Table):
    """[feeds]: how many seconds what was booked waits at most before the stores are told of it."""

    balances_s: float = Field(default=2.0, ge=0.05, le=3600)
    stock_s: float = Field(default=30.0, ge=0.05, le=3600)


class CoreConfig(Table):
    """The whole core.toml; secrets are read from their files at start and stand nowhere else."""

    core: CoreTable
    mqtt: MqttTable = Field(default_factory=MqttTable)
    web: WebTable = Field(default_factory=WebTable)
    intake: IntakeTable = Field(default_factory=IntakeTable)
    alarms: AlarmsTable = Field(default_factory=AlarmsTable)
    feeds: FeedsTable = Field(default_factory=FeedsTable)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.core.timezone)

    @property
    def database_url(self) -> str:
        if self.core.database_url is not None:
            return self.core.database_url
        assert self.core.data_dir is not None  # noqa: S101  CoreTable holds one of the two
        return f"sqlite:///{self.core.data_dir / SQLITE_FILE}"

    def mqtt_password(self) -> str | None:
        return secret("[mqtt] password_file", self.mqtt.password_file)

    def web_token(self) -> str | None:
        token = secret("[web] token_file", self.web.token_file)
        if token is not None and len(token) < LEAST_TOKEN:
            raise ConfigError(
                f"[web] token_file {self.web.token_file}: the token has {len(token)} characters; "
                f"use at least {LEAST_TOKEN}, such as the output of: openssl rand -hex 24"
            )
        return token


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def secret(key: str, path: Path | None) -> str | None:
    """The first line of a secret's file, or None where no file is configured."""
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{key} {path}: cannot be read: {error}; create it, readable by the core's user") from error


def suggestion(word: str, known: Any) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def load(path: Path) -> CoreConfig:
    """Read and check a core.toml; relative paths in it start at its own folder.

    Raises:
        ConfigError: one line a fault, each naming the file, the table and the key.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}; name it with --config") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from error
    try:
        config = CoreConfig.model_validate(raw)
    except ValidationError as error:
        raise ConfigError("\n".join(_fault(path, fault) for fault in error.errors())) from error
    return _anchored(config, path.resolve().parent)


def _fault(path: Path, fault: Any) -> str:
    *table, key = [str(part) for part in fault["loc"]] or ["core"]
    where = f"{path.name}, [{'.'.join(table)}]" if table else f"{path.name}"
    if fault["type"] == "extra_forbidden":
        what = "option" if table else "table"
        return f"{where}: unknown {what} {key!r}{suggestion(key, _known(table))}"
    if fault["type"] == "missing":
        return f"{where}: {key!r} is missing"
    message = str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "value_error" and not table:
        return f"{path.name}, [{key}]: {message}"
    if fault["type"] == "value_error" and key in ("tls",):
        return f"{path.name}, [{'.'.join([*table, key])}]: {message}"
    return f"{where}, {key}: {message}"


def _known(table: list[str]) -> list[str]:
    """The keys that the table of that path may hold."""
    model: type[BaseModel] = CoreConfig
    for name in table:
        annotation = model.model_fields[name].annotation
        candidates = [annotation, *get_args(annotation)]
        model = next(kind for kind in candidates if isinstance(kind, type) and issubclass(kind, BaseModel))
    return list(model.model_fields)


def _anchored(config: CoreConfig, folder: Path) -> CoreConfig:
    """The same with every relative path made absolute."""

    def at(path: Path | None) -> Path | None:
        return None if path is None else folder / path

    tls = config.mqtt.tls
    if tls is not None:
        tls = TlsTable(ca_file=folder / tls.ca_file, cert_file=at(tls.cert_file), key_file=at(tls.key_file))
    return config.model_copy(
        update={
            "core": config.core.model_copy(update={"data_dir": at(config.core.data_dir)}),
            "mqtt": config.mqtt.model_copy(update={"password_file": at(config.mqtt.password_file), "tls": tls}),
            "web": config.web.model_copy(update={"token_file": at(config.web.token_file)}),
        }
    )
