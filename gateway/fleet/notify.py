"""What the daemon tells systemd: that it is ready, how it is in words, that it is alive, that it ends.

Source: sd_notify(3), sd_watchdog_enabled(3): datagrams of VARIABLE=value lines to the socket of $NOTIFY_SOCKET.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import MutableMapping

log = logging.getLogger(__name__)

#: systemd that is busy holds up the event loop no longer
WAIT_S = 1.0


class Notifier:
    """Without a socket every message goes nowhere: a daemon at a terminal has nobody to tell.

    watchdog_s: seconds in which systemd wants to hear from us; None if it does not watch.
    """

    def __init__(self, address: str | None, watchdog_s: float | None = None) -> None:
        self._address = f"\0{address[1:]}" if address and address.startswith("@") else address
        self.watchdog_s = watchdog_s if address else None
        self._failed = False

    @classmethod
    def from_environment(cls, environment: MutableMapping[str, str] = os.environ) -> Notifier:
        """Takes the variables out of it, so that no child process speaks for us."""
        address = environment.pop("NOTIFY_SOCKET", None)
        microseconds, process = environment.pop("WATCHDOG_USEC", ""), environment.pop("WATCHDOG_PID", "")
        watched = microseconds.isdigit() and int(microseconds) > 0 and process in ("", str(os.getpid()))
        return cls(address, int(microseconds) / 1e6 if watched else None)

    @property
    def heard(self) -> bool:
        return self._address is not None

    def status(self, text: str) -> None:
        """One line in words, for `systemctl status`."""
        self._tell(f"STATUS={_one_line(text)}")

    def ready(self, text: str) -> None:
        self._tell(f"READY=1\nSTATUS={_one_line(text)}")

    def alive(self) -> None:
        self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        self._tell("STOPPING=1\nSTATUS=stopping: open requests end, the money file is closed")

    def _tell(self, message: str) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
                line.settimeout(WAIT_S)
                line.sendto(message.encode(), self._address)
        except OSError as error:
            if not self._failed:
                log.warning("systemd does not hear us (%s); it may restart the daemon", error)
            self._failed = True
        else:
            self._failed = False


def _one_line(text: str) -> str:
    return " ".join(text.split())
