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

VI_RIGHT = [
    ("Quảng cáo mua một tặng một mà mở ra không thấy hàng tặng", "món quà chưa có trong gói hàng"),
    ("Tin đăng ghi tặng ly giữ nhiệt, giao tới thì không có", "món quà chưa có trong gói hàng"),
    ("Chai nước tẩy trang bị bẩn", "sản phẩm dưỡng da bị bẩn"),
    ("Đôi dép bị rách quai", "đôi dép bị rách"),
    ("Thỏi son bị gãy đôi", "thỏi son bị gãy"),
    ("Pin tụt nhanh khủng khiếp", "tình trạng pin"),
    ("Mới mua năm ngày pin yếu hẳn", "tình trạng pin"),
    ("Sóng yếu, ngồi cạnh cửa sổ cũng rớt", "phần kết nối"),
    ("Áo bị lỗi đường chỉ dưới nách", "chiếc áo bị lỗi"),
    ("Chỉ nghe được một bên tai", "phần âm thanh"),
    ("Sạc siêu chậm, phí tiền vãi", "việc sạc không ổn"),
    ("Hàng giả rồi shop ơi", "sự băn khoăn về nguồn gốc hàng"),
    ("Dùng hai ngày đã hỏng", "độ bền"),
]
VI_ABSENT = [
    ("Dây cũ bị con mèo cắn nát nên mua lại", "smashed"),
    ("Thất vọng tràn trề", "leaking"),
    ("Ôi trời ơi, chán quá", "spoiled"),
    ("Bán hàng vớ vẩn", "socks"),
    ("Tệ không thể tả", "baby"),
    ("Chả thấy ưng chỗ nào", "meat"),
    ("Máy xay hoa quả kêu to", "fruit"),
    ("Kem chống nắng này không thấm mồ hôi", "smell"),
    ("Lưng đeo không bó sát người", "tight_fit"),
    ("Mua xong ôm hận", "tight_fit"),
    ("Vải mỏng nhẹ, mặc mùa hè", "thin_fabric"),
    ("Loa ngoài quá nhỏ", "too_small"),
    ("Chủ yếu để xem phim", "weak"),
    ("Màu màn hình nhợt nhạt", "taste"),
    ("Mua về chua dùng tới", "taste"),
    ("Loa kéo nghe để chống điếc", "stopped_working"),
    ("Pin trâu nhưng máy hay treo", "battery"),
    ("Hộp không được đẹp", "empty_box"),
    ("Hai áo cùng loại khác màu", "wrong_colour"),
    ("Nói chuyện qua loa cho xong", "sound"),
    ("Không cắm vào được điện thoại", "phone"),
    ("Chọn phim rồi quay màn hình", "screen"),
    ("Hy vọng giặt đi sẽ mềm hơn", "washing"),
    ("Chân mình chưa tới 25 cm", "not_arrived"),
    ("Mua về vứt sọt rác", "courier"),
    ("Nhắn thì shop không giải quyết", "return_refused"),
    ("Chụp thiếu sáng", "wrong_quantity"),
    ("Nhờ shop kiểm tra hàng trước khi giao", "inspection"),
]


@pytest.mark.parametrize(("text", "details"), EN_TOLD)
def test_what_is_told_is_found_in_english(text: str, details: tuple[str, ...]) -> None:
    assert find_details(text, "en") == details


@pytest.mark.parametrize(("text", "details"), VI_TOLD)
def test_what_is_told_is_found_in_vietnamese(text: str, details: tuple[str, ...]) -> None:
    assert find_details(text, "vi") == details


@pytest.mark.parametrize(("text", "phrase"), VI_RIGHT)
def test_a_vietnamese_review_is_named_by_what_it_complains_of(text: str, phrase: str) -> None:
    assert detail_phrase(find_details(text, "vi")[0], "vi") == phrase


@pytest.mark.parametrize(("text", "absent"), VI_ABSENT)
def test_a_vietnamese_word_in_another_sense_is_no_detail(text: str, absent: str) -> None:
    assert absent not in {part for one in find_details(text, "vi") for part in one.split(":")}


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
        ("packaging:bottle", "vi", "khâu đóng gói chiếc bình"),
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


@pytest.mark.parametrize(
    "text",
    [
        "The agent was meant to connect me to a person",
        "It is not what it was cracked up to be",
        "Too cropped for my taste",
        "You refused to help with my order",
        "I used it once and had to throw it away",
        "No delivery partner was assigned",
        "My sister says it looks like a straight jacket",
        "It did not arrive until Friday",
        "I wore it over a black bra",
        "Only flatters a very thin figure",
        "They told me to wait and I could not cancel it",
        "My face dried out after using it",
        "I love tiny floral patterns, sadly the sleeves are odd",
    ],
)
def test_a_figure_of_speech_or_a_passing_mention_is_no_detail_in_english(text: str) -> None:
    assert find_details(text, "en") == ()


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("The fabric is soft and gorgeous, but it is huge on me", "loose_fit"),
        ("The cocoa powder came unsealed", "opened"),
        ("It falls on me like a tent", "loose_fit"),
        ("The print is pretty but the fabric is stiff", "fabric"),
        ("The noise cancelling is bad", "sound"),
        ("One item was missing from my order", "missing_part"),
        ("The driver left it at the gate", "courier"),
        ("They refused a refund", "return_refused"),
        ("The store cancelled my order after an hour", "cancelled"),
    ],
)
def test_the_thing_complained_of_comes_first_in_english(text: str, detail: str) -> None:
    assert find_details(text, "en")[:1] == (detail,)
