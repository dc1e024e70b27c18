"""`backroom doctor --disk` on a real folder, and what it says of cards that were not at hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli.doctor_disk import judged, measure

TOML = """
[gateway]
id = "S0421-1"
store_id = "S0421"
data_dir = "data"

[mqtt]
host = "127.0.0.1"
"""


def doctor(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    (folder / "gateway.toml").write_text(TOML)
    command = [sys.executable, "-m", "gateway", "doctor", "--disk", "--config", str(folder / "gateway.toml"), *more]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_measures_a_real_folder_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    told = json.loads(doctor(tmp_path, "--json").stdout)
    assert told["puts"] == 400
    assert 0 < told["p50_ms"] <= told["p95_ms"] <= told["most_ms"]
    assert list((tmp_path / "data").iterdir()) == []


def test_a_person_reads_what_it_means_and_what_to_do(tmp_path: Path) -> None:
    answer = doctor(tmp_path)
    assert "fdatasync" in answer.stdout
    assert "\r" not in answer.stdout + answer.stderr  # no progress in a pipe


def test_without_a_configuration_it_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gateway", "doctor", "--disk", "--config", str(tmp_path / "none.toml")]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (answer.returncode, "no such file" in answer.stderr) == (2, True)


def test_each_put_is_one_sync_of_the_file(tmp_path: Path) -> None:
    code = (
        f"from pathlib import Path; from gateway.cli.doctor_disk import measure; measure(Path({str(tmp_path)!r}), 25)"
    )
    traced = ["strace", "-f", "-e", "trace=fdatasync", sys.executable, "-c", code]
    done = subprocess.run(traced, capture_output=True, text=True, check=True)
    assert done.stderr.count("fdatasync(") == 25


@pytest.mark.parametrize(
    ("times_ms", "verdict"),
    [
        ([4.0] * 100, "good"),
        ([4.0] * 90 + [120.0] * 10, "fit"),
        ([60.0] * 100, "not fit"),
        ([4.0] * 99 + [4_500.0], "not fit"),
        ([0.004] * 100, "not believed"),
    ],
)
def test_a_card_is_judged_by_what_a_cashier_would_notice(times_ms: list[float], verdict: str) -> None:
    found = judged("/data", [one / 1000 for one in times_ms])
    assert found.verdict == verdict
    assert found.text


def test_a_folder_that_takes_no_file_raises(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        measure(tmp_path / "not there", 1)


def test_a_file_of_that_name_is_left_alone(tmp_path: Path) -> None:
    taken = tmp_path / f"doctor-{os.getpid()}.tmp"
    taken.write_text("mine")
    with pytest.raises(FileExistsError):
        measure(tmp_path, 1)
    assert taken.read_text() == "mine"
