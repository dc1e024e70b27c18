"""`backroom firstboot`: take over the configuration from the boot partition; backroom-firstboot.service runs it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from gateway import config as configuration
from gateway.app.check import check
from gateway.config import Config
from gateway.errors import ConfigError
from gateway.fleet.firstboot import IN_FORCE, OFFERED, SECRETS, FirstBoot, Offer, Outcome
from gateway.log import stderr_is_the_journal
from gateway.places import DEFAULT, HOME

HOSTNAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


def firstboot(
    boot: Annotated[
        Path, typer.Option("--boot", help="The boot partition, or any folder that is laid out like it.")
    ] = Path("/boot/firmware"),
    home: Annotated[Path, typer.Option("--home", help=f"Where {IN_FORCE} and its credentials stand.")] = HOME,
) -> None:
    """Take over backroom.toml from the boot partition, or say what is wrong with it; exit 1 if it was refused.

    Its faults, or what was taken over, stand in backroom-result.txt beside it. A refused one changes nothing.

    Example: backroom firstboot --boot /boot/firmware
    """
    outcome = take_over(boot, home)
    level = "" if not stderr_is_the_journal() else "<5>" if outcome.well else "<3>"
    for line in outcome.text.splitlines():
        print(f"{level}{line}", flush=True)
    raise typer.Exit(0 if outcome.well else 1)


def take_over(boot: Path, home: Path, default: Path = DEFAULT) -> Outcome:
    """default: the package's own configuration, which says nothing of this box."""
    return FirstBoot(boot, home, lambda path, secrets: _read(path, secrets, home), _rename_host, default=default).run()


def _read(path: Path, incoming: Path, home: Path) -> Offer:
    """Check it as the daemon and the doctor do, as if it stood in `home` already.

    Raises:
        ConfigError: a line for each fault.
    """
    config = configuration.load(path, home, incoming)
    files = config.secret_files()
    faults = [
        f"{what}: there is no file {file.name} in {SECRETS} on this card, nor in the box; put it there"
        for what, file in files.items()
        if not file.exists()
    ]
    if config.gateway.set_hostname and not HOSTNAME.fullmatch(_hostname(config)):
        faults.append(f"{OFFERED}, [gateway]: id {config.gateway.id!r} cannot be a host name; set set_hostname = false")
    if faults:
        raise ConfigError("\n".join(faults))
    check(config)
    about = (
        f"gateway {config.gateway.id} of store {config.gateway.store_id}, {len(config.device)} devices,"
        f" headquarters at {config.mqtt.host}:{config.mqtt.port}"
    )
    return Offer(about, tuple(files.values()), _hostname(config) if config.gateway.set_hostname else None)


def _hostname(config: Config) -> str:
    return config.gateway.id.lower()


def _rename_host(name: str) -> None:
    """Asks systemd-hostnamed, which may write /etc/hostname where we may not.

    Raises:
        OSError: it is not there, or says no.
    """
    try:
        done = subprocess.run(
            ["hostnamectl", "set-hostname", name], check=False, capture_output=True, text=True, timeout=30
        )
    except subprocess.TimeoutExpired as error:
        raise OSError("hostnamectl did not end within 30 s") from error
    if done.returncode != 0:
        raise OSError(done.stderr.strip() or f"hostnamectl ended with {done.returncode}")
