"""What journald gets of a log record, over a real datagram socket, read as its native protocol says."""

from __future__ import annotations

import logging
import os
import socket
import struct
import subprocess
import sys
from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.log import Journal, Lines


class Journald:
    """The other end, as far as a test reads it: fields of one record."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(5)

    def record(self) -> dict[str, str]:
        data, ancillary, _flags, _address = self._socket.recvmsg(2**20, socket.CMSG_SPACE(4))
        if not data:
            [(_level, _kind, packed)] = ancillary
            [file] = array("i", packed)
            data = os.pread(file, 2**24, 0)
            with pytest.raises(PermissionError):
                os.write(file, b"x")  # sealed, as journald asks
            os.close(file)
        return unpacked(data)

    def close(self) -> None:
        self._socket.close()


def unpacked(data: bytes) -> dict[str, str]:
    fields = {}
    while data:
        line, _, rest = data.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            [length] = struct.unpack("<Q", rest[:8])
            value, rest = rest[8 : 8 + length], rest[8 + length + 1 :]
        fields[name.decode()] = value.decode()
        data = rest
    return fields


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[Journald]:
    other_end = Journald(tmp_path / "socket")
    yield other_end
    other_end.close()


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.setFormatter(Lines(journal=True))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def instead() -> Kept:
    return Kept()


@pytest.fixture
def log(tmp_path: Path, instead: Kept) -> Iterator[logging.Logger]:
    handler = Journal(instead, tmp_path / "socket")
    logger = logging.Logger("gateway.test")
    logger.addHandler(handler)
    yield logger
    handler.close()


def test_fields_stand_beside_the_message(log: logging.Logger, journald: Journald) -> None:
    log.warning("device offline: %s", "scale-1", extra={"device": "scale-1", "seq": 7})
    record = journald.record()
    assert record["MESSAGE"] == "device offline: scale-1"
    assert record["PRIORITY"] == "4"
    assert record["SYSLOG_IDENTIFIER"] == "backroom"
    assert (record["BACKROOM_DEVICE"], record["BACKROOM_SEQ"]) == ("scale-1", "7")
    assert record["BACKROOM_LOGGER"] == "gateway.test"
    assert record["CODE_FILE"] == __file__


def test_a_text_of_several_lines_stays_one_record(log: logging.Logger, journald: Journald) -> None:
    log.info("one\nPRIORITY=0\nthree")
    record = journald.record()
    assert record["MESSAGE"] == "one\nPRIORITY=0\nthree"
    assert record["PRIORITY"] == "6"


def test_a_traceback_comes_with_its_kind(log: logging.Logger, journald: Journald) -> None:
    try:
        raise ValueError("no scale")
    except ValueError:
        log.exception("failed")
    record = journald.record()
    assert record["BACKROOM_ERROR"] == "ValueError"
    assert record["MESSAGE"].startswith("failed\nTraceback")
    assert record["MESSAGE"].endswith("ValueError: no scale")


def test_what_no_datagram_holds_is_sent_as_a_sealed_file(log: logging.Logger, journald: Journald) -> None:
    text = "dm \N{SNOWMAN}\n" * 400_000
    log.error("%s", text)
    assert journald.record()["MESSAGE"] == text


def test_without_a_journal_the_line_goes_the_old_way(log: logging.Logger, instead: Kept) -> None:
    log.error("x", extra={"device": "scale-1"})
    assert instead.lines == ["<3>x [device=scale-1]"]


def test_a_journal_that_does_not_keep_up_holds_nobody_up_and_is_told_of_later(
    log: logging.Logger, journald: Journald, instead: Kept
) -> None:
    sent = 0
    handler = log.handlers[0]
    assert isinstance(handler, Journal)
    while handler._lost == 0:
        log.info("line %d", sent)
        sent += 1
    for number in range(sent - 1):
        assert journald.record()["MESSAGE"] == f"line {number}"
    log.info("it keeps up again")
    assert journald.record()["MESSAGE"] == "it keeps up again"
    assert "1 lines of this log are missing before this one" in journald.record()["MESSAGE"]
    assert instead.lines == []


SCRIPT = "import gateway.log as l, logging; l.configure(); print(type(logging.getLogger().handlers[0]).__name__)"


def test_only_a_standard_error_that_is_the_journals_makes_it_so(tmp_path: Path) -> None:
    with (tmp_path / "stderr").open("wb") as stderr:
        status = os.fstat(stderr.fileno())
        mine = os.environ | {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        inherited = os.environ | {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino + 1}"}
        command = [sys.executable, "-c", SCRIPT]
        said = [
            subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=stderr, check=True).stdout
            for environment in (mine, inherited)
        ]
    assert said == [b"Journal\n", b"StreamHandler\n"]
