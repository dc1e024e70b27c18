"""Refusals in words that can be translated: one sentence a reason.

The till's own sentence names the thing and the figures, in English. Where a page speaks another language this stands
before it, so that a cashier reads what it is about, and the English in brackets says which.
"""

from __future__ import annotations

from gateway.words import Words, message

REFUSALS = {
    "unknown_item": message("This article is not known."),
    "ambiguous": message("The code stands for several articles."),
    "no_price": message("The article has no price."),
    "unreadable_row": message("What headquarters sent of it cannot be used."),
    "no_catalogue": message("No price book is here yet."),
    "expired": message("It has expired: do not sell it."),
    "recalled": message("It is recalled: do not sell it."),
    "weight_unstable": message("No stable weight: keep the goods still."),
    "weight_zero": message("Nothing lies on the scale."),
    "no_scale": message("This till has no scale."),
    "scale_disagrees": message("Scale and till do not agree: weigh again."),
    "sold_by_weight": message("This article is sold by weight."),
    "sold_by_piece": message("This article is sold by the piece."),
    "bad_quantity": message("That is no quantity."),
    "confirm_quantity": message("Really so many? Key it again to confirm."),
    "looks_like_barcode": message("This looks like a bar code and not like a quantity."),
    "bad_amount": message("This amount cannot be."),
    "nothing_to_pay": message("There is nothing to pay."),
    "no_such_line": message("This line is not there."),
    "sale_open": message("Finish, suspend or void the open sale first."),
    "not_while_idle": message("There is no open sale."),
    "not_while_tendering": message("This sale is being paid."),
    "not_while_paying": message("The card terminal is at it."),
    "not_while_unknown": message("Nobody knows yet whether the card was charged."),
    "no_terminal": message("This till has no card terminal."),
    "no_reference": message("The terminal cannot take this payment back by itself."),
    "disk_full": message("The disk of the box is full: no new sale."),
    "not_signed_on": message("Sign on first."),
    "wrong_pin": message("Operator or PIN is wrong."),
    "pin_locked": message("Too many wrong PINs: wait."),
    "needs_authority": message("Somebody with more rights must allow it."),
    "not_allowed": message("Nobody may allow that here."),
    "below_floor": message("That is below the lowest price of the article."),
    "no_session": message("Open a session first."),
    "suspended_sales": message("Suspended sales wait in this session."),
    "payment_open": message("A payment is not known yet."),
    "not_suspended": message("This sale is not suspended any more."),
    "unknown_member": message("This member is not known."),
    "unknown_coupon": message("This coupon is not known."),
    "coupon_used": message("This coupon was used already."),
    "coupon_twice": message("This coupon is on the sale already."),
    "coupon_is_tender": message("This coupon pays an amount: take it as payment."),
    "voucher_empty": message("Nothing is left on this voucher."),
    "no_voucher": message("This voucher is not known."),
    "too_few_points": message("The member has not so many points."),
    "unknown_receipt": message("This receipt is not kept here."),
    "already_returned": message("It came back already."),
    "not_returnable": message("This article does not come back."),
    "not_on_receipt": message("That is not on this receipt."),
    "waits": message("It still waits at the printer."),
    "confirm_age": message("The age of the customer is asked for."),
    "needs_attendant": message("An attendant comes."),
    "silent": message("The device does not answer."),
    "gone": message("The device is not there: look at cable and power."),
    "busy": message("The device is busy."),
}


def in_words(words: Words, reason: str, text: str) -> str:
    """A refusal as the page shows it."""
    known = REFUSALS.get(reason)
    return f"{words.text(known)} ({text})" if known and words.known() else text


def translated(words: Words) -> dict[str, str]:
    """reason -> its sentence in this language, for the page's scripts; {} in English."""
    return {reason: words.text(known) for reason, known in REFUSALS.items()} if words.known() else {}
