"""nexo terminals: the messages as they stand on the wire, every word of ErrorCondition, and answers that lie."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from gateway.drivers.terminal.nexo import NexoTerminal
from gateway.drivers.terminal.nexo_messages import ENDS, REFUSALS, fresh_service_id, service_id
from gateway.peripherals import (
    AbortPayment,
    Answer,
    CheckHealth,
    Command,
    EndOfDay,
    ErrorCode,
    HangUp,
    KeepResult,
    Oddity,
    Output,
    Pay,
    PaymentKind,
    PaymentOutcome,
    PaymentResult,
    Power,
    PowerChanged,
    Refusal,
    Request,
    ResolvePayment,
)
from tests.drivers.bench import events, sent

SALE = Pay("S0421-1-000017", PaymentKind.SALE, 318, "EUR", asked_at="2026-11-22T09:30:00Z")
QUESTION = ResolvePayment(SALE.payment_id, SALE.kind, SALE.amount_minor, SALE.currency)


def asked(request: Request, timeout_s: float = 300.0, **options: Any) -> tuple[NexoTerminal, dict[str, Any]]:
    """A codec with this request on its way, and the message that went out."""
    codec = NexoTerminal(settle_s=0.0, poi_id="V400m-324688179", **options)
    codec.on_time(0.0)
    data = sent(codec.on_command(Command(7, request, timeout_s), 0.0))
    head, _, body = data.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /nexo HTTP/1.1\r\n")
    assert f"content-length: {len(body)}".encode() in head.lower()
    return codec, json.loads(body)["SaleToPOIRequest"]


def http(body: bytes, head: str = "HTTP/1.1 200 OK\r\nContent-Length: {}") -> bytes:
    return head.format(len(body)).encode() + b"\r\n\r\n" + body


def reply(message: dict[str, Any], body: dict[str, Any], **header: str) -> bytes:
    told = {**message["MessageHeader"], "MessageType": "Response", **header}
    return http(
        json.dumps({"SaleToPOIResponse": {"MessageHeader": told, f"{told['MessageCategory']}Response": body}}).encode()
    )


def end_of(outputs: list[Output]) -> Answer | Refusal:
    (end,) = [event for event in outputs if isinstance(event, Answer | Refusal)]
    assert outputs[-1] == HangUp()
    return end


def result_of(outputs: list[Output]) -> PaymentResult:
    end = end_of(outputs)
    assert isinstance(end, Answer), end
    assert isinstance(end.result, PaymentResult)
    return end.result


def approved(**changes: Any) -> dict[str, Any]:
    return {
        "Response": {"Result": "Success", "AdditionalResponse": "tid=1"},
        "POIData": {"POITransactionID": {"TransactionID": "BV0q001643.VK9D", "TimeStamp": "2026-11-22T09:30:07.000Z"}},
        "PaymentResult": {
            "AmountsResp": {"Currency": "EUR", "AuthorizedAmount": 3.18},
            "PaymentInstrumentData": {"CardData": {"MaskedPan": "541333 **** 9999", "PaymentBrand": "mc"}},
            "PaymentAcquirerData": {"ApprovalCode": "123456", "AcquirerPOIID": "P400Plus-275008565"},
        },
        "PaymentReceipt": [
            {
                "DocumentQualifier": "CustomerReceipt",
                "OutputContent": {
                    "OutputFormat": "Text",
                    "OutputText": [
                        {"Text": "key=header1&name=Backroom&format=emphasis"},
                        {"Text": "key=pan&name=Card+no.&value=5413330089020011"},
                        {"Text": "name=Thank+you"},
                        {"Text": "as it stands"},
                    ],
                },
            },
            {"DocumentQualifier": "CashierReceipt", "OutputContent": {"OutputText": []}},
            {"DocumentQualifier": "Journal", "OutputContent": {"OutputText": [{"Text": "not a receipt"}]}},
        ],
        **changes,
    }


def failure(condition: str, words: str = "") -> dict[str, Any]:
    return {"Response": {"Result": "Failure", "ErrorCondition": condition, "AdditionalResponse": f"message={words}"}}


# --- what goes out ----------------------------------------------------------------------------------------------------


def test_a_sale_on_the_wire() -> None:
    _, message = asked(SALE, sale_id="POSSystemID12345")
    assert message == {
        "MessageHeader": {
            "ProtocolVersion": "3.0",
            "MessageClass": "Service",
            "MessageCategory": "Payment",
            "MessageType": "Request",
            "SaleID": "POSSystemID12345",
            "ServiceID": service_id(SALE.payment_id),
            "POIID": "V400m-324688179",
        },
        "PaymentRequest": {
            "SaleData": {"SaleTransactionID": {"TransactionID": SALE.payment_id, "TimeStamp": "2026-11-22T09:30:00Z"}},
            "PaymentTransaction": {"AmountsReq": {"Currency": "EUR", "RequestedAmount": 3.18}},
        },
    }


@pytest.mark.parametrize(
    ("minor", "currency", "digits"),
    [
        (318, "EUR", "3.18"),
        (5, "EUR", "0.05"),
        (100_000, "EUR", "1000.00"),
        (500, "JPY", "500"),
        (1234, "KWD", "1.234"),
    ],
)
def test_amounts_go_out_as_exact_decimals(minor: int, currency: str, digits: str) -> None:
    codec = NexoTerminal()
    data = sent(codec.on_command(Command(1, Pay("p", PaymentKind.SALE, minor, currency)), 0.0))
    assert f'"RequestedAmount":{digits}}}'.encode() in data


def test_a_payment_id_cannot_smuggle_anything_into_the_message() -> None:
    nasty = 'x\x00","RequestedAmount":"\x00'
    _, message = asked(Pay(nasty, PaymentKind.SALE, 1, "EUR"))
    assert message["PaymentRequest"]["SaleData"]["SaleTransactionID"]["TransactionID"] == nasty
    assert message["PaymentRequest"]["PaymentTransaction"]["AmountsReq"]["RequestedAmount"] == 0.01


def test_a_wallet_is_named_as_the_only_one_that_may_pay() -> None:
    _, message = asked(Pay("p-2", PaymentKind.SALE, 100, "EUR", brand="alipay"))
    transaction = message["PaymentRequest"]["PaymentTransaction"]
    assert transaction["TransactionConditions"] == {"AllowedPaymentBrand": ["alipay"]}
    _, plain = asked(Pay("p-3", PaymentKind.SALE, 100, "EUR"))
    assert "TransactionConditions" not in plain["PaymentRequest"]["PaymentTransaction"]


def test_a_refund_a_reversal_a_status_an_abort_and_a_diagnosis_on_the_wire() -> None:
    _, refund = asked(Pay("p-2", PaymentKind.REFUND, 100, "EUR"))
    assert refund["PaymentRequest"]["PaymentData"] == {"PaymentType": "Refund"}
    _, reversal = asked(Pay("p-3", PaymentKind.REVERSAL, 318, "EUR", original="BV0q.VK9D@2026-11-22T09:30:07.000Z"))
    assert reversal["MessageHeader"]["MessageCategory"] == "Reversal"
    assert reversal["ReversalRequest"]["OriginalPOITransaction"] == {
        "POITransactionID": {"TransactionID": "BV0q.VK9D", "TimeStamp": "2026-11-22T09:30:07.000Z"}
    }
    assert reversal["ReversalRequest"]["ReversedAmount"] == 3.18
    _, status = asked(QUESTION)
    told = {"MessageCategory": "Payment", "ServiceID": service_id(SALE.payment_id)}
    assert status["TransactionStatusRequest"]["MessageReference"] == told
    assert status["MessageHeader"]["ServiceID"] != told["ServiceID"]
    _, abort = asked(AbortPayment(SALE.payment_id))
    assert abort["AbortRequest"] == {"AbortReason": "MerchantAbort", "MessageReference": told}
    _, health = asked(CheckHealth())
    assert health["DiagnosisRequest"] == {"HostDiagnosisFlag": False}


def test_a_service_id_is_the_same_after_a_restart_and_another_for_each_payment() -> None:
    assert service_id("S0421-1-000017") == "5UY2LCOCLV"
    ids = {service_id(f"S0421-1-{number:06d}") for number in range(20_000)} | {fresh_service_id() for _ in range(1000)}
    assert len(ids) == 21_000
    assert all(re.fullmatch("[A-Z2-7]{10}", one) for one in ids)


def test_a_reversal_without_its_original_is_impossible() -> None:
    codec = NexoTerminal()
    end = end_of(codec.on_command(Command(1, Pay("p", PaymentKind.REVERSAL, 1, "EUR", original="what")), 0.0))
    assert isinstance(end, Refusal)
    assert (end.reason, end.begun) == ("impossible", False)


# --- what comes back --------------------------------------------------------------------------------------------------


def test_an_approved_sale() -> None:
    codec, message = asked(SALE)
    outputs = codec.on_bytes(reply(message, approved()), 5.0)
    assert outputs[0] == PowerChanged(Power.ONLINE)
    result = result_of(outputs)
    assert (result.outcome, result.amount_minor, result.currency) == (PaymentOutcome.APPROVED, 318, "EUR")
    assert (result.approval_code, result.card, result.card_scheme) == ("123456", "541333****9999", "mc")
    assert result.reference == "BV0q001643.VK9D@2026-11-22T09:30:07.000Z"
    assert [receipt.copy for receipt in result.receipts] == ["customer", "merchant"]
    assert result.receipts[0].lines == ("Backroom", "Card no. 541333******0011", "Thank you", "as it stands")
    assert result.reason == ""
    assert not result.held


def test_a_partial_approval_is_approved_over_what_was_authorised() -> None:
    codec, message = asked(SALE)
    body = approved(Response={"Result": "Partial", "ErrorCondition": "Refusal"})
    body["PaymentResult"]["AmountsResp"]["AuthorizedAmount"] = 2
    result = result_of(codec.on_bytes(reply(message, body), 1.0))
    assert (result.outcome, result.amount_minor) == (PaymentOutcome.APPROVED, 200)


@pytest.mark.parametrize("amount", [None, "3.18", 3.185, -1, 1e30, True, [3.18]])
def test_an_approval_without_a_true_amount_is_not_believed(amount: object) -> None:
    codec, message = asked(SALE)
    body = approved()
    body["PaymentResult"]["AmountsResp"]["AuthorizedAmount"] = amount
    end = end_of(codec.on_bytes(reply(message, body), 1.0))
    assert isinstance(end, Refusal)
    assert (end.reason, end.begun) == ("garbled", True)


@pytest.mark.parametrize("condition", sorted(ENDS))
def test_every_end_of_a_payment_has_its_outcome_and_says_what_to_do(condition: str) -> None:
    codec, message = asked(SALE)
    result = result_of(codec.on_bytes(reply(message, failure(condition, "4711+says+no")), 1.0))
    assert result.outcome in (PaymentOutcome.DECLINED, PaymentOutcome.ABORTED)
    assert result.outcome is ENDS[condition][0]
    assert result.reason.endswith("(4711 says no)")


@pytest.mark.parametrize("condition", sorted(REFUSALS))
def test_every_refusal_has_its_code_and_surely_nothing_was_begun(condition: str) -> None:
    codec, message = asked(SALE)
    end = end_of(codec.on_bytes(reply(message, failure(condition)), 1.0))
    assert isinstance(end, Refusal)
    assert (end.code, end.reason, end.text) == REFUSALS[condition]
    assert not end.begun


def test_an_unheard_of_condition_is_still_a_no_and_in_progress_is_none() -> None:
    codec, message = asked(SALE)
    assert result_of(codec.on_bytes(reply(message, failure("Strange")), 1.0)).outcome is PaymentOutcome.DECLINED
    codec, message = asked(SALE)
    end = end_of(codec.on_bytes(reply(message, failure("InProgress")), 1.0))
    assert isinstance(end, Refusal)
    assert end.begun


@pytest.mark.parametrize(
    "wrong",
    [{"ServiceID": "OTHERSALE1"}, {"SaleID": "another-till"}, {"MessageType": "Request"}, {"MessageCategory": "Login"}],
)
def test_an_answer_to_another_question_sells_nothing(wrong: dict[str, str]) -> None:
    codec, message = asked(SALE)
    outputs = codec.on_bytes(reply(message, approved(), **wrong), 1.0)
    assert isinstance(outputs[0], Oddity)
    end = end_of(outputs)
    assert isinstance(end, Refusal)
    assert end.begun


@pytest.mark.parametrize(
    "rubbish",
    [
        http(b"not json"),
        http(b"{}"),
        http(b'{"SaleToPOIResponse": []}'),
        http(b"", "HTTP/1.1 500 Oh\r\nContent-Length: {}"),
        http(b"", "HTTP/1.1 401 No\r\nContent-Length: {}"),
        b"\x00\x01\x02",
        b"HTTP/9.9 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000,
    ],
)
def test_rubbish_leaves_a_payment_unknown_and_the_text_says_what_to_check(rubbish: bytes) -> None:
    codec, _ = asked(SALE)
    end = end_of(codec.on_bytes(rubbish, 1.0))
    assert isinstance(end, Refusal)
    assert end.begun
    assert end.code is ErrorCode.FAILURE
    assert "check" in end.text


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_every_framing_of_http_in_any_pieces(framing: str, size: int) -> None:
    codec, message = asked(SALE)
    whole = reply(message, approved())
    _, _, body = whole.partition(b"\r\n\r\n")
    if framing == "chunked":
        pieces = [body[at : at + 90] for at in range(0, len(body), 90)]
        coded = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
        whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + coded
    elif framing == "close":
        whole = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body
    outputs: list[Output] = []
    for at in range(0, len(whole), size):
        outputs += codec.on_bytes(whole[at : at + size], 1.0)
    assert result_of(outputs).outcome is PaymentOutcome.APPROVED


# --- what became of it ------------------------------------------------------------------------------------------------


def repeated(body: dict[str, Any], service: str = "", category: str = "Payment") -> dict[str, Any]:
    header = {"MessageCategory": category, "ServiceID": service or service_id(SALE.payment_id)}
    old = {"MessageHeader": header, "RepeatedResponseMessageBody": {f"{category}Response": body}}
    return {"Response": {"Result": "Success"}, "RepeatedMessageResponse": old}


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (repeated(approved()), PaymentOutcome.APPROVED),
        (repeated(failure("Refusal")), PaymentOutcome.DECLINED),
        (repeated(failure("Aborted")), PaymentOutcome.ABORTED),
        (repeated(failure("Busy")), PaymentOutcome.NOT_DONE),
        (failure("NotFound"), PaymentOutcome.NOT_DONE),
        (failure("InProgress"), PaymentOutcome.UNKNOWN),
    ],
)
def test_the_status_of_a_payment(body: dict[str, Any], outcome: PaymentOutcome) -> None:
    codec, message = asked(QUESTION)
    assert result_of(codec.on_bytes(reply(message, body), 1.0)).outcome is outcome


def test_a_reversal_is_found_as_one() -> None:
    codec, message = asked(ResolvePayment("p-3", PaymentKind.REVERSAL, 318, "EUR"))
    assert message["TransactionStatusRequest"]["MessageReference"]["MessageCategory"] == "Reversal"
    body = repeated({"Response": {"Result": "Success"}}, service_id("p-3"), "Reversal")
    result = result_of(codec.on_bytes(reply(message, body), 1.0))
    assert (result.outcome, result.amount_minor) == (PaymentOutcome.REVERSED, 318)


@pytest.mark.parametrize("body", [repeated(approved(), "OTHERSALE1"), repeated({}), failure("Busy"), failure("New")])
def test_a_status_that_does_not_tell_resolves_nothing(body: dict[str, Any]) -> None:
    codec, message = asked(QUESTION)
    end = end_of(codec.on_bytes(reply(message, body), 1.0))
    assert isinstance(end, Refusal)
    assert not end.begun


def test_it_waits_a_moment_before_it_asks() -> None:
    codec = NexoTerminal(settle_s=1.0)
    assert sent(codec.on_command(Command(1, QUESTION, 30.0), 10.0)) == b""
    assert sent(codec.on_time(10.9)) == b""
    assert b"TransactionStatus" in sent(codec.on_time(11.0))


# --- time, and one exchange a line ------------------------------------------------------------------------------------


def test_after_120_seconds_the_answer_is_lost_and_nothing_is_sent_again() -> None:
    codec, message = asked(SALE)
    assert events(codec.on_time(119.9)) == []
    end = end_of(codec.on_time(120.0))
    assert end == Refusal(7, ErrorCode.TIMEOUT, "unknown", end.text, begun=True)  # type: ignore[union-attr]
    assert codec.on_bytes(reply(message, approved()), 121.0) == []
    assert sent(codec.on_time(500.0)) == b""


def test_an_abort_gives_up_the_payments_line_and_goes_out_on_the_next() -> None:
    codec, message = asked(SALE)
    outputs = codec.on_command(Command(8, AbortPayment(SALE.payment_id)), 2.0)
    pay, abort = [event for event in outputs if isinstance(event, Refusal)]
    assert (pay.number, pay.reason, pay.begun) == (7, "unknown", True)
    assert (abort.number, abort.code, abort.reason, abort.begun) == (8, ErrorCode.BUSY, "line_taken", False)
    assert HangUp() in outputs
    assert codec.on_bytes(reply(message, approved()), 2.1) == []
    codec, _ = asked(AbortPayment(SALE.payment_id))
    assert end_of(codec.on_bytes(b"HTTP/1.1 200 OK\r\n\r\n", 3.0)) == Answer(7)


def test_a_question_under_way_is_not_given_up_for_an_abort() -> None:
    codec, message = asked(QUESTION)
    (refusal,) = codec.on_command(Command(8, AbortPayment(SALE.payment_id)), 2.0)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "line_taken"
    assert result_of(codec.on_bytes(reply(message, repeated(approved())), 3.0)).outcome is PaymentOutcome.APPROVED


@pytest.mark.parametrize(("status", "power"), [("OK", Power.ONLINE), ("Maintenance", Power.OFFLINE)])
def test_health(status: str, power: Power) -> None:
    codec, message = asked(CheckHealth())
    body = {"Response": {"Result": "Success"}, "POIStatus": {"GlobalStatus": status}}
    outputs = codec.on_bytes(reply(message, body), 1.0)
    assert outputs == [PowerChanged(power), Answer(7), HangUp()]
    silent, _ = asked(CheckHealth(), timeout_s=3.0)
    assert PowerChanged(Power.OFF) in silent.on_time(3.0)


def test_what_it_cannot_do_is_told_at_once() -> None:
    codec = NexoTerminal()
    assert codec.on_command(Command(1, KeepResult("p")), 0.0) == [Answer(1)]
    end = end_of(codec.on_command(Command(2, EndOfDay()), 0.0))
    assert isinstance(end, Refusal)
    assert end.reason == "unsupported"
