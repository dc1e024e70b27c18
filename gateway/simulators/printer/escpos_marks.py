"""What a receipt printer leaves behind, piece by piece: on the paper, at the knife, at the drawer, as an answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Printed:
    """One line of text as it stands on the paper."""

    text: str
    align: str = "left"
    bold: bool = False
    wide: bool = False
    tall: bool = False


@dataclass(frozen=True, slots=True)
class QrCode:
    data: str
    dots: int
    align: str = "left"


@dataclass(frozen=True, slots=True)
class Bars:
    """A linear bar code: its data as a scanner would read them, without what only switches code sets."""

    data: str
    symbology: str
    height: int = 162
    module: int = 3
    #: where its characters stand: none, above, below, both
    hri: str = "none"
    align: str = "left"


@dataclass(frozen=True, slots=True)
class Picture:
    """A raster: `rows` has one bit per dot, `width` dots in a row rounded up to bytes."""

    width: int
    height: int
    rows: bytes
    align: str = "left"


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A picture out of the printer's own memory, by its key."""

    key: str
    align: str = "left"


@dataclass(frozen=True, slots=True)
class Feed:
    lines: int


@dataclass(frozen=True, slots=True)
class CutHere:
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Pulse:
    """ESC p: m names the pin; times in milliseconds."""

    m: int
    on_ms: int
    off_ms: int


@dataclass(frozen=True, slots=True)
class StatusAsked:
    """GS r n: answered in turn, when the printer comes to it."""

    n: int


@dataclass(frozen=True, slots=True)
class IdAsked:
    """GS ( H <Function 48>: sent back when everything before it is on the paper."""

    number: bytes


@dataclass(frozen=True, slots=True)
class NameAsked:
    """GS I n: what the printer calls itself."""

    n: int


@dataclass(frozen=True, slots=True)
class Automatic:
    """GS a n: which changes it shall report from now on."""

    n: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """Bytes that no command here begins with: a test looks that there are none."""

    data: bytes


Mark = (
    Printed | QrCode | Bars | Picture | StoredPicture | Feed | CutHere | Pulse | StatusAsked | IdAsked | NameAsked
    | Automatic | Unknown
)  # fmt: skip
#: what takes paper: without one of these, a piece of paper between two cuts is empty
INK = (Printed, QrCode, Bars, Picture, StoredPicture)
