"""The metrics and scorers of the evals, on handmade samples."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest
from fakes import GOOD, REVIEW, ceramics
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.model import ModelName
from inspect_ai.scorer import SampleScore, Score, Target, mean
from inspect_ai.solver import TaskState

from calmreply import Replier, check
from calmreply.cli.output import reply_as_data
from calmreply.testing import ScriptedModel
from evals import scorers
from evals.metrics import (
    by,
    distinct,
    nearest,
    per_published,
    precision,
    recall,
    shingles,
    similarity,
    verdicts,
)

BAD = "It was the courier's fault. Buy another one."


def scored(value: float, answer: str | None = None, **metadata: Any) -> SampleScore:
    return SampleScore(score=Score(value=value, answer=answer, metadata=metadata))


def replied(*script: str, cautious: bool = False) -> TaskState:
    """The state that the solver leaves for one review, with these drafts."""
    with Replier(ceramics(), ScriptedModel(script) if script else False) as replier:
        reply = replier.reply(REVIEW)
    found = check(reply.text, reply.plan, REVIEW)
    return state(
        {
            "reply": reply_as_data(reply) | ({"publishable": True} if not cautious else {}),
            "seconds": 1.5,
            "text": reply.text,
            "violations": [one.model_dump(mode="json") for one in found],
        },
        review=REVIEW.model_dump(),
        rare=["cracked"],
    )


def state(store: dict[str, Any], **metadata: Any) -> TaskState:
    return TaskState(
        model=ModelName("none/none"),
        sample_id="r1",
        epoch=1,
        input="x",
        messages=[],
        metadata={"language": "en", **metadata},
        store=store,
    )


def measured(metric: Any, scores: list[SampleScore]) -> Any:
    return metric(scores)


def score_of(scorer: Any, given: TaskState, target: str = "") -> Score:
    score: Score = asyncio.run(scorer(given, Target(target)))
    return score


def parts_of(scorer: Any, given: TaskState, target: str = "") -> dict[str, float]:
    value = score_of(scorer, given, target).value
    assert isinstance(value, dict)
    return value


def test_a_metric_is_given_for_each_group_of_every_key() -> None:
    scores = [scored(1, language="en", source="model"), scored(0, language="vi", source="model"), scored(1)]
    assert measured(by(["language", "source"], mean(), "mean"), scores) == {
        "mean language=en": 1.0,
        "mean language=vi": 0.0,
        "mean source=model": 0.5,
    }


def test_what_fails_is_paid_for_by_what_is_published() -> None:
    scores = [scored(2, published=True), scored(4, published=False)]
    assert measured(per_published(), scores) == 6.0
    assert math.isnan(measured(per_published(), [scored(4, published=False)]))


def test_precision_and_recall_count_hits_misses_and_alarms_of_each_rule() -> None:
    scores = [
        scored(1, verdicts=verdicts({"blame", "thanks"}, {"blame"})),
        scored(0, verdicts=verdicts(set(), {"blame"})),
    ]
    assert measured(precision(), scores) == {"blame": 1.0, "thanks": 0.0, "micro": 0.5}
    assert measured(recall(), scores) == {"blame": 0.5, "micro": 0.5}


def test_the_nearest_neighbour_is_of_the_same_complaint_and_language() -> None:
    one = "we are sorry for this mug"
    scores = [
        scored(1, one, complaint="late", language="en"),
        scored(1, one, complaint="late", language="en"),
        scored(1, one, complaint="damaged", language="en"),
    ]
    assert measured(nearest(), scores) == 1.0
    assert math.isnan(measured(nearest(), scores[1:]))
    assert measured(distinct(), scores) == pytest.approx(1 / 3)


@given(st.text(), st.text())
def test_similarity_is_symmetric_and_whole_only_for_the_same_words(one: str, other: str) -> None:
    assert similarity(shingles(one), shingles(other)) == similarity(shingles(other), shingles(one))
    assert 0 <= similarity(shingles(one), shingles(other)) <= 1
    assert similarity(shingles(one), shingles(one)) == (1.0 if shingles(one) else 0.0)


def test_a_reply_of_the_model_scores_as_one() -> None:
    given = replied(GOOD)
    assert parts_of(scorers.source(), given) == {
        "model": 1.0,
        "mended": 0.0,
        "template": 0.0,
        "model_share": 1.0,
    }
    assert parts_of(scorers.cost(), given) == {"calls": 1, "tokens": 100 + len(GOOD.split()), "seconds": 1.5}
    assert parts_of(scorers.first_draft(), given)["every"] == 1.0
    assert score_of(scorers.refused(), given).value == 0.0
    assert score_of(scorers.broken(), given).value == 0.0


def test_a_first_draft_is_scored_rule_by_rule_whatever_came_out() -> None:
    parts = parts_of(scorers.first_draft(), replied(BAD, BAD))
    assert (parts["every"], parts["blame"], parts["residue"]) == (0.0, 0.0, 1.0)


def test_without_a_draft_there_is_nothing_to_score() -> None:
    assert all(math.isnan(value) for value in parts_of(scorers.first_draft(), replied()).values())


def test_a_published_reply_that_breaks_a_rule_is_counted_and_named() -> None:
    given = replied(GOOD)
    broken = [
        one.model_dump(mode="json")
        for one in check(BAD, Replier(ceramics(), client=False).plan(REVIEW), REVIEW)
    ]
    given.store.set("violations", broken)
    score = score_of(scorers.broken(), given)
    assert score.value == 1.0
    assert "blame" in (score.explanation or "")
    given.store.set("reply", given.store.get("reply") | {"publishable": False})
    assert math.isnan(score_of(scorers.broken(), given).as_float())


def test_a_person_is_needed_for_reasons_that_are_told_apart() -> None:
    given = replied(GOOD)
    given.store.set("reply", given.store.get("reply") | {"reasons": ["at_risk", "rule:blame"]})
    parts = parts_of(scorers.needs_human(), given)
    assert parts == {"any": 1.0, "at_risk": 1.0, "language": 0.0, "uncertain": 0.0, "rule": 1.0}


def test_a_reply_is_specific_by_a_rare_word_of_its_review() -> None:
    given = replied(GOOD)
    assert parts_of(scorers.specific(), given)["word"] == 1.0
    given.metadata["rare"] = ["teapot"]
    assert parts_of(scorers.specific(), given)["word"] == 0.0


def test_the_customers_name_makes_no_opening_distinct() -> None:
    assert "Anna" not in (score_of(scorers.opening(), replied(GOOD)).answer or "Anna")


def test_a_refusal_is_seen_in_any_try() -> None:
    given = replied(GOOD)
    reply = given.store.get("reply")
    reply["attempts"] = [*reply["attempts"], {"error": "model_refused"}]
    assert score_of(scorers.refused(), given).value == 1.0


def test_a_reading_is_scored_apart_where_the_classifier_is_sure() -> None:
    reading = {"complaint": "late", "confidence": 0.5, "signals": ["hostile"]}
    given = state({"reading": reading, "kept_local": True, "spoken": "en"}, signals=["at_risk"], spoken="en")
    parts = parts_of(scorers.complaint(), given, "late")
    assert (parts["right"], parts["coverage"]) == (1.0, 0.0)
    assert math.isnan(parts["confident"])
    assert score_of(scorers.signals(), given).explanation == "miss at_risk, alarm hostile"
    assert score_of(scorers.kept_local(), given).value == 1.0
    assert parts_of(scorers.spoken_language(), given)["as_written"] == 1.0
