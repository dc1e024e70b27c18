"""`backroom-core import`: master data from files."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cloud_erp.cli.shared import CONFIG, FAULTY, ByOption, ConfigOption, JsonOption, me, said, using
from cloud_erp.errors import ImportRefused

if TYPE_CHECKING:
    from cloud_erp.imports.kind import Kind
    from cloud_erp.imports.run import Outcome

imports = typer.Typer(
    help="Master data from files, CSV or JSON. With any fault in a file, nothing of it is imported (exit code 2).",
    no_args_is_help=True,
)

FileArgument = Annotated[Path, typer.Argument(help="CSV or JSON in UTF-8; docs/headquarters.md says how each looks.")]
FormatOption = Annotated[str | None, typer.Option("--format", help="csv or json, where the file's name does not say.")]
DryOption = Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")]
DeleteOption = Annotated[bool, typer.Option("--delete-missing", help="Take away what the file does not name.")]


def _items(_: bool) -> Kind:
    from cloud_erp.catalog.item_file import Items

    return Items()


def _prices(delete_missing: bool) -> Kind:
    from cloud_erp.catalog.price_file import Prices

    return Prices(delete_missing)


def _promotions(_: bool) -> Kind:
    from cloud_erp.promotions.rule_file import Promotions

    return Promotions()


def _coupons(_: bool) -> Kind:
    from cloud_erp.promotions.coupon_file import Coupons

    return Coupons()


def _members(_: bool) -> Kind:
    from cloud_erp.members.member_file import Members

    return Members()


def _vouchers(_: bool) -> Kind:
    from cloud_erp.vouchers.voucher_file import Vouchers

    return Vouchers()


def _operators(_: bool) -> Kind:
    from cloud_erp.tills.operator_file import Operators

    return Operators()


def _supplies(_: bool) -> Kind:
    from cloud_erp.stock.supply_file import Supplies

    return Supplies()


#: command -> how its kind is made, what its help says, and an example
KINDS: dict[str, tuple[Callable[[bool], Kind], str, str]] = {
    "items": (_items, "Import items: articles, bar codes, prices, taxes.", "items.csv --dry-run"),
    "prices": (_prices, "Import effective-dated prices of items that there are.", "november-prices.csv"),
    "promotions": (_promotions, "Import promotions: rules as `backroom price` reads them.", "promotions.json"),
    "members": (_members, "Import members; their numbers are hashed as they are read.", "members.csv"),
    "coupons": (_coupons, "Import coupons: codes, what they open or pay, how often.", "coupons.csv"),
    "vouchers": (_vouchers, "Import vouchers and their worth.", "vouchers.csv"),
    "operators": (_operators, "Import operators; a PIN is hashed as it is read.", "operators.csv --delete-missing"),
    "supplies": (_supplies, "Import what is on its way to the stores.", "supplies.csv --delete-missing --json"),
}


def _command(name: str, make: Callable[[bool], Kind], text: str, example: str) -> None:
    def run(
        file: FileArgument,
        form: FormatOption = None,
        dry_run: DryOption = False,
        delete_missing: DeleteOption = False,
        as_json: JsonOption = False,
        by: ByOption = None,
        config: ConfigOption = CONFIG,
    ) -> None:
        from cloud_erp.imports.run import Options, import_file

        options = Options(form, dry_run, delete_missing, by or me())
        with said():
            try:
                with using(config) as database:
                    outcome = import_file(database, make(delete_missing), file, options)
            except ImportRefused as refused:
                if not as_json:
                    raise
                typer.echo(_json({"file": refused.file, "faults": [asdict(fault) for fault in refused.faults]}))
                raise typer.Exit(FAULTY) from refused
        if as_json:
            typer.echo(_json(outcome.as_json()))
        else:
            _show(outcome)

    run.__doc__ = f"{text}\n\nExample: backroom-core import {name} {example}"
    imports.command(name)(run)


for _name, _kind in KINDS.items():
    _command(_name, *_kind)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _show(outcome: Outcome) -> None:
    from cloud_erp.imports.run import fields_between, shown

    kind, change = outcome.kind, outcome.change
    for key, document in change.new.items():
        typer.echo(f"  new        {key}: {kind.label(document)}")
    for key, pair in change.changed.items():
        fields = [
            f"{kind.column_of(name)} {shown(kind, name, old)!r} -> {shown(kind, name, new)!r}"
            for name, old, new in fields_between(*pair)
        ]
        typer.echo(f"  changed    {key}: {', '.join(fields)}")
    for key, document in change.deleted.items():
        typer.echo(f"  deleted    {key}: {kind.label(document)}")
    verb = "would be " if outcome.dry_run else ""
    parts = [f"{len(change.new)} {verb}new", f"{len(change.changed)} {verb}changed"]
    if change.deleted:
        parts.append(f"{len(change.deleted)} {verb}deleted")
    parts += [f"{len(change.unchanged)} unchanged", f"{change.not_in_file} not in the file (they stay)"]
    typer.echo(", ".join(parts) + ".")
    suffix = " Dry run: nothing was changed." if outcome.dry_run else ""
    typer.echo(f"Feed {kind.feed} is at version {outcome.version}.{suffix}")
