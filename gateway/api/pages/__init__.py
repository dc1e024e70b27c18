"""The pages: of each workstation the cashier's screen or the self-checkout, and the customer's; the technician's."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.routing import BaseRoute, Mount, Route

from gateway.api.applications import Applications
from gateway.api.articles import Articles
from gateway.api.device_tail import DeviceSession
from gateway.api.events import Stopping
from gateway.api.pages.customer import CustomerPage
from gateway.api.pages.frame import HERE, Pages, Static
from gateway.api.pages.language import Language
from gateway.api.pages.panels import Panels
from gateway.api.pages.self_checkout import SelfCheckoutPage
from gateway.api.pages.technician import TechnicianPage
from gateway.api.pages.till import TillPage
from gateway.api.status import StoreStatus
from gateway.till.workstation import Workstation


def routes(
    workstations: Mapping[str, Workstation],
    devices: Mapping[str, DeviceSession],
    status: StoreStatus,
    articles: Articles,
    applications: Applications,
    stopping: Stopping,
    locale: str = "en",
) -> list[BaseRoute]:
    """locale: of the store; a browser may choose another."""
    pages, language = Pages(status, stopping), Language(locale)
    till = TillPage(pages, language, workstations, articles)
    panels = Panels(pages, language, workstations, articles)
    customer = CustomerPage(pages, language, workstations)
    checkout = SelfCheckoutPage(pages, language, workstations, locale)
    technician = TechnicianPage(pages, devices, workstations, applications)
    return [
        Route("/", till.first),
        Route("/till/{workstation}", till.show),
        Route("/till/{workstation}/events", till.events),
        Route("/till/{workstation}/panel/{panel}", panels.show),
        Route("/customer/{workstation}", customer.show),
        Route("/customer/{workstation}/events", customer.events),
        Route("/self-checkout/{workstation}", checkout.show),
        Route("/self-checkout/{workstation}/events", checkout.events),
        Route("/technician", technician.show),
        Route("/technician/events", technician.events),
        Route("/language", language.choose, methods=["POST"]),
        Route("/words.js", language.script),
        Mount("/static", Static(directory=HERE / "static"), name="static"),
    ]
