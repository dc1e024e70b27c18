"""`backroom devices`: the configured devices as the running daemon sees them, and what else is plugged in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway import config as configuration
from gateway import drivers
from gateway.cli.daemon import ask
from gateway.cli.devices import plain_errors
from gateway.cli.run import DEFAULT_CONFIG

#: where udev keeps names that stay the same on every boot, and the URL that each kind of them makes
BY_ID = (
    ("serial:///dev/serial/by-id/{}", "serial/by-id", "*"),
    ("evdev:///dev/input/by-id/{}", "input/by-id", "*-event-kbd"),
    ("lp:///dev/usb/{}", "usb", "lp*"),
)


def devices(
    config: Annotated[Path, typer.Option("--config", help="gateway.toml")] = DEFAULT_CONFIG,
    plugged: Annotated[bool, typer.Option("--plugged", help="what is plugged in here, as URLs to configure")] = False,
    known: Annotated[bool, typer.Option("--drivers", help="every driver there is")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """List the devices of this box: what each is, on which line, and how it is now.

    The states come from the running daemon; without one they are `unknown`, for nobody else may open the ports.

    Examples:

      backroom devices

      backroom devices --plugged

      backroom devices --json | jq '.devices[] | select(.power != "online")'
    """
    with plain_errors():
        if known:
            _show(as_json, {"drivers": [_driver(name) for name in drivers.names()]}, "no drivers")
        elif plugged:
            nothing = "nothing is plugged in that has a lasting name; network devices are not looked for"
            _show(as_json, {"plugged": plugged_in(Path("/dev"), Path("/sys"))}, nothing)
        else:
            nothing = f"{config} names no device; `backroom devices --plugged` shows what could be configured"
            _show(as_json, {"devices": configured(config)}, nothing)


def configured(path: Path) -> list[dict[str, Any]]:
    """id, device_class, driver, url, power, since, last_error of each device."""
    config = configuration.load(path)
    token = next((secret for _, secret, _ in config.api.secrets()), None)
    running = ask(config, token, "/v1/devices")
    if running is not None:
        shown = ("id", "device_class", "driver", "url", "power", "since", "last_error")
        return [{name: device[name] for name in shown} for device in running["devices"]]
    return [
        {
            "id": name,
            "device_class": str(drivers.load(table.driver).device_class),
            "driver": table.driver,
            "url": table.url,
            "power": "unknown",
            "since": "",
            "last_error": "the daemon does not run, or not under this configuration",
        }
        for name, table in config.device.items()
    ]


def plugged_in(dev: Path, sys: Path) -> list[dict[str, str]]:
    """URLs of what is plugged in, under names that stay; `driver` where an identity is known."""
    by_identity = {identity: name for name in drivers.names() for identity in drivers.load(name).identities}
    found = [
        {"url": url.format(path.name), "driver": ""}
        for url, folder, pattern in BY_ID
        for path in sorted((dev / folder).glob(pattern))
    ]
    for raw in sorted((sys / "class" / "hidraw").glob("hidraw*")):
        facts = dict(line.split("=", 1) for line in _text(raw / "device" / "uevent").splitlines() if "=" in line)
        _bus, _, numbers = facts.get("HID_ID", "").partition(":")
        vendor, _, product = numbers.partition(":")
        if product:
            identity = f"{vendor[-4:]}:{product[-4:]}".lower()
            serial = f"/{facts['HID_UNIQ']}" if facts.get("HID_UNIQ") else ""
            found.append({"url": f"hid://{identity}{serial}", "driver": by_identity.get(f"usb:{identity}", "")})
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _driver(name: str) -> dict[str, str]:
    driver = drivers.load(name)
    return {"driver": name, "device_class": str(driver.device_class)}


def _show(as_json: bool, facts: dict[str, list[dict[str, str]]], nothing: str) -> None:
    if as_json:
        typer.echo(json.dumps(facts, ensure_ascii=False))
        return
    (rows,) = facts.values()
    if not rows:
        typer.echo(nothing, err=True)
        return
    columns = [name for name in rows[0] if name not in ("since", "last_error")]
    widths = {name: max(len(name), *(len(str(row[name])) for row in rows)) for name in columns}
    typer.echo("  ".join(name.upper().ljust(widths[name]) for name in columns).rstrip())
    for row in rows:
        typer.echo("  ".join(str(row[name]).ljust(widths[name]) for name in columns).rstrip())
        if row.get("last_error") and row.get("power") != "online":
            typer.echo(f"    {row['last_error']}")
