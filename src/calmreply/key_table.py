"""A table of keys for files of any length: on disk where it grows, gone when it is closed."""

from __future__ import annotations

import sqlite3
from hashlib import sha256
from typing import Any, Self

__all__ = ["KeyTable", "digest"]


def digest(text: str) -> bytes:
    """16 bytes that stand for a text; a million of them are all different but once in 10^26 times."""
    return sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


class KeyTable:
    """Values by 16-byte keys, in SQLite's temporary database; a context manager.

    A few MB of memory, whatever the number of keys: a dict of a million would take 200.
    """

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        # Nobody reads it after a crash, so nothing is kept for that; one transaction from first to last.
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute("PRAGMA cache_size = -16000")
        self._database.execute("CREATE TABLE entry (key BLOB PRIMARY KEY, value) WITHOUT ROWID")
        self._database.execute("BEGIN")

    def __getitem__(self, key: bytes) -> Any:
        found = self._database.execute("SELECT value FROM entry WHERE key = ?", (key,)).fetchone()
        return found[0] if found else None

    def __setitem__(self, key: bytes, value: int | bytes) -> None:
        self._database.execute("INSERT OR REPLACE INTO entry VALUES (?, ?)", (key, value))

    def first(self, key: bytes, value: int) -> int:
        """The value that the key was given first: an earlier one, or this."""
        if self._database.execute("INSERT OR IGNORE INTO entry VALUES (?, ?)", (key, value)).rowcount:
            return value
        earlier = self[key]
        return earlier if isinstance(earlier, int) else value

    def count(self, key: bytes) -> int:
        """Count a key: 1 the first time, then 2, 3 …."""
        times: int = (self[key] or 0) + 1
        self[key] = times
        return times

    def close(self) -> None:
        """Give everything back; a second time does nothing."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
