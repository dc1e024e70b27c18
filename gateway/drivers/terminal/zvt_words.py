"""What ZVT's numbers mean: error codes (06 1E, 84 xx, BMP 27), terminal states (05 01) and intermediate states (04 FF).

Source: PA00P015 13.08, chapters "Error-Messages", "Terminal Status Codes" and 3.7; compared with the English tables of
        Portalum.Zvt (EnglishErrorMessageRepository.cs, EnglishIntermediateStatusRepository.cs). The words are ours.
"""

from __future__ import annotations

from gateway.peripherals import ErrorCode, PaymentPhase

_OTHER_CARD = "try again or take another card"
_HELPDESK = "call the terminal's help desk"
#: code -> machine word, and what happened; what to do next
ERRORS: dict[int, tuple[str, str]] = {
    0x64: ("card_unreadable", f"the card cannot be read; {_OTHER_CARD}"),
    0x65: ("card_unreadable", f"no card data found; {_OTHER_CARD}"),
    0x66: ("processing_error", f"the card reader failed; {_OTHER_CARD}"),
    0x67: ("card_not_allowed", "not permitted with a girocard; take another card"),
    0x68: ("card_not_allowed", "not permitted with a credit card; take another card"),
    0x6A: ("storage_full", "the terminal's turnover file is full; run the end of day"),
    0x6B: ("not_registered", "the terminal does not take orders from this till; check the password, then try again"),
    0x6C: ("aborted", "given up by the customer, or nobody did anything in time; start again if wanted"),
    0x6E: ("card_blocked", "the card is on the block list; take another card"),
    0x6F: ("wrong_currency", "the terminal does not know this currency; check the option currency"),
    0x71: ("credit_insufficient", "not enough money on the card; take another card"),
    0x72: ("card_unreadable", f"the chip failed; {_OTHER_CARD}"),
    0x73: ("card_invalid", "the card's data are wrong; take another card"),
    0x77: ("end_of_day_failed", "the end of day is not possible now; try again later"),
    0x78: ("card_expired", "the card has expired; take another card"),
    0x79: ("card_invalid", "the card is not valid yet; take another card"),
    0x7A: ("card_unknown", "the terminal does not know this card; take another card"),
    0x7B: ("chip_needed", "this girocard must be read by its chip; insert it or take another card"),
    0x7C: ("chip_needed", "this card must be read by its chip; insert it or take another card"),
    0x7D: ("no_connection", "the terminal's own line does not answer; check its network"),
    0x7E: ("chip_needed", "the magnetic stripe cannot be used; insert the chip or take another card"),
    0x83: ("not_possible", "the terminal cannot do this; do it at the terminal itself"),
    0x85: ("key_missing", f"the terminal lacks a key; {_HELPDESK}"),
    0x89: ("pin_pad_defective", f"the PIN pad is defective; {_HELPDESK}"),
    0x9A: ("protocol_error", "the terminal did not understand the till; send us its model and software version"),
    0x9B: ("no_connection", "the terminal does not reach its host; check its network, then try again"),
    0x9C: ("busy", "the terminal is busy; wait until its display is idle, then try again"),
    0xA0: ("busy", "the terminal is not ready; wait until its display is idle, then try again"),
    0xA1: ("no_connection", "the host does not answer; try again later or take cash"),
    0xA3: ("no_connection", "no connection to the host; check the terminal's network"),
    0xA5: ("p2pe", "not allowed by the card data rules (PCI P2PE); do it at the terminal itself"),
    0xB1: ("storage_full", "the terminal's memory is full; run the end of day"),
    0xB2: ("storage_full", "the terminal's journal is full; run the end of day"),
    0xB4: ("already_reversed", "this payment was reversed before; nothing more to do"),
    0xB5: ("not_reversible", "this payment cannot be reversed any more; give the money back as a refund"),
    0xB7: ("wrong_amount", "the amount is wrong; check it and try again"),
    0xB8: ("pre_authorisation", "the reservation is wrong; look at the terminal's journal"),
    0xBF: ("voltage", "the terminal's power supply is weak; check its cable"),
    0xC0: ("reader_defective", f"the card lock is defective; {_HELPDESK}"),
    0xC1: ("merchant_locked", f"the merchant card is locked; {_HELPDESK}"),
    0xC2: ("diagnosis_needed", "the terminal wants a diagnosis; start it at the terminal, then try again"),
    0xC3: ("amount_too_high", "more than the terminal allows; split the amount or take another way to pay"),
    0xC4: ("card_profile", "card profiles are missing; start a diagnosis at the terminal"),
    0xC5: ("card_not_allowed", "this way to pay is not supported; take another card"),
    0xC6: ("wrong_currency", "this currency cannot be used; take another card"),
    0xC8: ("amount_too_low", "less than the terminal allows; take cash"),
    0xC9: ("amount_too_high", "the limit per payment is too small; split the amount"),
    0xCB: ("wrong_currency", "possible in euros only"),
    0xCC: ("printer", "the printer is not ready; put in paper, then look whether the payment was booked"),
    0xCD: ("cashback", "cash back is not possible; pay without it"),
    0xD2: ("card_not_allowed", "not permitted with this kind of card; take another card"),
    0xDC: ("card_inserted", "a card is in the reader; take it out, then try again"),
    0xDD: ("reader_defective", f"the card does not come out; {_HELPDESK}"),
    0xDE: ("reader_defective", f"the card does not go in; {_OTHER_CARD}"),
    0xE0: ("maintenance", "remote maintenance is under way; wait, then try again"),
    0xE2: ("reader_defective", f"the card reader does not answer; {_HELPDESK}"),
    0xE3: ("shutter_closed", "the shutter of the reader is closed; open it"),
    0xE4: ("activation_needed", f"the terminal must be activated; {_HELPDESK}"),
    0xE9: ("card_not_allowed", "the card's restriction forbids it; take another card"),
    0xEA: ("card_not_allowed", "this card is not enabled; start a diagnosis at the terminal or take another card"),
    0xEB: ("pin_impossible", f"the PIN cannot be checked; {_HELPDESK}"),
    0xEC: ("pin_impossible", f"the PIN cannot be processed; {_OTHER_CARD}"),
    0xED: ("pin_pad_defective", f"the PIN pad is defective; {_HELPDESK}"),
    0xF0: ("end_of_day_open", "an end of day is open; run it, then try again"),
    0xF1: ("no_connection", "the payment could not be checked offline; try again later"),
    0xF5: ("personalisation", f"an error of the personalisation; {_HELPDESK}"),
    0xF6: ("personalisation", f"the terminal is not personalised; {_HELPDESK}"),
    0xFA: ("end_of_day_failed", "offline payments could not be sent; run the end of day again"),
    0xFB: ("storage_defective", f"a turnover record is defective; {_HELPDESK}"),
    0xFC: ("device_missing", "a part of the terminal is missing or defective; check its cables"),
    0xFE: ("not_registered", "the terminal does not know this till; check the password"),
    0xFF: ("system_error", "the terminal reports an error of its own; read its display, then try again"),
}
#: refusals that only mean "not now"
BUSY = frozenset({0x9C, 0xA0, 0xDC, 0xE0})
#: terminal states (05 01): a payment may be under way; it is ready (DC: a card was left in the reader)
STILL_AT_IT = BUSY - {0xDC}
HEALTHY = frozenset({0x00, 0xDC})


def error(code: int) -> tuple[ErrorCode, str, str]:
    """UnifiedPOS code, machine word and text of an error of the terminal."""
    word, text = ERRORS.get(code, (f"zvt_{code:02x}", f"the terminal says error {code:02X}; look at its manual"))
    return ErrorCode.BUSY if code in BUSY else ErrorCode.EXTENDED, word, text


_PIN, _HOST, _WAIT = PaymentPhase.ENTER_PIN, PaymentPhase.CONTACTING_HOST, PaymentPhase.PLEASE_WAIT
_NO, _YES, _BACK = PaymentPhase.DECLINED, PaymentPhase.APPROVED, PaymentPhase.REVERSING
#: with 0x40 added, each of these says "please remove the card" as well
STATES: dict[int, tuple[PaymentPhase, str]] = {
    0x00: (_WAIT, "Confirm the amount at the terminal"),
    0x01: (_PIN, "Please watch the PIN pad"),
    0x02: (_PIN, "Please watch the PIN pad"),
    0x03: (_NO, "Not accepted"),
    0x04: (_HOST, "Waiting for the host"),
    0x05: (_BACK, "Taking the payment back"),
    0x06: (_WAIT, "Sending earlier bookings"),
    0x07: (_NO, "Card not admitted"),
    0x08: (_NO, "Card unknown"),
    0x09: (_NO, "Card expired"),
    0x0A: (PaymentPhase.INSERT_CARD, "Insert or hold the card"),
    0x0B: (PaymentPhase.REMOVE_CARD, "Please remove the card"),
    0x0C: (PaymentPhase.INSERT_CARD, "Card not readable"),
    0x0D: (_NO, "Processing error"),
    0x0E: (_WAIT, "Please wait"),
    0x0F: (_WAIT, "Automatic end of day"),
    0x10: (_NO, "Invalid card"),
    0x11: (_WAIT, "Balance display"),
    0x12: (_NO, "System malfunction"),
    0x13: (_NO, "Payment not possible"),
    0x14: (_NO, "Not enough credit"),
    0x15: (PaymentPhase.WRONG_PIN, "Wrong PIN"),
    0x16: (_NO, "Limit not sufficient"),
    0x17: (_WAIT, "Please wait"),
    0x18: (_NO, "PIN tries exceeded"),
    0x19: (_NO, "Card data incorrect"),
    0x1A: (_WAIT, "Service mode"),
    0x1B: (_YES, "Approved, please fill up"),
    0x1C: (_YES, "Approved, please take the goods"),
    0x1D: (_NO, "Declined"),
    0x26: (_WAIT, "Enter the mobile number"),
    0x27: (_WAIT, "Repeat the mobile number"),
    0x28: (_WAIT, "Currency selection"),
    0x29: (_WAIT, "Language selection"),
    0x2A: (PaymentPhase.INSERT_CARD, "Insert the card to load it"),
    0x2B: (_WAIT, "Emergency transaction"),
    0x2C: (_WAIT, "Application selection"),
}
OTHER_STATES: dict[int, tuple[PaymentPhase, str]] = {
    0x68: (_WAIT, "A card was inserted"),
    0x69: (_WAIT, "Choose the currency of the card"),
    0xC7: (_WAIT, "Enter the mileage"),
    0xC8: (_WAIT, "Waiting for the cashier"),
    0xC9: (_WAIT, "Automatic diagnosis"),
    0xCA: (_WAIT, "Automatic initialisation"),
    0xCB: (_WAIT, "The journal is full"),
    0xCC: (_PIN, "A PIN is needed"),
    0xD2: (_HOST, "Connecting"),
    0xD3: (_HOST, "Connected"),
    0xE0: (_WAIT, "Application selection"),
    0xE1: (_WAIT, "Language selection"),
    0xF1: (_WAIT, "Offline"),
    0xF2: (_HOST, "Online"),
    0xF3: (_WAIT, "Offline transaction"),
}


def state(code: int) -> tuple[PaymentPhase, str]:
    """Phase and text of an intermediate state; a state that nobody knows means waiting."""
    if code in OTHER_STATES:
        return OTHER_STATES[code]
    if code & ~0x40 not in STATES:
        return _WAIT, ""
    phase, text = STATES[code & ~0x40]
    if not code & 0x40:
        return phase, text
    remove = f"{text}. Please remove the card" if code != 0x4B else text
    return (PaymentPhase.REMOVE_CARD if phase is _WAIT else phase), remove
