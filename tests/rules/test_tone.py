from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from calmreply.checks import check
from calmreply.plan import Plan
from calmreply.review import Review

if TYPE_CHECKING:
    from calmreply.violation import Violation


def found(rule: str, text: str, language: str = "en", review: str = "", **plan: Any) -> list[Violation]:
    violations = check(
        text, Plan.model_validate({"complaint": "late", "language": language, **plan}), Review(text=review)
    )
    return [violation for violation in violations if violation.rule == rule]


BLAMING = [
    ("en", "The courier lost it.", "The courier lost it"),
    ("en", "It is late because of the holiday rush.", "because of the holiday rush"),
    ("en", "You entered the wrong address.", "You entered the wrong"),
    ("en", "Blades like this only chip when they are twisted.", "only chip when"),
    ("en", "It left our warehouse in perfect condition.", "left our warehouse in perfect"),
    ("en", "This is not our fault.", "is not our fault"),
    ("vi", "Bên vận chuyển làm rơi hàng.", "Bên vận chuyển làm rơi"),
    ("vi", "Do bạn đặt nhầm size ạ.", "Do bạn đặt nhầm"),
    ("vi", "ben van chuyen lam roi hang nen hop bi mop", "ben van chuyen lam roi"),
    ("vi", "Hàng ra khỏi kho vẫn nguyên vẹn.", "ra khỏi kho vẫn nguyên vẹn"),
]


@pytest.mark.parametrize(("language", "text", "quoted"), BLAMING)
def test_blame_is_found_where_it_stands(language: str, text: str, quoted: str) -> None:
    (violation,) = found("blame", text, language)
    assert text[violation.start : violation.end] == quoted


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "The courier lost it, but we chose the courier."),
        ("en", "The courier lost it. The choice was ours."),
        ("en", "Our records show that it left us on 3 May."),
        ("en", "I'm sorry the driver was rude to you."),
        ("en", "If you like, put the arms in dry sand."),
        ("en", "This was not your fault."),
        ("vi", "Bên vận chuyển làm rơi hàng. Lẽ ra shop phải bọc kỹ hơn."),
        ("vi", "Đơn rời kho ngày 3/5."),
        ("vi", "Đây không phải lỗi của bạn."),
        ("vi", "Em xin lỗi anh."),
    ],
)
def test_owned_causes_and_facts_are_no_blame(language: str, text: str) -> None:
    assert not found("blame", text, language)


def test_ownership_must_stand_in_the_same_or_the_next_sentence() -> None:
    assert found("blame", "The courier lost it. I am sorry. The choice was ours.")
    assert found("blame", "The courier lost it. We are sorry.")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "FedEx lost it, but choosing them was our decision."),
        ("en", "It was Kevin who hung up, and I take responsibility for it."),
        ("vi", "Giao Hàng Nhanh làm rơi, shop xin nhận trách nhiệm."),
        ("vi", "Bạn Hạnh soạn nhầm áo, lỗi của shop ạ."),
    ],
)
def test_a_name_as_the_cause_is_blame_even_when_owned(language: str, text: str) -> None:
    (violation,) = found("blame", text, language)
    assert "named" in violation.message


def test_plain_words_are_no_company() -> None:
    assert not found("blame", "Shop sẽ giao hàng nhanh hơn cho bạn.", "vi")


def test_the_customers_own_words_are_acknowledged() -> None:
    text = "I am sorry the courier dropped your box."
    assert found("blame", text)
    assert not found("blame", text, review="The courier dropped the box in front of me!")


ARGUING = [
    ("en", "We disagree with your review.", "contradicts"),
    ("en", "We find this hard to believe.", "doubts"),
    ("en", "You should have read the description.", "lectures"),
    ("en", "Our policy clearly says so.", "rules"),
    ("en", "Thank you for your charming review.", "sarcastic"),
    ("en", "We will take legal action.", "threatens"),
    ("en", "You are being unreasonable.", "insult"),
    ("vi", "Bạn nói vậy là không đúng.", "contradicts"),
    ("vi", "Trước giờ chưa có khách nào phàn nàn.", "doubts"),
    ("vi", "Lần sau bạn nhớ đọc kỹ mô tả nha.", "lectures"),
    ("vi", "Quy định của shop là không hoàn tiền.", "rules"),
    ("vi", "Thì ai mà hiểu nổi.", "sarcastic"),
    ("vi", "Shop sẽ chặn nick bạn.", "threatens"),
    ("vi", "Bạn thật quá đáng.", "insult"),
]


@pytest.mark.parametrize(("language", "text", "kind"), ARGUING)
def test_a_quarrel_is_named_by_its_kind(language: str, text: str, kind: str) -> None:
    violations = found("argument", text, language)
    assert any(kind in violation.message for violation in violations)
    assert all(violation.hint for violation in violations)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "I believe you, and I do not doubt a word."),
        ("en", "You should have received it on Monday."),
        ("en", "Next time we will check every box."),
        ("en", "One thing that helps: the jug has to click into place."),
        ("en", "Thank you for your kind words."),
        ("vi", "Bạn nói đúng, shop sai rồi ạ."),
        ("vi", "Lần sau shop sẽ kiểm tra kỹ hơn."),
        ("vi", "Shop xin lỗi vì thái độ của nhân viên."),
    ],
)
def test_help_and_agreement_are_no_argument(language: str, text: str) -> None:
    assert not found("argument", text, language)


def test_a_shop_may_soften_both() -> None:
    softened: dict[str, Any] = {"severities": {"blame": "warning", "argument": "off"}}
    text = "The courier lost it. You are mistaken."
    assert [violation.severity for violation in found("blame", text, **softened)] == ["warning"]
    assert not found("argument", text, **softened)
