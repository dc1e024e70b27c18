"""`import promotions`: rules as docs/promotions-rules.schema.json has them. In CSV a rule is JSON in one cell."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from cloud_erp.feeds import service as feeds
from cloud_erp.imports.kind import Change, Document, Documents, Kind
from cloud_erp.imports.sheet import Columns, Faults, Line
from cloud_erp.text import printable
from retail.promotions import Engine, PromotionError, Rule, read_rule
from retail.wire.rows import PROMOTIONS, PromotionRow

LONGEST_ID = 128


class Promotions(Kind):
    name = PROMOTIONS
    feed = PROMOTIONS
    model = PromotionRow
    key = "rule_id"
    columns = Columns(("rule",), ("rule",))
    lists = ("rules",)

    def known(self, connection: Connection) -> Documents:
        return feeds.known_rows(connection, PROMOTIONS)

    def write(self, connection: Connection, change: Change) -> int:
        return feeds.put(connection, PROMOTIONS, change.written() | dict.fromkeys(change.deleted))

    def label(self, document: Document) -> str:
        name = document["rule"].get("name", "")
        return str(name.get("en") or next(iter(name.values()), "")) if isinstance(name, dict) else str(name)

    def rows(self, lines: Sequence[Line], known: Documents, faults: Faults) -> dict[str, tuple[int, Document]]:
        found: dict[str, tuple[int, Document]] = {}
        for line in lines:
            rule = self._rule(line, faults)
            if rule is None:
                continue
            rule_id = read_rule(rule).id
            if rule_id in found:
                faults.add(line.row, "id", f"{rule_id} stands in row {found[rule_id][0]} too; keep one", "twice")
                continue
            found[rule_id] = line.row, {"rule_id": rule_id, "rule": rule}
        return found

    def together(self, rows: Mapping[str, tuple[int, Document]], known: Documents, faults: Faults) -> None:
        """All rules that would be in force are compiled, as the tills will."""
        whole = known | {rule_id: document for rule_id, (_, document) in rows.items()}
        rules = [rule for document in whole.values() if (rule := _readable(document["rule"])) is not None]
        try:
            Engine.compile(rules)
        except PromotionError as error:
            row = next((row for rule_id, (row, _) in rows.items() if rule_id in error.where), 1)
            faults.add(row, error.where or "rule", str(error), "promotion")

    def _rule(self, line: Line, faults: Faults) -> dict[str, Any] | None:
        rule: Any = line.given
        if line.cells is not None:
            try:
                rule = json.loads(line.cells["rule"])
            except (ValueError, RecursionError) as error:
                faults.add(line.row, "rule", f"is not JSON: {error}", "json")
                return None
        if isinstance(rule, dict) and set(rule) == {"rule_id", "rule"}:
            rule = rule["rule"]
        try:
            rule_id = read_rule(rule, line.row).id
        except PromotionError as error:
            field = error.where.partition(", ")[2] or "rule"
            faults.add(line.row, printable(field), printable(str(error)), "promotion")
            return None
        if len(rule_id) > LONGEST_ID:
            faults.add(line.row, "id", f"is longer than {LONGEST_ID} characters; shorten it", "too_long")
            return None
        return dict(rule)


def _readable(rule: dict[str, Any]) -> Rule | None:
    """None: an earlier version took a rule that this one does not; the tills leave it out, too, and say so."""
    try:
        return read_rule(rule)
    except PromotionError:
        return None
