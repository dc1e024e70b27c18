"""Small facts of a workstation that survive a restart: who is signed on, whether it trains."""

from __future__ import annotations

import sqlite3

TABLE = """
CREATE TABLE IF NOT EXISTS lane_note (
    workstation_id TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (workstation_id, name)
) STRICT, WITHOUT ROWID;
"""


def write_note(connection: sqlite3.Connection, workstation_id: str, name: str, value: str | None) -> None:
    """None takes the note away."""
    if value is None:
        connection.execute("DELETE FROM lane_note WHERE workstation_id = ? AND name = ?", (workstation_id, name))
    else:
        connection.execute("INSERT OR REPLACE INTO lane_note VALUES (?, ?, ?)", (workstation_id, name, value))
