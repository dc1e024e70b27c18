"""The layouts of Taiwan's card terminals: where each field stands, as data, and how requests are filled.

Source: a Delphi till that speaks to the terminals of eighteen banks (H5000, S9000, Sagem, ICT220, VX510, SinoPac;
        AS320; VX570; Taishin, First Bank: fields, fillings, line settings), an Android kiosk (NCCC,
        kylecheng3146/KIOSK@e4b76c2) and a Qt kiosk (NCCC), which agree on the 400 bytes of NCCC but for bytes 224-322,
        unused here. Taishin's and the 144 bytes have that one source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.peripherals import PaymentOutcome

#: what no field covers, and what a field holds that is not given
BLANK = " "


@dataclass(frozen=True, slots=True)
class Layout:
    """fields: name -> (first byte counted from 1, how many). sent: what a request holds unless it is told otherwise."""

    length: int
    fields: Mapping[str, tuple[int, int]]
    sent: Mapping[str, str]
    good: tuple[str, ...] = ("0000",)
    seven_bits: bool = False
    void: str = ""

    def request(self, **values: str) -> bytes:
        """The data of a request, every field as wide as it is.

        Raises:
            ValueError: a value does not fit its field.
        """
        data = [BLANK] * self.length
        for name, value in {**self.sent, **values}.items():
            first, width = self.fields[name]
            if not value.isascii() or len(value) > width:
                raise ValueError(f"{value!r} does not fit the {width} bytes of {name}")
            data[first - 1 : first - 1 + width] = value.ljust(width)
        return "".join(data).encode("ascii")

    def read(self, data: bytes, name: str) -> str:
        """A field of an answer, "" if this layout has none of the name. Bytes above 7 bits become question marks."""
        if name not in self.fields:
            return ""
        first, width = self.fields[name]
        return data[first - 1 : first - 1 + width].decode("ascii", "replace").replace("\ufffd", "?").strip("\0 ")


#: these stand first in all but NCCC's
_HEAD = {
    "type": (1, 2),
    "host": (3, 2),
    "receipt": (5, 6),
    "card": (11, 19),
    "expiry": (30, 4),
    "amount": (34, 12),
    "date": (46, 6),
    "time": (52, 6),
    "approval": (58, 9),
}
_ZEROS = {"host": "00", "receipt": "000000", "card": "0" * 19, "expiry": "0000"}

LAYOUTS: dict[str, Layout] = {
    # H5000, S9000, Sagem (19200 baud), Cathay's ICT220 (host 03), SinoPac (host 02)
    "majority-144": Layout(
        144,
        {
            **_HEAD,
            "auth_amount": (67, 12),
            "response": (79, 4),
            "terminal": (83, 8),
            "reference": (91, 12),
            "other_amount": (103, 12),
            "store": (115, 6),
            "pos_number": (121, 6),
            "pos_own": (127, 6),
        },
        _ZEROS,
        seven_bits=True,
    ),
    # Castles AS320: what follows the approval code has moved up
    "as320-144": Layout(
        144,
        {
            **_HEAD,
            "response": (67, 4),
            "terminal": (71, 8),
            "reference": (79, 12),
            "store": (91, 16),
            "instalments": (143, 2),
        },
        {**_ZEROS, "host": "01"},
    ),
    "nccc-400": Layout(
        400,
        {
            "indicator": (1, 1),
            "version": (2, 6),
            "type_indicator": (8, 1),
            "type": (9, 2),
            "wallet": (11, 1),  # N card, E stored value, C UnionPay, S Smart Pay
            "host": (12, 2),
            "receipt": (14, 6),
            "card": (20, 19),
            "count": (39, 4),
            "amount": (43, 12),
            "date": (55, 6),
            "time": (61, 6),
            "approval": (67, 9),
            "response": (77, 4),
            "merchant": (81, 15),
            "terminal": (96, 8),
            "store": (116, 18),
            "card_type": (213, 2),
            "batch": (215, 6),
            "start_type": (221, 2),
        },
        {"indicator": "I", "wallet": "N"},
        void="30",
    ),
    "taishin-400": Layout(
        400,
        {
            **_HEAD,
            "response": (79, 4),
            "terminal": (83, 8),
            "store": (115, 18),
            "card_type": (135, 2),
            "finished": (260, 1),
            "timer": (261, 4),
        },
        _ZEROS,
        good=("0000", "00TD"),
    ),
}

#: ECR response codes that end a payment: NCCC's list
ENDS = {
    "0001": (PaymentOutcome.DECLINED, "declined by the bank or the card; try another card"),
    "0002": (PaymentOutcome.DECLINED, "declined: the bank wants to be called; try another card"),
    "0003": (PaymentOutcome.ABORTED, "time ran out at the terminal; take the payment again"),
    "0004": (PaymentOutcome.NOT_DONE, "wrong operation at the terminal; take the payment again"),
    "0005": (PaymentOutcome.NOT_DONE, "the terminal cannot reach the bank; check its line, then try again"),
    "0006": (PaymentOutcome.ABORTED, "cancelled at the terminal; take the payment again if it is wanted"),
    "0009": (PaymentOutcome.DECLINED, "this card is not taken here; try another card"),
    "0010": (PaymentOutcome.NOT_DONE, "the terminal does not understand the request; check the option layout"),
    "0018": (PaymentOutcome.DECLINED, "the card was not read; hold it to the terminal again"),
}
CARD_TYPES = {
    "01": "own brand",
    "02": "VISA",
    "03": "Mastercard",
    "04": "JCB",
    "05": "American Express",
    "06": "UnionPay",
    "07": "Discover",
    "08": "Smart Pay",
    "11": "EasyCard",
    "12": "iPASS",
    "13": "icash",
    "14": "HappyCash",
}
