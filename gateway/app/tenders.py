"""What a store takes and gives besides cash and cards, and how goods come back: joined from the configuration."""

from __future__ import annotations

import asyncio

from gateway.clock import Clock
from gateway.config import Config
from gateway.queue.database import Database
from gateway.queue.inbox import Inbox
from gateway.queue.outbox import Outbox
from gateway.till.included import Included
from gateway.till.offers.coupons import Coupons
from gateway.till.paper.beside import ReadBeside
from gateway.till.payments.journal import PaymentBook
from gateway.till.payments.wallets import Wallet
from gateway.till.returns.originals import Originals
from gateway.till.returns.returning import ReturnDesk
from gateway.till.returns.unverified import Unverified
from gateway.till.tenders.points import PointsBalance, PointsRule
from gateway.till.tenders.stored import Means
from gateway.till.tenders.vouchers import Vouchers
from gateway.till.uses import Uses


class TenderParts:
    """The parts that all workstations share: means, wallets, returns, and what receipts say of balances."""

    def __init__(
        self,
        config: Config,
        database: Database,
        inbox: Inbox,
        outbox: Outbox,
        book: PaymentBook,
        coupons: Coupons | None,
        clock: Clock,
    ) -> None:
        till = config.till
        uses = Uses(database)
        balance, vouchers = PointsBalance(inbox, uses), Vouchers(inbox, uses)
        self.included = Included(uses, outbox)
        self.means = Means(
            points=PointsRule(till.points_per_value, till.point_value_minor),
            balance=balance,
            vouchers=vouchers,
            coupons=coupons,
            voucher_days=till.voucher_valid_days,
        )
        self.wallets = {name: Wallet(name, table.terminal, table.brand) for name, table in config.wallet.items()}
        self.originals = Originals(config.gateway.store_id, database, outbox, uses)
        self.returns = ReturnDesk(self.originals, Unverified(clock), tuple(till.return_reasons), asyncio.Lock())
        self.beside = ReadBeside(book.slip, balance.of, vouchers.left)
