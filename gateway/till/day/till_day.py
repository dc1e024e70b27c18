"""The day of one workstation: which business day it is, whether it may sell, and the parts that change that."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from gateway.clock import Clock
from gateway.errors import SaleRefused
from gateway.till.day.controls import Controls
from gateway.till.day.drawer import Drawer
from gateway.till.day.sessions import Sessions
from gateway.till.day.training import Training
from gateway.till.ledger import Ledger

if TYPE_CHECKING:
    from gateway.till.workstation import Workstation


class TillDay:
    def __init__(self, till: Workstation, ledger: Ledger, clock: Clock) -> None:
        self._till, self._ledger, self._clock = till, ledger, clock
        self.controls = Controls(till, ledger, clock)
        self.sessions = Sessions(till, ledger, clock, self.controls)
        self.drawer = Drawer(till, clock, self.controls)
        self.training = Training(till, ledger, clock)

    def business_date(self) -> date:
        """The day that the session was opened on; without one today, and never a day before the last.

        A box that woke in 1970 goes on in its last business day.
        """
        session = self.sessions.open_now
        if session is not None:
            return session.business_date
        today, last = self._clock.local_date(), self._ledger.last_business_date()
        return max(today, last) if last is not None else today

    def session_id(self) -> str | None:
        session = self.sessions.open_now
        return session.session_id if session is not None and not self.training.on else None

    def needs_session(self) -> bool:
        return self._till.store.sessions_required and self.sessions.open_now is None and not self.training.on

    def must_be_ready_to_sell(self) -> None:
        """Somebody is signed on, and a session is open where the shop wants one.

        Raises:
            SaleRefused: not_signed_on, no_session.
        """
        self._till.people.must_be_signed_on()
        if self.needs_session():
            raise SaleRefused("open a session first: count the float and key it", reason="no_session")
