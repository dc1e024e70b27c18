"""The page Stores in a terminal: a table that renews itself, plain text in a pipe, JSON for programs."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable
from urllib.parse import urlsplit

from pydantic import ValidationError
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from cloud_erp.config import CoreConfig
from cloud_erp.db import open_database
from cloud_erp.errors import CoreError
from cloud_erp.fleet.routes import Fleet, fleet
from cloud_erp.fleet.service import GatewayView
from cloud_erp.web.shell import age, ago

EVERY_S = 1.0
PIPE_WIDTH = 200
HEADS = (
    "Gateway", "Store", "State", "Seen", "Software", "Devices", "Queue", "Oldest", "Reconnects", "Disk", "Memory",
    "Alarms",
)  # fmt: skip
COLOURS = {"ready": "green", "init": "yellow", "degraded": "yellow", "stopped": "yellow", "lost": "red"}


def watch(config: CoreConfig, *, url: str | None, once: bool, as_json: bool) -> None:
    """Show the fleet until Ctrl-C, or once; in a pipe always once."""
    read = _from_http(config, url) if url else _from_database(config)
    console = Console()
    if as_json:
        # One JSON document a line.
        print(read().model_dump_json())  # noqa: T201  this is the command's output
        while not once:
            time.sleep(EVERY_S)  # the refresh of a live display; nothing is waited for
            print(read().model_dump_json(), flush=True)  # noqa: T201
        return
    if once or not console.is_terminal:
        plain = Console(width=None if console.is_terminal else PIPE_WIDTH)
        plain.print(table(read()))
        return
    try:
        with Live(table(read()), console=console, auto_refresh=False) as live:
            while True:
                time.sleep(EVERY_S)  # the refresh of a live display
                live.update(table(read()), refresh=True)
    except KeyboardInterrupt:
        return


def table(view: Fleet) -> Table:
    shown = Table(*HEADS, title=f"{len(view.gateways)} gateways at {view.at:%H:%M:%S} UTC")
    for one in view.gateways:
        shown.add_row(*_cells(one))
    return shown


def _cells(one: GatewayView) -> list[str]:
    colour = COLOURS.get(one.state, "dim")
    devices = f"{one.devices}" + (f" ([red]{one.devices_in_trouble} in trouble[/])" if one.devices_in_trouble else "")
    oldest = "-" if one.oldest_unacked_age_s is None else age(one.oldest_unacked_age_s)
    return [
        escape(one.gateway),
        escape(f"{one.store_id} {one.name}"),
        f"[{colour}]{one.state}[/]",
        ago(one.last_seen),
        escape(one.software or "-"),
        devices,
        "-" if one.queue_depth is None else str(one.queue_depth),
        oldest,
        "-" if one.link_reconnects is None else str(one.link_reconnects),
        "-" if one.disk_used_percent is None else f"{one.disk_used_percent:.0f} %",
        "-" if one.memory_rss_mib is None else f"{one.memory_rss_mib:.0f} MiB",
        f"[red]{one.alarms}[/]" if one.alarms else "0",
    ]


def _from_database(config: CoreConfig) -> Callable[[], Fleet]:
    database = open_database(config.database_url)
    return lambda: fleet(database)


def _from_http(config: CoreConfig, url: str) -> Callable[[], Fleet]:
    if urlsplit(url).scheme not in ("http", "https"):
        raise CoreError(f"--url {url!r}: give the address of a core, such as http://127.0.0.1:8090")
    request = urllib.request.Request(url.rstrip("/") + "/v1/fleet")  # noqa: S310  the scheme was checked
    token = config.web_token()
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")

    def read() -> Fleet:
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                return Fleet.model_validate_json(answer.read())
        except (urllib.error.URLError, TimeoutError, ValidationError) as error:
            raise CoreError(f"{url}: no fleet from there: {error}; is the core running?") from error

    return read
