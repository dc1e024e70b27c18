"""In which language a page speaks: as whoever sits before it chose, else as the store does."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.api.pages.refusals import translated
from gateway.words import Words

COOKIE = "backroom-language"
#: as a page offers them, each in its own words
LANGUAGES = {"en": "English", "zh-TW": "繁體中文", "zh-CN": "简体中文", "de": "Deutsch"}
YEAR_S = 365 * 86_400


class Language:
    """locale: the store's."""

    def __init__(self, locale: str) -> None:
        self._locale = locale

    def words(self, request: Request) -> Words:
        chosen = request.cookies.get(COOKIE, "")
        return Words(chosen if chosen in LANGUAGES else self._locale)

    def asked(self, request: Request) -> Words:
        """As the page's address says: pages for customers do not follow what a cashier chose in the same browser."""
        chosen = request.query_params.get("language", "")
        return Words(chosen if chosen in LANGUAGES else self._locale)

    async def choose(self, request: Request) -> Response:
        """The form at the head of each page: keeps the choice in this browser and shows the page again."""
        form = parse_qs((await request.body())[:2048].decode(errors="replace"))
        back = form.get("back", ["/"])[0]
        # A path of ours, and not //elsewhere.
        answer = RedirectResponse(back if back[:1] == "/" and back[1:2] not in ("/", "\\") else "/", status_code=303)
        chosen = form.get("language", [""])[0]
        if chosen in LANGUAGES:
            answer.set_cookie(COOKIE, chosen, httponly=True, samesite="strict", max_age=YEAR_S)
        return answer

    async def script(self, request: Request) -> Response:
        """What the scripts of a page look up, as a module; the page says in which language it is."""
        words = self.asked(request)
        known = json.dumps(words.known(), ensure_ascii=False)
        refusals = json.dumps(translated(words), ensure_ascii=False)
        script = f"export default {known};\nexport const refusals = {refusals};\n"
        return Response(script, media_type="text/javascript", headers={"Cache-Control": "no-store"})
