from __future__ import annotations

import unicodedata
from typing import Any, Literal

import pytest
from pydantic import ValidationError

from calmreply.checks import PublicReply, check, errors_in
from calmreply.classifier import classify
from calmreply.errors import InputError
from calmreply.plan import Plan
from calmreply.review import Review
from calmreply.rules import all_rules
from calmreply.violation import Severity

REVIEW = Review(text="The teapot arrived with a broken spout after two weeks of waiting.", stars=1)
PLAN = Plan.model_validate(
    {
        "complaint": "damaged",
        "remedy": {"action": "replacement", "within": "24 hours"},
        "channel": {"kind": "whatsapp", "value": "+44 7700 900123"},
        "name": "Olivia",
    }
)
GOOD = (
    "Hello Olivia, thank you for telling us about the teapot. I am sorry the spout was broken. "
    "After a two-week wait that must have been a real let-down. I will send you a new teapot within 24 hours. "
    "You can reach me on WhatsApp at +44 7700 900123."
)
BAD = "Dear {name}, the **teapot** was broken. We value you"


def test_a_good_reply_keeps_every_rule() -> None:
    assert errors_in(check(GOOD, PLAN, REVIEW)) == []
    assert PublicReply.model_validate({"text": GOOD}, context={"plan": PLAN, "review": REVIEW}).text == GOOD


def test_a_review_may_come_as_its_text() -> None:
    assert errors_in(check(GOOD, PLAN, REVIEW.text)) == []
    assert classify(REVIEW.text) == classify(REVIEW)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((b"bytes", PLAN), "a reply is a text, not bytes"),
        ((GOOD, {"complaint": "damaged"}), "a plan is a Plan, not dict"),
        ((GOOD, PLAN, 5), "a review is a Review or a text, not int"),
    ],
)
def test_anything_else_is_named_in_the_error(arguments: tuple[Any, ...], says: str) -> None:
    with pytest.raises(InputError, match=says):
        check(*arguments)


@pytest.mark.parametrize(
    "text", ["\u0301", "\u0323 \u0301", "नमस्ते ि", "ខ្មែរ ្ ា", "ก็ ่ ้", "Hello \u0300 Olivia"]
)
@pytest.mark.parametrize("language", ["en", "vi"])
def test_marks_that_stand_alone_are_read_too(text: str, language: str) -> None:
    assert errors_in(check(text, PLAN.model_copy(update={"language": language}), Review(text=text)))


def test_all_broken_rules_come_in_one_error() -> None:
    with pytest.raises(ValidationError) as raised:
        PublicReply.model_validate({"text": BAD}, context={"plan": PLAN, "review": REVIEW})
    errors = raised.value.errors()
    expected = errors_in(check(BAD, PLAN, REVIEW))
    assert [error["type"] for error in errors] == [violation.rule for violation in expected]
    assert {"length", "thanks", "apology", "residue"} <= {error["type"] for error in errors}
    for error, violation in zip(errors, expected, strict=True):
        assert error["loc"] == ("text",)
        assert {"hint": violation.hint, "start": violation.start, "end": violation.end}.items() <= error[
            "ctx"
        ].items()
        assert violation.message in error["msg"]


def test_braces_in_a_message_stand_as_they_are() -> None:
    review = Review(text="bad")
    plan = PLAN.model_copy(update={"name": "{x} {{y}}"})
    with pytest.raises(ValidationError) as raised:
        PublicReply.model_validate({"text": GOOD}, context={"plan": plan, "review": review})
    (message,) = [error["msg"] for error in raised.value.errors() if error["type"] == "addressee"]
    assert "{x} {{y}}" in message


def test_the_context_may_hold_plain_data_and_more() -> None:
    context = {"plan": PLAN.model_dump(mode="json"), "review": {"text": REVIEW.text}, "attempt": 2}
    assert PublicReply.model_validate({"text": GOOD}, context=context).text == GOOD
    assert PublicReply.model_validate_json(f'{{"text": "{GOOD}"}}', context=context).text == GOOD


@pytest.mark.parametrize("context", [None, {}, {"review": REVIEW}, {"plan": None}, "plan"])
def test_without_a_plan_nothing_passes(context: object) -> None:
    with pytest.raises(ValidationError) as raised:
        PublicReply.model_validate({"text": GOOD}, context=context)
    assert [error["type"] for error in raised.value.errors()] == ["plan_missing"]


def test_what_is_missing_comes_first_then_the_order_of_the_text() -> None:
    starts = [violation.start for violation in check(BAD, PLAN, REVIEW)]
    missing = [start for start in starts if start is None]
    assert missing
    assert starts[: len(missing)] == missing
    placed = [start for start in starts if start is not None]
    assert placed
    assert placed == sorted(placed)


def test_a_violation_is_told_once() -> None:
    found = check(BAD, PLAN, REVIEW)
    assert len(found) == len(set(found))


@pytest.mark.parametrize("form", ["NFD", "NFKC", "NFKD"])
def test_unicode_forms_are_judged_alike(form: Literal["NFD", "NFKC", "NFKD"]) -> None:
    plan = Plan.model_validate({"complaint": "damaged", "language": "vi", "name": "Tuấn"})
    text = (
        "Chào anh Hương, cảm ơn anh đã báo. Ấm của anh bị vỡ vòi. Shop biết rồi. Shop xin lỗi anh về cái ấm."
    )
    other = unicodedata.normalize(form, text)
    found, same = check(text, plan, REVIEW), check(other, plan, REVIEW)
    assert [violation.rule for violation in found] == [violation.rule for violation in same]
    assert {"addressee", "opening"} <= {violation.rule for violation in found}
    for one, two in zip(found, same, strict=True):
        if one.start is not None:
            assert unicodedata.normalize("NFC", other[two.start : two.end]) == text[one.start : one.end]


def test_a_shop_can_soften_some_rules_only() -> None:
    plan = PLAN.model_copy(update={"severities": {"thanks": "warning", "apology": "off", "residue": "off"}})
    found = {violation.rule: violation.severity for violation in check(BAD, plan, REVIEW)}
    assert found["thanks"] is Severity.WARNING
    assert "apology" not in found
    assert found["residue"] is Severity.ERROR


def test_an_empty_reply_is_judged() -> None:
    assert {"length", "thanks", "apology"} <= {violation.rule for violation in check("", PLAN)}


def test_every_rule_says_what_it_is_and_where_it_comes_from() -> None:
    fixed = {name for name, rule in all_rules().items() if not rule.can_soften}
    assert fixed == {"contacts", "privacy", "liability", "solicitation", "residue", "language"}
    for name, rule in all_rules().items():
        assert rule.summary.endswith("."), name
        assert rule.hint, name
        assert "guidelines" in rule.source, name
