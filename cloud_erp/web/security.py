"""The door: who may come in, from where a change may be asked for, and the headers every answer carries.

Without a token only this machine's own names are answered, so that a foreign page cannot reach the core through a name
that resolves to 127.0.0.1 (DNS rebinding). With a token, programs send `Authorization: Bearer`, people log in once.
"""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "backroom_hq"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
OPEN_PATHS = ("/login", "/v1/health")
OPEN_FOLDERS = ("/static/",)
LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Door:
    """Compares tokens in constant time; the cookie holds a word derived from the token, never the token."""

    def __init__(self, token: str | None, host: str) -> None:
        self.token = token
        self.session = "" if token is None else hmac.new(token.encode(), b"backroom hq", hashlib.sha256).hexdigest()
        self.names = LOCAL_NAMES | {host.lower()}

    def opens_with(self, token: str) -> bool:
        return self.token is not None and hmac.compare_digest(token.encode(), self.token.encode())

    def admits(self, request: Request) -> bool:
        if self.token is None:
            return True
        scheme, _, word = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.opens_with(word.strip()):
            return True
        return hmac.compare_digest(request.cookies.get(COOKIE, "").encode(), self.session.encode())

    def refusal(self, request: Request) -> Response | None:
        """The answer to a request that may not pass, or None."""
        host = request.headers.get("host", "").lower()
        if self.token is None and _without_port(host) not in self.names:
            return PlainTextResponse("This name is not one of headquarters'. Use http://127.0.0.1 and its port.", 421)
        if request.method not in SAFE_METHODS and not _same_origin(request.headers, host):
            return PlainTextResponse("Changes may only be asked for from headquarters' own pages.", 403)
        path = request.url.path
        if path in OPEN_PATHS or path.startswith(OPEN_FOLDERS) or self.admits(request):
            return None
        if path.startswith("/v1/"):
            return JSONResponse({"detail": "send Authorization: Bearer <token>"}, 401, {"WWW-Authenticate": "Bearer"})
        return RedirectResponse(f"/login?next={quote(path)}", 303)


class Guard:
    """ASGI middleware that asks the Door, and adds HEADERS to each answer."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self.app = app
        self.door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal = self.door.refusal(Request(scope))
        await (refusal or self.app)(scope, receive, with_headers)


def _same_origin(headers: Headers, host: str) -> bool:
    """Browsers name the page a change comes from; programs name none, and carry no cookie of ours by themselves."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == host


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def local_path(target: str) -> str:
    """Where to go after the login: a path of ours, never another site."""
    if target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable():
        return target
    return "/"
