"""`backroom doctor` on a machine that nobody configured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def test_without_a_configuration_it_says_where_one_goes_and_ends_with_2(tmp_path: Path) -> None:
    missing = tmp_path / "gateway.toml"
    command = [sys.executable, "-m", "gateway", "doctor", "--config", str(missing)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"FAIL  configuration: {missing}: no such file" in done.stdout
    assert "say where it is with --config" in done.stdout
    told = json.loads(subprocess.run([*command, "--json"], capture_output=True, text=True, check=False).stdout)
    assert [finding["check"] for finding in told["findings"]] == ["configuration"]
    assert "/usr/share/backroom/every-key.toml" in told["findings"][0]["next_step"]
