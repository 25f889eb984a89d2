"""The tasks: `replies` end to end, `rules` and `complaints` without a model, `audit` of anybody's replies.

From a shell, with inspect's own options for concurrency, resume and logs:

    python -m inspect_ai eval evals/tasks.py@replies -T writer=embedded -T n=20 --limit 10
    python -m inspect_ai eval evals/tasks.py@audit -T replies=$PWD/replies.jsonl -T shop=$PWD/shop.toml

inspect works in the folder of this file, so paths are whole ones. From a notebook:
`inspect_ai.eval(replies(n=5), model=None)`. `make evals` runs them all.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset

from calmreply import __version__
from calmreply.languages import language_codes
from evals import scorers
from evals.datasets import audit_samples, complaint_samples, reply_samples, rule_samples
from evals.solvers import checked, read, replied
from evals.writers import writer_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from inspect_ai.dataset import Dataset, Sample

__all__ = ["audit", "complaints", "replies", "rules"]


@task
def replies(
    writer: str | Any = "templates",
    base_url: str | None = None,
    language: str | None = None,
    data: str | None = None,
    n: int = 200,
    seed: int = 1,
    labelled: bool = False,  # noqa: FBT001, FBT002 - inspect hands options over by name
    shop: str | None = None,
) -> Task:
    """Replies from review to publishable text.

    Args:
        writer: "templates", "embedded", "inspect" (the model of --model) or a served model's name.
        base_url: the OpenAI-compatible server of that name; else OPENAI_BASE_URL.
        language: only reviews in this one.
        data: the folder with real reviews; else our own.
        n: how many reviews of each language, drawn at random.
        seed: which ones.
        labelled: take complaint and signals from the labels, so that the writing is measured alone.
        shop: a policy file; else a shop of our own for each language.
    """
    kind = "real" if data else "own"
    labelling = ("labelled",) if labelled else ()
    return Task(
        dataset=_dataset(
            language,
            lambda code: reply_samples(code, data=_path(data), n=n, seed=seed, labelled=labelled),
        ),
        solver=replied(writer, base_url=base_url, shop=shop, labelled=labelled),
        scorer=[
            scorers.publishable(),
            scorers.broken(),
            scorers.first_draft(),
            scorers.source(),
            scorers.cost(),
            scorers.refused(),
            scorers.needs_human(),
            scorers.opening(),
            scorers.wording(),
            scorers.specific(),
        ],
        metadata=_named("replies", writer_name(writer), kind, *labelling),
    )


@task
def rules(language: str | None = None, split: str = "test", limit: int | None = None) -> Task:
    """Precision and recall of every rule on the labelled replies; `limit` counts for each language."""
    return Task(
        dataset=_dataset(language, lambda code: rule_samples(code, split=split, limit=limit)),
        solver=checked(),
        scorer=[scorers.rules_found()],
        metadata=_named("rules", split),
    )


@task
def complaints(
    language: str | None = None, data: str | None = None, split: str = "test", limit: int | None = None
) -> Task:
    """How the local classifier reads labelled reviews: complaint, signals, language."""
    return Task(
        dataset=_dataset(
            language, lambda code: complaint_samples(code, data=_path(data), split=split, limit=limit)
        ),
        solver=read(),
        scorer=[scorers.complaint(), scorers.signals(), scorers.kept_local(), scorers.spoken_language()],
        metadata=_named("complaints", "real" if data else "own", split),
    )


@task
def audit(replies: str, shop: str | None = None, name: str | None = None) -> Task:
    """Score replies written elsewhere: no model is called.

    Args:
        replies: a file in the shape that `calmreply check` reads.
        shop: the policy they were written for; without it, and without a plan in a row, any offer is a
            broken promise.
        name: what its figures are called; else the file's name.
    """
    return Task(
        dataset=MemoryDataset(audit_samples(replies, shop=_path(shop)), name=Path(replies).stem),
        solver=checked(),
        scorer=[
            scorers.publishable(),
            scorers.rules_kept(),
            scorers.opening(),
            scorers.wording(),
            scorers.specific(),
        ],
        metadata=_named("audit", name or Path(replies).stem),
    )


def _dataset(language: str | None, samples: Callable[[str], list[Sample]]) -> Dataset:
    codes = (language,) if language else language_codes()
    return MemoryDataset([sample for code in codes for sample in samples(code)])


def _named(*parts: str) -> dict[str, str]:
    """What the report calls the task's figures, and the version that was measured."""
    return {"block": "-".join(parts), "version": __version__}


def _path(name: str | None) -> Path | None:
    return Path(name).expanduser() if name else None
