"""A till on the bench: it keeps results as a till does once they are on disk, and connects again after a cut."""

from __future__ import annotations

from typing import Any

from gateway import drivers
from gateway.peripherals import (
    Answer,
    Command,
    KeepResult,
    Output,
    Pay,
    PaymentKind,
    PaymentResult,
    Refusal,
    ResolvePayment,
    Send,
    WakeAt,
)
from tests.drivers.bench import Bench


class Till(Bench):
    """keep: what becomes of a held result: True, False, or None for not a word.

    lose: the numbers of the sends that the line swallows, counted over both directions.
    """

    def __init__(self, name: str, *, keep: bool | None = True, lose: frozenset[int] = frozenset(), **options: Any):
        self.keep, self.lose, self.sends = keep, lose, 0
        self.name, self.options = name, options
        super().__init__(name, **options)

    def sale(self, amount_minor: int = 318, payment_id: str = "S1", timeout_s: float = 200.0) -> Answer | Refusal:
        return self.ask(Pay(payment_id, PaymentKind.SALE, amount_minor, "EUR"), timeout_s)

    def sold(self, amount_minor: int = 318, payment_id: str = "S0") -> PaymentResult:
        end = self.sale(amount_minor, payment_id)
        assert isinstance(end, Answer), end
        assert isinstance(end.result, PaymentResult)
        return end.result

    def resolve(self, before: str, amount_minor: int = 318, kind: PaymentKind = PaymentKind.SALE) -> Answer | Refusal:
        return self.ask(ResolvePayment("S1", kind, amount_minor, "EUR", before), 60.0)

    def connect_again(self) -> None:
        """A fresh codec for a fresh connection, as the session makes one."""
        self.codec = drivers.load(self.name).codec(**self.options)
        self._codec_at = self.now

    def _from_codec(self, outputs: list[Output]) -> None:
        super()._from_codec(self._without_lost(outputs))
        for output in outputs:
            if isinstance(output, PaymentResult) and output.held and self.keep is not None:
                self._number += 1
                request = KeepResult(output.payment_id, self.keep)
                self._from_codec(self.codec.on_command(Command(self._number, request), self.now))

    def _from_device(self, outputs: list[Send | WakeAt]) -> None:
        super()._from_device([output for output in self._without_lost(outputs) if isinstance(output, Send | WakeAt)])

    def _without_lost(self, outputs: Any) -> list[Any]:
        passed = []
        for output in outputs:
            if isinstance(output, Send):
                self.sends += 1
                if self.sends in self.lose:
                    continue
            passed.append(output)
        return passed
