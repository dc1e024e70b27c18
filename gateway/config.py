"""gateway.toml as frozen models; an unknown key is an error that suggests the right one.

Every path may be relative: then it is taken from the folder of gateway.toml. A secret is never a value here, always the
path of a file that holds it, so that systemd's LoadCredential can bring it: gateway/places.py says where it may stand.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field, ValidationError, field_validator, model_validator

from gateway import places
from gateway.errors import ConfigError
from gateway.places import read_secret
from gateway.tables import OperatorTable, Table, TillTable, WalletTable, WorkstationTable
from retail.authority import Limits, PercentByRole
from retail.barcode import LayoutError, Layouts
from retail.shop_codes import DEFAULT_SETS, CodeRuleError, Codes
from retail.units import exponent
from retail.wire.topics import GATEWAY_ID

WALLET_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
OPERATOR_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")


class GatewayTable(Table):
    """[gateway]"""

    id: str = Field(description="as registered at headquarters; by convention <store>-<n>")
    store_id: str = Field(pattern=r"^[A-Za-z0-9._:-]{1,64}$")
    store_groups: list[str] = Field(default=[], description="those that promotions name: `grp:north` is north")
    store_name: str = Field(default="", max_length=40, description="head of the receipt")
    currency: str = "EUR"
    timezone: str = "UTC"
    locale: str = "en"
    set_hostname: bool = Field(default=False, description="name the machine after id when it takes this file over")
    data_dir: Path = Field(default=Path("data"), description="if not set: see gateway/places.py")
    epoch_file: Path | None = Field(default=None, description="a second place for the epoch, on another medium")
    shelf_labels: Path | None = Field(default=None, description="a folder with the shop's own templates")
    receipt_logo: Path | None = Field(default=None, description="a PNG; a printer's own `logo` goes before it")
    receipt_footer: list[str] = Field(default=[], max_length=20, description="the last lines of a receipt")
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("id")
    @classmethod
    def _id(cls, value: str) -> str:
        if not GATEWAY_ID.fullmatch(value):
            raise ValueError(f"{value!r}: use letters, digits and hyphens only, such as S0421-1")
        return value

    @field_validator("currency")
    @classmethod
    def _currency(cls, value: str) -> str:
        exponent(value)
        return value

    @field_validator("timezone")
    @classmethod
    def _timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{value!r}: no such time zone; write it like Europe/Berlin") from error
        return value


class TlsTable(Table):
    """[mqtt.tls]"""

    ca_file: Path
    cert_file: Path | None = None
    key_file: Path | None = None


class MqttTable(Table):
    """[mqtt]"""

    host: str
    port: int = Field(default=8883, ge=1, le=65535)
    username: str | None = None
    password_file: Path | None = None
    tls: TlsTable | None = None
    keepalive_s: int = Field(default=30, ge=5, le=600)
    reconnect_most_s: float = Field(default=30.0, gt=0, le=600)

    @property
    def in_plain_sight(self) -> bool:
        """Sales and the password cross a network that others may listen to."""
        return self.tls is None and not _loopback(self.host)


class TokenTable(Table):
    """[api.tokens.<name>]: a token of its own for a program that is not the box's keeper."""

    file: Path
    scopes: list[Literal["read", "sell", "pay", "devices", "admin"]]


class ApiTable(Table):
    """[api]"""

    host: str = "127.0.0.1"
    port: int = Field(default=8380, ge=0, le=65535)
    token_file: Path | None = Field(default=None, description="the keeper's token: it may do everything")
    tokens: dict[str, TokenTable] = Field(default={}, description="further tokens, each with what it may do")
    names: list[str] = Field(
        default=[], description="further host names this box is asked under, such as backroom.local"
    )

    @model_validator(mode="after")
    def _credential(self) -> ApiTable:
        if not self.guarded and not _loopback(self.host):
            raise ValueError(
                f"host {self.host} is reachable from outside: set token_file to a file with a long random token,"
                " or use host = '127.0.0.1'"
            )
        return self

    @property
    def guarded(self) -> bool:
        return self.token_file is not None or bool(self.tokens)

    def secrets(self) -> list[tuple[str, str, list[str]]]:
        """(name, token, scopes), the keeper's first; raises ConfigError for a file that cannot be read."""
        files: list[tuple[str, Path, list[str]]] = []
        if self.token_file is not None:
            files.append(("token_file", self.token_file, ["admin"]))
        files += [(name, table.file, list(table.scopes)) for name, table in self.tokens.items()]
        found = [(name, read_secret(path, f"[api] {name}") or "", scopes) for name, path, scopes in files]
        if len({secret for _, secret, _ in found}) < len(found):
            raise ConfigError("[api.tokens] two tokens are the same; give each program its own")
        return found


class DeviceTable(Table):
    """[device.<id>]: driver and url, and whatever options the driver takes."""

    model_config = ConfigDict(extra="allow", frozen=True)

    driver: str
    url: str

    def options(self, name: str) -> dict[str, Any]:
        """What the driver is given; an option NAME_file is the secret in that file, under NAME.

        Raises:
            ConfigError: the file cannot be read, or the option is set both ways.
        """
        given = dict(self.model_extra or {})
        for key in [key for key in given if key.endswith("_file")]:
            option, path = key.removesuffix("_file"), given.pop(key)
            if option in given:
                raise ConfigError(f"[device.{name}]: {option} and {key} are both set; keep {key} only")
            given[option] = read_secret(Path(str(path)), f"[device.{name}] {key}")
        return given

    def secrets(self) -> dict[str, Path]:
        """The files of its secrets, by option."""
        return {key: Path(str(path)) for key, path in (self.model_extra or {}).items() if key.endswith("_file")}

    def anchored(self, at: Callable[[Path], Path]) -> DeviceTable:
        """The same with the files of its secrets as absolute paths."""
        return self.model_copy(update={key: str(at(path)) for key, path in self.secrets().items()})


class BarcodeTable(Table):
    """[barcode]: how this store's variable-measure labels are laid out."""

    country: str | None = Field(default=None, description="ISO code: take that country's GS1 table")
    layouts: list[dict[str, Any]] = Field(default=[], description="the store's own rows; they go before the country's")
    sets: list[str] = Field(default=list(DEFAULT_SETS), description="built-in codes that are no articles")
    rules: list[dict[str, Any]] = Field(default=[], description="the store's own member, coupon and other codes")
    precedence: list[str] = Field(default=[], description="the order in which kinds of codes are tried")

    def codes(self) -> Codes:
        return Codes.of(self.sets, self.rules, self.precedence)

    def parsed(self) -> Layouts:
        own = Layouts.parse(self.layouts)
        if self.country is None:
            return own
        prefixes = {row.prefix for row in own.rows}
        of_country = Layouts.of_country(self.country).rows
        return Layouts((*own.rows, *(row for row in of_country if row.prefix not in prefixes)))

    @model_validator(mode="after")
    def _readable(self) -> BarcodeTable:
        try:
            self.parsed()
            self.codes()
        except (LayoutError, CodeRuleError) as error:
            raise ValueError(str(error)) from error
        return self


class Config(Table):
    gateway: GatewayTable
    mqtt: MqttTable
    api: ApiTable = Field(default_factory=ApiTable)
    barcode: BarcodeTable = Field(default_factory=BarcodeTable)
    device: dict[str, DeviceTable] = Field(default={})
    workstation: dict[str, WorkstationTable] = Field(default={"1": WorkstationTable()})
    till: TillTable = Field(default_factory=TillTable)
    wallet: dict[str, WalletTable] = Field(default={}, description="wallets that customers pay with")
    operator: dict[str, OperatorTable] = Field(default={}, description="where headquarters sends no list")

    @model_validator(mode="after")
    def _workstations_know_their_devices(self) -> Config:
        for name, table in self.workstation.items():
            for key, device in table.devices():
                if device not in self.device:
                    hint = _did_you_mean(device, self.device)
                    raise ValueError(f"[workstation.{name}] {key}: there is no [device.{device}]{hint}")
        for name, wallet in self.wallet.items():
            if not WALLET_NAME.fullmatch(name):
                raise ValueError(f"[wallet.{name}]: use letters, digits, - and _ only, at most 40")
            if wallet.terminal is not None and wallet.terminal not in self.device:
                hint = _did_you_mean(wallet.terminal, self.device)
                raise ValueError(f"[wallet.{name}] terminal: there is no [device.{wallet.terminal}]{hint}")
        for name in self.device:
            if not GATEWAY_ID.fullmatch(name):
                raise ValueError(f"[device.{name}]: use letters, digits and hyphens only")
        for name in self.operator:
            if not OPERATOR_ID.fullmatch(name):
                raise ValueError(f"[operator.{name}]: use letters, digits and . _ : - only, at most 64")
        return self

    def secret_files(self) -> dict[str, Path]:
        """Every file of a secret or a certificate, by what names it."""
        tls = self.mqtt.tls or TlsTable(ca_file=Path())
        named: dict[str, Path | None] = {
            "[mqtt] password_file": self.mqtt.password_file,
            "[mqtt.tls] ca_file": tls.ca_file if self.mqtt.tls else None,
            "[mqtt.tls] cert_file": tls.cert_file,
            "[mqtt.tls] key_file": tls.key_file,
            "[api] token_file": self.api.token_file,
            **{f"[api.tokens.{name}] file": table.file for name, table in self.api.tokens.items()},
        }
        for name, device in self.device.items():
            named |= {f"[device.{name}] {key}": path for key, path in device.secrets().items()}
        return {what: path for what, path in named.items() if path is not None}

    def broker_user(self) -> str | None:
        """What the box calls itself at the broker: its id, where it has a password and no other name was given."""
        return self.mqtt.username or (self.gateway.id if self.mqtt.password_file else None)

    def check_secrets(self) -> None:
        """Raises ConfigError where one of them cannot be read or is empty."""
        for what, path in self.secret_files().items():
            read_secret(path, what)


def load(path: Path, home: Path | None = None, incoming: Path | None = None) -> Config:
    """Read and check a gateway.toml.

    home, incoming: for one that is not in its place yet, the folder where it will stand, and that of its secrets now.

    Raises:
        ConfigError: names the file, the table, the key and what to do.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # editors on Windows put a mark before the text
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such file; {places.to_configure(path)}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    try:
        config = Config.model_validate(tables)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(path.name, one) for one in error.errors())) from error
    return _anchored(config, home or path.resolve().parent, incoming)


def _anchored(config: Config, folder: Path, incoming: Path | None) -> Config:
    """The same configuration with its paths made absolute."""

    def at(path: Path | None) -> Path | None:
        return None if path is None else folder / path

    def secret(path: Path) -> Path:
        return places.secret_file(path, folder, incoming)

    def maybe(path: Path | None) -> Path | None:
        return None if path is None else secret(path)

    tokens = {name: table.model_copy(update={"file": secret(table.file)}) for name, table in config.api.tokens.items()}
    given = "data_dir" in config.gateway.model_fields_set
    tls = config.mqtt.tls
    if tls is not None:
        tls = tls.model_copy(
            update={"ca_file": secret(tls.ca_file), "cert_file": maybe(tls.cert_file), "key_file": maybe(tls.key_file)}
        )
    return config.model_copy(
        update={
            "gateway": config.gateway.model_copy(
                update={
                    "data_dir": folder / config.gateway.data_dir if given else places.data_folder(folder),
                    "epoch_file": at(config.gateway.epoch_file),
                    "shelf_labels": at(config.gateway.shelf_labels),
                    "receipt_logo": at(config.gateway.receipt_logo),
                }
            ),
            "mqtt": config.mqtt.model_copy(update={"password_file": maybe(config.mqtt.password_file), "tls": tls}),
            "device": {name: table.anchored(secret) for name, table in config.device.items()},
            "api": config.api.model_copy(update={"token_file": maybe(config.api.token_file), "tokens": tokens}),
        }
    )


def _explain(file: str, error: Any) -> str:
    """One fault in the words of a technician."""
    where = [str(part) for part in error["loc"]]
    if error["type"] == "extra_forbidden":
        table, key = where[:-1], where[-1]
        return f"{file}, {_named(table)}: unknown key '{key}'{_did_you_mean(key, _keys_of(table))}"
    if error["type"] == "missing":
        table, key = where[:-1], where[-1]
        what = f"[{key}] is missing" if not table else f"'{key}' is missing"
        return f"{file}, {_named(table)}: {what}" if table else f"{file}: {what}"
    message = error["msg"].removeprefix("Value error, ")
    if not where:
        return f"{file}: {message}"
    if where[-1] in Config.model_fields and len(where) == 1:
        return f"{file}, {_named(where)}: {message}"
    return f"{file}, {_named(where[:-1])}: {where[-1]}: {message}"


def _named(table: list[str]) -> str:
    return f"[{'.'.join(table)}]" if table else "the top level"


def _keys_of(table: list[str]) -> list[str]:
    """The keys that a table of gateway.toml may have."""
    model: Any = Config
    for index, part in enumerate(table):
        if (index == 1 and table[0] in ("device", "workstation", "operator", "wallet")) or (
            index == 2 and table[1] == "tokens"
        ):
            continue
        model = {
            "gateway": GatewayTable,
            "mqtt": MqttTable,
            "tls": TlsTable,
            "api": ApiTable,
            "barcode": BarcodeTable,
            "till": TillTable,
            "device": DeviceTable,
            "workstation": WorkstationTable,
            "tokens": TokenTable,
            "limits": Limits,
            "price_override": PercentByRole,
            "discount": PercentByRole,
            "operator": OperatorTable,
            "wallet": WalletTable,
        }.get(part, model)
    return list(model.model_fields)


def _did_you_mean(word: str, known: Any) -> str:
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else f"; known here: {', '.join(known) or 'none'}"


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
