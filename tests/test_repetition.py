"""What makes two replies nearly the same, and what does not."""

from __future__ import annotations

from fakes import GOOD

from calmreply import Plan
from calmreply.repetition import NEARLY_THE_SAME, RecentReplies

PLAN = Plan(
    complaint="damaged",
    remedy={"action": "replacement", "within": "24 hours"},
    channel={"kind": "hotline", "value": "0909 123 456"},
    name="Anna",
)
OTHER = (
    "Hi Ben, thanks for being so open with us. Your bowl came chipped, and we apologise. That is a poor "
    "start for a gift. We will send you a replacement within 24 hours. Please call our hotline 0909 123 456 "
    "so that we can arrange it."
)


def recent(*texts: str, size: int = 200) -> RecentReplies:
    each = RecentReplies(size)
    for text in texts:
        each.add(text, PLAN)
    return each


def test_the_first_reply_is_like_nothing() -> None:
    assert recent().likeness(GOOD, PLAN) == 0


def test_the_same_to_somebody_else_is_word_for_word_the_same() -> None:
    to_ben, plan = GOOD.replace("Anna", "Ben"), PLAN.model_copy(update={"name": "Ben"})
    assert recent(GOOD).likeness(to_ben, plan) == 1
    assert recent(GOOD).has_said(to_ben, plan)
    assert not recent(OTHER).has_said(to_ben, plan)


def test_a_word_or_two_make_no_other_reply() -> None:
    changed = GOOD.replace("two pieces", "three parts")
    assert NEARLY_THE_SAME <= recent(GOOD).likeness(changed, PLAN) < 1
    assert not recent(GOOD).has_said(changed, PLAN)


def test_what_the_shop_promises_every_time_does_not_count() -> None:
    assert recent(OTHER).likeness(GOOD, PLAN) < 0.2


def test_a_reply_of_fixed_parts_alone_repeats_nothing() -> None:
    fixed = "We will send you a replacement within 24 hours."
    assert recent(fixed).likeness(fixed, PLAN) == 0
    assert not recent(fixed).has_said(fixed, PLAN)


def test_only_the_last_ones_are_remembered() -> None:
    assert recent(GOOD, OTHER, size=1).likeness(GOOD, PLAN) < NEARLY_THE_SAME
    assert recent(GOOD, size=0).likeness(GOOD, PLAN) == 0


def test_another_language_is_not_looked_at() -> None:
    assert recent(GOOD).likeness(GOOD, PLAN.model_copy(update={"language": "vi"})) == 0


def test_openings_come_newest_first_without_names_and_numbers() -> None:
    each = recent("Thanks for 3 stars, Anna.", GOOD, OTHER, GOOD)
    assert each.openings("en") == (
        "thank you for telling us about the",
        "Hi Ben thanks for being so open",
    )
    assert each.openings("vi") == ()


def test_an_opening_like_the_one_wanted_is_not_named() -> None:
    unlike = "Hello Eve, thank you for telling us, and we're sorry"
    assert recent(GOOD, OTHER).openings("en", unlike=unlike) == ("Hi Ben thanks for being so open",)
