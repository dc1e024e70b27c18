"""Keyboard layouts: what a key types in one country or another. A scanner sends keys, not characters.

The rows follow a keyboard from its upper left corner. Codes are Linux's (input-event-codes.h): 41 is the key left of 1,
43 the one left of Enter, 86 the one between left Shift and Z that US keyboards do not have.

Source: the plain and shifted rows agree with xkeyboard-config 2.35 (symbols/us, gb, de, ch, fr, be, it, es); the AltGr
        layer is that of Windows' layouts, which scanners' makers follow, as commonly told [MEM].
"""

from __future__ import annotations

from dataclasses import dataclass

ROWS = (
    (41, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13),
    (16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27),
    (30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 43),
    (86, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53),
)
SPACE = 57
#: what a dead key adds to the next letter, and how it looks alone
DEAD = {"^": "\u0302", "´": "\u0301", "`": "\u0300", "¨": "\u0308", "~": "\u0303"}
#: the block of digits, with Num Lock on; the comma or point of 83 is a point to every scanner's maker
KEYPAD = {
    71: "7", 72: "8", 73: "9", 75: "4", 76: "5", 77: "6", 79: "1", 80: "2", 81: "3", 82: "0",
    83: ".", 74: "-", 78: "+", 55: "*", 98: "/",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Layout:
    """Key code -> character for each level: plain, with Shift, with AltGr, with both.

    dead: (level, code) of keys that wait for the next one: ^ and e are ê, ^ and a space are ^.
    """

    levels: tuple[dict[int, str], dict[int, str], dict[int, str], dict[int, str]]
    dead: frozenset[tuple[int, int]]


def _layout(
    plain: str,
    shifted: str,
    altgr: dict[int, str] | None = None,
    both: dict[int, str] | None = None,
    dead: tuple[tuple[int, int], ...] = (),
) -> Layout:
    """Rows divided by spaces; a key without a character is written \\0."""
    return Layout((_keys(plain), _keys(shifted), altgr or {}, both or {}), frozenset(dead))


def _keys(rows: str) -> dict[int, str]:
    keys = {SPACE: " "}
    for codes, characters in zip(ROWS, rows.split(" "), strict=True):
        pairs = zip(codes, characters, strict=True)
        keys |= {code: character for code, character in pairs if character != "\0"}
    return keys


LAYOUTS: dict[str, Layout] = {
    "us": _layout(
        "`1234567890-= qwertyuiop[] asdfghjkl;'\\ \\zxcvbnm,./",
        '~!@#$%^&*()_+ QWERTYUIOP{} ASDFGHJKL:"| |ZXCVBNM<>?',
    ),
    "gb": _layout(
        "`1234567890-= qwertyuiop[] asdfghjkl;'# \\zxcvbnm,./",
        '¬!"£$%^&*()_+ QWERTYUIOP{} ASDFGHJKL:@~ |ZXCVBNM<>?',
        {41: "¦", 5: "€"},
    ),
    "de": _layout(
        "^1234567890ß´ qwertzuiopü+ asdfghjklöä# <yxcvbnm,.-",
        "°!\"§$%&/()=?` QWERTZUIOPÜ* ASDFGHJKLÖÄ' >YXCVBNM;:_",
        {3: "²", 4: "³", 8: "{", 9: "[", 10: "]", 11: "}", 12: "\\", 16: "@", 18: "€", 27: "~", 50: "µ", 86: "|"},
        dead=((0, 41), (0, 13), (1, 13)),
    ),
    "ch": _layout(
        "§1234567890'^ qwertzuiopü¨ asdfghjklöä$ <yxcvbnm,.-",
        '°+"*ç%&/()=?` QWERTZUIOPè! ASDFGHJKLéà£ >YXCVBNM;:_',
        {2: "¦", 3: "@", 4: "#", 7: "¬", 8: "|", 9: "¢", 12: "´", 13: "~", 18: "€", 26: "[", 27: "]", 40: "{",
         43: "}", 86: "\\"},
        dead=((0, 13), (1, 13), (0, 27), (2, 12), (2, 13)),
    ),
    "fr": _layout(
        "²&é\"'(-è_çà)= azertyuiop^$ qsdfghjklmù* <wxcvbn,;:!",
        "\0" "1234567890°+ AZERTYUIOP¨£ QSDFGHJKLM%µ >WXCVBN?./§",
        {3: "~", 4: "#", 5: "{", 6: "[", 7: "|", 8: "`", 9: "\\", 10: "^", 11: "@", 12: "]", 13: "}", 18: "€", 27: "¤"},
        dead=((0, 26), (1, 26), (2, 3), (2, 8)),
    ),
    "be": _layout(
        "²&é\"'(§è!çà)- azertyuiop^$ qsdfghjklmùµ <wxcvbn,;:=",
        "³1234567890°_ AZERTYUIOP¨* QSDFGHJKLM%£ >WXCVBN?./+",
        {2: "|", 3: "@", 4: "#", 7: "^", 10: "{", 11: "}", 18: "€", 26: "[", 27: "]", 40: "´", 43: "`", 53: "~",
         86: "\\"},
        dead=((0, 26), (1, 26), (2, 40), (2, 43), (2, 53)),
    ),
    "it": _layout(
        "\\1234567890'ì qwertyuiopè+ asdfghjklòàù <zxcvbnm,.-",
        '|!"£$%&/()=?^ QWERTYUIOPé* ASDFGHJKLç°§ >ZXCVBNM;:_',
        {18: "€", 26: "[", 27: "]", 39: "@", 40: "#"},
        {26: "{", 27: "}"},
    ),
    "es": _layout(
        "º1234567890'¡ qwertyuiop`+ asdfghjklñ´ç <zxcvbnm,.-",
        'ª!"·$%&/()=?¿ QWERTYUIOP^* ASDFGHJKLÑ¨Ç >ZXCVBNM;:_',
        {41: "\\", 2: "|", 3: "@", 4: "#", 5: "~", 6: "€", 7: "¬", 18: "€", 26: "[", 27: "]", 40: "{", 43: "}"},
        dead=((0, 26), (1, 26), (0, 40), (1, 40), (2, 5)),
    ),
}  # fmt: skip
