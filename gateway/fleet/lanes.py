"""How each workstation stands, for headquarters: open or closed, selling or paying, and whether somebody is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from gateway.till.workstation import Workstation
from retail.wire.presence import LaneBrief, LaneWord


class Lanes:
    """listen(): called when what headquarters is told of a lane has changed, and not for each scan."""

    def __init__(self, workstations: Mapping[str, Workstation], wall: Callable[[], datetime]) -> None:
        self._workstations, self._wall = workstations, wall
        self._listeners: list[Callable[[], None]] = []
        self._known: dict[str, LaneBrief] = {}
        for name, till in workstations.items():
            till.listen(partial(self._look, name))

    def listen(self, changed: Callable[[], None]) -> None:
        self._listeners.append(changed)

    def briefs(self) -> list[LaneBrief]:
        for name in self._workstations:
            self._look(name, quietly=True)
        return list(self._known.values())

    def _look(self, name: str, quietly: bool = False) -> None:
        before, now = self._known.get(name), self._brief(self._workstations[name])
        if before is not None and before.state == now.state:
            now = now.model_copy(update={"since": before.since})
        if now == before:
            return
        self._known[name] = now
        if not quietly:
            for changed in self._listeners:
                changed()

    def _brief(self, till: Workstation) -> LaneBrief:
        call = till.attention.call
        return LaneBrief(
            workstation_id=till.lane.workstation_id,
            kind="self-checkout" if till.lane.self_checkout else "attended",
            state=_word(till),
            since=self._wall(),
            training=till.day.training.on,
            call=call.reason if call is not None else None,
            call_text=call.text[:200] if call is not None else None,
            call_since=datetime.fromisoformat(call.since) if call is not None else None,
        )


def _word(till: Workstation) -> LaneWord:
    if till.basket.state in ("paying", "unknown", "tendering"):
        return "paying"
    if till.basket.state == "selling":
        return "selling"
    if till.day.needs_session():
        return "closed"
    if till.people.needs_sign_on() and till.people.operator() is None:
        return "signed_off"
    return "idle"
