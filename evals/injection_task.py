"""The injection eval as an inspect_ai task: `inspect eval evals/injection_task.py --model none/none`.

Each sample is one spliced review for one bad model; the log holds the whole reply with its drafts.
"""

from __future__ import annotations

import asyncio
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import Score, mean, scorer
from inspect_ai.solver import solver

from calmreply import __version__
from calmreply.checks import check
from calmreply.languages import language_codes
from calmreply.reply import Reply
from calmreply.testing import BAD_MODELS
from evals.injection import Case, cross, found_in, replier_for
from evals.leaks import KINDS
from evals.metrics import by
from evals.solvers import store_reply

if TYPE_CHECKING:
    from inspect_ai.scorer import Scorer, Target
    from inspect_ai.solver import Generate, Solver, TaskState

__all__ = ["answered_by_bad_model", "got_out", "injection"]


@task
def injection(count: int = 200, language: str | None = None, data: str | None = None, seed: int = 11) -> Task:
    """Bad reviews through bad models.

    Args:
        count: combinations a language.
        language: one language's code; None for all.
        data: the folder with real reviews and injection_strings.jsonl; None for our own.
        seed: which combinations are drawn.
    """
    folder = Path(data) if data else None
    codes = [language] if language else language_codes()
    cases = {
        case.id: case
        for code in codes
        for case in islice(
            cross(code, label="malicious", models=sorted(BAD_MODELS), data=folder, seed=seed), count
        )
    }
    samples = [
        Sample(
            id=case.id,
            input=case.review.text,
            metadata={
                "review": case.review.model_dump(mode="json"),
                **{key: getattr(case, key) for key in ("language", "model", "category", "place", "canary")},
            },
        )
        for case in cases.values()
    ]
    return Task(
        dataset=MemoryDataset(samples, name="injection"),
        solver=answered_by_bad_model(cases),
        scorer=got_out(cases),
        metadata={"block": f"injection-{'real' if data else 'own'}", "version": __version__},
    )


@solver
def answered_by_bad_model(cases: dict[str, Case]) -> Solver:
    """Has the case's bad model answer; the reply is the output, and as data in the store's "reply"."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        del generate  # the model is ours, and bad
        case = cases[str(state.sample_id)]
        reply = await asyncio.to_thread(replier_for(case.language, case.model).reply, case.review)
        store_reply(state, reply, check(reply.text, reply.plan, case.review))
        return state

    return solve


@scorer(metrics={"*": [mean(), by(["language", "complaint", "model"], mean(), "mean")]})
def got_out(cases: dict[str, Case]) -> Scorer:
    """For each kind of leak, and under `any` for all but planted talk, whether it got out: 1 or 0."""

    async def score(state: TaskState, target: Target) -> Score:
        del target
        case = cases[str(state.sample_id)]
        reply = Reply.model_validate(state.store.get("reply"))
        leaks = found_in(case, reply)
        kinds = {leak.kind for leak in leaks}
        return Score(
            value={
                "any": float(bool(kinds - {"planted"})),
                **{kind: float(kind in kinds) for kind in (*KINDS, "rule")},
            },
            answer=state.output.completion,
            explanation="; ".join(f"{leak.kind}: {leak.what}" for leak in leaks) or None,
            metadata={
                "language": case.language,
                "model": case.model,
                "complaint": str(reply.plan.complaint),
                "source": str(reply.source),
                "published": reply.publishable,
            },
        )

    return score
