"""What is measured, one thing each: small scorers over what a solver left in the sample's store.

A score that does not apply to a sample is NaN, which inspect leaves out of its metrics: the rules of a
first draft where no model wrote one, say. Each metric comes once for all samples and once for each
language, complaint and, where replies are written, source.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from inspect_ai.scorer import Metric, Score, Scorer, Target, mean, scorer

from calmreply.classifier import CONFIDENT
from calmreply.details import find_details
from calmreply.reply import Source
from calmreply.review import Signal
from calmreply.rules import all_rules
from calmreply.violation import Severity
from evals.datasets import words_of
from evals.metrics import by, distinct, nearest, per_published, precision, recall, verdicts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from inspect_ai.solver import TaskState

__all__ = [
    "broken",
    "complaint",
    "cost",
    "first_draft",
    "kept_local",
    "needs_human",
    "opening",
    "publishable",
    "refused",
    "rules_found",
    "rules_kept",
    "signals",
    "source",
    "specific",
    "spoken_language",
    "wording",
]

_OPENING_CHARS = 60
_ERROR_RULES = tuple(name for name, rule in all_rules().items() if rule.severity is Severity.ERROR)


def _grouped(metric: Metric, label: str, *keys: str) -> list[Metric]:
    return [metric, by(list(keys), metric, label)]


_MEANS = _grouped(mean(), "mean", "language", "complaint")
_MEANS_BY_SOURCE = _grouped(mean(), "mean", "language", "complaint", "source")
_FOUND = [*_grouped(precision(), "precision", "language"), *_grouped(recall(), "recall", "language")]


@scorer(metrics=_MEANS_BY_SOURCE)
def publishable() -> Scorer:
    """Whether the reply can be posted at once: 1 or 0."""

    async def score(state: TaskState, target: Target) -> Score:
        del target
        return _score(state, float(_is_published(state)))

    return score


@scorer(metrics=_MEANS_BY_SOURCE)
def broken() -> Scorer:
    """Whether a published reply breaks a rule, on a fresh check of its text: 1 or 0."""

    async def score(state: TaskState, target: Target) -> Score:
        del target
        rules = _errors(state.store.get("violations"))
        value = float(bool(rules)) if _is_published(state) else math.nan
        return _score(state, value, explanation=", ".join(sorted(rules)) or None)

    return score


@scorer(metrics={"*": _MEANS})
def first_draft() -> Scorer:
    """For each rule, and under `every` for all of them, whether the model's first draft keeps it."""

    async def score(state: TaskState, target: Target) -> Score:
        del target
        attempts = [one for one in _reply(state)["attempts"] if one["draft"]]
        return _score(state, _kept(attempts[0]["violations"] if attempts else None))

    return score


@scorer(metrics={"*": _MEANS})
def rules_kept() -> Scorer:
    """For each rule, and under `every` for all of them, whether the reply keeps it."""

    async def score(state: TaskState, target: Target) -> Score:
        del target
        return _score(state, _kept(state.store.get("violations")))

    return score


@scorer(metrics={"*": _MEANS})
def source() -> Scorer:
    """Who wrote the reply, and the share of its sentences that a model wrote, 0 to 1."""

    async def score(state: TaskState, target: Target) -> Score:
        del target
        reply = _reply(state)
        shares = {str(one): float(reply["source"] == one) for one in Source}
        return _score(state, {**shares, "model_share": reply["model_share"]})

    return score


@scorer(metrics={"*": _grouped(per_published(), "per_published", "language", "complaint")})
def cost() -> Scorer:
    """HTTP calls, tokens and seconds of wall-clock time, by published reply."""

    async def score(state: TaskState, target: Target) -> Score:
        del target
        usage = _reply(state)["usage"]
        tokens = usage["prompt_tokens"] + usage["completion_tokens"]
        return _score(
            state, {"calls": usage["requests"], "tokens": tokens, "seconds": state.store.get("seconds")}
        )

    return score


@scorer(metrics=_MEANS)
def refused() -> Scorer:
    """Whether the model, or its server's filter, refused a try: 1 or 0."""

    async def score(state: TaskState, target: Target) -> Score:
        del target
        errors = [one["error"] for one in _reply(state)["attempts"]]
        return _score(state, float(any(one in {"refused", "model_refused"} for one in errors)))

    return score


@scorer(metrics={"*": _MEANS_BY_SOURCE})
def needs_human() -> Scorer:
    """Whether a person must look first, and why: at risk, the language, an unsure reading, a broken rule."""

    async def score(state: TaskState, target: Target) -> Score:
        del target
        reasons = [str(one).partition(":")[0] for one in _reply(state)["reasons"]]
        named = {name: float(name in reasons) for name in ("at_risk", "language", "uncertain", "rule")}
        return _score(state, {"any": float(bool(reasons)), **named})

    return score


@scorer(metrics=_grouped(distinct(), "distinct", "language", "source"))
def opening() -> Scorer:
    """The first 60 characters, the customer's name left out, as the answer; counted are distinct ones."""

    async def score(state: TaskState, target: Target) -> Score:
        del target
        return _score(state, 1.0, answer=_nameless(state)[:_OPENING_CHARS])

    return score


@scorer(metrics=_grouped(nearest(), "nearest", "language", "source"))
def wording() -> Scorer:
    """The text without the customer's name, as the answer; measured is how like its neighbour it is."""

    async def score(state: TaskState, target: Target) -> Score:
        del target
        return _score(state, 1.0, answer=_nameless(state))

    return score


@scorer(metrics={"*": _MEANS_BY_SOURCE})
def specific() -> Scorer:
    """Whether the reply names something only this review says.

    `word`: a word of the review that at most one review in a hundred says and no template does.
    `detail`: one of the plan's details, found again in the reply; NaN where the plan has none.
    `either`: one of the two.
    """

    async def score(state: TaskState, target: Target) -> Score:
        del target
        plan, text = _plan(state), state.store.get("text")
        given = words_of(f"{plan['name'] or ''} {plan['shop_name'] or ''}")
        word = bool((set(state.metadata["rare"]) - given) & words_of(text))
        told = set(plan["details"])
        detail = bool(told & set(find_details(text, plan["language"])))
        return _score(
            state,
            {
                "either": float(word or detail),
                "word": float(word),
                "detail": float(detail) if told else math.nan,
            },
        )

    return score


@scorer(metrics=_FOUND)
def rules_found() -> Scorer:
    """Whether `check` finds just the rules broken that are labelled; each is a hit, a miss or an alarm."""

    async def score(state: TaskState, target: Target) -> Score:
        del target
        return _found(state, _errors(state.store.get("violations")), state.metadata["labelled"])

    return score


@scorer(metrics={"*": _MEANS})
def complaint() -> Scorer:
    """Whether the primary complaint is read right, everywhere and where the classifier is confident."""

    async def score(state: TaskState, target: Target) -> Score:
        reading = state.store.get("reading")
        right, sure = float(reading["complaint"] == target.text), reading["confidence"] >= CONFIDENT
        return _score(
            state, {"right": right, "confident": right if sure else math.nan, "coverage": float(sure)}
        )

    return score


@scorer(metrics=_FOUND)
def signals() -> Scorer:
    """Whether just the labelled signals are read; each is a hit, a miss or an alarm."""

    async def score(state: TaskState, target: Target) -> Score:
        del target
        return _found(state, state.store.get("reading")["signals"], state.metadata["signals"])

    return score


@scorer(metrics=_FOUND)
def kept_local() -> Scorer:
    """Whether just what is at risk is kept from every model."""

    async def score(state: TaskState, target: Target) -> Score:
        del target
        kept = [Signal.AT_RISK.value] if state.store.get("kept_local") else []
        return _found(state, kept, {*state.metadata["signals"]} & {Signal.AT_RISK.value})

    return score


@scorer(metrics={"*": _MEANS})
def spoken_language() -> Scorer:
    """Whether the review's language is told right, as written and without diacritics; NaN without letters."""

    async def score(state: TaskState, target: Target) -> Score:
        del target
        told = {"as_written": state.store.get("spoken"), "without_marks": state.store.get("spoken_folded")}
        wanted = state.metadata["spoken"]
        return _score(state, {name: float(one == wanted) if one else math.nan for name, one in told.items()})

    return score


def _score(state: TaskState, value: Any, **more: Any) -> Score:
    """The score, with what metrics group by."""
    reply = state.store.get("reply") or {}
    known = {"language": state.metadata["language"], "published": _is_published(state)}
    if name := reply.get("plan", state.metadata.get("plan", state.metadata)).get("complaint"):
        known["complaint"] = name
    if reply:
        known["source"] = reply["source"]
    return Score(value=value, metadata={**known, **more.pop("known", {})}, **more)


def _found(state: TaskState, found: Iterable[str], labelled: Iterable[str]) -> Score:
    told = verdicts(found, labelled)
    wrong = ", ".join(f"{verdict} {name}" for name, verdict in told.items() if verdict != "hit")
    return _score(state, float(not wrong), explanation=wrong or None, known={"verdicts": told})


def _reply(state: TaskState) -> dict[str, Any]:
    reply: dict[str, Any] = state.store.get("reply")
    return reply


def _plan(state: TaskState) -> dict[str, Any]:
    plan: dict[str, Any] = (state.store.get("reply") or state.metadata)["plan"]
    return plan


def _is_published(state: TaskState) -> bool:
    """What a shop posts unseen; of a reply written elsewhere, what keeps every rule."""
    reply = state.store.get("reply")
    if reply is not None:
        return bool(reply["publishable"])
    return not _errors(state.store.get("violations") or ())


def _errors(violations: Iterable[dict[str, Any]]) -> set[str]:
    return {one["rule"] for one in violations if one["severity"] == Severity.ERROR}


def _kept(violations: list[dict[str, Any]] | None) -> dict[str, float]:
    if violations is None:
        return dict.fromkeys(("every", *_ERROR_RULES), math.nan)
    rules = _errors(violations)
    return {"every": float(not rules), **{name: float(name not in rules) for name in _ERROR_RULES}}


def _nameless(state: TaskState) -> str:
    text: str = state.store.get("text")
    name = _plan(state)["name"]
    return text.replace(name, "…") if name else text
