"""What the customer reads while somebody serves him, on a screen that faces him. It takes no commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateway.api.basket_views import view as basket_view
from gateway.api.pages.frame import BEAT_S, Pages
from gateway.api.pages.language import LANGUAGES, Language
from gateway.api.pages.missing import missing
from gateway.api.pages.stage import given_name, stage_of
from gateway.till.workstation import Workstation
from gateway.words import Words


class CustomerPage:
    def __init__(self, pages: Pages, language: Language, workstations: Mapping[str, Workstation]) -> None:
        self._pages, self._language, self._workstations = pages, language, workstations

    async def show(self, request: Request) -> Response:
        workstation = self._workstations.get(request.path_params["workstation"])
        words = self._language.asked(request)
        if workstation is None:
            return missing(self._pages, words, request.path_params["workstation"], self._workstations)
        return self._pages.page(
            "customer.html",
            words,
            languages=LANGUAGES,
            workstation_id=workstation.lane.workstation_id,
            store_name=workstation.store.name,
            software=self._pages.status.view().software,
            parts=self._parts(workstation, words),
        )

    async def events(self, request: Request) -> Response:
        workstation = self._workstations.get(request.path_params["workstation"])
        if workstation is None:
            return Response(status_code=404)
        words = self._language.asked(request)
        return self._pages.live([workstation.listen], lambda: [("basket", self._parts(workstation, words))], BEAT_S)

    def _parts(self, workstation: Workstation, words: Words) -> str:
        basket = basket_view(workstation, words)
        sold = [line for line in basket.lines if not line.void]
        facts: dict[str, Any] = {
            "store_name": workstation.store.name,
            "stage": stage_of(basket),
            "newest": sold[-1] if sold else None,
            "sold": sold,
            "first_name": given_name(basket.member.name) if basket.member is not None else "",
            "paid_cash": basket.finished is not None
            and any(one.tender_type == "Cash" for one in basket.finished.tenders),
        }
        return self._pages.part("customer-parts.html", words, basket=basket, **facts)
