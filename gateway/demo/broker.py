"""A real Mosquitto on a loopback port of its own, with a password per client and the product's own access rules."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import socket
import subprocess
from pathlib import Path

from gateway.errors import BackroomError

CORE_USER = "hq-core"

#: what the fleet's broker enforces (wire.md, "Security"): a gateway writes only below its own id
ACCESS = f"""\
user {CORE_USER}
topic readwrite edge/v1/#
topic read $SYS/#

pattern write edge/v1/%u/up/#
pattern readwrite edge/v1/%u/state
pattern write edge/v1/%u/birth
pattern write edge/v1/%u/dev/#
pattern read edge/v1/%u/down/#
pattern read edge/v1/hq/state
"""


def free_port() -> int:
    """A port that nobody has, from below those that the kernel gives out: else it could hand this one to another."""
    while True:
        port = 10_000 + secrets.randbelow(22_000)
        if is_free(port):
            return port


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


class Mosquitto:
    """start(), stop(), kill(): the port and the users stay the same in between, what the broker held does not.

    users: name -> password. Only processes started here are ended here.
    """

    def __init__(self, folder: Path, users: dict[str, str], port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self._users = users
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    async def start(self) -> None:
        program = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if program is None:
            raise BackroomError("mosquitto is not installed: apt-get install mosquitto")
        self._write_files()
        log = (self.folder / "mosquitto.log").open("ab")
        self._process = subprocess.Popen(  # noqa: ASYNC220  starting is quick, and it outlives this call
            [program, "-c", str(self.folder / "mosquitto.conf")], stdout=log, stderr=log, start_new_session=True
        )
        log.close()
        for _ in range(200):
            if self._process.poll() is not None:
                break
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return
        tail = (self.folder / "mosquitto.log").read_text(errors="replace")[-500:]
        raise BackroomError(f"mosquitto did not start on 127.0.0.1:{self.port}: {tail}")

    def _write_files(self) -> None:
        passwords = self.folder / "passwords"
        passwords.write_text("".join(f"{name}:{password}\n" for name, password in self._users.items()))
        passwords.chmod(0o600)
        subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True)
        access = self.folder / "access"
        access.write_text(ACCESS)
        access.chmod(0o600)
        user = "user root\n" if os.geteuid() == 0 else ""
        (self.folder / "mosquitto.conf").write_text(
            f"{user}listener {self.port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\n"
            f"acl_file {access}\npersistence false\nlog_dest stderr\nlog_type error\nlog_type warning\n"
            "max_inflight_messages 100\nmax_queued_messages 10000\nset_tcp_nodelay true\n"
        )

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        self._end(kill=False)

    def kill(self) -> None:
        self._end(kill=True)

    def _end(self, kill: bool) -> None:
        if self._process is None:
            return
        if kill:
            self._process.kill()
        else:
            self._process.terminate()
        self._process.wait()
        self._process = None
