"""The command `backroom`.

Exit codes: 0 done; 1 it was tried and is not well; 2 the call or the configuration is wrong; 130 ended by Ctrl-C.
"""

from __future__ import annotations

import sys

from gateway.errors import BackroomError, ConfigError


def main() -> None:
    """The one way in. `run` starts the daemon without the libraries of the richer commands."""
    try:
        if sys.argv[1:2] == ["run"]:
            from gateway.cli.run import run

            run(sys.argv[2:])
        else:
            from gateway.cli.commands import app

            app(prog_name="backroom")
    except ConfigError as error:
        print(f"backroom: {error}", file=sys.stderr)
        sys.exit(2)
    except BackroomError as error:
        print(f"backroom: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
