"""The screen of a lane where customers serve themselves: touch first, and an attendant where one is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.api.basket_views import BasketView
from gateway.api.basket_views import view as basket_view
from gateway.api.pages.frame import BEAT_S, Pages
from gateway.api.pages.language import LANGUAGES, Language
from gateway.api.pages.missing import missing
from gateway.api.pages.refusals import in_words
from gateway.api.pages.stage import given_name, stage_of
from gateway.till.workstation import Workstation
from gateway.words import Words, message

#: reason of a refusal -> what its customer is told; what is not here is said as the till says it
NOTICES = {
    "put_in_bag": message("Put the article into the bag"),
    "bag_moves": message("The bag moves: wait a moment and try again"),
    "unknown_item": message("This code is not known here. Try another one, or call for help."),
    "ambiguous": message("This code is not known here. Try another one, or call for help."),
    "no_price": message("This article has no price yet. Please call for help."),
    "expired": message("This article is past its date. Please take another one."),
    "recalled": message("This article may not be sold. Please give it to an attendant."),
    "confirm_lot": message("An attendant must look at this article. Please call for help."),
    "confirm_age": message("An attendant looks at your age first"),
    "needs_attendant": message("An attendant comes"),
    "weight_mismatch": message("An attendant comes"),
    "bag_not_weighed": message("An attendant comes"),
    "weight_unstable": message("Leave the goods still on the scale and try again"),
    "weight_zero": message("Put the goods on the scale and try again"),
    "payment_declined": message("The payment was declined. Nothing was charged."),
    "payment_aborted": message("The payment was given up. Nothing was charged."),
}
#: reason of a call that blocks the lane -> what its customer is told
CALLS = {
    "weight_mismatch": message("The bag does not weigh what was scanned."),
    "bag_not_weighed": message("The bag cannot be weighed."),
}


class SelfCheckoutPage:
    def __init__(self, pages: Pages, language: Language, workstations: Mapping[str, Workstation], locale: str) -> None:
        """locale: of the store, whose attendants read what customers call them for."""
        self._pages, self._language, self._workstations = pages, language, workstations
        self._attendants = Words(locale)

    async def show(self, request: Request) -> Response:
        workstation = self._workstations.get(request.path_params["workstation"])
        words = self._language.asked(request)
        if workstation is None:
            return missing(self._pages, words, request.path_params["workstation"], self._workstations)
        lane = workstation.lane
        if not lane.self_checkout:
            return RedirectResponse(f"/till/{lane.workstation_id}", status_code=303)
        return self._pages.page(
            "self-checkout.html",
            words,
            languages=LANGUAGES,
            workstation_id=lane.workstation_id,
            store_name=workstation.store.name,
            software=self._pages.status.view().software,
            lane=lane,
            abandoned=self._attendants.text("the basket was left"),
            decide=self._attendants.text("the outcome of a payment is not known"),
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
            "stage": "closed" if _closed(basket) else stage_of(basket),
            "lane": workstation.lane,
            "sold": sold,
            "newest": sold[-1] if sold else None,
            "first_name": given_name(basket.member.name) if basket.member is not None else "",
            "notice": self._notice(basket, words),
            "why_blocked": words.text(CALLS.get(basket.attention.reason, "")) if basket.attention else "",
            "age": self._age(basket),
        }
        return self._pages.part("self-checkout-parts.html", words, basket=basket, **facts)

    def _notice(self, basket: BasketView, words: Words) -> str:
        if basket.notice is None:
            return ""
        known = NOTICES.get(basket.notice.reason)
        return words.text(known) if known is not None else in_words(words, basket.notice.reason, basket.notice.text)

    def _age(self, basket: BasketView) -> str:
        """What an attendant is called for, in the store's language; empty where no age is asked."""
        waiting = [line.description for line in basket.lines if line.waits_for_age]
        return self._attendants.text("age of the customer: {items}", items=", ".join(waiting)) if waiting else ""


def _closed(basket: BasketView) -> bool:
    """Nothing may be sold yet, and no sale is under way."""
    return basket.session_needed and basket.state == "idle" and basket.finished is None
