"""`backroom pin` prints a hash that gateway.toml takes, and never the PIN."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

from retail.pins import verify_pin

COMMAND = [sys.executable, "-m", "gateway", "pin"]


def test_a_pin_from_a_pipe_becomes_its_hash() -> None:
    done = subprocess.run(COMMAND, input="47110815\n", capture_output=True, text=True, timeout=60, check=True)
    assert verify_pin("47110815", done.stdout.strip())
    assert "47110815" not in done.stdout + done.stderr


def test_what_is_no_pin_ends_with_2_and_words() -> None:
    done = subprocess.run(COMMAND, input="12\n", capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr == "backroom pin: a PIN has 4 to 12 digits, and nothing else\n"


def test_on_a_terminal_it_asks_twice_and_shows_neither() -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, COMMAND)
    said = b""
    for prompt, answer in ((b"PIN: ", b"47110815\n"), (b"again: ", b"47110815\n")):
        while not said.endswith(prompt):
            said += os.read(terminal, 1024)
        os.write(terminal, answer)
    while b"scrypt$" not in said or not said.endswith(b"\n"):
        try:
            said += os.read(terminal, 1024)
        except OSError:
            break
    assert os.waitpid(child, 0)[1] == 0
    os.close(terminal)
    assert b"47110815" not in said
    assert verify_pin("47110815", said.decode().split()[-1])
