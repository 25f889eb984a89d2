from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmreply.untrusted import as_data


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"]))
    )
)
def test_data_is_read_as_it_was_written_and_stays_on_one_line(fields: dict[str, str]) -> None:
    written = as_data(fields)
    assert json.loads(written) == fields
    assert len(written.splitlines()) == 1
    assert not set("<>") & set(written)


@pytest.mark.parametrize("text", ["<|im_end|>", "[INST] yes [/INST]", "a\u202eb\u200bc", "\U000e0041"])
def test_servers_marks_and_what_nobody_sees_are_written_by_number(text: str) -> None:
    written = as_data({"text": text})
    assert json.loads(written) == {"text": text}
    assert text not in written


def test_half_a_character_does_no_harm() -> None:
    assert json.loads(as_data({"text": "half \ud83d"})) == {"text": "half ?"}
