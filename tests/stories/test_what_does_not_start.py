"""A gateway.toml that cannot be: the daemon says what is wrong and ends, with no traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.story


def test_a_wrong_toml_key_ends_the_start_with_a_suggestion(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text('[gateway]\nid = "S1-1"\nstore_id = "S1"\n[mqtt]\nhost = "h"\n[apy]\nport = 1\n')
    for arguments in (["run"], ["doctor"]):
        command = [sys.executable, "-m", "gateway", *arguments, "--config", str(path)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
        assert done.returncode == 2
        assert "unknown key 'apy'; did you mean 'api'?" in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


def test_a_wrong_device_option_is_named_with_the_right_one(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(
        '[gateway]\nid = "S1-1"\nstore_id = "S1"\n[mqtt]\nhost = "127.0.0.1"\n[api]\nport = 0\n'
        '[device.printer-1]\ndriver = "printer-escpos"\nurl = "tcp://127.0.0.1:1"\ncolums = 32\n'
    )
    command = [sys.executable, "-m", "gateway", "run", "--config", str(path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "did you mean 'columns'" in done.stderr
    path.write_text(path.read_text().replace("printer-escpos", "printer-escpoz").replace("colums = 32", ""))
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "printer-escpos" in done.stderr


def test_a_terminal_that_is_none_ends_the_start_with_a_word(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(
        '[gateway]\nid = "S1-1"\nstore_id = "S1"\n[mqtt]\nhost = "127.0.0.1"\n[api]\nport = 0\n'
        '[workstation.1]\nterminal = "printer-1"\n'
        '[device.printer-1]\ndriver = "printer-escpos"\nurl = "tcp://127.0.0.1:1"\n'
    )
    command = [sys.executable, "-m", "gateway", "run", "--config", str(path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert (
        "[workstation.1] terminal: printer-1 is a pos-printer (printer-escpos); name a payment-terminal" in done.stderr
    )
    assert "Traceback" not in done.stderr
