"""The labelled replies that a judge is held to: `evals/judge/cases_<language>.jsonl`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from calmreply.errors import InputError
from calmreply.review import Review
from evals.cases import HERE, read_jsonl

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["QUESTIONS", "JudgeCase", "judge_cases"]

QUESTIONS = ("sense", "natural", "fit")
"""What is labelled and asked; the questions' words are in `evals/judge/questions.toml`."""

_FOLDER = HERE / "judge"


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgeCase:
    """A labelled reply: yes or no by question, without those that people could answer either way."""

    id: str
    language: str
    review: Review
    reply: str
    labels: Mapping[str, bool]
    kind: str
    why: str


def judge_cases(language: str) -> list[JudgeCase]:
    """The labelled cases of a language: each reply once good and once bad in one way.

    Raises:
        InputError: there are none in that language.
    """
    path = _FOLDER / f"cases_{language}.jsonl"
    if not path.is_file():
        raise InputError(f"there are no judge cases in {language!r}", hint="--language takes en and vi")
    return [
        JudgeCase(
            id=row["id"],
            language=language,
            review=Review(text=row["review"], id=row["id"]),
            reply=row["reply"],
            labels={name: row[name] for name in QUESTIONS if row[name] is not None},
            kind=row["kind"],
            why=row["why"],
        )
        for row in read_jsonl(path)
    ]
