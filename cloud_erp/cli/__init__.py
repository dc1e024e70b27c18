"""`backroom-core`: run headquarters, register gateways, import master data, watch the fleet.

Exit codes: 0 done; 1 it could not start or do it; 2 the configuration, the command or a file has faults.
"""

from __future__ import annotations

import sys

from cloud_erp.cli.commands import app
from cloud_erp.cli.shared import FAILED

__all__ = ["app", "main"]


def main() -> None:
    """The command's entry; a pipe that closes early (`| head`) is no error."""
    try:
        app()
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(FAILED)
