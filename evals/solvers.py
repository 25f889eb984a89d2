"""What is done with a sample: a reply written, a reply checked, a review read.

A solver leaves what it found in the sample's store, as JSON: `reply` a whole `Reply`, `violations` those of
the text that would be posted, `reading` a `Classification`. The scorers, the report and the notebook read
it there, and so can anybody who opens the log.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspect_ai.model import ChatMessageAssistant, ModelOutput
from inspect_ai.solver import Generate, Solver, TaskState, solver

from calmreply.checks import check
from calmreply.classifier import classify, detect_language, screen
from calmreply.cli.output import reply_as_data
from calmreply.cues import fold
from calmreply.plan import Plan
from calmreply.replier import Replier
from calmreply.review import Review
from evals.shops import LabelledReader, shop_for
from evals.writers import opened_writer

if TYPE_CHECKING:
    from calmreply.reply import Reply
    from calmreply.violation import Violation

__all__ = ["checked", "read", "replied", "store_reply"]


@solver
def replied(
    writer: str | Any = "templates",
    *,
    base_url: str | None = None,
    shop: str | None = None,
    attempts: int | None = None,
    labelled: bool = False,
) -> Solver:
    """Write a public reply to the review with `Replier`.

    Args:
        writer: who writes, see `evals.writers`.
        base_url: the server, where the writer is a model's name.
        shop: the path of a policy; else the shop of `evals.shops` for the review's language.
        attempts: how many drafts at most; the writer's own default if None.
        labelled: take complaint and signals from the sample's labels instead of reading the review.
    """
    repliers: dict[str, Replier] = {}
    labels: dict[str, dict[str, Any]] = {}

    def replier_for(language: str) -> Replier:
        if language not in repliers:
            client, settings = opened_writer(writer, base_url=base_url, attempts=attempts)
            repliers[language] = Replier(
                shop_for(language, Path(shop) if shop else None),
                client,
                settings=settings,
                classifier=LabelledReader(labels, language) if labelled else None,
            )
        return repliers[language]

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        del generate
        review = Review.model_validate(state.metadata["review"])
        if labelled:
            labels[review.id or ""] = state.metadata["labels"]
        replier = replier_for(state.metadata["language"])
        start = time.monotonic()
        reply = await replier.areply(review)
        state.store.set("seconds", time.monotonic() - start)
        store_reply(state, reply, check(reply.text, reply.plan, review))
        return state

    return solve


@solver
def checked() -> Solver:
    """Check the reply that the sample brings against its plan."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        del generate
        review = Review.model_validate(state.metadata["review"])
        plan, text = Plan.model_validate(state.metadata["plan"]), state.metadata["reply"]
        found = check(text, plan, review)
        _store_text(state, text, found)
        return state

    return solve


@solver
def read() -> Solver:
    """Read the review with the local classifier, and its language with and without diacritics."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        del generate
        review = Review.model_validate(state.metadata["review"])
        found = classify(review)
        state.store.set("reading", found.model_dump(mode="json"))
        state.store.set("kept_local", screen(review.text).keep_local)
        if any(char.isalpha() for char in review.text):
            state.store.set("spoken", detect_language(review.text))
            state.store.set("spoken_folded", detect_language(fold(review.text)))
        _say(state, f"{found.complaint} ({found.confidence:.2f})")
        return state

    return solve


def store_reply(state: TaskState, reply: Reply, found: list[Violation]) -> None:
    """Leave a whole reply where scorers, report and notebook read it, with what a fresh check found."""
    state.store.set("reply", reply_as_data(reply))
    _store_text(state, reply.text, found)


def _store_text(state: TaskState, text: str, found: list[Violation]) -> None:
    state.store.set("text", text)
    state.store.set("violations", [one.model_dump(mode="json") for one in found])
    _say(state, text)


def _say(state: TaskState, text: str) -> None:
    """Show it as the answer in inspect's viewer."""
    state.output = ModelOutput.from_content("calmreply", text)
    state.messages.append(ChatMessageAssistant(content=text))
