"""`/v1/items`: the price book in force, searched by part of a name; one article, its stock, what is on its way."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.api.articles import Articles, ArticleView, ItemsView, view
from gateway.api.operations import Call, NoSuchThing, Operation
from gateway.api.scopes import Scope
from gateway.till.workstation import Workstation
from retail.authority import reaches

#: fewer than a screen of them is what a cashier can read
LIMIT = 8
LIMIT_MOST = 50
WORDS_MOST = 100
UNITS = ("each", "kg")


def may_see_costs(till: Workstation | None) -> bool:
    """Whether who is signed on at this workstation may; nobody in particular may not."""
    return till is not None and reaches(till.people.role(), till.people.limits.see_cost)


class _Items:
    def __init__(self, articles: Articles, workstations: Mapping[str, Workstation]) -> None:
        self._articles, self._workstations = articles, workstations

    async def search(self, call: Call) -> ItemsView:
        asked = call.request.query_params
        words = asked.get("q", "").strip()[:WORDS_MOST]
        unit = asked.get("unit", "") if asked.get("unit", "") in UNITS else ""
        limit = asked.get("limit", "")
        most = min(max(int(limit), 1), LIMIT_MOST) if limit.isdecimal() and len(limit) < 4 else LIMIT
        found = self._articles.catalogue.search(words, most, unit) if words or unit else []
        at = self._articles.local()
        return ItemsView(
            price_book_version=self._articles.catalogue.version(),
            items=[view(item, self._articles.locale, at) for item in found],
        )

    async def one(self, call: Call) -> ArticleView:
        code, lane = call.path("item_id"), call.request.query_params.get("workstation", "")
        if lane and lane not in self._workstations:
            raise NoSuchThing(
                f"there is no workstation {lane[:64]}; the configuration has {', '.join(self._workstations)}"
            )
        # A program that may only look is no cashier's screen: what a manager may see is not for it.
        sells = call.request.state.grant.allows(Scope.SELL)
        found = self._articles.found(code, sells and may_see_costs(self._workstations.get(lane)))
        if found is None:
            raise NoSuchThing(f"there is no item {code[:64]}; search with /v1/items?q=")
        return found


def operations(articles: Articles, workstations: Mapping[str, Workstation]) -> list[Operation]:
    items = _Items(articles, workstations)
    return [
        Operation(
            "GET",
            "/v1/items",
            "Search the price book",
            items.search,
            description="Items whose description holds the words, of that unit. Nothing is found for neither.",
            answer=ItemsView,
            query={
                "q": "part of a description",
                "unit": "`each` or `kg`",
                "limit": f"1 to {LIMIT_MOST}, {LIMIT} unless told",
            },
        ),
        Operation(
            "GET",
            "/v1/items/{item_id:path}",  # bar codes may hold a slash
            "One article, its stock and what is on its way",
            items.one,
            description="By item number or bar code. Stock and supplies are as headquarters said last; `age_s` says"
            " how long ago. It works without the line, too. Costs are in the answer only where whoever is signed on at"
            " the named workstation may see them (`[till.limits] see_cost`).",
            query={"workstation": "where it is asked; without it no cost is shown"},
            answer=ArticleView,
            problems=(404,),
        ),
    ]
