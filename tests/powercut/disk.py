"""What a disk would hold after the power went: rebuilt from a trace of the system calls of a real run.

A file keeps what was synced: fdatasync or fsync makes durable what was written to that file before. A name in a folder
(created, unlinked, renamed) is durable once the folder was synced; names reach the disk in their order, as on a
journalled file system. All else may be on the disk or not, in any order, in whole sectors of 512 bytes. The folders
themselves were there before. `-shm` is left out: it is memory, and SQLite builds it anew.

Source: strace -f -y -xx; POSIX fsync; https://www.sqlite.org/atomiccommit.html, 2.0 (hardware assumptions).
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Literal

SECTOR = 512
CALLS = "openat,creat,pwrite64,write,ftruncate,fallocate,fdatasync,fsync,unlink,unlinkat,rename,renameat,renameat2"
#: how much of what was not synced is on the disk: nothing; all; some writes; all but a torn last one; some sectors
Variant = Literal["nothing", "everything", "some", "torn", "sectors"]
VARIANTS: tuple[Variant, ...] = ("nothing", "everything", "some", "torn", "sectors")

_LINE = re.compile(r"^(\d+) +(\w+)\((.*)$", re.DOTALL)
_RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)$", re.DOTALL)
_RESULT = re.compile(r"\)\s+= (-?\d+)")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_OPENED = re.compile(r"<((?:\\x[0-9a-f]{2})*)>(\(deleted\))?")


@dataclass(slots=True)
class Call:
    """One system call; `ends` is the place of its return among all lines (equal to `begins` mostly)."""

    name: str
    arguments: str
    begins: int
    ends: int
    result: int

    def texts(self) -> list[bytes]:
        return [_bytes(found) for found in _TEXT.findall(self.arguments)]

    def file(self) -> str:
        """The path of the descriptor that it acts on."""
        found = _OPENED.search(self.arguments)
        return _bytes(found.group(1)).decode() if found else ""

    def numbers(self) -> list[int]:
        """The last arguments: size and offset, or length."""
        return [int(word) for word in re.findall(r"-?\d+", self.arguments.rsplit('"', 1)[-1].rsplit(">", 1)[-1])]


def _bytes(escaped: str) -> bytes:
    return bytes.fromhex(escaped.replace("\\x", ""))


def traced(command: list[str], trace: Path) -> list[Call]:
    """Run a program under strace; its calls in the order in which they began."""
    words = ["strace", "-f", "-y", "-xx", "-s", "1000000", "-e", f"trace={CALLS}", "-o", str(trace), *command]
    done = subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"the traced program ended with {done.returncode}: {done.stderr[-3000:]}")
    with trace.open(encoding="ascii") as lines:
        return list(calls(lines))


def calls(lines: Iterator[str] | list[str]) -> list[Call]:
    """Calls that another thread interrupted in the trace are joined again; failed ones are left out."""
    found: list[Call] = []
    unfinished: dict[str, Call] = {}
    for place, line in enumerate(lines):
        resumed = _RESUMED.match(line)
        if resumed:
            call = unfinished.pop(resumed.group(1), None)
            if call is not None:
                call.ends, call.result = place, _result(resumed.group(3))
            continue
        begun = _LINE.match(line)
        if not begun:
            continue
        thread, name, rest = begun.groups()
        call = Call(name, rest.rsplit(") ", 1)[0], place, place, 0)
        if rest.rstrip().endswith("<unfinished ...>"):
            call.arguments = rest.rsplit("<unfinished", 1)[0]
            unfinished[thread] = call
        else:
            call.result = _result(rest)
        found.append(call)
    return [call for call in found if call.result >= 0]


def _result(rest: str) -> int:
    # the last one: a payload shown in hex holds no bracket, but a path may
    found = _RESULT.findall(rest)
    return int(found[-1]) if found else 0


@dataclass(slots=True)
class Change:
    """One write (data), or a new size (data is None), with its number among all changes."""

    number: int
    offset: int
    data: bytes | None

    def apply(self, content: bytearray) -> None:
        end = self.offset + len(self.data or b"")
        if self.data is None:
            del content[self.offset :]
        if len(content) < end:
            content.extend(bytes(end - len(content)))
        if self.data is not None:
            content[self.offset : end] = self.data

    def sectors(self) -> list[Change]:
        """The same write, sector by sector."""
        if self.data is None:
            return [self]
        pieces = []
        start = self.offset
        end = self.offset + len(self.data)
        while start < end:
            stop = min(end, (start // SECTOR + 1) * SECTOR)
            pieces.append(Change(self.number, start, self.data[start - self.offset : stop - self.offset]))
            start = stop
        return pieces


@dataclass(eq=False, slots=True)
class Inode:
    durable: bytearray = field(default_factory=bytearray)
    pending: list[Change] = field(default_factory=list)
    #: where a plain write goes next
    position: int = 0

    def sync(self, before: int) -> None:
        """Everything that was written before that change is on the disk."""
        for change in self.pending:
            if change.number < before:
                change.apply(self.durable)
        self.pending = [change for change in self.pending if change.number >= before]

    def content(self, variant: Variant, random: Random, last: int) -> bytes:
        image = bytearray(self.durable)
        for change in self._chosen(variant, random, last):
            change.apply(image)
        return bytes(image)

    def _chosen(self, variant: Variant, random: Random, last: int) -> list[Change]:
        if variant == "nothing":
            return []
        if variant == "everything":
            return self.pending
        if variant == "torn":
            whole = [change for change in self.pending if change.number != last]
            torn = [piece for change in self.pending if change.number == last for piece in change.sectors()]
            return whole + [piece for piece in torn[:-1] if random.random() < 0.5]
        pieces = list(self.pending)
        if variant == "sectors":
            pieces = [piece for change in self.pending for piece in change.sectors()]
        share = random.choice((0.1, 0.5, 0.9))
        pieces = [piece for piece in pieces if random.random() < share]
        random.shuffle(pieces)
        return pieces


Names = dict[str, Inode]
#: (folder, name, what it now names; None: nothing)
NameChange = tuple[str, str, Inode | None]


class Disk:
    """Replays calls on the files below `folders`; cut() says what is left of them if the power goes now."""

    def __init__(self, folders: list[Path]) -> None:
        self._folders = [str(folder) for folder in folders]
        self._live: dict[str, Names] = {folder: {} for folder in self._folders}
        self._durable: dict[str, Names] = {folder: {} for folder in self._folders}
        self._renamed: list[NameChange] = []
        self._changes = 0

    def knows(self, path: str) -> bool:
        folder, _, name = path.rpartition("/")
        return folder in self._live and not name.endswith("-shm")

    def apply(self, call: Call) -> None:
        if call.name in ("unlink", "unlinkat", "rename", "renameat", "renameat2"):
            self._names([text.decode() for text in call.texts()])
        elif call.name in ("openat", "creat"):
            self._open(call.texts()[0].decode(), call.name == "creat" or "O_CREAT" in call.arguments, call.arguments)
        elif self.knows(call.file()):
            self._content(call)

    def _names(self, paths: list[str]) -> None:
        if not self.knows(paths[0]):
            return
        folder, _, name = paths[0].rpartition("/")
        inode = self._live[folder].pop(name, None)
        if inode is None:
            return
        if len(paths) == 2:
            to_folder, _, to_name = paths[1].rpartition("/")
            self._link(to_folder, to_name, inode)
        self._renamed.append((folder, name, None))

    def _link(self, folder: str, name: str, inode: Inode) -> None:
        self._live[folder][name] = inode
        self._renamed.append((folder, name, inode))

    def _open(self, path: str, creates: bool, flags: str) -> None:
        if not self.knows(path):
            return
        folder, _, name = path.rpartition("/")
        if creates and name not in self._live[folder]:
            self._link(folder, name, Inode())
        inode = self._live[folder].get(name)
        if inode is not None and "O_TRUNC" in flags:
            self._add(inode, 0, None)
        if inode is not None:
            inode.position = 0

    def _content(self, call: Call) -> None:
        folder, _, name = call.file().rpartition("/")
        inode = self._live[folder].get(name)
        if inode is None:
            return  # it was unlinked while open: no name leads to it any more
        if call.name == "pwrite64":
            self._add(inode, call.numbers()[-1], call.texts()[0][: call.result])
        elif call.name == "write":
            self._add(inode, inode.position, call.texts()[0][: call.result])
            inode.position += call.result
        elif call.name == "ftruncate":
            self._add(inode, call.numbers()[-1], None)
        elif call.name not in ("fsync", "fdatasync"):
            raise AssertionError(f"{call.name} on {call.file()}: this model of a disk does not know it")

    def _add(self, inode: Inode, offset: int, data: bytes | None) -> None:
        inode.pending.append(Change(self._changes, offset, data))
        self._changes += 1

    @property
    def changes(self) -> int:
        return self._changes

    def sync(self, path: str, before: int) -> None:
        """fsync or fdatasync of a file or a folder, which began when `before` changes had been made."""
        if path in self._live:
            self._renamed = self._reach(self._renamed, path, self._durable[path])
            return
        folder, _, name = path.rpartition("/")
        inode = self._live.get(folder, {}).get(name)
        if inode is not None:
            inode.sync(before)

    @staticmethod
    def _reach(changes: list[NameChange], folder: str, names: Names) -> list[NameChange]:
        for of_folder, name, inode in changes:
            if of_folder == folder:
                _rename(names, name, inode)
        return [change for change in changes if change[0] != folder]

    def cut(self, variant: Variant, random: Random, into: dict[str, Path]) -> None:
        """Write the files as they are left into other folders; `into`: folder -> its copy, which is empty."""
        keep = {"nothing": 0, "everything": len(self._renamed), "torn": len(self._renamed)}.get(variant)
        if keep is None:
            keep = random.randint(0, len(self._renamed))
        for folder, names in self._durable.items():
            left = dict(names)
            for of_folder, name, inode in self._renamed[:keep]:
                if of_folder == folder:
                    _rename(left, name, inode)
            for name, inode in left.items():
                (into[folder] / name).write_bytes(inode.content(variant, random, self._changes - 1))


def _rename(names: Names, name: str, inode: Inode | None) -> None:
    if inode is None:
        names.pop(name, None)
    else:
        names[name] = inode
