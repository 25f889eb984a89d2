"""The judge as a scorer of inspect: over any log of replies, or in a task.

inspect score LOG --scorer evals/judge_scorer.py@judged -S model=NAME -S base_url=URL
"""

from __future__ import annotations

import argparse
import asyncio
import math
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from inspect_ai.scorer import Score, Scorer, Target, mean, scorer

from calmreply.review import Review
from evals.agreement import load, require_gate
from evals.judge import SETTINGS, Judge, only_model
from evals.models import opened_model

if TYPE_CHECKING:
    from inspect_ai.solver import TaskState

    from evals.judge import Verdict

__all__ = ["judged"]


@scorer(metrics={"*": [mean()]})
def judged(
    model: str | None = None,
    base_url: str | None = None,
    gate: str | None = None,
    judge: Judge | None = None,
) -> Scorer:
    """What a judge says of the reply: `sense`, `natural` and `fit`, each 1 or 0, NaN where it said nothing.

    `every` is 1 where all three are yes and 0 otherwise, no verdict included; `read` the share of questions
    that got a verdict. The review is the sample's metadata `review`, the reply its output.

    Args:
        model: the judge's name; else CALMREPLY_MODEL, else the embedded model.
        base_url: its OpenAI-compatible server; else OPENAI_BASE_URL.
        gate: a file of `python -m evals.judge agree --out`: the verdicts then decide, and a judge that agrees
            too little with people is refused (`JudgeRefusedError`).
        judge: a judge that is there already.
    """
    stack = ExitStack()  # it lives and ends with the scorer

    @cache
    def opened() -> Judge:
        if judge is not None:
            return judge
        options = argparse.Namespace(model=model, base_url=base_url, no_model=False)
        return Judge(*stack.enter_context(opened_model(options, SETTINGS)))

    allowed = load(Path(gate)) if gate else None

    async def score(state: TaskState, target: Target) -> Score:
        del target
        review = Review.model_validate(state.metadata["review"])
        language, reply = state.metadata["language"], state.output.completion
        verdicts = await asyncio.to_thread(opened().judge, review, reply, language)
        if allowed is not None and any(one.model for one in verdicts.values()):
            require_gate(allowed, model=only_model([verdicts]), prompt=opened().prompt, language=language)
        return Score(value=_values(verdicts), answer=reply, explanation=_explanation(verdicts))

    return score


def _values(verdicts: dict[str, Verdict]) -> dict[str, float]:
    answers = {name: one.passed for name, one in verdicts.items()}
    return {
        **{name: math.nan if passed is None else float(passed) for name, passed in answers.items()},
        "every": float(all(answers.values())),
        "read": sum(passed is not None for passed in answers.values()) / len(answers),
    }


def _explanation(verdicts: dict[str, Verdict]) -> str:
    return "; ".join(f"{name}: {_said(one)}" for name, one in verdicts.items())


def _said(verdict: Verdict) -> str:
    return f"{verdict.trouble} ({verdict.reason})" if verdict.trouble else verdict.reason
