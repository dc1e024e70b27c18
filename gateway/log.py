"""Logging: one line a fact, with journald fields; colour nowhere; never card data, never a token.

Under systemd the journal adds time and unit, so the line carries only level (as <N>, sd-daemon(3)) and text; at a
terminal it carries the time too. Extra fields (`extra={"device": ...}`) follow as key=value.
"""

from __future__ import annotations

import logging
import os
import sys

SYSLOG_PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
FIELDS = ("device", "seq", "epoch", "topic", "feed", "workstation")


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


def configure(level: str = "info") -> None:
    """Send the log to standard error, in journald's form where systemd reads it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines(journal="JOURNAL_STREAM" in os.environ))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("uvicorn.access", "uvicorn.error", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
