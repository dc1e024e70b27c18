"""The answer where no workstation has the name that was asked for."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from gateway.api.pages.frame import Pages
from gateway.till.workstation import Workstation
from gateway.words import Words


def missing(pages: Pages, words: Words, name: str, workstations: Mapping[str, Workstation]) -> Response:
    return pages.page("missing.html", words, 404, name=name, workstations=list(workstations))
