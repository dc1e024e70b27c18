"""The command `backroom`.

Exit codes: 0 done; 1 it was tried and is not well; 2 the call or the configuration is wrong; 130 ended by Ctrl-C.
"""

from __future__ import annotations

import sys

from gateway.errors import BackroomError, ConfigError
from gateway.log import stderr_is_the_journal


def main() -> None:
    """The one way in. `run` starts the daemon without the libraries of the richer commands."""
    try:
        if sys.argv[1:2] == ["run"]:
            from gateway.fleet.health import keep_memory_together
            from retail.barcode import forget_companies

            keep_memory_together()
            forget_companies()  # before all else is loaded, which then fills the room that this leaves (decision 0006)
            from gateway.cli.run import run

            run(sys.argv[2:])
        else:
            from gateway.cli.commands import app

            app(prog_name="backroom")
    except ConfigError as error:
        _complain(error)
        sys.exit(2)
    except BackroomError as error:
        _complain(error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _complain(error: BackroomError) -> None:
    """In the journal it stands as an error: each line with its level (sd-daemon(3))."""
    mark = "<3>" if stderr_is_the_journal() else ""
    for line in f"backroom: {error}".splitlines():
        print(f"{mark}{line}", file=sys.stderr)
