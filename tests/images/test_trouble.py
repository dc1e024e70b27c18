"""The page of a box that does not sell, over real sockets."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from gateway.demo.broker import free_port
from images.root import OVERLAY

PROGRAM = OVERLAY / "usr/lib/backroom-image/trouble.py"


@pytest.fixture(scope="module")
def ports() -> Iterator[tuple[int, int]]:
    """A page on a machine that has no /var/lib/backroom partition, which is any that is no box."""
    both = (free_port(), free_port())
    process = subprocess.Popen([sys.executable, "-I", str(PROGRAM), *map(str, both)], stderr=subprocess.DEVNULL)
    try:
        yield both
    finally:
        process.kill()
        process.wait()


def _asked(port: int, path: str = "/", method: str = "GET") -> tuple[int, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)
    for _ in range(200):
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            time.sleep(0.05)  # it is starting
    raise AssertionError("no page")


def test_it_says_what_is_wrong_and_what_to_do_on_both_ports(ports: tuple[int, int]) -> None:
    for port in ports:
        status, text = _asked(port)
        assert status == 503
        assert "The data partition of its card was not found" in text
        assert "<li>" in text
        assert "starts again by itself" in text


def test_a_till_that_asks_for_a_sale_is_not_told_that_it_was_kept(ports: tuple[int, int]) -> None:
    status, text = _asked(ports[1], "/v1/transactions", "POST")
    assert (status, "does not sell" in text) == (503, True)
    assert _asked(ports[1], "/v1/status", "HEAD") == (503, "")
