"""A quantity that is a slip: a bar code keyed as one, or more than anybody buys."""

from __future__ import annotations

from gateway.errors import SaleRefused

#: from here on a quantity asks to be confirmed; 10 typed as 1000 is a costly slip
TO_CONFIRM = 100
MOST = 9_999
#: the shortest bar code has eight digits
LIKE_A_BAR_CODE = 10_000_000


def must_be_meant(pieces: int, confirmed: bool) -> None:
    """Raises SaleRefused: looks_like_barcode, bad_quantity; confirm_quantity: send it again as confirmed."""
    if pieces >= LIKE_A_BAR_CODE:
        text = f"{pieces} looks like a bar code, not like a quantity: scan it, or press Enter instead of x"
        raise SaleRefused(text, reason="looks_like_barcode", field="pieces")
    if not 1 <= pieces <= MOST:
        raise SaleRefused(f"{pieces} is no quantity: key 1 to {MOST}", reason="bad_quantity", field="pieces")
    if pieces >= TO_CONFIRM and not confirmed:
        text = f"really {pieces} pieces? key it again to confirm"
        raise SaleRefused(text, reason="confirm_quantity", field="pieces")
