"""Card numbers never leave a terminal's driver whole: what is shown of one, and how receipt text is cleaned of them.

Source: PCI DSS v4, requirements 3.3.1 (no track data, no card verification code after authorisation), 3.4.1 (at most
        the BIN and the last four digits are shown) and 3.5.1. A BIN is taken as six digits: eight are allowed for some
        brands only, and nothing here needs them. Numbers have 13 to 19 digits and end in the digit of Luhn
        (ISO/IEC 7812-1).

A number in a text is masked if Luhn's digit is right, or if a word such as PAN or Karte stands before it. One in ten
other numbers of such a length is masked by mistake; that costs a reference on a receipt, the other mistake costs more.
"""

from __future__ import annotations

import re

FIRST, LAST = 6, 4
SHORTEST, LONGEST = 13, 19
#: what terminals print in place of a digit
STANDS_FOR_A_DIGIT = "*xX#•E"

_RUN = re.compile(r"[0-9](?:[ .\-\u00a0]?[0-9])*")
_GROUP = re.compile(r"[0-9]+")
_WORD_BEFORE = re.compile(
    r"(?:\bPAN|\bCard|\bCarta|\bCarte|\bTarjeta|\bKaart|Kart(?:e|en)(?:nummer)?|卡號|卡号)"
    r"(?:[ .\-]*(?:no|nr|num(?:ber|mer|ero)?|n°|#))?[ .:#°\-]*$",
    re.IGNORECASE,
)
#: what follows the number in track 2 (=, D) and in track 1 (^): dates, service code, verification values
_REST_OF_TRACK = re.compile(r"(?:[=D][0-9]{4,}|\^[^\^\n]{2,26}\^[0-9]{4,})[0-9*?]*")


def masked(pan: str) -> str:
    """The first six and the last four digits at most, stars between; fewer where the number is short or masked already.

    Anything that is neither a digit nor stands for one (blanks, dashes, filling) is left out.
    """
    digits = "".join(sign if sign in "0123456789" else "*" for sign in pan if _is_digit(sign))
    if len(digits) < SHORTEST:
        return "*" * max(0, len(digits) - LAST) + digits[-LAST:] if len(digits) > LAST else "*" * len(digits)
    return digits[:FIRST] + "*" * (len(digits) - FIRST - LAST) + digits[-LAST:]


def _is_digit(sign: str) -> bool:
    return sign in "0123456789" or sign in STANDS_FOR_A_DIGIT


def cleaned(text: str) -> str:
    """The text with every card number in it masked, and with nothing left of a track that followed one.

    Stars stand where digits stood, so that columns do not move.
    """
    pieces: list[str] = []
    done = 0
    for run in _RUN.finditer(text):
        if run.start() < done:
            continue  # went with the track before it
        after_word = bool(_WORD_BEFORE.search(text[max(0, run.start() - 40) : run.start()]))
        hidden = _hidden(run.group(), after_word)
        masked_run = "".join("*" if place in hidden else sign for place, sign in enumerate(run.group()))
        pieces += [text[done : run.start()], masked_run]
        done = run.end()
        if hidden and (track := _REST_OF_TRACK.match(text, done)):
            pieces.append("=***")
            done = track.end()
    return "".join(pieces) + text[done:]


def _hidden(run: str, after_word: bool) -> set[int]:
    """The places in a run of digits (with single separators) that must not be seen.

    Each stretch of whole groups that could be a card number hides its own middle, whatever the others do.
    """
    groups = [(group.start(), group.end()) for group in _GROUP.finditer(run)]
    hidden: set[int] = set()
    for first, (start, _) in enumerate(groups):
        places: list[int] = []
        for group_start, group_end in groups[first:]:
            places += range(group_start, group_end)
            digits = "".join(run[place] for place in places)
            if _could_be_a_card_number(digits, after_word and first == 0, whole=group_start == start):
                hidden |= set(places[FIRST:-LAST])
            if len(digits.lstrip("0")) > LONGEST:
                break
    return hidden


def _could_be_a_card_number(digits: str, after_word: bool, whole: bool) -> bool:
    """whole: it is one group without separators; longer than any card number, such a one may have one inside."""
    unfilled = digits.lstrip("0")  # fields are filled with zeros
    for candidate in (digits, unfilled):
        if SHORTEST <= len(candidate) <= LONGEST and (after_word or luhn(candidate)):
            return True
    return whole and len(unfilled) > LONGEST


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of ISO/IEC 7812-1."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
