"""`backroom doctor` where nothing is configured yet, and where something is not as it should be."""

from __future__ import annotations

import json
import socket
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


CONFIGURED = """
[gateway]
id = "S0421-1"
store_id = "S0421"

[mqtt]
host = "{host}"
port = {port}
"""


def test_sales_that_would_cross_a_network_unsealed_are_warned_of(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    command = [sys.executable, "-m", "gateway", "doctor", "--config", str(file), "--json"]
    with socket.create_server(("127.0.0.1", 0)) as broker:
        # 127.1 is a spelling of this machine that the configuration does not take for it: nothing leaves the test
        for host, verdict in (("127.1", "warn"), ("127.0.0.1", "ok")):
            file.write_text(CONFIGURED.format(host=host, port=broker.getsockname()[1]))
            told = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
            [found] = [finding for finding in told["findings"] if finding["check"] == "broker"]
            assert found["verdict"] == verdict
            assert ("without TLS" in found["text"]) is (verdict == "warn")
            assert ("[mqtt.tls] ca_file" in found["next_step"]) is (verdict == "warn")
