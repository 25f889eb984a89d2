from __future__ import annotations

import pytest

from calmreply.checks import check
from calmreply.plan import Plan
from calmreply.rules import all_rules


def quotes(rule: str, text: str, language: str = "en", **plan: object) -> list[str]:
    violations = check(text, Plan.model_validate({"complaint": "quality", "language": language, **plan}))
    return [text[one.start : one.end] for one in violations if one.rule == rule]


@pytest.mark.parametrize(
    ("language", "text", "quoted"),
    [
        ("en", "Please consider updating your review.", "updating your review"),
        ("en", "Perhaps you could remove this comment.", "remove this comment"),
        ("en", "One star hurts a small shop.", "star hurts a small"),
        ("en", "We would love to earn back those missing stars.", "earn back those missing stars"),
        ("vi", "Bạn gỡ giúp đánh giá này nha.", "gỡ giúp đánh giá"),
        ("vi", "Bạn chọn lại năm sao giúp shop.", "chọn lại năm sao"),
        ("vi", "ban sua lai danh gia nhe", "sua lai danh gia"),
    ],
)
def test_solicitation_is_found_where_it_stands(language: str, text: str, quoted: str) -> None:
    assert any(quoted in one for one in quotes("solicitation", text, language))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "One star tells me how badly this went."),
        ("en", "We hope to earn back your trust."),
        ("en", "There is no need to change your review."),
        ("en", "You expected five-star service."),
        ("vi", "Em mong lấy lại lòng tin của anh."),
        ("vi", "Cảm ơn bạn đã đánh giá."),
        ("vi", "Shop xem lại sao lại bị vậy."),
    ],
)
def test_naming_the_stars_is_no_solicitation(language: str, text: str) -> None:
    assert not quotes("solicitation", text, language)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "We were negligent."),
        ("en", "We are liable for this."),
        ("en", "Our cream caused your allergic reaction."),
        ("en", "This was a breach of contract."),
        ("vi", "Chúng tôi đã vi phạm pháp luật."),
        ("vi", "Bên em có trách nhiệm pháp lý."),
        ("vi", "Kem của shop gây dị ứng cho chị."),
    ],
)
def test_legal_admissions_are_found(language: str, text: str) -> None:
    assert quotes("liability", text, language)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "This was our mistake, and I am responsible for this."),
        ("en", "We are sorry about what happened."),
        ("en", "This is not an admission of liability."),
        ("vi", "Đây là lỗi của shop, shop xin chịu trách nhiệm."),
        ("vi", "Do sơ suất của bên em."),
        ("vi", "Shop không vi phạm pháp luật."),
    ],
)
def test_plain_ownership_is_no_admission(language: str, text: str) -> None:
    assert not quotes("liability", text, language)


@pytest.mark.parametrize("rule", ["solicitation", "liability"])
def test_neither_can_be_softened(rule: str) -> None:
    assert not all_rules()[rule].can_soften
    text = "We were negligent. Please remove your review."
    assert quotes(rule, text, severities={rule: "off"})
