"""A pretend Adyen terminal on the shop's network: nexo as JSON in HTTP, encrypted where a passphrase is set.

Wire:   POST with a SaleToPOIRequest -> 200 with a SaleToPOIResponse; Abort -> 200 without a body. Any path is taken.
        Give it TLS by a proxy if a client insists; its own line is bytes.
Units:  decimal amounts; the ledger counts minor units of two decimals.
Source: docs.adyen.com, Terminal API: "Make a payment", "Verify transaction status", "Cancel a payment", "Handle
        responses", "Request diagnosis".

It knows a payment by SaleID and ServiceID, keeps every answer for TransactionStatus, refuses a ServiceID that it had
before, and books in `ledger`, which is what a test asks: was money taken, and how often.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass, field
from typing import Any

from gateway.peripherals import DeviceClass, Send, Simulator, WakeAt
from gateway.simulators import knobs
from gateway.simulators.terminal.nexo_vault import Vault

KNOBS = {
    "error": "an ErrorCondition such as Refusal, Cancel, WrongPIN, Busy: the next payments end with it (default none)",
    "takes": "seconds that a customer takes for a payment; it is InProgress meanwhile (default 0)",
    "partial": "cents that are approved at most, Result Partial (default 0, which is no limit)",
    "cut": "before: the next request is lost on its way; after: it is done and its answer is lost (default none)",
    "passphrase": "of the shared key; none is without encryption (default none)",
    "key_identifier": "of the shared key (default none)",
    "key_version": "of the shared key (default 0)",
    "poi_id": "its own id; none answers to any (default none)",
    "wrong_hmac": "yes: signs its answers wrongly (default no)",
    "wrong_service_id": "yes: its answers name another request (default no)",
    "full_pan": "yes: prints a whole card number on its receipts, as it must not (default no)",
    "framing": "length, chunked, or close: how the end of an answer is told (default length)",
    "status": "the HTTP status of its answers (default 200)",
    "global_status": "OK, Busy, Maintenance or Unreachable, as Diagnosis tells (default OK)",
    "forgets": "yes: has no memory of payments any more (default no)",
    "silent": "yes: takes requests, does and answers nothing (default no)",
    "late": "seconds that each answer takes (default 0)",
    "garbage": "yes: answers random bytes (default no)",
}
WORDS = ("error", "passphrase", "key_identifier", "poi_id")
CHOICES = {
    "cut": ("none", "before", "after"),
    "framing": ("length", "chunked", "close"),
    "global_status": ("OK", "Busy", "Maintenance", "Unreachable"),
}
PAN = "5413330089020011"
AT = "2026-11-22T09:30:00.000Z"
LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]{1,7})\r\n", re.IGNORECASE)
START = b"POST "
#: no client sends more
MOST_PENDING = 512 * 1024


@dataclass
class Transaction:
    """One payment as the terminal knows it. state: running, approved, reversed, or failed."""

    category: str
    service_id: str
    sale_id: str
    cents: int
    currency: str
    refund: bool
    header: dict[str, Any]
    state: str = "running"
    body: dict[str, Any] = field(default_factory=dict)
    number: str = ""


class PretendNexo:
    def __init__(self) -> None:
        self.error = self.passphrase = self.key_identifier = self.poi_id = ""
        self.cut, self.framing, self.global_status = "none", "length", "OK"
        self.partial = self.key_version = 0
        self.status = 200
        self.takes = self.late = 0.0
        self.wrong_hmac = self.wrong_service_id = self.full_pan = self.forgets = self.silent = self.garbage = False
        self.ledger: list[Transaction] = []
        self.requests: list[str] = []  # their categories, as they came
        self._pending = b""
        self._awaited: str | None = None  # the ServiceID whose answer the line still waits for
        self._running: tuple[float, Transaction] | None = None
        self._later: list[tuple[float, bytes]] = []
        self._noise = random.Random(3318)  # noqa: S311 -- the same noise each time, on purpose
        self._vault: Vault | None = None

    # --- for tests ------------------------------------------------------------------------------------------

    def charged(self) -> int:
        """Cents taken, less cents given back."""
        return sum(one.cents * (-1 if one.refund else 1) for one in self.ledger if one.state == "approved")

    def set(self, knob: str, value: str) -> list[Send | WakeAt]:
        if knob in WORDS:
            setattr(self, knob, "" if value == "none" else value)
        elif knob in CHOICES:
            if value not in CHOICES[knob]:
                raise ValueError(f"{knob} {value!r} is none of {', '.join(CHOICES[knob])}")
            setattr(self, knob, value)
        elif knob in ("partial", "key_version", "status"):
            setattr(self, knob, knobs.whole(value))
        elif knob in ("takes", "late"):
            setattr(self, knob, knobs.seconds(value))
        elif knob in KNOBS:
            setattr(self, knob, knobs.yes(value))
        else:
            raise knobs.unknown(knob, KNOBS)
        self._vault = None
        return []

    # --- HTTP -----------------------------------------------------------------------------------------------

    def on_bytes(self, data: bytes, now: float) -> list[Send | WakeAt]:
        self._pending = (self._pending + data)[-MOST_PENDING:]
        # Nobody tells a device that its client hung up. A new request has one meaning only: the old one's line is gone.
        self._pending = self._pending[max(self._pending.rfind(START), 0) :]
        head, blank, body = self._pending.partition(b"\r\n\r\n")
        measured = LENGTH.search(head + b"\r\n")
        if not blank or not head.startswith(START):
            return []
        length = int(measured[1]) if measured else 0
        if len(body) < length:
            return []
        self._pending = body[length:]
        self._awaited = None
        return [] if self.silent else self._asked(body[:length], now)

    def _asked(self, body: bytes, now: float) -> list[Send | WakeAt]:
        cut, self.cut = self.cut, "none"
        if cut == "before":
            return []
        message = self._unwrapped(body)
        header = message.get("MessageHeader")
        category = str(header.get("MessageCategory")) if isinstance(header, dict) else ""
        if not isinstance(header, dict) or not isinstance(message.get(f"{category}Request"), dict):
            return self._say(self._http(b"", status=400), now)
        self.requests.append(category)
        if category == "Abort":
            self._abort(message.get("AbortRequest", {}))
            return self._say(self._http(b""), now)
        if category in ("Payment", "Reversal"):
            return self._begin(category, header, message.get(f"{category}Request", {}), now, heard=cut != "after")
        answer = self._other(category, header, message.get(f"{category}Request", {}))
        return [] if cut == "after" else self._say(self._answer(header, answer), now)

    def _say(self, answer: bytes, now: float) -> list[Send | WakeAt]:
        if self.garbage:
            answer = self._noise.randbytes(120)
        if not self.late:
            return [Send(answer)]
        self._later.append((now + self.late, answer))
        return [self._wake()]

    def on_time(self, now: float) -> list[Send | WakeAt]:
        due: list[Send | WakeAt] = []
        while self._later and self._later[0][0] <= now:
            due.append(Send(self._later.pop(0)[1]))
        if self._running and self._running[0] <= now:
            transaction = self._running[1]
            self._running = None
            self._finish(transaction)
            if self._awaited == transaction.service_id:
                due += self._say(self._answer(transaction.header, transaction.body), now)
        return [*due, self._wake()] if self._later or self._running else due

    def _wake(self) -> WakeAt:
        times = [self._later[0][0]] if self._later else []
        return WakeAt(min([*times, *([self._running[0]] if self._running else [])]))

    def _http(self, body: bytes, status: int | None = None) -> bytes:
        status = status or self.status
        head = f"HTTP/1.1 {status} {'OK' if status == 200 else 'No'}\r\nContent-Type: application/json\r\n".encode()
        match self.framing:
            case "chunked":
                chunks = [body[at : at + 100] for at in range(0, len(body), 100)]
                lines = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
                return head + b"Transfer-Encoding: chunked\r\n\r\n" + lines + b"0\r\n\r\n"
            case "close":
                return head + b"Connection: close\r\n\r\n" + body
            case _:
                return head + b"Content-Length: %d\r\n\r\n" % len(body) + body

    # --- envelopes ------------------------------------------------------------------------------------------

    def _key(self) -> Vault:
        if self._vault is None:
            self._vault = Vault(self.passphrase, self.key_identifier, self.key_version, self._noise)
        return self._vault

    def _unwrapped(self, body: bytes) -> dict[str, Any]:
        message = _object(body).get("SaleToPOIRequest")
        if self.passphrase and isinstance(message, dict):
            clear = self._key().unseal(message)
            message = _object(clear).get("SaleToPOIRequest") if clear is not None else None
        return message if isinstance(message, dict) else {}

    def _answer(self, asked: dict[str, Any], body: dict[str, Any]) -> bytes:
        header = {**asked, "MessageType": "Response"}
        if self.wrong_service_id:
            header["ServiceID"] = "OTHER"
        message: dict[str, Any] = {"MessageHeader": header, f"{header['MessageCategory']}Response": body}
        if self.passphrase:
            clear = json.dumps({"SaleToPOIResponse": message}).encode()
            message = self._key().seal(header, clear, wrong_hmac=self.wrong_hmac)
        return self._http(json.dumps({"SaleToPOIResponse": message}).encode())

    # --- payments -------------------------------------------------------------------------------------------

    def _begin(
        self, category: str, header: dict[str, Any], request: dict[str, Any], now: float, *, heard: bool
    ) -> list[Send | WakeAt]:
        refusal = self._refusal(header)
        if refusal:
            return self._say(self._answer(header, _failure(refusal)), now)
        amounts = request.get("PaymentTransaction", {}).get("AmountsReq", {})
        amount = amounts.get("RequestedAmount", request.get("ReversedAmount", 0))
        transaction = Transaction(
            category,
            header["ServiceID"],
            header["SaleID"],
            round(float(amount) * 100),
            str(amounts.get("Currency", "")),
            request.get("PaymentData", {}).get("PaymentType") == "Refund",
            header,
        )
        self.ledger.append(transaction)
        if category == "Reversal":
            told = request.get("OriginalPOITransaction", {}).get("POITransactionID", {})
            self._reverse(transaction, str(told.get("TransactionID")))
        elif self.takes:
            self._running = (now + self.takes, transaction)
            self._awaited = transaction.service_id if heard else None
            return [self._wake()]
        else:
            self._finish(transaction)
        return self._say(self._answer(header, transaction.body), now) if heard else []

    def _refusal(self, header: dict[str, Any]) -> str:
        if self.poi_id and header.get("POIID") != self.poi_id:
            return "MessageFormat"
        if self._found(header.get("SaleID"), header.get("ServiceID")):
            return "NotAllowed"
        return "Busy" if self._running else ""

    def _found(self, sale_id: object, service_id: object) -> Transaction | None:
        if self.forgets:
            return None
        known = (one for one in self.ledger if (one.sale_id, one.service_id) == (sale_id, service_id))
        return next(known, None)

    def _finish(self, transaction: Transaction) -> None:
        if self.error:
            transaction.state, transaction.body = "failed", _failure(self.error)
            return
        result = "Success"
        if self.partial and transaction.cents > self.partial:
            transaction.cents, result = self.partial, "Partial"
        transaction.state = "approved"
        transaction.number = f"4j9Z{len(self.ledger):012d}.PSP{len(self.ledger):013d}"
        transaction.body = self._approved(transaction, result)

    def _approved(self, transaction: Transaction, result: str) -> dict[str, Any]:
        card = PAN if self.full_pan else f"{PAN[:6]} **** {PAN[-4:]}"
        lines = [
            "key=header1&name=BACKROOM&format=emphasis",
            f"key=pan&name=Card&value={card}",
            "key=thanks&name=Thank+you",
        ]
        texts = [{"Text": line, "EndOfLineFlag": True, "CharacterStyle": "Normal"} for line in lines]
        output = {"OutputFormat": "Text", "OutputText": texts}
        return {
            "Response": {"Result": result, "AdditionalResponse": f"tid=75008565&cardHolderName=J%20Doe&PAN={PAN}"},
            "POIData": {"POITransactionID": {"TransactionID": transaction.number, "TimeStamp": AT}},
            "PaymentResult": {
                "AmountsResp": {"Currency": transaction.currency, "AuthorizedAmount": transaction.cents / 100},
                "PaymentInstrumentData": {
                    "CardData": {"MaskedPan": card, "PaymentBrand": "mc", "EntryMode": ["Contactless"]},
                    "PaymentInstrumentType": "Card",
                },
                "PaymentAcquirerData": {"ApprovalCode": "123456", "AcquirerPOIID": "P400Plus-275008565"},
                "OnlineFlag": True,
            },
            "PaymentReceipt": [
                {"DocumentQualifier": kind, "OutputContent": output, "RequiredSignatureFlag": False}
                for kind in ("CashierReceipt", "CustomerReceipt")
            ],
        }  # fmt: skip

    def _reverse(self, reversal: Transaction, number: str) -> None:
        original = next((one for one in self.ledger if one.number == number and one.state == "approved"), None)
        if original is None or self.error:
            reversal.state, reversal.body = "failed", _failure(self.error or "NotFound")
            return
        original.state = reversal.state = "reversed"
        stamp = {"TransactionID": number + "R", "TimeStamp": "2026-11-22T09:31:00.000Z"}
        reversal.body = {"Response": {"Result": "Success"}, "POIData": {"POITransactionID": stamp}}

    def _abort(self, request: dict[str, Any]) -> None:
        told = request.get("MessageReference", {}).get("ServiceID")
        if self._running and self._running[1].service_id == told:
            self._running[1].state, self._running[1].body = "failed", _failure("Aborted")
            self._running = None

    def _other(self, category: str, header: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
        match category:
            case "Diagnosis":
                status = {"GlobalStatus": self.global_status, "CommunicationOKFlag": True}
                return {"Response": {"Result": "Success"}, "POIStatus": status}
            case "TransactionStatus":
                return self._status(header, request.get("MessageReference", {}))
            case _:
                return _failure("UnavailableService")

    def _status(self, header: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any]:
        found = self._found(reference.get("SaleID", header.get("SaleID")), reference.get("ServiceID"))
        if found is None:
            return _failure("NotFound")
        if found.state == "running":
            return _failure("InProgress")
        repeated = {
            "MessageHeader": {**found.header, "MessageType": "Response"},
            "RepeatedResponseMessageBody": {f"{found.category}Response": found.body},
        }
        answer = {"Response": {"Result": "Success"}, "MessageReference": reference}
        return answer | {"RepeatedMessageResponse": repeated}


def _object(data: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(data)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _failure(condition: str) -> dict[str, Any]:
    additional = "message=Said%20by%20a%20pretend%20terminal"
    return {"Response": {"Result": "Failure", "ErrorCondition": condition, "AdditionalResponse": additional}}


SIMULATOR = Simulator(name="terminal-nexo", device_class=DeviceClass.PAYMENT_TERMINAL, device=PretendNexo, knobs=KNOBS)
