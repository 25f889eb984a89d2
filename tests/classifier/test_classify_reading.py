"""A review's clauses and words: chat spellings, confused letters, masks, units."""

from __future__ import annotations

from calmreply.classifier.reading import read_review


def words(text: str, code: str) -> list[tuple[str, ...]]:
    return [clause.words for clause in read_review(text, code).clauses()]


def test_a_turn_opens_a_clause() -> None:
    clauses = read_review("Packaging was good but the mug is cracked", "en").clauses()
    assert [clause.turned for clause in clauses] == [False, True]
    assert clauses[0].before_turn
    assert [clause.words[0] for clause in clauses] == ["packaging", "but"]


def test_places_are_those_of_the_text() -> None:
    text = "Ko đẹp!!! Giao nhanh nhưng vải mỏng"
    for clause in read_review(text, "vi").clauses():
        assert text[clause.start : clause.end]
    assert text[read_review(text, "vi").clauses()[-1].start :] == "nhưng vải mỏng"


def test_chat_spellings_are_written_out_but_units_are_not() -> None:
    assert words("k đc j", "vi") == [("không", "được", "gì")]
    assert words("47kg mặc m", "vi") == [("47", "kg", "mặc", "mình")]
    assert words("sooooo baaaad", "en") == [("so", "bad")]


def test_confused_letters_are_one() -> None:
    assert words("dễ", "vi") == words("dể", "vi")


def test_a_masked_word_is_one_word() -> None:
    assert words("shop như c*c", "vi") == [("shop", "như", "xmaskx")]
    assert words("* good * bad", "en") == [("good",), ("bad",)]


def test_a_name_with_an_ampersand_is_no_chat_spelling() -> None:
    reading = read_review("J&T báo giao", "vi")
    assert reading.tokens == ("j", "t", "báo", "giao")
