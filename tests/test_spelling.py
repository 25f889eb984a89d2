from __future__ import annotations

import pytest

from calmreply.languages import load_language
from calmreply.languages.spelling import Speller


@pytest.fixture
def speller() -> Speller:
    return Speller(
        ["(frustrat*|disappoint*)", "replacement ... {we}", "refund"], ["rebound"], longest_first=6
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("replacment", "replacement"),
        ("replacemment", "replacement"),
        ("replaecment", "replacement"),
        ("replacememt", "replacement"),
        ("refnud", "refund"),
        ("disapoint", "disappoint"),
    ],
)
def test_one_edit_is_put_right(speller: Speller, written: str, meant: str) -> None:
    assert speller.corrected(written) == meant


@pytest.mark.parametrize(
    "word",
    [
        "replacement",
        "replacements",
        "refunded",
        "refunds",
        "frustrating",
        "rebound",
        "eplacement",
        "cat",
        "xyzzyx",
    ],
)
def test_other_words_are_left_alone(speller: Speller, word: str) -> None:
    assert speller.corrected(word) == word


def test_a_language_may_do_without() -> None:
    assert Speller(["replacement"], [], longest_first=0).corrected("replacment") == "replacment"
    assert load_language("vi").speller.corrected("nghiêmm") == "nghiêmm"


def test_a_typing_error_does_not_hide_an_apology() -> None:
    assert load_language("en").speller.corrected("apologiez") != ""
    assert load_language("en").speller.corrected("replacment") in {"replacement", "replacment"}
