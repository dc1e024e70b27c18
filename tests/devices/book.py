"""A till's journal of payments in a file, and a process that can be killed at any of its entries."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gateway.peripherals import Pay, PaymentKind, PaymentResult


class Killed(Exception):
    """The process died here."""


class Book:
    """A journal in a file, as a till would keep it.

    dies: the entry at which the process is killed, and whether that is before it is on disk.
    """

    def __init__(self, path: Path, dies: tuple[str, bool] | None = None) -> None:
        self.path, self.dies = path, dies

    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()] if self.path.exists() else []

    def kinds(self) -> list[str]:
        return [entry["entry"] for entry in self.entries()]

    def _write(self, entry: str, **facts: Any) -> None:
        if self.dies == (entry, True):
            raise Killed(entry)
        with self.path.open("a") as file:
            file.write(json.dumps({"entry": entry, **facts}) + "\n")
            file.flush()
            os.fsync(file.fileno())
        if self.dies == (entry, False):
            raise Killed(entry)

    async def open_payments(self) -> Sequence[tuple[Pay, str]]:
        opened: dict[str, tuple[Pay, str]] = {}
        for entry in self.entries():
            if entry["entry"] == "intent":
                pay = entry["pay"] | {"kind": PaymentKind(entry["pay"]["kind"])}
                opened[pay["payment_id"]] = (Pay(**pay), entry["last_reference"])
            elif entry["entry"] == "resolved" or (entry["entry"] == "result" and not entry["held"]):
                opened.pop(entry["payment_id"], None)
        return list(opened.values())

    async def known(self, payment_id: str) -> bool:
        return any(entry["entry"] == "intent" and entry["pay"]["payment_id"] == payment_id for entry in self.entries())

    async def last_reference(self) -> str:
        references = [entry["reference"] for entry in self.entries() if entry.get("reference")]
        return references[-1] if references else ""

    async def intent(self, pay: Pay, last_reference: str) -> None:
        self._write("intent", pay=asdict(pay), last_reference=last_reference)

    async def accepted(self, payment_id: str) -> None:
        self._write("accepted", payment_id=payment_id)

    async def result(self, result: PaymentResult) -> None:
        self._write("result", **asdict(result))

    async def unknown(self, payment_id: str, why: str) -> None:
        self._write("unknown", payment_id=payment_id, why=why)

    async def resolved(self, result: PaymentResult) -> None:
        self._write("resolved", **asdict(result))
