"""`backroom-core`: run headquarters, register gateways, import the catalogue, watch the fleet.

Exit codes: 0 done; 1 it could not start or do it; 2 the configuration, the command or a file has faults.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cloud_erp.errors import ConfigError, CoreError, ImportRefused, StartError, StillUnfit

if TYPE_CHECKING:
    from cloud_erp.catalog.service import Difference
    from cloud_erp.config import CoreConfig
    from cloud_erp.db import Database

FAILED, FAULTY = 1, 2

app = typer.Typer(
    name="backroom-core",
    help="Backroom headquarters.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
gateways = typer.Typer(help="The gateways whose sales are booked.", no_args_is_help=True)
imports = typer.Typer(help="Master data from files.", no_args_is_help=True)
fleet = typer.Typer(help="How the stores are.", no_args_is_help=True)
quarantine = typer.Typer(help="Records that could not be booked as they came.", no_args_is_help=True)
app.add_typer(quarantine, name="quarantine")
app.add_typer(gateways, name="gateway")
app.add_typer(imports, name="import")
app.add_typer(fleet, name="fleet")

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", envvar="BACKROOM_CORE_CONFIG", help="The core.toml to use.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON for programs.")]
QuarantineId = Annotated[str, typer.Argument(metavar="ID", help="As `backroom-core quarantine ls` shows it.")]
ByOption = Annotated[str | None, typer.Option("--by", help="Who does it; otherwise the name you are logged in with.")]
CONFIG = Path("core.toml")


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


@gateways.command("add")
def gateway_add(
    gateway_id: Annotated[str, typer.Argument(metavar="ID", help="By convention <store>-<n>, such as S0421-1.")],
    store: Annotated[str, typer.Option(help="The store it stands in, such as S0421.")],
    name: Annotated[str, typer.Option(help="What people call it.")],
    currency: Annotated[str, typer.Option(help="ISO 4217; a sale in another one goes to quarantine.")] = "EUR",
    config: ConfigOption = CONFIG,
) -> None:
    """Register a gateway."""
    from cloud_erp.fleet import registry

    with said():
        database = opened(loaded(config))
        with database.write() as connection:
            registry.add(connection, registry.Gateway(gateway_id, store, name, currency))
        database.close()
        typer.echo(f"Gateway {gateway_id} registered for store {store} ({name}, {currency}).")


@gateways.command("ls")
def gateway_ls(as_json: JsonOption = False, config: ConfigOption = CONFIG) -> None:
    """List the registered gateways."""
    from dataclasses import asdict

    from cloud_erp.fleet import registry

    with said():
        database = opened(loaded(config))
        with database.read() as connection:
            rows = registry.listed(connection)
        database.close()
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], ensure_ascii=False))
        return
    for row in rows:
        typer.echo(f"{row.id:<16} {row.store_id:<12} {row.currency}  {row.name}")
    if not rows:
        typer.echo("No gateway is registered. Add one: backroom-core gateway add ID --store STORE --name NAME")


@imports.command("items")
def import_items(
    file: Annotated[Path, typer.Argument(help="CSV in UTF-8 with the columns of docs/headquarters.md.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Import items. With any fault in the file, nothing is imported (exit code 2)."""
    from cloud_erp.catalog.csv_import import import_items as run_import

    with said():
        database = opened(loaded(config))
        change, version = run_import(database, file, dry_run)
        database.close()
        _show_difference(change, dry_run)
        suffix = " Dry run: nothing was changed." if dry_run else ""
        typer.echo(f"Feed items is at version {version}.{suffix}")


@fleet.command("watch")
def fleet_watch(
    once: Annotated[bool, typer.Option("--once", help="Show it once and end.")] = False,
    as_json: JsonOption = False,
    url: Annotated[str | None, typer.Option(help="Ask this running core instead of the database.")] = None,
    config: ConfigOption = CONFIG,
) -> None:
    """Show the fleet, live. Reads the database of core.toml, or a running core with --url."""
    from cloud_erp.fleet.terminal import watch

    with said():
        watch(loaded(config), url=url, once=once, as_json=as_json)


@quarantine.command("ls")
def quarantine_ls(
    everything: Annotated[bool, typer.Option("--all", help="Settled ones too.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
) -> None:
    """List what waits for a person, the newest first."""
    from cloud_erp.journal import service

    with said(), using(config) as database, database.read() as connection:
        rows = service.quarantined(connection, limit=1000, only_open=not everything)
    if as_json:
        typer.echo(json.dumps([row.model_dump(mode="json") for row in rows], ensure_ascii=False))
        return
    for row in rows:
        typer.echo(f"{row.id}  {row.gateway:<16} {row.seq:>9}  {row.state:<9} {row.code:<16} {row.reason}")
    if not rows:
        typer.echo("Nothing is in quarantine." if everything else "Nothing in quarantine waits for a person.")


@quarantine.command("show")
def quarantine_show(quarantine_id: QuarantineId, config: ConfigOption = CONFIG) -> None:
    """Show one as JSON: the record as it came, the body as mended, and what was done."""
    from cloud_erp.errors import NotInQuarantine
    from cloud_erp.journal import service

    with said(), using(config) as database:
        with database.read() as connection:
            row = service.quarantined_one(connection, quarantine_id)
        if row is None:
            raise NotInQuarantine(f"nothing is in quarantine under {quarantine_id}; see `backroom-core quarantine ls`")
        shown = row.model_dump(mode="json")
        shown |= {name: json.loads(shown[name]) for name in ("raw", "mended") if shown[name] is not None}
        typer.echo(json.dumps(shown, ensure_ascii=False, indent=2).encode("utf-8", "backslashreplace").decode())


@quarantine.command("mend")
def quarantine_mend(
    quarantine_id: QuarantineId,
    changes: Annotated[list[str], typer.Option("--set", metavar="PATH=VALUE", help="Such as total_minor=119.")],
    by: ByOption = None,
    config: ConfigOption = CONFIG,
) -> None:
    """Change the record's body where it is wrong; all that is given must make it sound together."""
    from cloud_erp.intake import mending, repost

    with said(), using(config) as database, database.write() as connection:
        body = repost.body_of(connection, quarantine_id)
        for change in changes:
            path, equals, value = change.partition("=")
            if not equals:
                raise CoreError(f"--set {change!r}: write PATH=VALUE, such as total_minor=119")
            body = mending.with_value(body, path, value)
        repost.mend(connection, quarantine_id, body, by or _me())
        typer.echo(f"Mended. Book it: backroom-core quarantine repost {quarantine_id}")


@quarantine.command("repost")
def quarantine_repost(quarantine_id: QuarantineId, by: ByOption = None, config: ConfigOption = CONFIG) -> None:
    """Book it, as mended or as it came, under its own idempotency key."""
    from cloud_erp.intake import repost

    with said(), using(config) as database, database.write() as connection:
        outcome = repost.repost(connection, quarantine_id, by or _me())
        typer.echo("Booked." if outcome == "booked" else "It was booked before, with this content; the case is closed.")


@quarantine.command("discard")
def quarantine_discard(
    quarantine_id: QuarantineId,
    reason: Annotated[str, typer.Option(help="Why it is not to be booked.")],
    by: ByOption = None,
    config: ConfigOption = CONFIG,
) -> None:
    """Close the case without booking; the record stays as it came."""
    from cloud_erp.intake import repost

    with said(), using(config) as database, database.write() as connection:
        repost.discard(connection, quarantine_id, by or _me(), reason)
        typer.echo("Discarded.")


def _me() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "command line"


def _show_difference(change: Difference, dry_run: bool) -> None:
    for item in change.new:
        typer.echo(f"  new        {item.item_id}: {item.description}")
    for old, new in change.changed:
        before, after = old.model_dump(), new.model_dump()
        fields = [f"{name} {before[name]!r} -> {after[name]!r}" for name in before if before[name] != after[name]]
        typer.echo(f"  changed    {new.item_id}: {', '.join(fields)}")
    verb = "would be " if dry_run else ""
    typer.echo(
        f"{len(change.new)} {verb}new, {len(change.changed)} {verb}changed, {change.unchanged} unchanged, "
        f"{change.not_in_file} not in the file (they stay)."
    )


def loaded(path: Path) -> CoreConfig:
    from cloud_erp.config import load

    return load(path)


def opened(config: CoreConfig) -> Database:
    from cloud_erp.db import open_database

    return open_database(config.database_url)


@contextmanager
def using(path: Path) -> Iterator[Database]:
    """The database of that configuration, closed at the end."""
    database = opened(loaded(path))
    try:
        yield database
    finally:
        database.close()


@contextmanager
def said() -> Iterator[None]:
    """Errors that Backroom knows how to say are said in plain words on standard error, with the exit code they mean."""
    try:
        yield
    except ImportRefused as refused:
        for fault in refused.faults:
            typer.echo(str(fault), err=True)
        typer.echo(str(refused), err=True)
        raise typer.Exit(FAULTY) from refused
    except StartError as error:
        typer.echo(f"backroom-core: {error}", err=True)
        raise typer.Exit(FAILED) from error
    except StillUnfit as unfit:
        for one in unfit.faults:
            typer.echo(f"{one.field}: {one.message}", err=True)
        typer.echo(f"backroom-core: {unfit}", err=True)
        raise typer.Exit(FAULTY) from unfit
    except ConfigError as error:
        typer.echo(f"backroom-core: {error}", err=True)
        raise typer.Exit(FAULTY) from error
    except CoreError as error:
        typer.echo(f"backroom-core: {error}", err=True)
        raise typer.Exit(FAULTY) from error


def main() -> None:
    """The command's entry; a pipe that closes early (`| head`) is no error."""
    try:
        app()
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(FAILED)
