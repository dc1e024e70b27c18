"""`backroom doctor`: what is wrong, in the order a technician would look.

Configuration, disk, sales on disk, clock, the daemon, the way to headquarters, then each device. Where the daemon runs,
it is asked, since it holds the ports; where it does not, the doctor looks for itself and writes to no device.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import ssl
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from gateway import config as configuration
from gateway.app import MONEY_FILE
from gateway.app.check import check
from gateway.cli.daemon import ask
from gateway.clock import Clock
from gateway.config import Config
from gateway.devices.manager import claim
from gateway.devices.transport import GROUPS
from gateway.errors import ConfigError
from gateway.fleet import health
from gateway.places import read_secret, to_configure

Verdict = Literal["ok", "warn", "fail"]
MARKS: dict[Verdict, str] = {"ok": "ok  ", "warn": "WARN", "fail": "FAIL"}
DISK_WARN_PERCENT = 80
DISK_FAIL_PERCENT = 95
UNACKED_WARN_S = 900


@dataclass(frozen=True, slots=True)
class Finding:
    """next_step is empty where all is well."""

    check: str
    verdict: Verdict
    text: str
    next_step: str = ""


def doctor(path: Path, as_json: bool) -> int:
    """Print the findings; return the exit code: 0 all well (warnings too), 1 something is wrong, 2 no configuration."""
    findings: list[Finding] = []
    for finding in examine(path):
        findings.append(finding)
        if not as_json:
            print(f"{MARKS[finding.verdict]}  {finding.check}: {finding.text}", flush=True)
            if finding.next_step:
                print(f"      -> {finding.next_step}", flush=True)
    bad = [finding for finding in findings if finding.verdict == "fail"]
    if as_json:
        print(json.dumps({"well": not bad, "findings": [asdict(finding) for finding in findings]}))
    elif bad:
        print(f"\n{len(bad)} to mend; begin with the first: {bad[0].check}")
    if bad and bad[0].check == "configuration":
        return 2
    return 1 if bad else 0


def examine(path: Path) -> Iterator[Finding]:
    if not os.path.lexists(path):
        yield Finding("configuration", "fail", f"{path}: no such file", to_configure(path))
        return
    try:
        config = configuration.load(path)
        check(config)
        password = read_secret(config.mqtt.password_file, "[mqtt] password_file")
        token = next((secret for _, secret, _ in config.api.secrets()), None)
    except ConfigError as error:
        for line in str(error).splitlines():
            yield Finding("configuration", "fail", line, f"correct {path} and run this again")
        return
    yield Finding("configuration", "ok", f"{path}: gateway {config.gateway.id}, {len(config.device)} devices")
    yield _disk(config)
    yield _money(config)
    yield _clock(config)
    running = ask(config, token, "/v1/status")
    yield _daemon(config, running)
    yield from _headquarters(config, password, running)
    yield from _devices(config, ask(config, token, "/v1/devices") if running else None)


def _disk(config: Config) -> Finding:
    folder = config.gateway.data_dir
    existing = next(one for one in (folder, *folder.parents) if one.exists())
    if not os.access(existing, os.W_OK):
        return Finding(
            "disk", "fail", f"{existing} is not writable", f"give it to the daemon's user: chown it, then {folder}"
        )
    percent = round(health.disk_used_percent(existing))
    text = f"{folder}: {percent} % used, {shutil.disk_usage(existing).free // 2**20} MiB free"
    if percent >= DISK_FAIL_PERCENT:
        return Finding(
            "disk", "fail", text, "free space now: sales are kept here; look at logs and old downloads first"
        )
    if percent >= DISK_WARN_PERCENT:
        return Finding("disk", "warn", text, "free space soon: look at logs and old downloads first")
    return Finding("disk", "ok", text)


def _money(config: Config) -> Finding:
    path = config.gateway.data_dir / MONEY_FILE
    if not path.exists():
        return Finding("sales on disk", "ok", "none yet: the file is made at the first start")
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            last, unacked = connection.execute(
                "SELECT coalesce(max(seq), 0), count(*) FILTER (WHERE state = 'unacked') FROM outbox"
            ).fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        verdict, last, unacked = str(error), 0, 0
    if verdict != "ok":
        return Finding(
            "sales on disk", "fail", f"{path}: {verdict}", "keep this file: copy it to a stick, then call support"
        )
    return Finding("sales on disk", "ok", f"{last} records, {unacked} not yet at headquarters")


def _clock(config: Config) -> Finding:
    clock = Clock(config.gateway.timezone)
    now = clock.wall().astimezone(clock.zone).isoformat(timespec="seconds")
    if clock.state() == "unset":
        return Finding(
            "clock", "fail", f"{now}: this clock was never set", "connect the box to a network with time (NTP)"
        )
    if clock.state() == "holdover":
        return Finding("clock", "warn", f"{now}, not synchronised now", "check that NTP is reachable: timedatectl")
    return Finding("clock", "ok", f"{now}, synchronised")


def _daemon(config: Config, status: Any) -> Finding:
    where = f"http://{config.api.host}:{config.api.port}"
    if status:
        return Finding("daemon", "ok", f"answers on {where}, software {status['software']}")
    try:
        with socket.create_connection((config.api.host, config.api.port), timeout=2):
            pass
    except OSError:
        return Finding(
            "daemon", "warn", f"not running (nothing listens on {where})", "start it: systemctl start backroom"
        )
    return Finding(
        "daemon",
        "fail",
        f"another program holds port {config.api.port}, or it does not answer",
        f"'ss -ltnp sport = :{config.api.port}' names it; stop it, or set another [api] port",
    )


def _headquarters(config: Config, password: str | None, status: Any) -> Iterator[Finding]:
    host, port = config.mqtt.host, config.mqtt.port
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4]
    except OSError as error:
        yield Finding(
            "name look-up", "fail", f"{host}: {error.strerror}", "check the network cable and the router's DNS"
        )
        return
    yield Finding("name look-up", "ok", f"{host} is {address[0]}")
    try:
        with socket.create_connection((host, port), timeout=5) as line:
            if config.mqtt.tls is not None:
                context = ssl.create_default_context(cafile=str(config.mqtt.tls.ca_file))
                with context.wrap_socket(line, server_hostname=host):
                    pass
    except ssl.SSLError as error:
        text = f"{host}:{port} answers, but not with a certificate that we trust: {error.reason}"
        yield Finding("broker", "fail", text, "check [mqtt.tls] ca_file and this box's clock")
        return
    except OSError as error:
        text = f"{host}:{port}: {error.strerror or error}"
        yield Finding("broker", "fail", text, "check the router and the firewall; sales go on and wait meanwhile")
        return
    if config.mqtt.in_plain_sight:
        text = f"{host}:{port} answers, and without TLS: who listens on the way reads the sales and the password"
        yield Finding("broker", "warn", text, "have headquarters give a TLS port and set [mqtt.tls] ca_file")
    else:
        yield Finding("broker", "ok", f"{host}:{port} answers")
    if status and not status["online"]:
        why = status["link_error"] or "no reason given"
        yield Finding(
            "link", "fail", why, "check [mqtt] username and password_file, and the registration at headquarters"
        )
    elif status:
        age = status["oldest_unacked_age_s"]
        text = f"up; {status['unacked']} records not yet at headquarters"
        if age is not None and age > UNACKED_WARN_S:
            yield Finding(
                "link", "warn", f"{text}, the oldest for {age:.0f} s", "ask headquarters whether intake is open"
            )
        else:
            yield Finding("link", "ok", text)


def _devices(config: Config, snapshots: Any) -> Iterator[Finding]:
    if snapshots is not None:
        for device in snapshots["devices"]:
            good = device["power"] == "online"
            text = f"{device['driver']} on {device['url']}: {device['power']}"
            step = device["last_error"] or "check its power and cable"
            yield Finding(f"device {device['id']}", "ok" if good else "fail", text, "" if good else step)
        return
    for name, table in config.device.items():
        yield _line(name, table.url)


def _line(name: str, url: str) -> Finding:
    """Whether a device's line is there; nothing is written to it."""
    parts = urlsplit(url)
    check = f"device {name}"
    if parts.scheme in ("serial", "pty", "lp", "hid", "evdev"):
        path = Path(claim(url))  # a device named by its numbers is its file while it is plugged in
        if not path.exists():
            shown = url if parts.scheme in ("hid", "evdev") else str(path)
            return Finding(
                check, "fail", f"{shown} is not there", "plug it in; 'backroom devices --plugged' shows what is"
            )
        if not os.access(path, os.R_OK | (0 if parts.scheme == "evdev" else os.W_OK)):
            group = next((group for start, group in GROUPS.items() if str(path).startswith(start)), "dialout")
            return Finding(check, "fail", f"{path} may not be opened", f"add the user to group {group}")
    if parts.scheme in ("tcp", "tls"):
        try:
            with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=3):
                pass
        except OSError as error:
            return Finding(
                check, "fail", f"{url}: {error.strerror or error}", "switch it on; check its address and cable"
            )
    return Finding(check, "ok", f"{url} is there")
