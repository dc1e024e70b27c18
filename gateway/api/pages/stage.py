"""Where a sale stands, as its customer sees it, and what a page may call him by."""

from __future__ import annotations

import unicodedata
from typing import Literal

from gateway.api.basket_views import BasketView

Stage = Literal["idle", "selling", "paying", "unknown", "thanks"]


def stage_of(basket: BasketView) -> Stage:
    if basket.payment is not None:
        # A wallet's own device is read by the cashier, which is as unknown as it ever is, and nothing is wrong.
        return "unknown" if basket.state == "unknown" and not basket.payment.by_hand else "paying"
    if basket.finished is not None:
        return "thanks"
    return "selling" if basket.lines else "idle"


def given_name(name: str) -> str:
    """The first name: others read this screen too. Chinese, Japanese and Korean names begin with the surname.

    `Wang Mei 王美` is called by its characters, for in letters either part may be the surname.
    """
    words = name.split()
    whole = next((word for word in words if all(map(_is_east_asian, word))), name.strip())
    if "," in whole:
        whole = whole.split(",", 1)[1].strip() or whole
    if " " not in whole and whole and all(_is_east_asian(character) for character in whole):
        # Surnames of two characters (Ouyang, Sima) are those of names with four.
        surname = 2 if len(whole) > 3 else 1
        return whole[surname:] or whole
    return whole.split(" ", 1)[0]


def _is_east_asian(character: str) -> bool:
    return unicodedata.name(character, "").startswith(("CJK", "HANGUL", "HIRAGANA", "KATAKANA"))
