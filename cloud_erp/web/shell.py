"""The shell around every page: navigation, templates of all concepts, and how money, times and amounts are written."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse

from cloud_erp.db import Database, now_utc
from cloud_erp.web.live import Pulse
from cloud_erp.web.security import Door
from retail.units import Money, Quantity, Weight, divide_half_up

ROOT = Path(__file__).parent.parent
CONCEPTS = ("web", "journal", "tills", "cases", "fleet", "audit", "stock", "catalog")
NAVIGATION = (
    ("Today", "/"),
    ("Stores", "/stores"),
    ("Stock", "/stock"),
    ("Catalogue", "/catalogue"),
    ("Cases", "/cases"),
    ("Quarantine", "/quarantine"),
)


class Pages:
    def __init__(self, name: str, zone: ZoneInfo, guarded: bool) -> None:
        self.zone = zone
        folders = [ROOT / concept / "templates" for concept in CONCEPTS]
        self._env = jinja2.Environment(
            loader=jinja2.FileSystemLoader(folders), autoescape=True, undefined=jinja2.StrictUndefined,
            trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        self._env.globals.update(company=name, navigation=NAVIGATION, zone=zone.key, guarded=guarded)
        self._env.filters.update(
            money=money,
            amount=amount,
            ago=ago,
            age=age,
            clock=self.clock,
            moment=self.moment,
            iso=iso,
            pretty=pretty,
            pretty_or_raw=pretty_or_raw,
            per=divide_half_up,
        )

    def clock(self, moment: datetime) -> str:
        """14:05:09 in headquarters' time zone."""
        return moment.astimezone(self.zone).strftime("%H:%M:%S")

    def moment(self, moment: datetime) -> str:
        return moment.astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S")

    def today(self) -> date:
        return now_utc().astimezone(self.zone).date()

    def show(self, request: Request, template: str, status: int = 200, **facts: Any) -> HTMLResponse:
        """The page; or only its live part, where the page's own script asks for it again."""
        part = request.query_params.get("part") == "live"
        page = self._env.get_template(template)
        # The live part is the template's own block `live`, so both views are made of the same lines.
        facts |= {"path": request.url.path, "query": request.url.query}
        if part and "live" in page.blocks:
            return HTMLResponse("".join(page.blocks["live"](page.new_context(facts))), status)
        return HTMLResponse(page.render(facts), status)


@dataclass(frozen=True, slots=True)
class Office:
    """What every route needs."""

    database: Database
    pages: Pages
    pulse: Pulse
    door: Door
    broker_connected: Callable[[], bool]


def money(minor: int, currency: str) -> str:
    return Money(minor, currency).shown()


def amount(base_units: int, unit: str) -> str:
    """3 or 1.250 kg, from pieces or grams."""
    return f"{Weight(base_units).plain()} kg" if unit == "kg" else Quantity(base_units).plain()


def pretty(raw: str) -> str:
    """JSON as people read it; half characters, which no page can carry, stay escapes."""
    text = json.dumps(json.loads(raw), indent=2, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode()


def pretty_or_raw(text: str) -> str:
    """What a person typed may not be JSON yet: then it stays as it was typed."""
    try:
        return pretty(text)
    except (ValueError, RecursionError):
        return text


def iso(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat(timespec="milliseconds")


def ago(moment: datetime | None) -> str:
    return "never" if moment is None else f"{age((now_utc() - moment).total_seconds())} ago"


def age(seconds: float) -> str:
    """45 s, 12 min, 3 h, 2 days: what a glance needs."""
    for size, word in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= size * (2 if word == "days" else 1):
            return f"{int(seconds // size)} {word}"
    return f"{max(0, int(seconds))} s"
