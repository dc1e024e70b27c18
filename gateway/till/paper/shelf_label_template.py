"""Templates of shelf labels: TOML files in shelf_labels/ and in the shop's own folder; a shop's file wins by its name.

A template is `width`, `height`, `gap` and a list of `[[element]]`, each with `kind` (text, bar_code, qr, box) and its
measures in tenths of a millimetre. Text and data hold placeholders in braces. An element is left out where one of its
placeholders is empty: an article without a net content has no unit price.
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any

from gateway.errors import ConfigError

BUILT_IN = Path(__file__).parent / "shelf_labels"
PLACEHOLDERS = ("description", "net_content", "price", "per_unit", "unit_price", "barcode", "tax_note", "date")
ALIGNMENTS = ("left", "center", "right")
MEASURES = {"x", "y", "width", "height", "thickness", "module"}
#: kind -> keys that must be there, keys that may be there
KINDS: dict[str, tuple[set[str], set[str]]] = {
    "text": ({"x", "y", "text"}, {"width", "height", "align", "bold"}),
    "bar_code": ({"x", "y", "data"}, {"height", "module", "hri"}),
    "qr": ({"x", "y", "data"}, {"module"}),
    "box": ({"x", "y", "width", "height"}, {"thickness"}),
}


@dataclass(frozen=True, slots=True)
class Template:
    """Checked: every element is of a known kind, has its measures, and begins on the label."""

    name: str
    width: int
    height: int
    gap: int
    elements: tuple[dict[str, Any], ...]


def templates(folder: Path | None = None) -> dict[str, Template]:
    """All templates by name: the built-in ones, and those of the shop's folder.

    Raises:
        ConfigError: a file is not a template; the text names the file, the element and the mistake.
    """
    files = {path.stem: path for place in (BUILT_IN, folder) if place for path in sorted(place.glob("*.toml"))}
    return {name: read(path) for name, path in files.items()}


def read(path: Path) -> Template:
    """One template from its file.

    Raises:
        ConfigError: see templates().
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as broken:
        raise ConfigError(f"{path}: {broken}") from broken
    _known(f"{path}", table, {"width", "height"}, {"gap", "element"})
    measures = {key: _measure(f"{path}", key, table[key], least=1) for key in ("width", "height")}
    gap = _measure(f"{path}", "gap", table.get("gap", 30))
    elements = table.get("element", [])
    if not isinstance(elements, list):
        raise ConfigError(f"{path}: element is written [[element]], once for each")
    for place, element in enumerate(elements, 1):
        _element(f"{path}, element {place}", element, **measures)
    return Template(path.stem, measures["width"], measures["height"], gap, tuple(elements))


def _element(where: str, element: dict[str, Any], width: int, height: int) -> None:
    kind = element.get("kind")
    if kind not in KINDS:
        raise ConfigError(f"{where}: kind {kind!r} is none of {', '.join(KINDS)}")
    must, may = KINDS[kind]
    _known(where, element, {"kind", *must}, may)
    for key in MEASURES & set(element):
        _measure(where, key, element[key])
    if element["x"] >= width or element["y"] >= height:
        raise ConfigError(f"{where}: it begins outside of the label, {width} x {height} tenths of a millimetre")
    if element.get("align", "left") not in ALIGNMENTS:
        raise ConfigError(f"{where}: align {element['align']!r} is none of {', '.join(ALIGNMENTS)}")
    for key in {"bold", "hri"} & set(element):
        if not isinstance(element[key], bool):
            raise ConfigError(f"{where}: {key} is true or false")
    for key in {"text", "data"} & set(element):
        _placeholders(where, element[key])


def _known(where: str, table: dict[str, Any], must: set[str], may: set[str]) -> None:
    if missing := must - set(table):
        raise ConfigError(f"{where}: {', '.join(sorted(missing))} is missing")
    for key in table:
        if key not in must | may:
            near = difflib.get_close_matches(key, must | may, n=1)
            raise ConfigError(f"{where}: unknown {key!r}" + (f"; did you mean {near[0]!r}?" if near else ""))


def _measure(where: str, key: str, value: object, least: int = 0) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= 10_000:
        raise ConfigError(f"{where}: {key} is a whole number of tenths of a millimetre, {least} to 10000")
    return value


def _placeholders(where: str, text: object) -> None:
    if not isinstance(text, str):
        raise ConfigError(f"{where}: text and data are written in quotation marks")
    for name in names_in(text, where):
        if name not in PLACEHOLDERS:
            near = difflib.get_close_matches(name, PLACEHOLDERS, n=1)
            known = f"did you mean {{{near[0]}}}?" if near else f"known are {', '.join(PLACEHOLDERS)}"
            raise ConfigError(f"{where}: unknown placeholder {{{name}}}; {known}")


def names_in(text: str, where: str = "template") -> list[str]:
    """The placeholders of a text, such as price in "now {price}"."""
    try:
        parts = list(Formatter().parse(text))
    except ValueError as broken:
        raise ConfigError(f"{where}: {text!r}: {broken}; a brace itself is written twice") from broken
    if any(format_spec or conversion for _, _, format_spec, conversion in parts):
        raise ConfigError(f"{where}: {text!r}: a placeholder is a name in braces and nothing else")
    return [name for _, name, _, _ in parts if name is not None]
