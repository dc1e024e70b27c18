"""`backroom simulate` and `backroom probe` as people run them, against each other."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from gateway.cli.devices import pair, probe, simulate, typed

app = typer.Typer()
app.command()(probe)
app.command()(simulate)
CODE = (
    "import typer; from gateway.cli.devices import probe, simulate;"
    "app = typer.Typer(); app.command()(probe); app.command()(simulate); app()"
)


def started(*arguments: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", CODE, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def until(condition: Callable[[], object], within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def probed(*arguments: str) -> list[dict[str, Any]]:
    run = subprocess.run([sys.executable, "-c", CODE, "probe", *arguments], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_a_scale_simulated_on_a_pty_is_probed(tmp_path: Path) -> None:
    path = tmp_path / "scale"
    with started("simulate", "scale-toledo-8217", "--pty", str(path), "--set", "grams=450") as simulator:
        until(path.is_symlink)
        facts = probed("scale-toledo-8217", f"pty://{path}", "--hex", "--seconds", "1")
        simulator.send_signal(signal.SIGINT)
    assert {"line": "in", "hex": "02 30 30 2e 34 35 30 0d", "bytes": 8}.items() <= facts[1].items()
    answer = next(fact for fact in facts if fact.get("event") == "Answer")
    weight = {"grams": 450, "stable": True, "net": False, "status": "stable_weight", "price_minor": None}
    assert answer["result"] == weight
    assert answer["at"].endswith("Z")


def test_a_printer_simulated_on_tcp_is_probed_and_its_knobs_turn(tmp_path: Path) -> None:
    with started("simulate", "printer-escpos", "--listen", "tcp://127.0.0.1:0") as simulator:
        assert simulator.stderr is not None
        assert simulator.stdin is not None
        url = simulator.stderr.readline().split()[2].rstrip(";")
        simulator.stdin.write("paper=none\ncover_open=yes\n")
        simulator.stdin.flush()
        assert "no knob 'paper'" in simulator.stderr.readline()
        until(lambda: probed("printer-escpos", url, "--seconds", "0.5")[-1]["result"]["cover_open"])
        simulator.send_signal(signal.SIGINT)


def test_without_a_name_simulators_are_listed_with_their_knobs() -> None:
    run = CliRunner().invoke(app, ["simulate"])
    assert run.exit_code == 0
    assert "scale-toledo-8217 (scale)" in run.stdout
    assert "    grams: what lies on the pan" in run.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["probe", "scale-toledo-8271", "pty:///x"], "did you mean 'scale-toledo-8217'"),
        (["probe", "scanner-line", "pty:///x", "--option", "sufix=cr"], "did you mean 'suffix'"),
        (["simulate", "scale-toledo-8217"], "say where"),
        (["simulate", "scale-toledo-8217", "--listen", "localhost"], "tcp://127.0.0.1:PORT"),
        (["simulate", "scale-toledo-8217", "--pty", "x", "--set", "weight=1"], "no knob 'weight'"),
    ],
)
def test_mistakes_are_told_in_one_line(arguments: list[str], said: str) -> None:
    run = CliRunner().invoke(app, arguments)
    assert run.exit_code == 2
    assert said in " ".join(run.output.replace("│", " ").split())


def test_options_are_typed_as_the_configuration_would() -> None:
    assert [typed(value) for value in ("48", "-1", "0.5", "true", "cr", "1e3")] == [48, -1, 0.5, True, "cr", "1e3"]
    assert pair("scan=a=b") == ("scan", "a=b")
