"""Whatever the review, the policy and the reading: the library's reply keeps every rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from strategies import classifications, orders, platforms, reviews, shops

from calmreply.checks import check, errors_in
from calmreply.planning import make_plan
from calmreply.platform import find_platform
from calmreply.templates import Library, render_template, sentence_for

if TYPE_CHECKING:
    from calmreply.planning import Order
    from calmreply.review import Classification, Review
    from calmreply.shop import Shop


@given(shop=shops(), review=reviews, reading=classifications(), platform=platforms, order=orders)
@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow])
def test_every_reply_of_a_loaded_policy_keeps_every_rule(
    shop: Shop, review: Review, reading: Classification, platform: str | None, order: Order | None
) -> None:
    # A reading without details: what the review tells of is read from it, as the classifier does.
    plan = make_plan(review, reading, shop, platform=platform, order=order)
    rendered = render_template(plan, review, library=Library.load(shop), seed=review.id or review.text)
    assert errors_in(check(rendered.text, plan, review)) == [], (rendered.template_id, rendered.text)
    assert not rendered.violations
    assert find_platform(plan.platform).fits(rendered.text)


@given(shop=shops(), review=reviews, reading=classifications())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_a_review_never_speaks_through_a_template(
    shop: Shop, review: Review, reading: Classification
) -> None:
    marked = review.model_copy(update={"text": f"{review.text} zqxv 555-0199 <b>"})
    rendered = render_template(
        make_plan(marked, reading, shop), marked, library=Library.load(shop), seed=marked.text
    )
    assert "zqxv" not in rendered.text
    assert "555-0199" not in rendered.text


@pytest.mark.parametrize(
    "part", ["thanks", "apology", "opening", "acknowledgement", "empathy", "question", "remedy", "channel"]
)
@given(shop=shops(), review=reviews, reading=classifications())
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
def test_a_single_sentence_is_whole_or_none(
    part: str, shop: Shop, review: Review, reading: Classification
) -> None:
    plan = make_plan(review, reading, shop)
    sentence = sentence_for(part, plan, voice=shop.voice, seed=review.text, library=Library.load(shop))
    if sentence is not None:
        assert sentence[0].isupper() or not sentence[0].isalpha()
        assert sentence.rstrip()[-1] in ".?"
        assert "  " not in sentence
