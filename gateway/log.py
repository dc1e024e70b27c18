"""Logging: one line a fact, with journald fields; colour nowhere; never card data, never a token.

Under systemd each record goes to the journal in its own protocol, so that it can be asked by field:

    journalctl -u backroom BACKROOM_DEVICE=scale-1

At a terminal a line carries time, level and text. Where standard error is a pipe to the journal but its socket does not
answer, a line carries its level as <N> (sd-daemon(3)) and its fields as key=value.

Source: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/ ; systemd.exec(5), $JOURNAL_STREAM; systemd.journal-fields(7).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import socket
import struct
import sys
from array import array
from pathlib import Path

SYSLOG_PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
FIELDS = ("device", "seq", "epoch", "topic", "feed", "workstation")
JOURNAL = Path("/run/systemd/journal/socket")
IDENTIFIER = "backroom"
#: the event loop waits no longer for a journal that does not keep up; what is lost is counted, and told later
WAIT_S = 0.2
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL


class Lines(logging.Formatter):
    def __init__(self, journal: bool) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S")
        self.journal = journal

    def format(self, record: logging.LogRecord) -> str:
        if self.journal:
            record.asctime = ""
            text = f"<{SYSLOG_PRIORITY.get(record.levelno, 6)}>{record.getMessage()}"
            if record.exc_info:
                text += "\n" + self.formatException(record.exc_info)
        else:
            text = super().format(record)
        fields = " ".join(f"{name}={record.__dict__[name]}" for name in FIELDS if name in record.__dict__)
        return f"{text} [{fields}]" if fields and self.journal else text


class Journal(logging.Handler):
    """Sends records to journald; where it does not answer, to `instead`."""

    def __init__(self, instead: logging.Handler, path: Path = JOURNAL) -> None:
        super().__init__()
        self._instead, self._path, self._lost = instead, str(path), 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.settimeout(WAIT_S)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._send(packed(self._fields(record)))
        except TimeoutError:
            # Standard error ends at the same journal, and writing there would wait for ever.
            self._lost += 1
        except OSError:
            self._instead.handle(record)
        except Exception:  # noqa: BLE001  logging's own way: a record that cannot be written must not end its sender
            self.handleError(record)
        else:
            self._own_up()

    def _fields(self, record: logging.LogRecord) -> dict[str, str]:
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + (self.formatter or logging.Formatter()).formatException(record.exc_info)
        fields = {
            "MESSAGE": text,
            "PRIORITY": str(SYSLOG_PRIORITY.get(record.levelno, 6)),
            "SYSLOG_IDENTIFIER": IDENTIFIER,
            "CODE_FILE": record.pathname,
            "CODE_LINE": str(record.lineno),
            "CODE_FUNC": record.funcName or "",
            "BACKROOM_LOGGER": record.name,
        }
        if record.exc_info and record.exc_info[0]:
            fields["BACKROOM_ERROR"] = record.exc_info[0].__name__
        extra = record.__dict__
        return fields | {f"BACKROOM_{name.upper()}": str(extra[name]) for name in FIELDS if name in extra}

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendto(data, self._path)
        except OSError as error:
            if error.errno not in (errno.EMSGSIZE, errno.ENOBUFS):
                raise
            self._send_file(data)

    def _send_file(self, data: bytes) -> None:
        """What is too long for a datagram goes as a sealed file in memory, whose descriptor is sent."""
        file = os.memfd_create("backroom-log", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(file, view) :]
            fcntl.fcntl(file, fcntl.F_ADD_SEALS, SEALS)
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", [file]))]
            self._socket.sendmsg([b""], ancillary, 0, self._path)
        finally:
            os.close(file)

    def _own_up(self) -> None:
        if self._lost:
            lost, self._lost = self._lost, 0
            text = f"the journal did not keep up: {lost} lines of this log are missing before this one"
            fields = {"MESSAGE": text, "PRIORITY": "4", "SYSLOG_IDENTIFIER": IDENTIFIER}
            with contextlib.suppress(OSError):
                self._send(packed(fields))

    def close(self) -> None:
        self._socket.close()
        super().close()


def packed(fields: dict[str, str]) -> bytes:
    """The journal's native form: NAME=value, or for a value of several lines NAME, its length and the value."""
    parts: list[bytes] = []
    for name, value in fields.items():
        data = value.encode(errors="backslashreplace")
        if b"\n" in data:
            parts += [name.encode(), b"\n", struct.pack("<Q", len(data)), data, b"\n"]
        else:
            parts += [name.encode(), b"=", data, b"\n"]
    return b"".join(parts)


def stderr_is_the_journal() -> bool:
    """$JOURNAL_STREAM names the file that systemd gave us; a child whose output goes elsewhere inherits it too."""
    try:
        status = os.fstat(2)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def configure(level: str = "info") -> None:
    """Send the log to the journal where standard error goes there, else to standard error."""
    journal = stderr_is_the_journal()
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(Lines(journal))
    root = logging.getLogger()
    root.handlers[:] = [Journal(lines) if journal else lines]
    root.setLevel(level.upper())
    for noisy in ("uvicorn.access", "uvicorn.error", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
