"""Calls for somebody, as the screens of the other workstations show them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.api.events import Unlisten
from gateway.till.workstation import Workstation


@dataclass(frozen=True, slots=True)
class CallOf:
    """name: of the workstation that calls."""

    name: str
    text: str


def calls(workstations: Mapping[str, Workstation], except_of: Workstation | None = None) -> list[CallOf]:
    return [
        CallOf(name, one.attention.call.text)
        for name, one in workstations.items()
        if one is not except_of and one.attention.call is not None
    ]


def calls_of(workstation: Workstation) -> Callable[[Callable[[], None]], Unlisten]:
    """A way to listen that hears of its calls only: a screen is not drawn anew for each scan of every other lane."""

    def listen(heard: Callable[[], None]) -> Unlisten:
        seen = workstation.attention.call

        def changed() -> None:
            nonlocal seen
            if workstation.attention.call is not seen:
                seen = workstation.attention.call
                heard()

        return workstation.listen(changed)

    return listen
