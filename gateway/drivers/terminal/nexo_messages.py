"""The words of nexo: requests as JSON, and what an answer means for a payment.

Source: nexo Retailer Protocol 3.1 as in Adyen's Terminal API reference (docs.adyen.com, read 2026-11-22: "Handle
        responses", "Verify transaction status", "Cancel a payment", "Referenced refund", "Generate receipts",
        "Request diagnosis"). Which words of ErrorCondition mean that no money moved is from "Handle responses".
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import parse_qsl

from gateway.drivers.terminal.masking import cleaned, masked
from gateway.peripherals import (
    AbortPayment,
    CheckHealth,
    ErrorCode,
    Pay,
    PaymentKind,
    PaymentOutcome,
    PaymentReceipt,
    PaymentResult,
    ResolvePayment,
)
from retail.units import exponent

Asked = Pay | ResolvePayment | AbortPayment | CheckHealth
#: from a payment's reference to the two fields that name it at the terminal: transaction id, time stamp
REFERENCE = re.compile(r"([!-?A-~]{1,64})@([0-9TZ:.+-]{10,35})", re.ASCII)
SERVICE_ID_LETTERS = 10
LONGEST_TEXT, MOST_LINES = 200, 200
#: what stands in JSON where the amount's digits go: json has no exact decimals
_AMOUNT = "\x00"

#: ErrorCondition where the customer or the card's bank said no: the end of a payment
ENDS = {
    "Aborted": (PaymentOutcome.ABORTED, "aborted at the till or the terminal; take the payment again if it is wanted"),
    "Cancel": (PaymentOutcome.ABORTED, "the customer cancelled, or waited too long; ask for the card again"),
    "InvalidCard": (PaymentOutcome.DECLINED, "the card cannot be read or is not valid; try another card"),
    "PaymentRestriction": (PaymentOutcome.DECLINED, "this card may not pay for this; try another way to pay"),
    "Refusal": (PaymentOutcome.DECLINED, "declined by the card's bank; try another card"),
    "WrongPIN": (PaymentOutcome.DECLINED, "wrong PIN; try another card"),
    "WrongPin": (PaymentOutcome.DECLINED, "wrong PIN; try another card"),
}
#: ErrorCondition where the terminal did not begin: UnifiedPOS code, reason, what to do
REFUSALS = {
    "Busy": (ErrorCode.BUSY, "busy", "the terminal is busy; finish what it shows, then try again"),
    "DeviceOut": (ErrorCode.OFFLINE, "device_out", "a part of the terminal is not there; look at its display"),
    "InsertedCard": (ErrorCode.EXTENDED, "inserted_card", "a card is still in the terminal; take it out, try again"),
    "LoggedOut": (ErrorCode.CLOSED, "logged_out", "the terminal is logged out; log it in at its menu, then try again"),
    "MessageFormat": (ErrorCode.ILLEGAL, "message_format", "the terminal does not take this message; check sale_id and "
                      "poi_id, update its software, or send us the log"),
    "NotAllowed": (ErrorCode.ILLEGAL, "not_allowed", "not allowed on this terminal; have its maker allow it"),
    "NotFound": (ErrorCode.NOEXIST, "not_found", "the terminal does not know the payment that this is about"),
    "UnavailableDevice": (ErrorCode.OFFLINE, "unavailable_device", "it cannot do this now; look at its display"),
    "UnavailableService": (ErrorCode.NOSERVICE, "unavailable_service", "the terminal does not offer this"),
    "UnreachableHost": (ErrorCode.OFFLINE, "unreachable_host", "the terminal cannot reach its bank; check its network"),
}  # fmt: skip
IN_PROGRESS = "the terminal is still at it; wait for what it shows"


def service_id(payment_id: str) -> str:
    """The ten letters under which the terminal knows a payment; the same for the same payment, after a restart too.

    50 bits: among the thousand payments of a terminal's 48 hours a clash has a chance of 1 in 2 thousand million.
    """
    return base64.b32encode(hashlib.sha256(payment_id.encode()).digest())[:SERVICE_ID_LETTERS].decode("ascii")


def fresh_service_id() -> str:
    return base64.b32encode(secrets.token_bytes(7))[:SERVICE_ID_LETTERS].decode("ascii")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request on the wire and how its answer is known. about: what kind of payment it asks after."""

    category: str
    service_id: str
    header: dict[str, Any]
    plain: bytes


def exchange(asked: Asked, sale_id: str, poi_id: str) -> Exchange:
    """The message for a request.

    Raises:
        ValueError: it cannot be said; the text is for the till.
    """
    category, body, amount = _request(asked)
    ours = service_id(asked.payment_id) if isinstance(asked, Pay) else fresh_service_id()
    header = {
        "ProtocolVersion": "3.0",
        "MessageClass": "Service",
        "MessageCategory": category,
        "MessageType": "Request",
        "SaleID": sale_id,
        "ServiceID": ours,
        "POIID": poi_id,
    }
    message = {"SaleToPOIRequest": {"MessageHeader": header, f"{category}Request": body}}
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    # With the colon and both quotes: no text of the till can hold these without a backslash in between.
    return Exchange(category, ours, header, text.replace(f'":{json.dumps(_AMOUNT)}', f'":{amount}').encode())


def _request(asked: Asked) -> tuple[str, dict[str, Any], str]:
    """(category, body, the amount's digits)."""
    match asked:
        case CheckHealth():
            return "Diagnosis", {"HostDiagnosisFlag": False}, ""
        case AbortPayment():
            reference = {"MessageCategory": "Payment", "ServiceID": service_id(asked.payment_id)}
            return "Abort", {"AbortReason": "MerchantAbort", "MessageReference": reference}, ""
        case ResolvePayment():
            what = "Reversal" if asked.kind is PaymentKind.REVERSAL else "Payment"
            reference = {"MessageCategory": what, "ServiceID": service_id(asked.payment_id)}
            return "TransactionStatus", {"ReceiptReprintFlag": False, "MessageReference": reference}, ""
        case Pay(kind=PaymentKind.REVERSAL):
            if not (original := REFERENCE.fullmatch(asked.original)):
                raise ValueError("a reversal wants the reference of the payment that it undoes")
            told = {"TransactionID": original[1], "TimeStamp": original[2]}
            body = {
                "OriginalPOITransaction": {"POITransactionID": told},
                "ReversalReason": "MerchantCancel",
                "ReversedAmount": _AMOUNT,
                "SaleData": _sale(asked),
            }
            return "Reversal", body, _digits(asked)
        case Pay():
            transaction: dict[str, Any] = {"AmountsReq": {"Currency": asked.currency, "RequestedAmount": _AMOUNT}}
            if asked.brand:
                transaction["TransactionConditions"] = {"AllowedPaymentBrand": [asked.brand]}
            body = {"SaleData": _sale(asked), "PaymentTransaction": transaction}
            if asked.kind is PaymentKind.REFUND:
                body["PaymentData"] = {"PaymentType": "Refund"}
            return "Payment", body, _digits(asked)


def _sale(pay: Pay) -> dict[str, Any]:
    # The time is the sale's and must be there; who hands in none has no clock that the terminal's books could want.
    stamp = pay.asked_at or "1970-01-01T00:00:00Z"
    sale = {"SaleTransactionID": {"TransactionID": pay.payment_id, "TimeStamp": stamp}}
    return sale | ({"SaleReferenceID": pay.payment_id} if pay.kind is PaymentKind.REVERSAL else {})


def _digits(pay: Pay) -> str:
    """Minor units as a decimal number of the currency: 318 EUR is 3.18, 500 JPY is 500."""
    return str(Decimal(pay.amount_minor).scaleb(-exponent(pay.currency)))


# --- answers ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Word:
    """What the terminal says to a request. condition: "" if it succeeded; text: its own words."""

    result: str
    condition: str
    text: str

    @property
    def good(self) -> bool:
        return self.result in ("Success", "Partial")


def word_of(body: dict[str, Any]) -> Word | None:
    """The Response of a body; None if there is none to rely on."""
    result = at(body, "Response", "Result")
    condition = at(body, "Response", "ErrorCondition")
    if result not in ("Success", "Partial", "Failure"):
        return None
    told = dict(parse_qsl(text_of(at(body, "Response", "AdditionalResponse"))))
    words = cleaned(told.get("message") or told.get("refusalReason") or "")
    return Word(str(result), str(condition or "") if result == "Failure" else "", words)


def refused(condition: str, words: str) -> tuple[ErrorCode, str, str] | None:
    """Code, reason and text where an ErrorCondition says that the terminal did not even begin."""
    if condition not in REFUSALS:
        return None
    code, reason, text = REFUSALS[condition]
    return code, reason, f"{text} ({words})" if words else text


def result_of(asked: Pay | ResolvePayment, body: dict[str, Any]) -> PaymentResult | None:
    """What a Payment or Reversal response says; None if it cannot be relied on."""
    word = word_of(body)
    if word is None:
        return None
    if not word.good:
        return _failed(asked, word, body)
    if asked.kind is PaymentKind.REVERSAL:
        amount: int | None = asked.amount_minor
    else:
        amount = _minor(at(body, "PaymentResult", "AmountsResp", "AuthorizedAmount"), asked)
    if amount is None:
        return None
    # Partial without its amount would be taken for the whole; _minor refuses that.
    stamp = text_of(at(body, "POIData", "POITransactionID", "TimeStamp"))
    number = text_of(at(body, "POIData", "POITransactionID", "TransactionID"))
    card = at(body, "PaymentResult", "PaymentInstrumentData", "CardData")
    acquirer = at(body, "PaymentResult", "PaymentAcquirerData")
    return PaymentResult(
        asked.payment_id,
        PaymentOutcome.REVERSED if asked.kind is PaymentKind.REVERSAL else PaymentOutcome.APPROVED,
        amount,
        asked.currency,
        reference=f"{number}@{stamp}" if number else "",
        approval_code=cleaned(text_of(at(acquirer, "ApprovalCode"))),
        card=masked(text_of(at(card, "MaskedPan") or at(card, "MaskedPAN"))),
        card_scheme=cleaned(text_of(at(card, "PaymentBrand"))),
        terminal_id=cleaned(text_of(at(acquirer, "AcquirerPOIID"))),
        at=stamp,
        receipts=tuple(receipts(body)),
    )


def _failed(asked: Pay | ResolvePayment, word: Word, body: dict[str, Any]) -> PaymentResult:
    if word.condition == "InProgress":
        return ended(asked, PaymentOutcome.UNKNOWN, IN_PROGRESS)
    refusal = refused(word.condition, word.text)
    if refusal is not None:
        return ended(asked, PaymentOutcome.NOT_DONE, refusal[2])
    # A condition that this list does not know is still a Failure: the terminal says that no money moved.
    outcome, text = ENDS.get(word.condition, (PaymentOutcome.DECLINED, f"declined ({word.condition or 'no reason'})"))
    text = f"{text} ({word.text})" if word.text else text
    return ended(asked, outcome, text, tuple(receipts(body)))


def ended(
    asked: Pay | ResolvePayment, outcome: PaymentOutcome, reason: str, kept: tuple[PaymentReceipt, ...] = ()
) -> PaymentResult:
    return PaymentResult(asked.payment_id, outcome, asked.amount_minor, asked.currency, reason=reason, receipts=kept)


def _minor(amount: object, asked: Pay | ResolvePayment) -> int | None:
    """The amount in minor units, exact; None if it is no amount of this currency."""
    if not isinstance(amount, Decimal) or not 0 <= amount < 10**10:
        return None
    minor = amount.scaleb(exponent(asked.currency))
    return int(minor) if minor == minor.to_integral_value() else None


def receipts(body: dict[str, Any]) -> Iterator[PaymentReceipt]:
    """The receipts as lines; every card number masked."""
    for receipt in _list(body.get("PaymentReceipt")):
        copy: Literal["customer", "merchant"]
        match at(receipt, "DocumentQualifier"):
            case "CustomerReceipt" | "SaleReceipt":
                copy = "customer"
            case "CashierReceipt":
                copy = "merchant"
            case _:
                continue
        outputs = _list(at(receipt, "OutputContent", "OutputText"))[:MOST_LINES]
        yield PaymentReceipt(copy, tuple(cleaned(_line(text_of(at(output, "Text")))) for output in outputs))


def _line(text: str) -> str:
    """Adyen writes a line as key=..&name=..&value=..; others as it shall be printed."""
    if not text.startswith(("key=", "name=")):
        return text
    fields = dict(parse_qsl(text, keep_blank_values=True))
    return " ".join(part for part in (fields.get("name", ""), fields.get("value", "")) if part)


def at(value: Any, *names: str) -> Any:
    """What stands under these names, one inside the other; None if something on the way is not there."""
    for name in names:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def text_of(value: object) -> str:
    return value[:LONGEST_TEXT] if isinstance(value, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
