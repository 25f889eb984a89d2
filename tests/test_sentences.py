from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmreply.languages import load_language
from calmreply.languages.sentences import split_sentences


def split(text: str, language: str = "en") -> list[str]:
    return [text[start:end] for start, end in split_sentences(text, load_language(language))]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Thank you. Sorry!", ["Thank you.", "Sorry!"]),
        ("Dear Mr. Tuan, it is approx. 12.50 a go.", ["Dear Mr. Tuan, it is approx. 12.50 a go."]),
        ("Oh no. Petrol! Order no. 12 is late.", ["Oh no.", "Petrol!", "Order no. 12 is late."]),
        ("Thank you.We are sorry", ["Thank you.", "We are sorry"]),
        (
            "Write to hello@shop.com or shop.vn/help today.",
            ["Write to hello@shop.com or shop.vn/help today."],
        ),
        ("hello\nsorry 😔\nbye", ["hello", "sorry 😔", "bye"]),
        ("So sorry 😔 We send one.", ["So sorry 😔", "We send one."]),
        ("Sorry... 🙏", ["Sorry... 🙏"]),
        ('"Thank you. Sorry."', ["Thank you.", "Sorry."]),
        ("", []),
        (" \n ", []),
    ],
)
def test_sentences_of_english(text: str, sentences: list[str]) -> None:
    assert split(text) == sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Shop cảm ơn bạn.mình xin lỗi nha", ["Shop cảm ơn bạn.", "mình xin lỗi nha"]),
        ("Giao ở TP.HCM, sđt. 0909 nha.", ["Giao ở TP.HCM, sđt. 0909 nha."]),
        ("Dạ em chào chị ạ! Em xin lỗi.", ["Dạ em chào chị ạ!", "Em xin lỗi."]),
    ],
)
def test_sentences_of_vietnamese(text: str, sentences: list[str]) -> None:
    assert split(text, "vi") == sentences


@given(st.text(max_size=200))
def test_sentences_lie_in_order_and_lose_no_letter(text: str) -> None:
    spans = split_sentences(text, load_language("en"))
    assert all(start < end for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    kept = "".join(text[start:end] for start, end in spans)
    assert [char for char in kept if char.isalnum()] == [char for char in text if char.isalnum()]


@pytest.mark.parametrize("piece", ["a.", "!", "no. ", "a b", "@."])
def test_a_long_text_stays_cheap(piece: str) -> None:
    start = time.process_time()
    split(piece * (20_000 // len(piece)))
    assert time.process_time() - start < 10
