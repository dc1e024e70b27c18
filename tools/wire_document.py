"""Writes docs/asyncapi.yaml, the AsyncAPI document of the wire. `make docs` runs it; a test keeps the file current.

PyYAML comes with pre-commit and is needed on a developer's machine only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from retail.wire.asyncapi import document

TARGET = Path(__file__).parent.parent / "docs" / "asyncapi.yaml"
HEADER = "# Generated from retail/wire/ by tools/wire_document.py; `make docs` writes it. Do not edit.\n"


class _Readable(yaml.SafeDumper):  # type: ignore[misc]
    """No anchors, and texts of several lines as blocks."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Readable.add_representer(str, _text)


def render() -> str:
    body: str = yaml.dump(document(), Dumper=_Readable, sort_keys=False, allow_unicode=True, width=120)
    return HEADER + body


def main() -> None:
    TARGET.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
