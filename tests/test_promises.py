"""docs/promises.md names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

REPO = Path(__file__).parents[1]
NAMED = re.compile(r"`(tests/[\w/]+\.py)?(?:::(\w+))?`")


def test_each_test_that_is_promised_exists() -> None:
    file, missing, seen = "", [], 0
    for path, name in NAMED.findall((REPO / "docs" / "promises.md").read_text(encoding="utf-8")):
        file = path or file
        seen += 1
        text = (REPO / file).read_text(encoding="utf-8") if (REPO / file).is_file() else ""
        if not text or (name and f"def {name}(" not in text):
            missing.append(f"{file}::{name}")
    assert seen > 40
    assert missing == []
