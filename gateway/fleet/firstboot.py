"""Takes over the configuration that a technician put on the boot partition, which any computer can write.

    backroom.toml            the box's gateway.toml
    backroom-secrets/        the files that it names: passwords, tokens, certificates
    backroom-result.txt      written here: what was accepted, or what is wrong and what to do

All or nothing: what is not right changes nothing, and the configuration before stays in force. Everything is first
written beside its place, then renamed, the configuration last; so a power cut leaves the old one, or the new one with
all its secrets. A start after it finds backroom.toml still there and does the rest.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import ConfigError
from gateway.places import CREDENTIALS, DEFAULT

OFFERED = "backroom.toml"
ACCEPTED = "backroom-accepted.toml"
SECRETS = "backroom-secrets"
RESULT = "backroom-result.txt"
IN_FORCE = "gateway.toml"
#: the daemon's group may read the configuration; secrets are root's own, and systemd hands them over
CONFIG_MODE, SECRET_MODE = 0o640, 0o600
NEW = ".new"


@dataclass(frozen=True, slots=True)
class Offer:
    """A configuration that was found right. about: what it is, in a few words. secrets: files that it names.

    hostname: what the machine shall be called, where that was asked.
    """

    about: str
    secrets: tuple[Path, ...]
    hostname: str | None = None


@dataclass(slots=True)
class Outcome:
    """well: nothing was refused. text: for the technician, as it stands in backroom-result.txt."""

    well: bool
    text: str


class FirstBoot:
    """run() once.

    read: checks a configuration (its file, the folder of its secrets); raises ConfigError, a line for each fault.
    group: who may read the configuration; rename: gives the machine its name and raises OSError where it cannot.
    default: the package's own configuration; a box that has it has none yet.
    """

    def __init__(
        self,
        boot: Path,
        home: Path,
        read: Callable[[Path, Path], Offer],
        rename: Callable[[str], None],
        group: str = "backroom",
        default: Path = DEFAULT,
    ) -> None:
        self._boot, self._home, self._read, self._rename, self._group = boot, home, read, rename, group
        self._credentials = home / CREDENTIALS
        self._in_force = home / IN_FORCE
        self._default = default

    def run(self) -> Outcome:
        offered = self._boot / OFFERED
        if not offered.is_file():
            if self._configured() and not self._misnamed():
                return Outcome(True, f"nothing to take over: there is no {offered}")
            return self._told(Outcome(self._misnamed() is None, self._missing()))
        try:
            offer = self._read(offered, self._boot / SECRETS)
            outcome = self._take_over(offered, offer)
        except ConfigError as error:
            outcome = Outcome(False, self._refused(str(error).splitlines()))
        except OSError as error:
            fault = f"{error.filename or self._home}: {error.strerror}; the box could not write its own files"
            outcome = Outcome(False, self._refused([fault]))
        return self._told(outcome)

    # --- taking over ------------------------------------------------------------------------------------------------

    def _take_over(self, offered: Path, offer: Offer) -> Outcome:
        notes: list[str] = []
        moved = sorted({path for path in offer.secrets if path.parent == self._boot / SECRETS})
        self._credentials.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left_over in self._credentials.glob(f"*{NEW}"):
            left_over.unlink()  # of a power cut; systemd would hand it to the daemon
        places = {self._credentials / path.name: path for path in moved} | {self._in_force: offered}
        try:
            for place, source in places.items():
                _write(_new(place), source.read_bytes(), CONFIG_MODE if source is offered else SECRET_MODE)
        except OSError:
            for place in places:
                _new(place).unlink(missing_ok=True)
            raise
        try:
            shutil.chown(_new(self._in_force), group=self._group)
        except (LookupError, PermissionError):
            notes.append(f"There is no group {self._group} here, so only root can read the configuration.")
        for place in places:
            _new(place).rename(place)
        _sync(self._credentials)
        _sync(self._home)
        if offer.hostname:
            notes.append(self._named(offer.hostname))
        notes += self._tidy(offered, moved)
        return Outcome(True, self._accepted(offer, [path.name for path in moved], notes))

    def _named(self, hostname: str) -> str:
        try:
            self._rename(hostname)
        except OSError as error:
            return f"The host name could not be set to {hostname}: {error}. Everything else is in force."
        return f"The host name is now {hostname}."

    def _tidy(self, offered: Path, moved: list[Path]) -> list[str]:
        """Off the boot partition, where anybody with a card reader finds them."""
        notes = []
        try:
            for path in moved:
                path.unlink()
            offered.replace(self._boot / ACCEPTED)
        except OSError as error:
            notes.append(
                f"{error.filename}: {error.strerror}; take backroom.toml and {SECRETS} off this card yourself."
            )
        left = sorted(path.name for path in (self._boot / SECRETS).glob("*"))
        if left:
            notes.append(f"Left in {SECRETS}, for {OFFERED} names them nowhere: {', '.join(left)}.")
        elif (self._boot / SECRETS).is_dir():
            try:
                (self._boot / SECRETS).rmdir()
            except OSError:
                pass  # an empty folder says nothing
        return notes

    def _configured(self) -> bool:
        if not self._in_force.exists():
            return False
        return not self._default.exists() or self._in_force.read_bytes() != self._default.read_bytes()

    def _misnamed(self) -> Path | None:
        """Windows hides the end of a name, and adds one of its own."""
        return next((one for one in (self._boot / f"{OFFERED}.txt", self._boot / "backroom.txt") if one.exists()), None)

    # --- in words ---------------------------------------------------------------------------------------------------

    def _told(self, outcome: Outcome) -> Outcome:
        if self._boot.is_dir():
            try:
                # A note in Windows' own form can be read everywhere.
                (self._boot / RESULT).write_text(outcome.text + "\n", encoding="utf-8", newline="\r\n")
                _sync(self._boot)
            except OSError as error:
                outcome.text += f"\n({self._boot / RESULT} could not be written: {error.strerror})"
        return outcome

    def _accepted(self, offer: Offer, moved: list[str], notes: list[str]) -> str:
        lines = [f"Backroom took over {OFFERED}: {offer.about}.", ""]
        if moved:
            lines.append(f"Moved from {SECRETS} into the box: {', '.join(moved)}.")
        lines += [
            *notes,
            f"{OFFERED} is now called {ACCEPTED}. To change something, write a new {OFFERED} and start the box again.",
            "",
            "Next: the box opens for sales by itself. On the box, 'systemctl status backroom' and 'backroom doctor' say"
            " how it is.",
        ]
        return "\n".join(lines)

    def _refused(self, faults: list[str]) -> str:
        lines = [f"Backroom did NOT take over {OFFERED}. Nothing was changed.", "", "What is wrong:"]
        lines += [f"  - {fault}" for fault in faults]
        lines += ["", self._standing(), "", f"What to do: correct {OFFERED} on this card, then start the box again."]
        return "\n".join(lines)

    def _missing(self) -> str:
        lines = [f"There is no {OFFERED} on this card.", "", self._standing(), ""]
        if misnamed := self._misnamed():
            lines.append(f"What to do: rename {misnamed.name} to {OFFERED} (Windows hides the end of a name).")
        else:
            lines.append(
                f"What to do: write {OFFERED} here with a plain text editor, and the files of passwords that it names"
                f" into a folder {SECRETS}; then start the box again. {self._every_key()} shows every key."
            )
        return "\n".join(lines)

    def _every_key(self) -> str:
        beside = self._boot / f"{OFFERED}.example"
        return f"{beside.name} beside it" if beside.exists() else str(self._default.with_name("every-key.toml"))

    def _standing(self) -> str:
        if self._configured():
            return "The configuration from before stays in force, and the box sells as it did."
        return "This box has no configuration yet, so it does not sell."


def _new(place: Path) -> Path:
    """What stands beside a file until it takes its place."""
    return place.with_name(place.name + NEW)


def _write(path: Path, data: bytes, mode: int) -> None:
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
