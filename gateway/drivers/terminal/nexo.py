"""Payment terminals that speak nexo as JSON: Adyen's over the shop's network (Terminal API, local), and its kin.

Wire:   HTTPS, as a rule tls://TERMINAL:8443, POST /nexo with one JSON message and its answer, one exchange at a time.
        With a passphrase the message is encrypted and signed inside TLS too (nexo_security.py). A line is opened for a
        conversation and closed after it.
Units:  decimal amounts of the currency on the wire; minor units everywhere else.
Source: nexo Retailer Protocol 3.1 in Adyen's Terminal API reference, docs.adyen.com (pages: nexo_messages.py). That
        other makers answer the same messages in the same way is general knowledge [MEM].

How a payment is kept single: its ServiceID comes from its payment id, so whoever asks after it asks for the same one,
after a restart too; the request goes out once; every answer must name the ServiceID it answers; whatever else happens
ends as `unknown`, and TransactionStatus finds out. It waits a moment before it asks: a request whose line broke may
still be on its way, and then `NotFound` would be true and would be wrong a moment later.

HTTP/1.1 has one exchange a line and Adyen wants AbortRequest as a request of its own, so a payment cannot be aborted on
its own line. AbortPayment while Pay runs here therefore gives up the line: Pay ends as `unknown`, the abort is refused
as `line_taken`, and whoever asked asks again (gateway/devices/payment.py does). The next line carries the abort, and
one after it the question what became of the payment: the terminal keeps its answers, so nothing is lost by it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import h11

from gateway.drivers.terminal import nexo_messages as words
from gateway.drivers.terminal import nexo_security as security
from gateway.peripherals import (
    AbortPayment,
    Answer,
    CheckHealth,
    Command,
    DeviceClass,
    Driver,
    ErrorCode,
    HangUp,
    KeepResult,
    Oddity,
    Output,
    Pay,
    PaymentOutcome,
    Power,
    PowerChanged,
    Refusal,
    ResolvePayment,
    Send,
    WakeAt,
)

LONGEST_BODY = 256 * 1024

UNKNOWN = "no answer to the payment; the terminal is asked what became of it: do not take it again"
GIVEN_UP = "its line was given up for the abort; the terminal is asked what became of it: do not take it again"
FAILURES: dict[str, tuple[ErrorCode, str]] = {
    "silent": (ErrorCode.TIMEOUT, "no answer; check the terminal's power and network"),
    "garbled": (ErrorCode.FAILURE, "an answer that makes no sense; check that the address is a nexo terminal's"),
    "not_trusted": (ErrorCode.FAILURE, "its answer is not to be trusted"),
    "http": (ErrorCode.FAILURE, "the terminal refused the message; check passphrase, key_identifier and key_version"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """The one command under way, and the message that was sent for it."""

    number: int
    request: words.Asked
    exchange: words.Exchange
    deadline: float


class NexoTerminal:
    def __init__(
        self,
        *,
        passphrase: str = "",
        key_identifier: str = "",
        key_version: int = 0,
        sale_id: str = "backroom",
        poi_id: str = "",
        path: str = "/nexo",
        answer_s: float = 120.0,
        settle_s: float = 1.0,
    ) -> None:
        if not path.startswith("/"):
            raise ValueError(f"path {path!r} does not begin with /")
        if passphrase and not key_identifier:
            raise ValueError("a passphrase wants its key_identifier and key_version")
        self.sale_id, self.poi_id, self.path, self.answer_s, self.settle_s = sale_id, poi_id, path, answer_s, settle_s
        self._key = security.Key(passphrase, key_identifier, key_version) if passphrase else None
        self._http = h11.Connection(h11.CLIENT)
        self._body = bytearray()
        self._measured = False  # the answer's head says how long its body is
        self._asked: Asked | None = None
        self._ask_at: float | None = None  # the message waits until then
        self._over = False

    # --- commands -------------------------------------------------------------------------------------------

    def on_command(self, command: Command, now: float) -> list[Output]:
        number, request = command.number, command.request
        if isinstance(request, KeepResult):
            return [Answer(number)]  # nothing here is held
        if not isinstance(request, Pay | ResolvePayment | AbortPayment | CheckHealth):
            text = "a nexo terminal is not asked this by the till; its own menu may have it"
            refusal = Refusal(number, ErrorCode.ILLEGAL, "unsupported", text)
            return [refusal] if self._asked or self._over else self._end(refusal)
        if self._asked is not None or self._over:
            return self._taken(number, request)
        try:
            exchange = words.exchange(request, self.sale_id, self.poi_id)
        except ValueError as problem:
            return self._end(Refusal(number, ErrorCode.ILLEGAL, "impossible", str(problem)))
        self._asked = Asked(number, request, exchange, now + min(command.timeout_s, self.answer_s))
        if isinstance(request, ResolvePayment) and self.settle_s:
            self._ask_at = now + self.settle_s
            return [self._wake(self._asked)]
        return [Send(self._message(exchange)), self._wake(self._asked)]

    def _taken(self, number: int, request: words.Asked) -> list[Output]:
        """There is an exchange on this line, or was; a payment's line is given up for its abort."""
        text = "the terminal's line is in use; ask again"
        refusal = Refusal(number, ErrorCode.BUSY, "line_taken", text)
        if not isinstance(request, AbortPayment) or self._asked is None or not isinstance(self._asked.request, Pay):
            return [refusal]
        return [*self._end(Refusal(self._asked.number, ErrorCode.TIMEOUT, "unknown", GIVEN_UP, begun=True)), refusal]

    def _message(self, exchange: words.Exchange) -> bytes:
        body = exchange.plain
        if self._key is not None:
            sealed = security.sealed(exchange.header, exchange.plain, self._key)
            body = json.dumps({"SaleToPOIRequest": sealed}, separators=(",", ":")).encode()
        headers = [
            ("Host", self.poi_id or "terminal"),
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
        ]
        head = h11.Request(method="POST", target=self.path, headers=headers)
        return b"".join(self._http.send(event) or b"" for event in (head, h11.Data(data=body), h11.EndOfMessage()))

    # --- time -----------------------------------------------------------------------------------------------

    def on_time(self, now: float) -> list[Output]:
        asked = self._asked
        if asked is None:
            return []
        if now >= asked.deadline:
            return self._failed(asked, "silent")
        if self._ask_at is not None and now >= self._ask_at:
            self._ask_at = None
            return [Send(self._message(asked.exchange)), self._wake(asked)]
        return [self._wake(asked)]

    def _wake(self, asked: Asked) -> WakeAt:
        return WakeAt(asked.deadline if self._ask_at is None else min(asked.deadline, self._ask_at))

    # --- bytes ----------------------------------------------------------------------------------------------

    def on_bytes(self, data: bytes, now: float) -> list[Output]:
        if not data or self._asked is None or self._ask_at is not None:
            return []  # before a question, or behind the end of a conversation: nobody asked
        asked = self._asked
        try:
            self._http.receive_data(data)
            while True:
                event = self._http.next_event()
                if event is h11.NEED_DATA or event is h11.PAUSED:
                    return []
                if outputs := self._http_event(asked, event):
                    return outputs
        except h11.ProtocolError:
            return self._odd(asked, "not an answer in HTTP")

    def _http_event(self, asked: Asked, event: object) -> list[Output]:
        match event:
            case h11.Response(status_code=status) if status != 200:
                return self._failed(asked, "http", f"it says {status}")
            case h11.Response() if isinstance(asked.request, AbortPayment):
                # Adyen's 200 to an abort has no body, and the body of others would say no more.
                return self._end(Answer(asked.number), online=True)
            case h11.Response(headers=headers):
                names = {name for name, _ in headers}
                self._measured = not names.isdisjoint((b"content-length", b"transfer-encoding"))
                return []
            case h11.Data(data=data):
                self._body += data
                if len(self._body) > LONGEST_BODY:
                    return self._odd(asked, "an answer without end")
                if self._measured:
                    return []
                # Such an answer ends where the line does, and a codec does not see that; but its JSON ends too.
                self._body = bytearray(security.first_object(bytes(self._body)) or self._body)
                return self._answered(asked) if security.read_json(bytes(self._body)) else []
            case h11.EndOfMessage() | h11.ConnectionClosed():
                return self._answered(asked)
            case _:
                return []

    def _answered(self, asked: Asked) -> list[Output]:
        """One whole body: trust it, see that it answers this question, and say what it means."""
        try:
            message = self._opened(security.read_json(bytes(self._body)))
        except security.NotTrusted as problem:
            return self._failed(asked, "not_trusted", str(problem))
        header, category = words.at(message, "MessageHeader"), asked.exchange.category
        mine = {
            "MessageCategory": category,
            "MessageType": "Response",
            "ServiceID": asked.exchange.service_id,
            "SaleID": self.sale_id,
        }
        if any(words.at(header, name) != value for name, value in mine.items()):
            return self._odd(asked, "an answer to another question")
        body = words.at(message, f"{category}Response")
        word = words.word_of(body) if isinstance(body, dict) else None
        if word is None:
            return self._failed(asked, "garbled")
        match asked.request:
            case Pay() as pay:
                return self._paid(asked, pay, word, body)
            case ResolvePayment() as question:
                return self._found(asked, question, word, body)
            case _:
                return self._healthy(asked, body)

    def _opened(self, outer: dict[str, Any]) -> dict[str, Any]:
        body = words.at(outer, "SaleToPOIResponse")
        if self._key is not None and isinstance(body, dict):
            body = words.at(security.read_json(security.opened(body, self._key)), "SaleToPOIResponse")
        return body if isinstance(body, dict) else {}

    # --- what an answer means -------------------------------------------------------------------------------

    def _paid(self, asked: Asked, pay: Pay, word: words.Word, body: dict[str, Any]) -> list[Output]:
        if refusal := words.refused(word.condition, word.text):
            code, reason, text = refusal
            return self._end(Refusal(asked.number, code, reason, text), online=True)
        result = words.result_of(pay, body)
        if result is None or result.outcome is PaymentOutcome.UNKNOWN:
            return self._failed(asked, "garbled")
        return self._end(Answer(asked.number, result), online=True)

    def _found(self, asked: Asked, question: ResolvePayment, word: words.Word, body: dict[str, Any]) -> list[Output]:
        """What the terminal says about a payment: its old answer, that it is at it, or that it never had it."""
        if word.condition == "NotFound":
            text = "the terminal never had this payment; take it again"
            never = words.ended(question, PaymentOutcome.NOT_DONE, text)
            return self._end(Answer(asked.number, never), online=True)
        if word.condition == "InProgress":
            unknown = words.ended(question, PaymentOutcome.UNKNOWN, words.IN_PROGRESS)
            return self._end(Answer(asked.number, unknown), online=True)
        if not word.good:
            no_status = f"the terminal does not say ({word.condition or 'no reason'})"
            code, reason, text = words.refused(word.condition, word.text) or (
                ErrorCode.FAILURE,
                "no_status",
                no_status,
            )
            return self._end(Refusal(asked.number, code, reason, text), online=True)
        repeated = words.at(body, "RepeatedMessageResponse")
        header = words.at(repeated, "MessageHeader")
        if words.at(header, "ServiceID") != words.service_id(question.payment_id):
            return self._odd(asked, "the status of another payment")
        category = words.at(header, "MessageCategory")
        old = words.at(repeated, "RepeatedResponseMessageBody", f"{category}Response")
        result = words.result_of(question, old) if isinstance(old, dict) else None
        if result is None:
            return self._failed(asked, "garbled")
        return self._end(Answer(asked.number, result), online=True)

    def _healthy(self, asked: Asked, body: dict[str, Any]) -> list[Output]:
        usable = words.at(body, "POIStatus", "GlobalStatus") not in ("Unreachable", "Maintenance")
        power = Power.ONLINE if usable else Power.OFFLINE
        return [PowerChanged(power), *self._end(Answer(asked.number))]

    # --- ends -----------------------------------------------------------------------------------------------

    def _end(self, end: Answer | Refusal, *, online: bool = False) -> list[Output]:
        self._asked, self._ask_at, self._over = None, None, True
        self._body.clear()
        return [*([PowerChanged(Power.ONLINE)] if online else []), end, HangUp()]

    def _odd(self, asked: Asked, text: str) -> list[Output]:
        return [Oddity(text), *self._failed(asked, "garbled")]

    def _failed(self, asked: Asked, reason: str, detail: str = "") -> list[Output]:
        """No answer to rely on: a payment has begun as far as anybody knows."""
        code, text = FAILURES[reason]
        text = f"{text} ({detail})" if detail else text
        begun = isinstance(asked.request, Pay)
        if begun and reason == "silent":
            reason, text = "unknown", UNKNOWN
        end = self._end(Refusal(asked.number, code, reason, text, begun=begun))
        dead = reason == "silent" and isinstance(asked.request, CheckHealth)
        return [*end, PowerChanged(Power.OFF)] if dead else end


def prepare() -> None:
    """Load the cipher, which costs a Raspberry Pi a third of a second."""
    from cryptography.hazmat.primitives.ciphers import Cipher  # noqa: F401


DRIVER = Driver(
    name="terminal-nexo",
    device_class=DeviceClass.PAYMENT_TERMINAL,
    codec=NexoTerminal,
    options={
        "passphrase": "of the shared key; without one messages are not encrypted beyond TLS (default none)",
        "key_identifier": "of the shared key (default none)",
        "key_version": "of the shared key (default 0)",
        "sale_id": "how the terminal knows this till, the same in every run (default backroom)",
        "poi_id": "the terminal's own id, such as V400m-324688179 (default none)",
        "path": "where on the terminal messages are taken (default /nexo)",
        "settle_s": "seconds before asking what became of a payment: it may be on its way still (default 1)",
        "answer_s": "seconds after which a payment's answer counts as lost; Adyen says 120 (default 120)",
    },
    on_demand=True,
    private=True,
    prepare=prepare,
)
