"""The commands that people type, gathered: each stands in a file of its own beside this one."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli import device_list, devices, doctor, doctor_disk, firstboot, queue
from gateway.cli import pin as pin_command
from gateway.cli import price as price_command
from gateway.cli.run import DEFAULT_CONFIG
from gateway.cli.run import run as run_daemon

app = typer.Typer(
    name="backroom",
    help="A shop's back room: devices, till, durable queue and the link to headquarters.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None if not sys.stdout.isatty() else "rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

ConfigOption = Annotated[Path, typer.Option("--config", help="gateway.toml")]


def _version(wanted: bool) -> None:
    if wanted:
        print(f"backroom {version('backroom')}")
        raise typer.Exit


@app.callback()
def _main(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    pass


@app.command(name="run")
def run(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Run the gateway until SIGTERM or Ctrl-C."""
    run_daemon(["--config", str(config)])


@app.command(name="doctor")
def doctor_command(
    config: ConfigOption = DEFAULT_CONFIG,
    json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
    disk: Annotated[bool, typer.Option("--disk", help="Measure only how fast the card keeps a sale.")] = False,
) -> None:
    """Say what is wrong, in the order a technician would look; exit 1 if anything is.

    Examples: backroom doctor --config /etc/backroom/gateway.toml

              backroom doctor --disk    (is this card fit?)
    """
    examined = doctor_disk.doctor_disk if disk else doctor.doctor
    raise typer.Exit(examined(config, as_json=json))


@app.command(name="demo")
def demo_command(
    check: Annotated[bool, typer.Option("--check", help="Sell by itself, verify, print one JSON line, end.")] = False,
    folder: Annotated[Path | None, typer.Option("--folder", help="Keep the demo's files here.")] = None,
    port: Annotated[int, typer.Option("--port", help="Port of the till page; headquarters gets the next one.")] = 8380,
) -> None:
    """Run a whole simulated store with its headquarters on this machine.

    Needs the cloud's libraries (pip install 'backroom[core]') and mosquitto.

    Example: backroom demo
    """
    from gateway.demo.show import show

    raise typer.Exit(show(check=check, folder=folder, port=port))


app.add_typer(queue.app, name="queue")
app.command(name="devices")(device_list.devices)
app.command(name="firstboot")(firstboot.firstboot)
app.command(name="pin")(pin_command.pin)
app.command(name="price")(price_command.price)
app.command(name="probe")(devices.probe)
app.command(name="simulate")(devices.simulate)
