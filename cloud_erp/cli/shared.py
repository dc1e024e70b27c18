"""What every command shares: its options, the configuration and the database, and errors in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cloud_erp.errors import ConfigError, CoreError, ImportRefused, StartError, StillUnfit

if TYPE_CHECKING:
    from cloud_erp.config import CoreConfig
    from cloud_erp.db import Database

FAILED, FAULTY = 1, 2
CONFIG = Path("core.toml")

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", envvar="BACKROOM_CORE_CONFIG", help="The core.toml to use.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON for programs.")]
ByOption = Annotated[str | None, typer.Option("--by", help="Who does it; otherwise the name you are logged in with.")]


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


def me() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "command line"
