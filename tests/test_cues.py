from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmreply.cues import CueGroup, Span, compile_cue, fold
from calmreply.errors import InputError

WORDS = {"we": ["we", "our team"], "none": ["no (one|body)"]}


def found(pattern: str, sentence: str, *, folds: bool = False) -> list[str]:
    text = f"\n {sentence} \n"
    cue = compile_cue(pattern, WORDS, folds=folds)
    return [text[span.start : span.end].strip() for span in CueGroup("g", (cue,)).spans(text, fold(text))]


@pytest.mark.parametrize(
    ("pattern", "sentence", "expected"),
    [
        ("thank you", "we thank you", ["thank you"]),
        ("thank you", "we thank your team", []),
        ("hank", "we thank you", []),
        ("apolog*", "our apologies now", ["apologies"]),
        ("apolog*", "apologies . now", ["apologies"]),
        ("(a|b c|d*)", "x b c dog", ["b c", "dog"]),
        ("very? sorry", "so sorry , very sorry", ["sorry", "very sorry"]),
        ("(so much)? sorry", "so much sorry", ["so much sorry"]),
        ("a * b", "a x b", ["a x b"]),
        ("a * b", "a b", []),
        ("a ... b", "a 1 2 3 4 5 6 b", ["a 1 2 3 4 5 6 b"]),
        ("a ... b", "a 1 2 3 4 5 6 7 b", []),
        ("within # days", "within 3 days", ["within 3 days"]),
        ("within # days", "within three days", []),
        ("{we} will", "our team will", ["our team will"]),
        ("{none} cares", "no body cares", ["no body cares"]),
        ("^ sorry", "sorry , sorry", ["sorry"]),
        ("sorry $", "sorry so sorry !", ["sorry !"]),
        ("yes sir", "yes , sir", ["yes , sir"]),
        ("yes sir", "yes . sir", []),
    ],
)
def test_the_little_language(pattern: str, sentence: str, expected: list[str]) -> None:
    assert found(pattern, sentence) == expected


def test_marks_are_folded_only_where_the_language_folds() -> None:
    assert found("xin lỗi", "shop xin loi ban", folds=True) == ["xin loi"]
    assert found("xin lỗi", "shop xin loi ban") == []
    assert found("đổi", "doi tra", folds=True) == ["doi"]


def test_a_cue_does_not_cross_a_sentence() -> None:
    text = "\n we are \n sorry \n"
    assert CueGroup("g", (compile_cue("are ... sorry"),)).spans(text, text) == []


def test_unless_voids_what_it_overlaps() -> None:
    group = CueGroup("g", (compile_cue("thanks"),), (compile_cue("no thanks"),))
    text = "\n no thanks , but thanks \n"
    assert [text[span.start : span.end].strip() for span in group.spans(text, text)] == ["thanks"]
    assert group.spans(text, text)[0].start > text.index("but")


def test_overlapping_matches_are_one() -> None:
    group = CueGroup("g", (compile_cue("a b"), compile_cue("b c")))
    assert len(group.spans("\n a b c \n", "\n a b c \n")) == 1
    assert Span(0, 2).overlaps(Span(1, 3))
    assert not Span(0, 2).overlaps(Span(2, 3))


@pytest.mark.parametrize("pattern", ["", "(a", "a)", "(a|)", "{nowhere} a"])
def test_a_pattern_that_cannot_be_read_says_so(pattern: str) -> None:
    with pytest.raises(InputError) as raised:
        compile_cue(pattern, WORDS)
    assert raised.value.hint


@given(st.text())
def test_fold_leaves_no_mark(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold("Đổi trả") == "Doi tra"


@pytest.mark.parametrize("pattern", ["a ... b ... c", "^ ... a $", "(a|b)? ... # * c"])
def test_matching_is_linear(pattern: str) -> None:
    text = "\n " + "a b 1 " * 20_000 + "\n"
    start = time.process_time()
    CueGroup("g", (compile_cue(pattern),)).spans(text, text)
    assert time.process_time() - start < 10
