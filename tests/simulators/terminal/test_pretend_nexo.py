"""The pretend nexo terminal as another program would use it: plain HTTP and JSON, by Adyen's own examples."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.peripherals import Send
from gateway.simulators.terminal.nexo import KNOBS, PretendNexo


def request(category: str, body: dict[str, Any], service: str = "0207111104", **header: str) -> bytes:
    told = {
        "ProtocolVersion": "3.0",
        "MessageClass": "Service",
        "MessageCategory": category,
        "MessageType": "Request",
        "SaleID": "POSSystemID12345",
        "ServiceID": service,
        "POIID": "V400m-324688179",
        **header,
    }
    text = json.dumps({"SaleToPOIRequest": {"MessageHeader": told, f"{category}Request": body}}).encode()
    return b"POST /nexo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text)


def payment(amount: float = 10.99, service: str = "0207111104", refund: bool = False) -> bytes:
    body: dict[str, Any] = {
        "SaleData": {"SaleTransactionID": {"TransactionID": "27908", "TimeStamp": "2019-03-07T10:11:04+00:00"}},
        "PaymentTransaction": {"AmountsReq": {"Currency": "EUR", "RequestedAmount": amount}},
    }
    return request("Payment", body | ({"PaymentData": {"PaymentType": "Refund"}} if refund else {}), service)


def status(service: str) -> bytes:
    reference = {"MessageCategory": "Payment", "SaleID": "POSSystemID12345", "ServiceID": service}
    return request("TransactionStatus", {"MessageReference": reference}, "status1")


def said(device: PretendNexo, data: bytes, now: float = 0.0) -> dict[str, Any]:
    answer = b"".join(output.data for output in device.on_bytes(data, now) if isinstance(output, Send))
    return read(answer)


def read(answer: bytes) -> dict[str, Any]:
    if not answer:
        return {}
    _, _, body = answer.partition(b"\r\n\r\n")
    message: dict[str, Any] = json.loads(body)["SaleToPOIResponse"]
    (category,) = [name for name in message if name.endswith("Response")]
    found: dict[str, Any] = message[category]
    return found


def test_a_payment_is_booked_and_answered_and_known_again() -> None:
    device = PretendNexo()
    answer = said(device, payment())
    assert answer["Response"]["Result"] == "Success"
    assert answer["PaymentResult"]["AmountsResp"] == {"Currency": "EUR", "AuthorizedAmount": 10.99}
    assert device.charged() == 1099
    again = said(device, status("0207111104"))
    assert again["RepeatedMessageResponse"]["RepeatedResponseMessageBody"]["PaymentResponse"] == answer
    assert said(device, status("other"))["Response"]["ErrorCondition"] == "NotFound"


def test_a_service_id_is_taken_once() -> None:
    device = PretendNexo()
    said(device, payment())
    assert said(device, payment())["Response"]["ErrorCondition"] == "NotAllowed"
    assert device.charged() == 1099


def test_a_payment_that_takes_time_is_in_progress_and_can_be_aborted() -> None:
    device = PretendNexo()
    device.set("takes", "5")
    assert said(device, payment()) == {}
    assert said(device, payment(service="second"), 1.0)["Response"]["ErrorCondition"] == "Busy"
    assert said(device, status("0207111104"), 2.0)["Response"]["ErrorCondition"] == "InProgress"
    reference = {"MessageCategory": "Payment", "ServiceID": "0207111104"}
    abort = request("Abort", {"AbortReason": "MerchantAbort", "MessageReference": reference}, "abort1")
    assert device.on_bytes(abort, 3.0) == [
        Send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n")
    ]
    old = said(device, status("0207111104"), 4.0)["RepeatedMessageResponse"]["RepeatedResponseMessageBody"]
    assert old["PaymentResponse"]["Response"]["ErrorCondition"] == "Aborted"
    assert device.on_time(6.0) == []
    assert device.charged() == 0


def test_the_answer_comes_when_the_customer_is_done_but_only_to_who_still_waits() -> None:
    device = PretendNexo()
    device.set("takes", "5")
    device.on_bytes(payment(), 0.0)
    (answer,) = device.on_time(5.0)
    assert isinstance(answer, Send)
    assert read(answer.data)["Response"]["Result"] == "Success"
    device.on_bytes(payment(service="second"), 10.0)
    said(device, status("second"), 11.0)
    assert device.on_time(15.0) == []
    assert device.charged() == 2198


def test_a_refund_and_a_reversal_take_the_money_back() -> None:
    device = PretendNexo()
    number = said(device, payment())["POIData"]["POITransactionID"]["TransactionID"]
    said(device, payment(2.0, "refund1", refund=True))
    assert device.charged() == 899
    original = {"POITransactionID": {"TransactionID": number, "TimeStamp": "2026-11-22T09:30:00.000Z"}}
    body = {"OriginalPOITransaction": original, "ReversalReason": "MerchantCancel"}
    assert said(device, request("Reversal", body, "reverse1"))["Response"]["Result"] == "Success"
    assert device.charged() == -200
    assert said(device, request("Reversal", body, "reverse2"))["Response"]["ErrorCondition"] == "NotFound"


def test_cuts_lose_the_request_or_the_answer_once() -> None:
    device = PretendNexo()
    device.set("cut", "before")
    assert said(device, payment(service="a")) == {}
    assert device.ledger == []
    device.set("cut", "after")
    assert said(device, payment(service="b")) == {}
    assert device.charged() == 1099
    assert said(device, payment(service="c"))["Response"]["Result"] == "Success"


def test_a_request_in_pieces_and_a_new_one_behind_half_an_old_one() -> None:
    device = PretendNexo()
    whole = payment()
    assert device.on_bytes(whole[:150], 0.0) == []
    assert said(device, whole[150:])["Response"]["Result"] == "Success"
    device.on_bytes(payment(service="half")[:200], 0.0)
    assert said(device, payment(service="whole"))["Response"]["Result"] == "Success"
    assert [one.service_id for one in device.ledger] == ["0207111104", "whole"]


@pytest.mark.parametrize(
    ("knob", "value", "condition"), [("error", "Refusal", "Refusal"), ("poi_id", "other", "MessageFormat")]
)
def test_refusals(knob: str, value: str, condition: str) -> None:
    device = PretendNexo()
    device.set(knob, value)
    assert said(device, payment())["Response"]["ErrorCondition"] == condition
    assert device.charged() == 0


def test_partial_and_forgetting() -> None:
    device = PretendNexo()
    device.set("partial", "500")
    answer = said(device, payment())
    assert (answer["Response"]["Result"], device.charged()) == ("Partial", 500)
    device.set("forgets", "yes")
    assert said(device, status("0207111104"))["Response"]["ErrorCondition"] == "NotFound"


def test_knobs() -> None:
    device = PretendNexo()
    for knob in KNOBS:
        with pytest.raises(ValueError, match=r"."):
            device.set(knob, "\x00") if knob not in ("error", "passphrase", "key_identifier", "poi_id") else device.set(
                "nothing", "1"
            )
    device.set("silent", "yes")
    assert device.on_bytes(payment(), 0.0) == []
    assert device.ledger == []
