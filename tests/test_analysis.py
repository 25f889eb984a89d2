from __future__ import annotations

import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmreply.analysis import Analysis, analyse


def words(text: str, language: str = "en") -> str:
    return "".join(sentence.words for sentence in Analysis(text, language).sentences)


def test_contractions_and_curly_quotes_are_written_out() -> None:
    assert words("I’m sorry it wasn't right") == " i am sorry it was not right "
    assert words("We can't; we'll follow-up") == " we can not ; we will follow up "


def test_chat_spellings_are_written_out() -> None:
    assert words("shop k bt, sp đẹp, 300k nha", "vi").startswith(" shop không")
    assert " 300k " in words("shop giảm 300k nha", "vi")


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_hits_point_at_the_words_in_any_unicode_form(form: Literal["NFC", "NFD", "NFKC", "NFKD"]) -> None:
    text = unicodedata.normalize(form, "Dạ chào chị. Shop đã cảm ơn chị Lan ạ.")
    (hit,) = Analysis(text, "vi").hits("thanks")
    assert unicodedata.normalize("NFC", text[hit.start : hit.end]) == "cảm ơn"
    assert hit.sentence == 1


def test_invisible_characters_hide_nothing() -> None:
    text = "We are so\u200brry, tha\u00adnk you."
    analysis = Analysis(text, "en")
    (hit,) = analysis.hits("apology")
    assert text[hit.start : hit.end] == "so\u200brry"
    assert analysis.has("thanks")


def test_compatible_letters_are_read() -> None:
    text = "𝗧𝗵𝗮𝗻𝗸 𝘆𝗼𝘂 for the ﬁne note."
    (hit,) = Analysis(text, "en").hits("thanks")
    assert text[hit.start : hit.end].startswith("𝗧𝗵𝗮𝗻𝗸 𝘆𝗼𝘂")


def test_a_sentence_in_another_language_is_read_with_its_own_cues() -> None:
    analysis = Analysis("Shop xin lỗi bạn rất nhiều. We are sorry for the delay of your order.", "vi")
    assert [sentence.language for sentence in analysis.sentences] == ["vi", "en"]
    assert [hit.sentence for hit in analysis.hits("apology")] == [0, 1]


def test_vietnamese_without_marks_is_vietnamese() -> None:
    analysis = Analysis("shop cam on ban, shop xin loi vi hang hu", "vi")
    assert analysis.sentences[0].language == "vi"
    assert analysis.has("thanks")
    assert analysis.has("apology")


def test_a_shops_own_cues_are_added() -> None:
    analysis = Analysis("Much love for the note.", "en")
    assert not analysis.has("thanks")
    (hit,) = analysis.hits("thanks", ("much love",))
    assert (hit.start, hit.end) == (0, 9)


def test_sentence_at() -> None:
    analysis = Analysis("One here. Two here.", "en")
    assert [analysis.sentence_at(at) for at in (0, 8, 12, 99)] == [0, 0, 1, 1]


def test_an_empty_text_has_no_sentence() -> None:
    analysis = Analysis("", "en")
    assert analysis.sentences == ()
    assert analysis.hits("thanks") == ()


def test_a_text_is_read_once() -> None:
    assert analyse("Thank you.", "en") is analyse("Thank you.", "en")


@given(st.text(max_size=120))
def test_every_token_lies_in_the_text(text: str) -> None:
    analysis = Analysis(text, "vi")
    for sentence in analysis.sentences:
        assert 0 <= sentence.start < sentence.end <= len(text)
        assert all(0 <= token.start < token.end <= len(text) for token in sentence.tokens)
