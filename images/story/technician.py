"""What is done to a card while it is out of its box: its boot partition is a FAT volume that any computer can write."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from gateway.errors import BackroomError
from images.card import ALIGN, DISK_ID
from images.story.vm import CONSOLE, HEADQUARTERS

GATEWAY_ID, STORE_ID = "S0421-1", "S0421"
ENTRY = "loader/entries/backroom.conf"
#: an emulated box is slow: its card may take minutes to show up, and a unit to start
PATIENCE = "systemd.default_device_timeout_sec=600 systemd.default_timeout_start_sec=600"
#: a starved emulator's timer looks broken to a PC's kernel
PATIENCE_OF = {"amd64": f"{PATIENCE} no_timer_check", "arm64": PATIENCE}
BACKROOM_TOML = """\
[gateway]
id = "{id}"
store_id = "{store}"
store_name = "Image test"
currency = "EUR"
timezone = "Europe/Berlin"

[mqtt]
host = "{host}"
port = {port}
username = "{id}"
password_file = "mqtt.password"
reconnect_most_s = 5.0

[api]
host = "0.0.0.0"
token_file = "api.token"
names = ["backroom.local"]

[barcode]
country = "DE"

[workstation.1]
scanners = ["scanner-1"]
scale = "scale-1"
printer = "printer-1"

[device.scanner-1]
driver = "scanner-evdev"
url = "evdev://0627:0001"

[device.scale-1]
driver = "scale-toledo-8217"
url = "serial:///dev/ttyUSB0?baud=9600&bits=7&parity=E"

[device.printer-1]
driver = "printer-escpos"
url = "lp:///dev/usb/lp0"
"""


class Card:
    """The image on a card of the given size."""

    def __init__(self, image: Path, file: Path, size: int) -> None:
        self.file = file
        subprocess.run(["cp", "--sparse=always", str(image), str(file)], check=True)
        os.truncate(file, size)
        self._data_starts = _start_of(file, 3)

    # --- its boot partition -----------------------------------------------------------------------------------------

    def configure(self, password: str, token: str) -> None:
        toml = BACKROOM_TOML.format(id=GATEWAY_ID, store=STORE_ID, host=HEADQUARTERS[0], port=HEADQUARTERS[1])
        self._write("backroom.toml", toml)
        self._mtools("mmd", "::/backroom-secrets")
        self._write("backroom-secrets/mqtt.password", password + "\n")
        self._write("backroom-secrets/api.token", token + "\n")

    def watch(self, arch: str) -> None:
        """For who watches a machine without a screen: the console on a serial line, and more patience."""
        entry = self._read(ENTRY).replace(" quiet loglevel=4", "").rstrip()
        self._write(ENTRY, f"{entry} systemd.show_status=1 {PATIENCE_OF[arch]} console={CONSOLE[arch]}\n")

    def put_key(self, public: str) -> None:
        self._write("authorized_keys", public)

    def result(self) -> str:
        """What the box wrote about its configuration."""
        return self._read("backroom-result.txt")

    def names(self) -> list[str]:
        return self._mtools("mdir", "-b", "::/").splitlines()

    # --- its data partition -----------------------------------------------------------------------------------------

    def check(self) -> str:
        """e2fsck's verdict, without changing anything; raises BackroomError where it finds an error."""
        part = self.file.with_suffix(".data")
        subprocess.run(
            [
                "dd",
                f"if={self.file}",
                f"of={part}",
                "bs=4M",
                f"skip={self._data_starts // ALIGN}",
                "conv=sparse",
                "status=none",
            ],
            check=True,
        )
        done = subprocess.run(["e2fsck", "-fn", str(part)], capture_output=True, text=True, check=False)
        part.unlink()
        if done.returncode:
            raise BackroomError(f"e2fsck finds errors on the data partition ({done.returncode}): {done.stdout[-600:]}")
        return done.stdout.splitlines()[-1]

    def ruin(self) -> None:
        """As a card does that wore out: every copy of what describes the data partition is gone."""
        with self.file.open("r+b") as card:
            card.seek(self._data_starts)
            while block := card.read(ALIGN):
                if block.strip(b"\0"):
                    card.seek(-len(block), os.SEEK_CUR)
                    card.write(b"\xff" * len(block))

    # --- mtools -----------------------------------------------------------------------------------------------------

    def _write(self, name: str, text: str) -> None:
        self._mtools("mcopy", "-o", "-", f"::/{name}", stdin=text)

    def _read(self, name: str) -> str:
        return self._mtools("mtype", f"::/{name}")

    def _mtools(self, program: str, *arguments: str, stdin: str = "") -> str:
        command = [program, "-i", f"{self.file}@@{ALIGN}", *arguments]
        done = subprocess.run(command, input=stdin.encode(), capture_output=True, check=False)
        if done.returncode:
            raise BackroomError(f"{program} {' '.join(arguments)} on {self.file}: {done.stderr.decode().strip()}")
        return done.stdout.decode()


def _start_of(card: Path, number: int) -> int:
    """The byte at which a partition starts, by the table itself."""
    with card.open("rb") as opened:
        table = opened.read(512)
    if table[440:444] != bytes.fromhex(DISK_ID)[::-1]:
        raise BackroomError(f"{card}: is no image of ours: its disk id is {table[440:444][::-1].hex()}")
    return int.from_bytes(table[446 + 16 * (number - 1) + 8 :][:4], "little") * 512
