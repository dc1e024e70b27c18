"""What every page is made with: templates in the reader's language, static files, and streams that keep pages current.

Rendered here and kept up to date by server-sent events that carry HTML. Each piece of a page that can change is an
element with `data-part`; live.js puts a new one in the place of the old one. Only text that autoescape has seen gets
into these pieces, and nothing is inline: the content security policy is default-src 'self'.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from gateway.api.events import Stopping, Unlisten, stream
from gateway.api.status import StoreStatus
from gateway.words import Words

HERE = Path(__file__).parent.parent
#: a beat at least so often; a page that hears none for three times as long knows that its line is dead
BEAT_S = 5.0


def duration(seconds: float) -> str:
    """How long ago or for how long, in its two largest units: `3 min 12 s`."""
    whole = max(0, int(seconds))
    days, hours, minutes = whole // 86_400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["duration"] = duration
    return environment


class Static(StaticFiles):
    """Browsers ask each time whether a file changed: an update must not meet yesterday's script."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


class Pages:
    def __init__(self, status: StoreStatus, stopping: Stopping) -> None:
        self.status = status
        self.stopping = stopping
        self._templates = _environment()

    def part(self, template: str, words: Words, **facts: Any) -> str:
        """A template in that language; `text` in it looks a message up."""
        return self._templates.get_template(template).render(
            text=words.text, language=words.locale.replace("_", "-"), **facts
        )

    def page(self, template: str, words: Words, status_code: int = 200, **facts: Any) -> HTMLResponse:
        body = self.part(template, words, **facts)
        return HTMLResponse(body, status_code, headers={"Cache-Control": "no-store"})

    def live(
        self,
        listens: Sequence[Callable[[Callable[[], None]], Unlisten]],
        render: Callable[[], list[tuple[str, str]]],
        refresh_s: float,
    ) -> Response:
        """A stream that hears of several things, with a beat: the software's version and a number that goes on."""
        beats = itertools.count()
        software = self.status.view().software

        def listen(heard: Callable[[], None]) -> Unlisten:
            stops = [one(heard) for one in listens]

            def unlisten() -> None:
                for stop in stops:
                    stop()

            return unlisten

        def with_beat() -> list[tuple[str, str]]:
            return [*render(), ("beat", f"{software} {next(beats)}")]

        return stream(listen, with_beat, self.stopping, refresh_s)
