"""The commands of `backroom-core`, joined."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloud_erp.cli.gateways import fleet, gateways
from cloud_erp.cli.imports import imports
from cloud_erp.cli.quarantine import quarantine
from cloud_erp.cli.shared import CONFIG, ConfigOption, loaded, opened, said
from cloud_erp.errors import ConfigError

app = typer.Typer(
    name="backroom-core",
    help="Backroom headquarters.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(quarantine, name="quarantine")
app.add_typer(gateways, name="gateway")
app.add_typer(imports, name="import")
app.add_typer(fleet, name="fleet")


@app.command()
def run(
    config: ConfigOption = CONFIG,
    ready_file: Annotated[Path | None, typer.Option(help="Written once the pages answer: pid and url as JSON.")] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Run headquarters until SIGTERM or Ctrl-C."""
    from cloud_erp.app import configure_log
    from cloud_erp.app import run as run_core

    with said():
        if log_level.lower() not in ("debug", "info", "warning", "error"):
            raise ConfigError(f"--log-level {log_level!r}: use debug, info, warning or error")
        settings = loaded(config)
        configure_log(log_level)
        run_core(settings, ready_file)


@app.command()
def check(config: ConfigOption = CONFIG) -> None:
    """Say whether the configuration is sound and the database opens."""
    with said():
        settings = loaded(config)
        settings.mqtt_password()
        settings.web_token()
        if settings.mqtt.tls is not None:
            tls = settings.mqtt.tls
            for path in (tls.ca_file, tls.cert_file, tls.key_file):
                if path is not None and not path.is_file():
                    raise ConfigError(f"{config.name}, [mqtt.tls]: {path} is not a file; put it there")
        database = opened(settings)
        shown = database.engine.url.render_as_string()
        typer.echo(f"{config}: sound. Database {shown}, incarnation {database.incarnation()}")
        database.close()


@app.command()
def restored(config: ConfigOption = CONFIG) -> None:
    """Say that the database was restored from a backup: the stores then send again what is missing."""
    from cloud_erp.db import renew_incarnation

    with said():
        database = opened(loaded(config))
        with database.write() as connection:
            fresh = renew_incarnation(connection)
        database.close()
        typer.echo(f"New incarnation {fresh}. Restart the core; the stores resend from its marks.")
