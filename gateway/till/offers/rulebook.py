"""The store's rules: feed `promotions`, compiled once a version, in a thread, while the version before goes on pricing.

A rule that cannot be read or compiled is left out: it is logged, headquarters is told once, and the others hold.
Nothing of the engine is loaded while the feed is empty and nobody gives a discount by hand.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.errors import QueueError
from gateway.queue.inbox import Inbox
from gateway.queue.outbox import Outbox
from retail.wire.rows import PROMOTIONS

if TYPE_CHECKING:
    from retail.promotions import Engine, Rule

log = logging.getLogger(__name__)

#: so many of the rules that were left out are named in the log and to headquarters
MOST_NAMED = 10
#: what headquarters was told last of rules left out, beside the log
TOLD = "rules_left_out"


@dataclass(frozen=True, slots=True)
class LeftOut:
    rule_id: str
    why: str


@dataclass(frozen=True, slots=True)
class Rules:
    """One version of the feed, ready. engine None: there are no rules. tenders: those that some rule asks for."""

    version: int
    engine: Engine | None
    left_out: tuple[LeftOut, ...] = ()
    tenders: frozenset[str] = frozenset()


class RuleBook:
    """rules: those in force. None while the first version of this run of the daemon is being compiled.

    run() for ever; wake() when the feed changed. Listeners hear of every version that came into force.
    inbox None: there are no rules, and none will come. outbox: by way of it headquarters is told. tidy: gives back, in
    the thread, memory that was needed for reading only.
    """

    def __init__(
        self, inbox: Inbox | None = None, outbox: Outbox | None = None, tidy: Callable[[], None] = lambda: None
    ) -> None:
        self._inbox, self._outbox, self._tidy = inbox, outbox, tidy
        self._changed = asyncio.Event()
        self._changed.set()
        self._listeners: list[Callable[[], None]] = []
        self._ready = asyncio.Event()
        self._bare: Engine | None = None
        self.rules: Rules | None = None
        known = inbox.version(PROMOTIONS) if inbox is not None else None
        if known is None or known.rows == 0:
            self._in_force(Rules(known.version if known else 0, None))

    def listen(self, heard: Callable[[], None]) -> None:
        self._listeners.append(heard)

    def wake(self) -> None:
        self._changed.set()

    async def ready(self) -> None:
        """Return once there are rules to price by: at once, but for the first seconds after a start."""
        await self._ready.wait()

    def bare(self) -> Engine:
        """An engine without rules, for discounts by hand where there is nothing else."""
        if self._bare is None:
            from retail.promotions import Engine  # noqa: PLC0415  a box without promotions never loads the engine

            self._bare = Engine.compile([])
        return self._bare

    async def run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            known = self._inbox.version(PROMOTIONS) if self._inbox is not None else None
            version = known.version if known else 0
            if self.rules is not None and self.rules.version == version:
                continue
            began = time.monotonic()
            rules = await asyncio.to_thread(self._compile, version)
            if self._changed.is_set():
                continue  # pages of two versions may have been read
            if rules.engine is not None:
                count, took = len(rules.engine.index.rules), time.monotonic() - began
                log.info("promotions version %d: %d rules in force, ready in %.1f s", version, count, took)
            self._in_force(rules)
            await self._say_left_out(rules)

    def _in_force(self, rules: Rules) -> None:
        self.rules = rules
        self._ready.set()
        for heard in list(self._listeners):
            heard()

    # --- in a thread ------------------------------------------------------------------------------------------------

    def _compile(self, version: int) -> Rules:
        rows = list(self._inbox.pages(PROMOTIONS)) if self._inbox is not None else []
        if not rows:
            return Rules(version, None)
        from retail.promotions import Engine  # noqa: PLC0415  see bare()

        read: list[Rule] = []
        left_out: list[LeftOut] = []
        for key, row in rows:
            rule = _read(key, row, left_out)
            if rule is not None:
                read.append(rule)
            time.sleep(0)  # lets the event loop have the interpreter between two rules: a scan must not wait
        try:
            engine = Engine.compile(read)
        except Exception:  # each rule was good by itself: whatever they are together, the store goes on selling
            log.exception("promotions version %d cannot be compiled", version)
            text = "the rules together cannot be compiled, so none is in force; the gateway's log has the traceback"
            return Rules(version, None, (LeftOut("*", text),))
        del rows
        # The collector need not look again and again at what stays until the next version; the one before may go.
        gc.unfreeze()
        self._tidy()
        gc.freeze()
        triggers = [rule.trigger for rule in read if rule.trigger is not None]
        tenders = frozenset(trigger.tender for trigger in triggers if trigger.tender is not None)
        return Rules(version, engine, tuple(left_out), tenders)

    async def _say_left_out(self, rules: Rules) -> None:
        """Once for each set of rules that were left out, whatever version or restart they come with."""
        gone = rules.left_out
        said = said_of(gone)
        outbox = self._outbox
        if outbox is None or said == (outbox.recall(TOLD) or ""):
            return
        try:
            if gone:
                text = f"promotions version {rules.version}: {len(gone)} rules left out, the others hold: "
                text += "; ".join(one.why for one in gone[:MOST_NAMED])
                log.warning("%s", text)
                names = ", ".join(one.rule_id for one in gone[:MOST_NAMED])
                facts: dict[str, str | int | None] = {"version": rules.version, "count": len(gone), "rules": names}
                await outbox.tell("warning", "rules_left_out", text[:500], facts)
            await outbox.remember(TOLD, said)
        except QueueError as error:
            log.error("headquarters is not told of the rules left out: %s", error)


def said_of(left_out: tuple[LeftOut, ...]) -> str:
    """What stands under TOLD once headquarters was told of these; empty for none."""
    return hashlib.sha256(repr(left_out).encode()).hexdigest() if left_out else ""


def _read(key: str, row: dict[str, Any], left_out: list[LeftOut]) -> Rule | None:
    """One rule, tried by itself, so that one that nobody foresaw takes no other down."""
    from retail.promotions import PromotionError, read_rule  # noqa: PLC0415  see bare()
    from retail.promotions.compiled import compiled  # noqa: PLC0415  see bare()

    try:
        rule = read_rule(row.get("rule"))
        if rule.id != key:
            raise PromotionError(f"rule {rule.id}", f"its row is called {key}; give both one name")
        compiled(0, rule)
    except PromotionError as error:
        left_out.append(LeftOut(key, str(error)))
    except Exception:  # whatever a rule does to the engine, the store sells by the others
        log.exception("rule %s cannot be compiled", key)
        left_out.append(LeftOut(key, f"rule {key}: cannot be compiled; the gateway's log has the traceback"))
    else:
        return rule
    return None
