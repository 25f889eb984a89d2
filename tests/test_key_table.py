"""A table of keys does what a dict does, and gives back what it took."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmreply import InputError
from calmreply.key_table import KeyTable, digest


@given(
    st.lists(st.tuples(st.sampled_from(["set", "first", "count"]), st.text(max_size=2), st.integers(1, 9)))
)
def test_it_does_what_a_dict_does(steps: list[tuple[str, str, int]]) -> None:
    known: dict[bytes, int] = {}
    with KeyTable() as table:
        for step, text, value in steps:
            key = digest(text)
            if step == "set":
                table[key] = known[key] = value
            elif step == "first":
                assert table.first(key, value) == known.setdefault(key, value)
            else:
                known[key] = known.get(key, 0) + 1
                assert table.count(key) == known[key]
        assert {key: table[key] for key in known} == known
        assert table[digest("nowhere")] is None


def test_half_a_character_has_a_digest() -> None:
    assert digest("\ud800") != digest("\ud801")


def test_a_full_disk_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def execute(self, *_: Any) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        def close(self) -> None:
            pass

    with KeyTable() as table:
        table.close()
        monkeypatch.setattr(table, "_database", Full())
        with pytest.raises(InputError, match="disk is full"):
            table[digest("a")] = 1
