"""`backroom-core gateway` and `fleet`: who may send, and how the stores are."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from cloud_erp.cli.shared import CONFIG, ConfigOption, JsonOption, loaded, opened, said

gateways = typer.Typer(help="The gateways whose sales are booked.", no_args_is_help=True)
fleet = typer.Typer(help="How the stores are.", no_args_is_help=True)


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
