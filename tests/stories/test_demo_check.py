"""`backroom demo --check`: the whole demo without a person, as somebody types it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.story


def test_demo_check_holds_and_says_so_in_json() -> None:
    command = [sys.executable, "-m", "gateway", "demo", "--check"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert {key: figures[key] for key in ("sales", "acked", "lost", "duplicated")} == {
        "sales": 3,
        "acked": 3,
        "lost": 0,
        "duplicated": 0,
    }
    assert figures["receipt_lines"] > 20
