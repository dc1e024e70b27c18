"""Who may ask: the right Host, the same origin, and a token where the API is reachable from outside.

A browser on the box, or beside it, visits other sites too. So a request must name a Host that we are (DNS rebinding),
and one that changes something must not come from another site's page (Origin, Sec-Fetch-Site). Where tokens are
configured every request needs one: `Authorization: Bearer`, or the cookie that /login sets. What a token may do is in
scopes.py; an operation asks for its scope, a page for the one named here.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Connection

from gateway.api.problems import Problem
from gateway.api.scopes import ON_THE_BOX, Grant, Scope, Tokens

COOKIE = "backroom"
SAFE = {"GET", "HEAD", "OPTIONS"}
#: what nobody needs a token for: to show one, and to get one
OPEN = {"/login", "/static/backroom.css", "/v1/pair"}
#: what a page needs; it is asked for here, because pages are no operations
PAGES = (("/technician", Scope.ADMIN), ("/till", Scope.SELL), ("/self-checkout", Scope.SELL))
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    # With no-referrer a browser sends `Origin: null` with the forms of our own pages, and could not log in.
    "Referrer-Policy": "same-origin",
}


class Guard:
    """ASGI middleware. hosts: names and addresses under which this server may be asked, without port."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str], tokens: Tokens) -> None:
        self._app = app
        self._hosts = hosts
        self._tokens = tokens

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        grant = self._grant(request)
        scope.setdefault("state", {})["grant"] = grant
        refusal = self._refusal(request, grant)
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

    def _refusal(self, request: Request, grant: Grant | None) -> Response | None:
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
        if host not in self._hosts:
            text = f"this server is not {host!r}; ask it as {', '.join(sorted(self._hosts))}"
            return Problem(title="Wrong host", status=421, detail=text, reason="wrong_host").response()
        if request.method not in SAFE and not _same_origin(request.headers):
            text = "a page of another site may not change anything here"
            return Problem(title="Other origin", status=403, detail=text, reason="other_origin").response()
        path = request.url.path
        if path in OPEN:
            return None
        if grant is None:
            if "text/html" in request.headers.get("accept", ""):
                return RedirectResponse("/login", status_code=303)
            text = "send a token as 'Authorization: Bearer ...': one of [api], or that of a paired program"
            return Problem(title="No token", status=401, detail=text, reason="no_token").response()
        for page, wanted in PAGES:
            if (path == page or path.startswith(page + "/")) and not grant.allows(wanted):
                return not_allowed(grant, wanted).response()
        return None

    def _grant(self, request: Request) -> Grant | None:
        """Where no token is asked for, one that is given counts all the same: its program may do no more than that."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._tokens.find(given)
        return self._tokens.find(request.cookies.get(COOKIE, "")) if self._tokens else ON_THE_BOX

    async def _login(self, request: Request) -> Response:
        wrong = False
        if request.method == "POST":
            form = parse_qs((await request.body())[:4096].decode(errors="replace"))
            given = form.get("token", [""])[0]
            if self._tokens.find(given):
                answer = RedirectResponse("/", status_code=303)
                answer.set_cookie(COOKIE, given.strip(), httponly=True, samesite="strict", max_age=90 * 86400)
                return answer
            wrong = True
        return HTMLResponse(_login_page(wrong), status_code=401 if wrong else 200)


def not_allowed(grant: Grant, wanted: Scope) -> Problem:
    has = ", ".join(sorted(grant.scopes))
    mend = "pair it again with that scope" if grant.paired else f"add it to the scopes of [api.tokens.{grant.name}]"
    text = f"the token {grant.name!r} may {has}; this needs {wanted}: {mend}"
    return Problem(title="Not allowed", status=403, detail=text, reason="scope")


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
