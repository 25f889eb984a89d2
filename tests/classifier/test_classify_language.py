"""The language of a review: ours by their words, marks or not, and others by the bundled detector."""

from __future__ import annotations

import pytest

from calmreply import LocalClassifier, Review
from calmreply.classifier import detect_language
from calmreply.cues import fold

VIETNAMESE = [
    "vải mỏng quá",
    "Giao hàng chậm, nhắn tin shop không trả lời",
    "tệ",
    "hàng xấu",
    "sp ko giống hình",
    "Mình mua đôi giày này được 2 tuần thì bong đế",
    "Thái độ tồi",
]


@pytest.mark.parametrize("text", VIETNAMESE)
def test_vietnamese(text: str) -> None:
    assert detect_language(text) == "vi"


@pytest.mark.parametrize("text", [text for text in VIETNAMESE if len(text.split()) > 1])
def test_vietnamese_without_its_marks(text: str) -> None:
    assert detect_language(fold(text)) == "vi"


@pytest.mark.parametrize(
    "text",
    [
        "bad",
        "Worst product ever",
        "battery dead after 2 days",
        "do not buy",
        "not as described!!!",
        "Came broken 😡",
        "I hate it",
    ],
)
def test_english(text: str) -> None:
    assert detect_language(text) == "en"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Très déçu, le produit est arrivé cassé", "fr"),
        ("Muy mala calidad, no lo recomiendo", "es"),
        ("Schlechte Qualität, nach einer Woche kaputt", "de"),
        ("ผ้าบางมาก ไม่เหมือนในรูป", "th"),
        ("质量很差", "zh"),
        ("배송이 너무 늦어요", "ko"),
        ("とても悪い商品です", "ja"),
        ("बहुत खराब है", "hi"),
        ("kain tipis sekali, tidak sesuai gambar", "id"),
    ],
)
def test_others_are_told(text: str, code: str) -> None:
    assert detect_language(text) == code


@pytest.mark.parametrize("text", ["", "   ", "😡😡", "1 2 3", "!!!", "https://example.com/x"])
def test_no_words_no_language(text: str) -> None:
    assert detect_language(text) is None


def test_a_mixed_text_is_in_the_language_it_has_most_of() -> None:
    assert detect_language("The zipper broke and nobody answers me, shop ơi") == "en"
    assert detect_language("Shop ơi sao giao hàng chậm quá vậy, mình đợi 2 tuần rồi, please check") == "vi"


def test_a_lone_surrogate_is_read_past() -> None:
    assert LocalClassifier().classify(Review(text="\u0308\ud800\xdf\u2019\xbd\u0301")).language
