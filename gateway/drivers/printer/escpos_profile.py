"""What a printer can do, as data from python-escpos' list of printers: columns, dots, knife, codes, pictures.

Source: escpos-printer-db, as python-escpos ships it. Where its entry cannot be (NT-80-V-UL has 12 columns, which are
        the dots of one), the columns follow from the dots. Which printers tell when a job is on the paper: Epson's
        ESC/POS reference, GS ( H <Function 48>, list of models.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

GENERIC = "default"
#: of font A, which is 12 dots wide on receipt printers
CELL_DOTS = 12
USUAL_COLUMNS, FEWEST_COLUMNS = 48, 16
#: of the printers in the list, those that Epson names under GS ( H <Function 48>
TELLS_WHEN_PRINTED = frozenset(
    ("TM-L90", "TM-P80", "TM-P80-42col", "TM-T20II", "TM-T20II-42col", "TM-T88IV", "TM-T88V", "TM-U220", "TM-U220B")
)


@dataclass(frozen=True, slots=True)
class Profile:
    columns: int
    dots: int
    qr: bool
    bar_codes: bool
    rasters: bool
    #: full, part or none
    knife: str

    @property
    def cell(self) -> int:
        """Dots of one column."""
        return self.dots // self.columns


@cache
def profile_of(name: str, columns: int) -> Profile:
    """The printer of this name; columns (0 is "as it is listed") win over the list.

    Raises:
        ValueError: the list has no such printer.
    """
    from escpos.capabilities import get_profile

    try:
        listed = get_profile(name or GENERIC)
    except KeyError as unknown:
        raise ValueError(f"python-escpos has no printer profile {name!r}") from unknown
    features: dict[str, bool] = listed.features
    dots = _dots(listed)
    columns = columns or _columns(name, listed, dots)
    cutting = [kind for kind in ("Full", "Part") if features.get(f"paper{kind}Cut")]
    return Profile(
        columns=columns,
        dots=dots or columns * CELL_DOTS,
        qr=bool(features.get("qrCode")),
        bar_codes=bool(features.get("barcodeB")),
        rasters=bool(features.get("bitImageRaster")),
        knife=cutting[0].lower() if cutting else "none",
    )


def _dots(listed: Any) -> int:
    """Dots across the paper; 0 where the list does not know."""
    dots = listed.media["width"].get("pixels")
    return dots if isinstance(dots, int) and dots >= FEWEST_COLUMNS * CELL_DOTS else 0


def _columns(name: str, listed: Any, dots: int) -> int:
    if name in ("", GENERIC):
        # The list says 42, the least there is; a printer that nobody described has 48, as 80 mm of paper have.
        return USUAL_COLUMNS
    columns: int = listed.get_columns("a")
    return columns if columns >= FEWEST_COLUMNS else dots // CELL_DOTS or USUAL_COLUMNS
