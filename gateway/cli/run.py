"""`backroom run`: the daemon. Argparse serves here: the daemon does not carry the richer command line's libraries."""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import logging
import signal
from pathlib import Path

from gateway import config as configuration
from gateway import log as logs
from gateway.app import Gateway
from gateway.config import Config
from gateway.errors import BackroomError
from gateway.fleet.notify import Notifier

log = logging.getLogger(__name__)

DEFAULT_CONFIG = Path("/etc/backroom/gateway.toml")


def run(arguments: list[str]) -> None:
    """Run the gateway until SIGTERM or Ctrl-C.

    Raises:
        ConfigError, QueueError: it cannot start; the text says what to do.
    """
    parser = argparse.ArgumentParser(
        prog="backroom run",
        description="Run the gateway until SIGTERM or Ctrl-C.",
        epilog="Example: backroom run --config /etc/backroom/gateway.toml",
    )
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help=f"gateway.toml (default {DEFAULT_CONFIG})")
    parser.add_argument("--ready-file", type=Path, help="write the address of the local API here once it answers")
    given = parser.parse_args(arguments)
    faulthandler.enable()  # the watchdog's SIGABRT leaves in the journal where each thread hung
    notifier = Notifier.from_environment()
    try:
        gateway, config = _made(given.config, notifier)
    except BackroomError as error:
        notifier.status(f"cannot start: {error}")
        raise
    if given.ready_file is not None:
        # In one step: who waits for the file must not read it half written.
        beside = given.ready_file.with_name(given.ready_file.name + ".new")
        beside.write_text(f"http://{config.api.host}:{gateway.port}\n")
        beside.replace(given.ready_file)
    asyncio.run(_until_signal(gateway))


def _made(path: Path, notifier: Notifier) -> tuple[Gateway, Config]:
    config = configuration.load(path)
    logs.configure(config.gateway.log_level)
    if config.mqtt.in_plain_sight:
        log.warning("%s is spoken to without TLS: sales and the password can be read on the way", config.mqtt.host)
    notifier.status(f"checking the money file in {config.gateway.data_dir}")
    return Gateway(config, notifier), config


async def _until_signal(gateway: Gateway) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def asked(name: str) -> None:
        logging.getLogger(__name__).info("%s: stopping", name)
        stop.set()

    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, asked, sign.name)
    await gateway.run(stop)
