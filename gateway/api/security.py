"""Who may ask: the right Host, the same origin, and a token where the API is reachable from outside.

A browser on the box, or beside it, visits other sites too. So a request must name a Host that we are (DNS rebinding),
and one that changes something must not come from another site's page (Origin, Sec-Fetch-Site). With a token file set,
every request needs the token: `Authorization: Bearer`, or the cookie that /login sets.
"""

from __future__ import annotations

import hmac
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.problems import Problem

COOKIE = "backroom"
SAFE = {"GET", "HEAD", "OPTIONS"}
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Guard:
    """ASGI middleware. hosts: names and addresses under which this server may be asked, without port."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str], token: str | None) -> None:
        self._app = app
        self._hosts = hosts
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        refusal = self._refusal(request)
        if refusal is None and scope["path"] == "/login":
            refusal = await self._login(request)
        if refusal is not None:
            _add_headers(refusal)
            await refusal(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] += [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
            await send(message)

        await self._app(scope, receive, with_headers)

    def _refusal(self, request: Request) -> Response | None:
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
        if host not in self._hosts:
            text = f"this server is not {host!r}; ask it as {', '.join(sorted(self._hosts))}"
            return Problem(title="Wrong host", status=421, detail=text, reason="wrong_host").response()
        if request.method not in SAFE and not _same_origin(request.headers):
            text = "a page of another site may not change anything here"
            return Problem(title="Other origin", status=403, detail=text, reason="other_origin").response()
        if self._token is None or request.url.path in ("/login", "/static/backroom.css") or self._has_token(request):
            return None
        if "text/html" in request.headers.get("accept", ""):
            return RedirectResponse("/login", status_code=303)
        text = "send the token of [api] token_file as 'Authorization: Bearer ...'"
        return Problem(title="No token", status=401, detail=text, reason="no_token").response()

    def _has_token(self, request: Request) -> bool:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            given = request.cookies.get(COOKIE, "")
        return self._right(given)

    def _right(self, given: str) -> bool:
        return self._token is not None and hmac.compare_digest(given.strip().encode(), self._token.encode())

    async def _login(self, request: Request) -> Response:
        wrong = False
        if request.method == "POST":
            form = parse_qs((await request.body())[:4096].decode(errors="replace"))
            given = form.get("token", [""])[0]
            if self._right(given):
                answer = RedirectResponse("/", status_code=303)
                answer.set_cookie(COOKIE, given.strip(), httponly=True, samesite="strict", max_age=90 * 86400)
                return answer
            wrong = True
        return HTMLResponse(_login_page(wrong), status_code=401 if wrong else 200)


def _same_origin(headers: Headers) -> bool:
    """True for programs (no Origin) and for our own pages."""
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    return origin != "null" and urlsplit(origin).netloc == headers.get("host")


def _add_headers(response: Response) -> None:
    for name, value in HEADERS.items():
        response.headers[name] = value


def _login_page(wrong: bool) -> str:
    fault = '<p class="notice error" role="alert">That is not the token of this box.</p>' if wrong else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Backroom</title>'
        '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/static/backroom.css"></head>'
        f'<body class="login"><main><h1>Backroom</h1>{fault}<form method="post" action="/login">'
        '<label>Token of this box <input type="password" name="token" autofocus required></label>'
        "<button>Open</button></form></main></body></html>"
    )
