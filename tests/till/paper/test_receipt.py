"""What stands on a receipt: discounts, tenders, points, vouchers, in the store's language; copies and gifts."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.peripherals import BarCode, Logo, Qr
from gateway.till.paper.receipt import Beside, Look, receipt
from tests.till.paper.samples import everything, read, refund_by_voucher

TAIPEI = ZoneInfo("Asia/Taipei")


def a_look(locale: str = "en", **more: Any) -> Look:
    return Look("Corner shop", TAIPEI, locale, **more)


def test_it_shows_everything_that_the_sale_has() -> None:
    beside = Beside(slips=[["TERMINAL SLIP"]], points_now=151, left={"V0001": 160})
    lines = receipt(everything(), a_look(logo=True, footer=("Thank you.",)), seq=9, beside=beside)
    assert read(lines) == [
        "Corner shop",
        "EXCHANGE",
        "Receipt S0421/1/18",
        "2026-11-22 12:00:00",
        "Returned: 珍珠奶茶 | -25 A",
        "  of receipt S0421/1/17",
        "  Reason: damaged",
        "蘋果汁 300 ml | 35 A",
        "  紅配綠 59 | -3  ",
        "綠茶 | 30 A",
        "  紅配綠 59 | -3  ",
        "葡萄 | 54 A",
        "  0.450 kg x 120/kg",
        "摺疊傘 | 135 A",
        "  Price changed, regular 150",
        "  會員 -20 | -20  ",
        "You saved | 26",
        "TOTAL TWD | 203",
        "Cash rounding | 2",
        "Points | 50",
        "Visa | 60",
        "  ************1111",
        "linepay | 20",
        "  LP-9",
        "Voucher | 40",
        "  V0001",
        "Cash | 100",
        "Change | 65",
        "Tax A 5 % of 203 | 10",
        "Points earned | 2",
        "Points taken back | 1",
        "Points spent | 50",
        "Your points now | 151",
        "Coupon used: C-10",
        "Left on voucher V0001 | 160",
        "TERMINAL SLIP",
        "No. 9",
        "Cashier anna · Session S0421-1-12",
        "Thank you.",
    ]
    assert isinstance(lines[0], Logo)
    assert [line.data for line in lines if isinstance(line, Qr)] == ["S0421/1/18"]


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        (
            "zh-TW",
            ["換貨", "退貨：珍珠奶茶 | -25 A", "  原因：商品損壞", "您已節省 | 26", "總計 TWD | 203", "找零 | 65"],
        ),
        (
            "zh-CN",
            ["换货", "退货：珍珠奶茶 | -25 A", "  原因：商品损坏", "您已节省 | 26", "总计 TWD | 203", "找零 | 65"],
        ),
        ("de", ["UMTAUSCH", "Zurück: 珍珠奶茶 | -25 A", "  Grund: beschädigt", "SUMME TWD | 203", "Rückgeld | 65"]),
    ],
)
def test_it_speaks_the_language_of_the_store(locale: str, words: list[str]) -> None:
    lines = read(receipt(everything(), a_look(locale), seq=9))
    assert [word for word in words if word not in lines] == []


def test_a_voucher_that_was_issued_is_a_bar_code_with_its_last_day() -> None:
    lines = receipt(refund_by_voucher(), a_look(), seq=3)
    text = read(lines)
    assert [line for line in lines if isinstance(line, BarCode)] == [BarCode("V7Q2M4XK8DPR3T6B", "CODE128")]
    assert text[1] == "RETURN"
    for words in ("VOUCHER over TWD 25", "Valid until Dec 31, 2029", "Paid back: Voucher | 25", "TOTAL TWD | -25"):
        assert words in text


def test_a_copy_says_so_and_a_gift_receipt_has_no_price() -> None:
    assert read(receipt(everything(), a_look(), seq=9, copy=True))[1] == "*** COPY ***"
    lines = receipt(everything(), a_look(), seq=9, gift=True)
    assert read(lines) == [
        "Corner shop",
        "GIFT RECEIPT",
        "Receipt S0421/1/18",
        "2026-11-22 12:00:00",
        "蘋果汁 300 ml | 1 x",
        "綠茶 | 1 x",
        "葡萄 | 0.450 kg",
        "摺疊傘 | 1 x",
        "No. 9",
        "Cashier anna · Session S0421-1-12",
    ]
    assert any(isinstance(line, Qr) for line in lines)


def test_nobody_takes_training_for_a_sale() -> None:
    lines = receipt(everything(training_flag=True), a_look(), seq=0)
    text = read(lines)
    assert text.count("*** TRAINING ***") == 2
    assert text[-1] == "Nothing was sold. This is no receipt."
    assert not [line for line in lines if isinstance(line, Qr)]
    assert "No. 0" not in text
