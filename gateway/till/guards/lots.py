"""What must not be sold, whoever asks: past its date, or of a lot that was called back."""

from __future__ import annotations

from datetime import date

from gateway.errors import SaleRefused
from retail.barcode import Meaning
from retail.wire.rows import Item

ALL = "*"


def must_be_sound(item: Item, meaning: Meaning, today: date, lot_checked: bool) -> None:
    """lot_checked: somebody looked at the lot on the pack, where the code does not tell it.

    Raises:
        SaleRefused: expired, recalled; confirm_lot: look at the pack, then say so.
    """
    if meaning.expiry is not None and meaning.expiry < today:
        raise SaleRefused(
            f"{item.description} expired on {meaning.expiry}: do not sell it", reason="expired", field="code"
        )
    if not item.recalled_lots:
        return
    if ALL in item.recalled_lots or meaning.lot in item.recalled_lots:
        lot = f", lot {meaning.lot}" if meaning.lot else ""
        text = f"{item.description}{lot} was called back: do not sell it, put it aside"
        raise SaleRefused(text, reason="recalled", field="code")
    if meaning.lot is None and not lot_checked:
        lots = ", ".join(item.recalled_lots)
        text = f"lots of {item.description} were called back: is this pack one of {lots}? if not, scan it as checked"
        raise SaleRefused(text, reason="confirm_lot", field="lot_checked")
