"""The cashier's screen of each workstation: its page, and the stream that keeps it current."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.api.articles import Articles
from gateway.api.basket_views import view as basket_view
from gateway.api.pages.calls import calls, calls_of
from gateway.api.pages.frame import BEAT_S, Pages
from gateway.api.pages.language import LANGUAGES, Language
from gateway.api.pages.missing import missing
from gateway.api.pages.reasons import REASONS
from gateway.api.pages.refusals import in_words
from gateway.till.workstation import Notice, Workstation
from gateway.words import Words
from retail.units import Money, exponent


class TillPage:
    def __init__(
        self, pages: Pages, language: Language, workstations: Mapping[str, Workstation], articles: Articles
    ) -> None:
        self._pages, self._language = pages, language
        self._workstations, self._articles = workstations, articles
        self._notices: dict[str, tuple[Notice | None, int]] = {}

    async def first(self, _request: Request) -> Response:
        first = next(iter(self._workstations), None)
        return RedirectResponse(f"/till/{first}" if first is not None else "/technician", status_code=303)

    async def show(self, request: Request) -> Response:
        workstation = self._workstations.get(request.path_params["workstation"])
        if workstation is None:
            return self._missing(request)
        if workstation.lane.self_checkout and "attendant" not in request.query_params:
            return RedirectResponse(f"/self-checkout/{workstation.lane.workstation_id}", status_code=303)
        currency = workstation.store.currency
        words = self._language.words(request)
        return self._pages.page(
            "till.html",
            words,
            languages=LANGUAGES,
            path=f"{request.url.path}{'?attendant' if workstation.lane.self_checkout else ''}",
            workstation_id=workstation.lane.workstation_id,
            others=self._others(workstation),
            currency=currency,
            decimals=exponent(currency),
            point="," if "," in Money(111, currency).shown(workstation.store.locale) else ".",
            has_terminal=workstation.lane.terminal is not None,
            software=self._pages.status.view().software,
            basket_parts=self._basket(workstation, words),
            status_parts=self._status(workstation, words),
        )

    def _others(self, workstation: Workstation) -> list[tuple[str, str]]:
        """(name, address) of the other lanes; that of a self-checkout is for its attendant."""
        others = [(name, one.lane) for name, one in self._workstations.items() if one is not workstation]
        return [(name, f"/till/{quote(name)}{'?attendant' if lane.self_checkout else ''}") for name, lane in others]

    async def events(self, request: Request) -> Response:
        workstation = self._workstations.get(request.path_params["workstation"])
        if workstation is None:
            return self._missing(request)
        words = self._language.words(request)

        def render() -> list[tuple[str, str]]:
            return [("basket", self._basket(workstation, words)), ("status", self._status(workstation, words))]

        others = [calls_of(one) for one in self._workstations.values() if one is not workstation]
        return self._pages.live([workstation.listen, self._pages.status.listen, *others], render, BEAT_S)

    def _missing(self, request: Request) -> Response:
        name = request.path_params["workstation"]
        return missing(self._pages, self._language.words(request), name, self._workstations)

    def _basket(self, workstation: Workstation, words: Words) -> str:
        basket = basket_view(workstation, words)
        currency, locale = workstation.store.currency, workstation.store.locale
        sold = [line for line in basket.lines if not line.void]
        return self._pages.part(
            "basket.html",
            words,
            basket=basket,
            notice_number=self._number_of(workstation),
            reasons=REASONS,
            notice=in_words(words, basket.notice.reason, basket.notice.text) if basket.notice else "",
            pieces=sum(line.quantity if line.quantity is not None else 1 for line in sold),
            tendered=Money(basket.tendered_minor, currency).shown(locale),
            calls=calls(self._workstations, workstation),
            has_prices=self._articles.version() > 0,
            paid_cash=basket.finished is not None and any(one.tender_type == "Cash" for one in basket.finished.tenders),
        )

    def _status(self, workstation: Workstation, words: Words) -> str:
        lane = workstation.lane
        works = [words.text("scanning"), words.text("prices"), words.text("cash")]
        works += [words.text("weighing")] if lane.scale is not None else []
        works += [words.text("receipts")] if lane.printer is not None else []
        return self._pages.part("status.html", words, status=self._pages.status.view(), lane=lane, works=works)

    def _number_of(self, workstation: Workstation) -> int:
        """Counts notices: the same mistake made twice reads the same, and must beep twice."""
        name, notice = workstation.lane.workstation_id, workstation.notice
        before, number = self._notices.get(name, (None, 0))
        if notice is not before:
            number += notice is not None
            self._notices[name] = (notice, number)
        return number
