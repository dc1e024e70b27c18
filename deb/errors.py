"""The one error of building."""

from __future__ import annotations


class BuildError(Exception):
    """The package cannot be built; the text says what to do."""
