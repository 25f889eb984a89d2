"""Marks that a list or a JSON string leaves behind."""

from __future__ import annotations

import pytest

from calmreply import Plan, check

PLAN = Plan(complaint="late")


@pytest.mark.parametrize(
    "text", ["Thank you.\n1.\n2.\nSorry.", "Thank you.\n-\nSorry.", 'Thank you."} Sorry.', 'Sorry."]']
)
def test_a_bullet_without_text_or_an_end_of_json_is_residue(text: str) -> None:
    assert "residue" in {one.rule for one in check(text, PLAN)}


@pytest.mark.parametrize(
    "text", ["It took 2. Sorry.", "Sorry (it came late).", "On 3.5. it was late.", "Sorry :]"]
)
def test_a_number_a_bracket_or_a_smile_is_none(text: str) -> None:
    assert "residue" not in {one.rule for one in check(text, PLAN)}
