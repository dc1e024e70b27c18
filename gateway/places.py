"""Where the box's own things stand: sales, and the files that hold secrets.

A secret is named in gateway.toml by its file (`password_file = "mqtt.password"`) and looked for in this order:

    $CREDENTIALS_DIRECTORY/backroom_mqtt.password    what systemd hands to the daemon (LoadCredential=backroom:...)
    mqtt.password                                    beside gateway.toml
    credentials/mqtt.password                        below it, root's own: whence systemd takes it

So the daemon, which may not read root's folder, and root at a shell, who has no such variable, find the same file. A
path that leads elsewhere is taken as it stands.
"""

from __future__ import annotations

import os
from pathlib import Path

from gateway.errors import ConfigError

#: where Debian's files of the product stand; sales stand below STATE, which is the daemon's own
HOME = Path("/etc/backroom")
STATE = Path("/var/lib/backroom")
#: what the package puts in place of a configuration that is not there; nothing starts under it
DEFAULT = Path("/usr/share/backroom/gateway.toml")
CREDENTIALS = "credentials"
#: systemd puts the name of the LoadCredential= line before that of each file of its folder
HANDED_OVER = "backroom_"


def secret_file(given: Path, home: Path, incoming: Path | None = None) -> Path:
    """The file that `given` in the gateway.toml of folder `home` means.

    incoming: a folder of files that are not in their place yet, looked at first.
    """
    path = home / given
    if path.parent not in (home, home / CREDENTIALS):
        return path
    handed_over = os.environ.get("CREDENTIALS_DIRECTORY")
    candidates = [
        *([incoming / path.name] if incoming else []),
        *([Path(handed_over, HANDED_OVER + path.name)] if handed_over else []),
        path,
        home / CREDENTIALS / path.name,
    ]
    # os.path: a folder that may not be looked into is a place where the file is not.
    return next((one for one in candidates if os.path.exists(one)), path)


def to_configure(missing: Path) -> str:
    """The next step where there is no gateway.toml."""
    if missing != HOME / "gateway.toml":
        every_key = DEFAULT.with_name("every-key.toml")
        return f"say where it is with --config; every key: docs/gateway.toml, on a box {every_key}"
    return (
        "on a box with a flashed card put backroom.toml on the card's volume BACKROOM and start the box again; on any"
        f" other run 'cp {DEFAULT} {missing}' and change what is marked (1) and (2) in it"
    )


def to_make(missing: Path) -> str:
    """The next step where a secret's file is missing."""
    below = missing if missing.parent.name == CREDENTIALS else missing.parent / CREDENTIALS / missing.name
    if os.environ.get("CREDENTIALS_DIRECTORY"):
        return f"put it into {below}, root's own, mode 600; then 'systemctl restart backroom' hands it over"
    return f"make the file, mode 600, or {below} where systemd runs the daemon"


def data_folder(home: Path) -> Path:
    """Where sales are kept if gateway.toml does not say: the unit's StateDirectory, or `data` beside the file.

    Sales that an earlier version kept in `data` stay in force there.
    """
    beside = home / "data"
    if os.path.exists(beside / "money.sqlite"):
        return beside
    if handed_over := os.environ.get("STATE_DIRECTORY"):
        return Path(handed_over.partition(":")[0])
    return STATE if home == HOME else beside


def read_secret(path: Path | None, what: str) -> str | None:
    """The one line of a secret's file.

    Raises:
        ConfigError: it is missing, empty, or not readable.
    """
    if path is None:
        return None
    try:
        secret = path.read_text(encoding="utf-8-sig").strip()
    except FileNotFoundError as error:
        raise ConfigError(f"{what}: {path} cannot be read: no such file; {to_make(path)}") from error
    except OSError as error:
        raise ConfigError(f"{what}: {path} cannot be read ({error.strerror}); give it to the daemon's user") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{what}: {path} is no text; a secret is one line, a certificate a PEM file") from error
    if not secret:
        raise ConfigError(f"{what}: {path} is empty; put the secret on its first line")
    return secret
