"""The rule `acknowledgement`: something of this very review, not just of its kind."""

from __future__ import annotations

from typing import Any

import pytest

from calmreply.checks import check
from calmreply.plan import Plan
from calmreply.review import Review

CANNED = {
    "en": "Thank you for your feedback. We are sorry for the problem with your order. We understand how "
    "frustrating this is. We will call you within 24 hours. Please message us in the shop chat.",
    "vi": "Shop cảm ơn bạn đã phản hồi. Shop xin lỗi vì sự cố lần này, shop hiểu bạn rất thất vọng. "
    "Trong 24 giờ shop sẽ liên hệ lại với bạn. Bạn nhắn shop qua khung chat nhé.",
}


def _breaks(reply: str, review: str, complaint: str, language: str = "en", **fields: Any) -> bool:
    plan = Plan.model_validate({"complaint": complaint, "language": language, **fields})
    return any(found.rule == "acknowledgement" for found in check(reply, plan, Review(text=review)))


SPECIFIC = [
    ("en", "damaged", "The teapot lid came in three pieces.", "We are sorry the teapot was shattered."),
    ("en", "damaged", "The handle broke off.", "Sorry that the handle had come off."),
    ("en", "late", "Waited two weeks for my gown, missed the wedding.", "We are sorry about the wedding."),
    ("en", "late", "Two weeks and still nothing!", "Sorry that you waited 14 days."),
    ("en", "quality", "quai bị gãy", "We are sorry the handle had come off."),
    ("en", "quality", "Battery dead in 40 minutes", "Sorry it runs out of power so fast."),
    ("en", "service", "You ignored eleven emails.", "Sorry that nobody answered you."),
    ("vi", "damaged", "Bình gốm bể tan tành", "Shop xin lỗi vì chiếc bình về tới nơi đã vỡ."),
    ("vi", "quality", "Váy mỏng tang, mặc vào thấy hết", "Shop xin lỗi vì vải mỏng quá."),
    ("vi", "late", "Đợi 10 ngày chưa có hàng", "Shop xin lỗi vì bạn phải chờ mười ngày."),
    ("vi", "service", "Nhắn mãi ko ai rep", "Shop xin lỗi vì tin nhắn của bạn không được trả lời."),
    ("vi", "quality", "ao rong thung thinh", "Shop xin lỗi vì chiếc áo bị rộng."),
]


@pytest.mark.parametrize(("language", "complaint", "review", "reply"), SPECIFIC)
def test_what_the_review_tells_is_taken_up(language: str, complaint: str, review: str, reply: str) -> None:
    assert not _breaks(reply, review, complaint, language)


@pytest.mark.parametrize(("language", "complaint", "review"), [case[:3] for case in SPECIFIC])
def test_a_canned_reply_takes_up_nothing(language: str, complaint: str, review: str) -> None:
    assert _breaks(CANNED[language], review, complaint, language)


@pytest.mark.parametrize(
    ("language", "complaint", "review", "reply"),
    [
        ("en", "damaged", "The lid of the teapot was shattered", "Sorry your item arrived damaged."),
        ("en", "late", "Came after my sister's graduation", "We apologise for the delay."),
        ("vi", "not_as_described", "Đặt áo trắng size L, gửi áo đen size S", "Xin lỗi vì gửi nhầm sản phẩm."),
        ("vi", "service", "Nhân viên quát khách ở quầy", "Xin lỗi về thái độ phục vụ."),
    ],
)
def test_naming_only_the_kind_is_not_enough(language: str, complaint: str, review: str, reply: str) -> None:
    assert _breaks(reply, review, complaint, language)


@pytest.mark.parametrize(
    ("language", "complaint", "review", "reply", "breaks"),
    [
        ("en", "quality", "Bad quality", "We are sorry that the quality let you down.", False),
        ("en", "quality", "Bad quality", CANNED["en"], True),
        ("en", "late", "late!!", "We are sorry that it took so long.", False),
        ("vi", "quality", "Chất lượng quá kém", "Shop xin lỗi vì chất lượng chưa tốt.", False),
        ("vi", "quality", "Chất lượng quá kém", CANNED["vi"], True),
    ],
)
def test_a_vague_review_needs_only_its_complaint_named(
    language: str, complaint: str, review: str, reply: str, *, breaks: bool
) -> None:
    assert _breaks(reply, review, complaint, language) is breaks


@pytest.mark.parametrize(
    ("complaint", "fields"),
    [
        ("mistaken", {}),
        ("other", {}),
        ("quality", {"signals": ["praise"]}),
        ("quality", {"signals": ["at_risk"]}),
    ],
)
def test_it_is_not_required_where_nothing_is_to_be_named(complaint: str, fields: dict[str, Any]) -> None:
    assert not _breaks(CANNED["en"], "The mug is cracked", complaint, **fields)


def test_the_plans_own_words_are_not_the_reviews() -> None:
    remedy = {"action": "replacement", "extras": ["keep the broken item"]}
    reply = "Thank you. We are sorry. You can keep the broken item."
    assert _breaks(reply, "The handle snapped, it is broken", "damaged", remedy=remedy)


def test_details_of_the_plan_are_enough_without_the_review() -> None:
    reply = "Thank you. We are sorry about the cracked mug."
    assert not _breaks(reply, "", "damaged", details=("cracked:mug",))
    assert _breaks(CANNED["en"], "", "damaged", details=("cracked:mug",))
