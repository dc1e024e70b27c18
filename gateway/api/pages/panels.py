"""Panels of the cashier's screen: what opens over it for one thing, such as signing on, the session or a return.

A panel is a template in templates/panels/, asked for by its name and drawn with what it needs to know. Its forms say
with `data-post` which operation of the local API they ask, and panel.js sends them: so a panel can do nothing that a
shop's own program could not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateway.api.articles import Articles
from gateway.api.basket_views import view as basket_view
from gateway.api.items import may_see_costs
from gateway.api.pages.calls import calls
from gateway.api.pages.frame import Pages
from gateway.api.pages.language import Language
from gateway.api.pages.reasons import REASONS
from gateway.till.workstation import Workstation
from gateway.words import Words
from retail.authority import reaches
from retail.units import Money, Weight

#: a receipt's number, as it stands in a path
RECEIPT = re.compile(r"[A-Za-z0-9._:-]+/[A-Za-z0-9._:-]+/[0-9]+")

HOUR_S, DAY_S = 3_600, 86_400

#: name of a panel -> what its template is told beside the basket
Facts = Callable[[Workstation, Mapping[str, str]], dict[str, Any]]


def _nothing(_till: Workstation, _query: Mapping[str, str]) -> dict[str, Any]:
    return {}


def _people(till: Workstation, _query: Mapping[str, str]) -> dict[str, Any]:
    return {"operators": till.people.known()}


def _suspended(till: Workstation, _query: Mapping[str, str]) -> dict[str, Any]:
    locale = till.store.locale
    return {
        "suspended": [
            {
                "number": one.number,
                "label": one.label,
                "workstation_id": one.workstation_id,
                "at": one.suspended_utc[11:16],
                "lines": sum(1 for line in one.basket.lines if not line.void),
                "total": one.basket.total().shown(locale),
                "training": one.basket.training,
            }
            for one in till.suspending.all()
        ]
    }


def _session(till: Workstation, _query: Mapping[str, str]) -> dict[str, Any]:
    waiting = till.day.sessions.open_now
    return {
        "open_now": waiting,
        "suspended": till.suspending.of_session(waiting.session_id) if waiting is not None else [],
        "drawer": till.lane.drawer is not None,
    }


def _report(till: Workstation, query: Mapping[str, str]) -> dict[str, Any]:
    """The X report, or with `closed` the Z report of the session that was closed last."""
    if "closed" in query:
        control = till.day.sessions.closed()
        totals = control.totals if control is not None else None
        return {"totals": totals, "closed": control, "may_see": True, "money": _money(till)}
    may_see = reaches(till.people.role(), till.people.limits.see_expected)
    open_now = till.day.sessions.open_now is not None
    totals = till.day.sessions.totals() if open_now else None
    return {"totals": totals, "closed": None, "may_see": may_see, "money": _money(till)}


def _line(till: Workstation, query: Mapping[str, str]) -> dict[str, Any]:
    wanted = query.get("line", "")
    lines = [line for line in basket_view(till).lines if str(line.line_number) == wanted]
    return {"line": lines[0] if lines else None}


def _return(till: Workstation, _query: Mapping[str, str]) -> dict[str, Any]:
    return {"reason_codes": till.returns.reasons(), "reasons": REASONS}


def _receipt(till: Workstation, query: Mapping[str, str]) -> dict[str, Any]:
    """A receipt by the number that was typed, else the last one of this workstation."""
    number = query.get("receipt", "") or (till.last.number if till.last is not None else "")
    return {"number": number if RECEIPT.fullmatch(number) else ""}


def _money(till: Workstation) -> Callable[[int | None], str]:
    def shown(minor: int | None) -> str:
        return "—" if minor is None else Money(minor, till.store.currency).shown(till.store.locale)

    return shown


def age(words: Words, seconds: int) -> str:
    """How old figures are, in one unit."""
    if seconds < 2 * HOUR_S:
        return words.text("{number} min old", number=seconds // 60)
    if seconds < 2 * DAY_S:
        return words.text("{number} h old", number=seconds // HOUR_S)
    return words.text("{number} days old", number=seconds // DAY_S)


def _measure(words: Words, number: int | None, unit: str) -> str:
    """Pieces, or grams as kilograms, in words."""
    if number is None:
        return "—"
    return f"{Weight(number).plain()} kg" if unit == "kg" else words.text("{number} pcs", number=number)


PANELS: dict[str, Facts] = {
    "menu": _nothing,
    "sign-on": _people,
    "authority": _nothing,
    "suspend": _nothing,
    "suspended": _suspended,
    "session": _session,
    "report": _report,
    "cash": _session,
    "line": _line,
    "member": _nothing,
    "coupon": _nothing,
    "training": _nothing,
    "pay": _nothing,
    "wallet": _nothing,
    "return": _return,
    "receipt": _receipt,
    "age": _nothing,
    "tare": _nothing,
    "help": _nothing,
}


class Panels:
    def __init__(
        self, pages: Pages, language: Language, workstations: Mapping[str, Workstation], articles: Articles
    ) -> None:
        self._pages, self._language, self._workstations = pages, language, workstations
        self._articles = articles
        self._facts = {**PANELS, "attend": self._attend}

    def _attend(self, _till: Workstation, query: Mapping[str, str]) -> dict[str, Any]:
        """The call of another workstation, which `lane` names."""
        called = [one for one in calls(self._workstations) if one.name == query.get("lane")]
        return {"called": called[0] if called else None}

    def _article(self, words: Words, till: Workstation, query: Mapping[str, str]) -> dict[str, Any]:
        """The article of the code that was typed, else the first of that name; None where nothing was, or is known."""
        code = query.get("code", "").strip()
        named = code and self._articles.catalogue.looked_up(code) is None and self._articles.catalogue.search(code, 1)
        wanted = named[0].item_id if named else code
        found = self._articles.found(wanted, may_see_costs(till), words) if code else None
        return {"code": code, "article": found, "age": partial(age, words), "measure": partial(_measure, words)}

    async def show(self, request: Request) -> Response:
        till = self._workstations.get(request.path_params["workstation"])
        facts = self._facts.get(request.path_params["panel"])
        if request.path_params["panel"] == "article":
            facts = partial(self._article, self._language.words(request))
        if till is None or facts is None:
            return Response(status_code=404)
        name, words = request.path_params["panel"], self._language.words(request)
        return self._pages.page(
            f"panels/{name}.html",
            words,
            till=till,
            basket=basket_view(till),
            api=f"/v1/baskets/{till.lane.workstation_id}",
            sessions=f"/v1/sessions/{till.lane.workstation_id}",
            query=dict(request.query_params),
            **facts(till, request.query_params),
        )
