"""docs/till-states.md: the till's state table, drawn from the table that the till itself obeys."""

from __future__ import annotations

from pathlib import Path

from gateway.till.basket import REFUSALS, TRANSITIONS

TARGET = Path("docs/till-states.md")

HEAD = """# The states of an open sale

Generated from `gateway/till/basket.py` (`make docs` writes it).

```mermaid
stateDiagram-v2
    [*] --> idle
"""


def render() -> str:
    arrows = "".join(f"    {state} --> {after}: {action}\n" for (state, action), after in TRANSITIONS.items())
    arrows += "    finished --> [*]\n    voided --> [*]\n"
    refused = "".join(f"| {state} | {action} | {text} |\n" for (state, action), text in REFUSALS.items())
    table = f"| state | action | text |\n|---|---|---|\n{refused}"
    return f"{HEAD}{arrows}```\n\nWhat is refused, and what the cashier reads:\n\n{table}"
