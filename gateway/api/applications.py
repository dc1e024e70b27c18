"""Programs of the shop that were paired with this box, each with a token of its own.

A technician asks for a code on his page and gives it to the program, which trades it for its token: once, and within
minutes. The box keeps a token's SHA-256 only, so nobody can read one out of the box; a program that lost its token is
paired again. Codes live in memory: a restart ends them.

File:  applications.json in the data folder, mode 600, replaced whole by rename: {"applications": [...]}.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.api.scopes import Grant, Scope
from gateway.errors import ConfigError, PairingRefused

FILE = "applications.json"
CODE_LIVES_S = 600.0
#: neither 0 and O, nor 1, I and L: the code is read from a screen and typed
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
CODE_LENGTH = 8
#: then all codes end: 10 guesses at 31^8 codes are worth nothing
WRONG_CODES_MOST = 10
APPLICATIONS_MOST = 100

Name = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]


class Application(BaseModel):
    """A paired program. id: what revokes it; sha256: of its token."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    name: Name
    scopes: list[Scope]
    paired_at: datetime
    sha256: str


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    applications: list[Application]


@dataclass(frozen=True, slots=True)
class Code:
    """A code that waits for its program. until: monotonic seconds."""

    code: str
    name: str
    scopes: frozenset[Scope]
    until: float


class Applications:
    """now: the wall clock, for people; monotonic: what a code's life is measured with.

    Raises (when built):
        ConfigError: the file is there and cannot be read.
    """

    def __init__(self, folder: Path, now: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._path, self._now, self._monotonic = folder / FILE, now, monotonic
        self._known = {one.sha256: one for one in _read(self._path)}
        self._codes: dict[str, Code] = {}
        self._wrong = 0

    def listed(self) -> list[Application]:
        return sorted(self._known.values(), key=lambda one: one.paired_at)

    def find(self, token: str) -> Grant | None:
        """What the paired program with this token may do; looked up by hash, so that the time tells nothing of it."""
        known = self._known.get(_sha256(token.strip()))
        return Grant(known.name, frozenset(known.scopes), paired=True) if known is not None else None

    def offer(self, name: str, scopes: Iterable[Scope]) -> Code:
        """A new code for a program of that name.

        Raises:
            PairingRefused: the name is taken, there are no scopes, or too many programs are paired.
        """
        wanted = frozenset(scopes)
        if not wanted:
            raise PairingRefused("say what the program may do: give it at least one scope", field="scopes")
        if name.casefold() in {one.name.casefold() for one in self._known.values()}:
            raise PairingRefused(f"a program {name!r} is paired already: revoke it, or take another name", field="name")
        if len(self._known) >= APPLICATIONS_MOST:
            raise PairingRefused(f"{APPLICATIONS_MOST} programs are paired: revoke one that is no longer used")
        self._forget_old()
        code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
        offered = self._codes[code] = Code(code, name, wanted, self._monotonic() + CODE_LIVES_S)
        return offered

    def pair(self, code: str) -> tuple[Application, str]:
        """Trade a code for a token: (the program, its token). The token is shown this once.

        Raises:
            PairingRefused: there is no such code, or it ended.
        """
        self._forget_old()
        plain = "".join(character for character in code.upper() if character.isalnum())
        offered = self._codes.pop(plain, None)
        if offered is None:
            self._wrong += 1
            if self._wrong >= WRONG_CODES_MOST:
                self._codes.clear()
                self._wrong = 0
            raise PairingRefused(
                "no such code, or it ended: ask for a new one on the technician's page", reason="no_such_code"
            )
        self._wrong = 0
        token = secrets.token_urlsafe(32)
        program = Application(
            id=secrets.token_hex(4),
            name=offered.name,
            scopes=sorted(offered.scopes),
            paired_at=self._now(),
            sha256=_sha256(token),
        )
        self._keep({**self._known, program.sha256: program})
        return program, token

    def revoke(self, application_id: str) -> Application | None:
        """End a program's token at once; None: there is no such program."""
        gone = next((one for one in self._known.values() if one.id == application_id), None)
        if gone is not None:
            self._keep({sha256: one for sha256, one in self._known.items() if one is not gone})
        return gone

    def _forget_old(self) -> None:
        now = self._monotonic()
        self._codes = {code: one for code, one in self._codes.items() if one.until > now}

    def _keep(self, known: dict[str, Application]) -> None:
        """On disk before it holds: whole or not at all."""
        text = _File(applications=list(known.values())).model_dump_json(indent=1)
        beside = self._path.with_suffix(".new")
        try:
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
                out.write(text)
                out.flush()
                os.fsync(out.fileno())
            beside.replace(self._path)
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise PairingRefused(
                f"{self._path} cannot be written: {error.strerror}; nothing changed", reason="not_kept"
            ) from error
        self._known = known


def _read(path: Path) -> list[Application]:
    try:
        return _File.model_validate_json(path.read_bytes()).applications
    except FileNotFoundError:
        return []
    except (OSError, ValidationError, json.JSONDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not what this program wrote"
        raise ConfigError(
            f"{path}: the list of paired programs cannot be read: {why}; move it away and pair them again"
        ) from error


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
