"""Details: what a review tells of, and how a reply names it."""

from __future__ import annotations

import time

import pytest

from calmreply.analysis import analyse
from calmreply.concepts import NAMES, PRODUCT, load_vocabulary, mentions_in
from calmreply.details import detail_phrase, find_details, find_products, is_specific
from calmreply.errors import InputError

EN_TOLD = [
    ("The mug arrived cracked.", ("cracked:mug",)),
    ("Charged twice for one order.", ("double_charge",)),
    ("Shampoo leaked all over the box", ("leaking:shampoo",)),
    ("No scratches, not late, but the mug was cracked", ("cracked:mug",)),
    ("Eleven emails, no reply.", ("no_reply",)),
    ("Came smashd and the vase is shaterred", ("smashed:vase",)),
]
VI_TOLD = [
    ("Cái ly bị nứt rồi shop ơi", ("cracked:mug",)),
    ("cai ly bi nut roi shop oi", ("cracked:mug",)),
    ("Không vỡ nhưng giao trễ", ("late",)),
    ("hang ve bi mop meo het", ("dented",)),
    ("Áo mỏng lắm", ("thin_fabric:shirt",)),
    ("Nhắn mãi ko rep", ("no_reply",)),
]
VAGUE = [
    ("en", ""),
    ("en", "bad"),
    ("en", "Worst shop ever, never again!"),
    ("en", "If it breaks I will come back"),
    ("en", "No cracks, no leaks."),
    ("vi", "tệ"),
    ("vi", "Quá thất vọng. Không còn gì để nói."),
    ("vi", "không vỡ, không móp"),
    ("vi", "😡😡"),
    ("en", "a thin sheet of paper was in it"),
    ("en", "money is stuck in the wallet"),
    ("en", "the idli batter was as usual"),
    ("vi", "chưa dùng, chưa nhận xét kỹ được"),
]


@pytest.mark.parametrize(("text", "details"), EN_TOLD)
def test_what_is_told_is_found_in_english(text: str, details: tuple[str, ...]) -> None:
    assert find_details(text, "en") == details


@pytest.mark.parametrize(("text", "details"), VI_TOLD)
def test_what_is_told_is_found_in_vietnamese(text: str, details: tuple[str, ...]) -> None:
    assert find_details(text, "vi") == details


@pytest.mark.parametrize(("language", "text"), VAGUE)
def test_what_is_denied_supposed_or_not_said_is_no_detail(language: str, text: str) -> None:
    assert find_details(text, language) == ()


@pytest.mark.parametrize(
    ("language", "text", "absent"),
    [
        ("en", "The box was crushed", "crushed:"),
        ("en", "Great battery but the screen flickers", "battery"),
        ("vi", "Pin tốt nhưng màn hình bị sọc", "battery"),
        ("vi", "Hộp méo nhưng ly còn tốt", "dented:"),
    ],
)
def test_what_is_praised_or_only_the_box_is_left_out(language: str, text: str, absent: str) -> None:
    assert not [detail for detail in find_details(text, language) if absent in detail]


def test_the_product_of_the_title_is_known() -> None:
    assert find_details("arrived cracked", "en", product="Stoneware Mug 300 ml") == ("cracked:mug",)
    assert find_details("ok", "en", product="Stoneware Mug 300 ml") == ("product:mug",)


def test_a_phone_case_is_no_phone() -> None:
    assert find_products("a phone case for my desk", "en") == {"phone_case", "table"}


@pytest.mark.parametrize("language", ["en", "vi"])
def test_there_is_enough_of_everything(language: str) -> None:
    names = load_vocabulary(language).concepts
    assert sum(name.startswith(PRODUCT) for name in names) >= 80
    assert sum(not name.startswith((PRODUCT, NAMES)) for name in names) >= 60


@pytest.mark.parametrize("language", ["en", "vi"])
def test_every_phrase_is_read_as_what_it_names(language: str) -> None:
    vocabulary = load_vocabulary(language)
    wrong = []
    for name, concept in vocabulary.concepts.items():
        if name.startswith(NAMES):
            continue
        phrase = detail_phrase(name, language)
        assert phrase
        assert "{" not in phrase
        read = {one.concept for one in mentions_in(analyse(phrase, language))}
        if not name.startswith(PRODUCT) and not read & vocabulary.near(name):
            wrong.append((name, phrase))
        for kind in concept.suits if concept.with_product else ():
            said = detail_phrase(f"{name}:{kind}", language)
            assert said
            assert "{" not in said
            # "the camera", never "the camera of the camera"
            assert vocabulary.concepts[PRODUCT + kind].phrase in said or said == phrase
    assert wrong == []


@pytest.mark.parametrize(
    ("detail", "language", "phrase"),
    [
        ("camera_quality:camera", "vi", "chất lượng camera"),
        ("camera_quality:phone", "vi", "camera của chiếc điện thoại"),
        ("packaging:coffee", "vi", "khâu đóng gói gói cà phê"),
        ("fabric:fabric_item", "en", "the fabric"),
    ],
)
def test_nothing_is_said_to_be_of_itself(detail: str, language: str, phrase: str) -> None:
    assert detail_phrase(detail, language) == phrase


def test_the_two_languages_have_the_same_concepts() -> None:
    own = [
        {name for name in load_vocabulary(code).concepts if not name.startswith(PRODUCT)}
        for code in ("en", "vi")
    ]
    assert own[0] == own[1]


@pytest.mark.parametrize(
    ("detail", "language", "phrase"),
    [
        ("cracked:mug", "en", "the cracked mug"),
        ("cracked:mug", "vi", "chiếc cốc bị nứt"),
        ("too_short:pants", "en", "how short the trousers are"),
        ("product:shoes", "en", "the shoes"),
        ("nonsense", "en", None),
        ("cracked:nonsense", "en", "the cracks"),
        ("product:nonsense", "vi", None),
    ],
)
def test_a_detail_has_a_phrase(detail: str, language: str, phrase: str | None) -> None:
    assert detail_phrase(detail, language) == phrase


def test_what_names_only_the_kind_is_not_specific() -> None:
    assert not is_specific(("late", "product:mug"), "en")
    assert is_specific(("late", "cracked:mug"), "en")


def test_a_language_without_data_is_an_error() -> None:
    with pytest.raises(InputError):
        find_details("cassé", "fr")


@pytest.mark.parametrize("text", ["¨", "0\x1b0:0:{0¨\x1e", "\u0300 \u0301", "\ud800", "\u20dd ."])
@pytest.mark.parametrize("language", ["en", "vi"])
def test_text_without_a_word_tells_of_nothing(text: str, language: str) -> None:
    assert find_details(text, language) == ()


@pytest.mark.parametrize("text", ["not " * 25_000, "x" * 100_000, "không " * 20_000, "(" * 100_000])
def test_hostile_text_takes_no_time(text: str) -> None:
    start = time.process_time()
    find_details(text, "vi")
    assert time.process_time() - start < 10
