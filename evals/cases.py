"""The labelled cases and their split: `dev` is for writing rules, `test` is only ever measured.

Replies written apart for measuring carry a `u` in their ids (`en-u-001`); reviews are split by
their id's hash.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from math import sqrt
from pathlib import Path
from typing import Any

from calmreply.errors import InputError
from calmreply.plan import Plan
from calmreply.review import Review

HERE = Path(__file__).parent


def reply_split_of(case_id: str) -> str:
    """`test` for the replies written to be measured on, `dev` for all others."""
    return "test" if "-u-" in case_id else "dev"


def split_of(case_id: str) -> str:
    """`dev` for three fifths of the ids, `test` for the rest; fixed by the id alone."""
    return "dev" if sha256(case_id.encode()).digest()[0] % 5 < 3 else "test"  # noqa: PLR2004 - three of five


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplyCase:
    """A labelled reply: the error rules it breaks, and why it is a case."""

    id: str
    note: str
    review: Review
    plan: Plan
    reply: str
    broken: frozenset[str]
    split: str


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSONL file.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line.strip()]
    except OSError as error:
        raise InputError(
            f"cannot read {path.name!r}: {error.strerror}", hint="name the folder with it"
        ) from None
    except ValueError as error:
        raise InputError(f"{path.name!r} is no JSONL: {error}", hint="one JSON object a line") from None


def reply_cases(language: str) -> list[ReplyCase]:
    """The labelled replies of a language."""
    return [
        ReplyCase(
            id=row["id"],
            note=row["note"],
            review=Review.model_validate(row["review"]),
            plan=Plan.model_validate(row["plan"]),
            reply=row["reply"],
            broken=frozenset(row["broken"]),
            split=reply_split_of(row["id"]),
        )
        for path in sorted((HERE / "replies").glob(f"{language}*.jsonl"))
        for row in read_jsonl(path)
    ]


def interval(hits: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson's score); (0, 1) where nothing was counted."""
    if not total:
        return 0.0, 1.0
    z, share = 1.96, hits / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / (1 + z * z / total)
    return middle - half, middle + half
