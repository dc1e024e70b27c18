"""A headquarters that knows the demo's gateway and catalogue: its own commands, run once for many tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from gateway.demo.broker import CORE_USER
from gateway.demo.world import CORE_TOML, GATEWAY_ID, STORE_ID, sample_catalogue

COMMANDS = (
    ("gateway", "add", GATEWAY_ID, "--store", STORE_ID, "--name", "Demo store"),
    ("import", "items", str(sample_catalogue())),
)


def registered(folder: Path) -> Path:
    """The data folder, below this one. No core runs on it: a copy of its files is whole."""
    config = folder / "core.toml"
    config.write_text(CORE_TOML.format(port=1883, user=CORE_USER, web=8480))
    for command in COMMANDS:
        done = subprocess.run(
            [sys.executable, "-m", "cloud_erp", *command, "--config", str(config)],
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "core"
