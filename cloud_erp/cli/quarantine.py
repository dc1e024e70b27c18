"""`backroom-core quarantine`: records that could not be booked as they came."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from cloud_erp.cli.shared import CONFIG, ByOption, ConfigOption, JsonOption, me, said, using
from cloud_erp.errors import CoreError

quarantine = typer.Typer(help="Records that could not be booked as they came.", no_args_is_help=True)

QuarantineId = Annotated[str, typer.Argument(metavar="ID", help="As `backroom-core quarantine ls` shows it.")]


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
        repost.mend(connection, quarantine_id, body, by or me())
        typer.echo(f"Mended. Book it: backroom-core quarantine repost {quarantine_id}")


@quarantine.command("repost")
def quarantine_repost(quarantine_id: QuarantineId, by: ByOption = None, config: ConfigOption = CONFIG) -> None:
    """Book it, as mended or as it came, under its own idempotency key."""
    from cloud_erp.intake import repost

    with said(), using(config) as database, database.write() as connection:
        outcome = repost.repost(connection, quarantine_id, by or me())
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
        repost.discard(connection, quarantine_id, by or me(), reason)
        typer.echo("Discarded.")
