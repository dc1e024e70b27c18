"""The catalogues in gateway/words/: `write` brings them up to date with the code, `check` says what they lack.

A message is the literal text in words.text("...") and message("...") of the code, and in text("...") of templates and
scripts.
"""

from __future__ import annotations

import ast
import io
import re
import sys
from collections.abc import Iterator
from string import Formatter

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from gateway.words import CATALOGUES, HERE

GATEWAY = HERE.parent
IN_A_PAGE = re.compile(r"""\btext\(\s*(["'])((?:(?!\1).)+)\1""")


def messages() -> list[str]:
    """Every message of the gateway, sorted."""
    found: set[str] = set()
    for path in GATEWAY.rglob("*.py"):
        code = path.read_text(encoding="utf-8")
        if "gateway.words import" in code:
            found.update(_in_code(ast.parse(code)))
    for pattern in ("*.html", "static/*.js"):
        for path in GATEWAY.rglob(pattern):
            found.update(match[2] for match in IN_A_PAGE.finditer(path.read_text(encoding="utf-8")))
    return sorted(found)


def _in_code(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        # A printer's text() is no message: messages are asked of something that is called words.
        of_words = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value).endswith("words")
        if isinstance(node.args[0].value, str) and (called == "message" or (called == "text" and of_words)):
            yield node.args[0].value


def catalogue(name: str, wanted: list[str]) -> bytes:
    """The catalogue with what is wanted, its translations kept, and nothing else."""
    known = _read(name)
    catalog = Catalog(locale=name, fuzzy=False)
    for text in wanted:
        before = known.get(text)
        catalog.add(text, before.string if before else "")
    out = io.BytesIO()
    write_po(out, catalog, width=110, omit_header=True, sort_output=True)
    return out.getvalue()


def _read(name: str) -> Catalog:
    path = HERE / f"{name}.po"
    if not path.exists():
        return Catalog(locale=name)
    with path.open("rb") as file:
        return read_po(file, locale=name)


def faults() -> list[str]:
    """What the catalogues lack: a message without a translation, or one that has other facts in braces."""
    wanted, found = messages(), []
    for name in CATALOGUES:
        known = _read(name)
        for text in wanted:
            one = known.get(text)
            if one is None or not one.string:
                found.append(f"{name}.po: no translation of {text!r}")
            elif _facts(str(one.string)) != _facts(text):
                found.append(f"{name}.po: {text!r} has other facts in braces than {one.string!r}")
    return found


def _facts(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def main(task: str) -> int:
    if task == "write":
        wanted = messages()
        for name in CATALOGUES:
            (HERE / f"{name}.po").write_bytes(catalogue(name, wanted))
    found = faults()
    for one in found:
        print(one, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "check"))
