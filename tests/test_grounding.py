"""A draft held to the plan's details tells of nothing else."""

from __future__ import annotations

import pytest

from calmreply.grounding import grounded
from calmreply.plan import Plan
from calmreply.prompt_files import read_prompts
from calmreply.template_files import read_texts

SAID = {
    "en": ("the screen", "We'll refund you within 3 days.", "Please write to us at care@oak.com."),
    "vi": ("tình trạng pin", "Shop sẽ hoàn tiền cho bạn trong 3 ngày.", "Bạn nhắn shop qua Zalo nhé."),
}
REVIEW = {
    "en": "Worst phone ever, the screen flickers all day and the wifi is poor.",
    "vi": "Máy tệ, pin tụt nhanh, wifi yếu.",
}
DETAILS = {"en": ("screen",), "vi": ("battery",)}


def kept(sentence: str, language: str = "en", details: tuple[str, ...] | None = None) -> bool:
    plan = Plan.model_validate(
        {
            "complaint": "quality",
            "language": language,
            "details": DETAILS[language] if details is None else details,
            "remedy": {"action": "refund", "within": "3 days"},
        }
    )
    texts, prompts = read_texts(language), read_prompts(language)
    draft = f"{sentence} {SAID[language][1]}"
    return sentence in grounded(draft, REVIEW[language], plan, SAID[language], texts, prompts)


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "Thank you for telling us, and we're sorry about the screen."),
        ("en", "We're sorry that the screen flickers."),
        ("en", "We understand how disappointing this was for you."),
        ("en", "We'll refund you within 3 days."),
        ("vi", "Shop xin lỗi bạn vì tình trạng pin."),
        ("vi", "Cảm ơn bạn đã kể rõ cho shop."),
    ],
)
def test_what_the_plan_knows_stays(language: str, sentence: str) -> None:
    assert kept(sentence, language)


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "We're sorry that your laptop's display was shattered by the courier."),
        ("en", "We're sorry that it is the worst phone ever."),
        ("en", "We understand how annoying it is when a parcel never arrives."),
        ("en", "The technicians replaced the hinge twice on Tuesday."),
        ("vi", "Shop xin lỗi bạn vì bộ chén đĩa bị vỡ."),
        ("vi", "Shop hiểu bạn buồn khi giao hàng trễ cả tuần."),
    ],
)
def test_what_it_does_not_know_goes(language: str, sentence: str) -> None:
    assert not kept(sentence, language)


def test_without_details_the_problem_is_named_as_planned() -> None:
    assert not kept("We're sorry that the screen flickers.", details=())
    assert kept("We're sorry about the screen.", details=())


def test_an_untouched_draft_is_the_same_object() -> None:
    plan = Plan.model_validate({"complaint": "quality", "details": ["screen"]})
    draft = "Thank you for telling us. We're sorry about the screen."
    texts, prompts = read_texts("en"), read_prompts("en")
    assert grounded(draft, REVIEW["en"], plan, SAID["en"], texts, prompts) is draft
