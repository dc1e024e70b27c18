"""The built-in reasons for which goods come back, in words; a shop's own reasons are shown as they are written."""

from __future__ import annotations

from gateway.words import message

REASONS = {
    "damaged": message("Damaged"),
    "wrong_item": message("Wrong article"),
    "not_wanted": message("Not wanted any more"),
    "expired": message("Expired"),
    "recall": message("Recalled"),
    "other": message("Another reason"),
}
