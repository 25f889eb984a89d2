"""The datasets of the tasks: labelled replies, labelled and unlabelled reviews, and anybody's replies.

Every sample's metadata says `language` and `data` ("own", "real" or "file"), and holds what the solver
needs as JSON, so that a log can be read, scored again and resumed without the files it came from.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING, Any, TypeVar

from inspect_ai.dataset import Sample

from calmreply.cli.check import audited
from calmreply.cli.options import shop_of
from calmreply.errors import InputError
from calmreply.prompts_folder import prompts_folder
from calmreply.replier import Replier
from calmreply.review import Review
from calmreply.tables import BadRow, read_rows
from evals.cases import HERE, read_jsonl, reply_cases
from evals.complaints import review_cases

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from evals.cases import ReplyCase

Case = TypeVar("Case")

__all__ = ["audit_samples", "complaint_samples", "rare_words", "reply_samples", "rule_samples", "words_of"]

# A word is a review's own when at most this share of all reviews say it, or one review does.
_RARE_SHARE = 0.01
_SHORTEST_RARE_WORD = 4
_BAD_ROWS_NAMED = 5


def rule_samples(language: str, *, split: str = "test", limit: int | None = None) -> list[Sample]:
    """The labelled replies of a language, or some of them; `split` is "dev", "test" or "all"."""
    cases = [case for case in reply_cases(language) if split in {"all", case.split}]
    return [_rule_sample(case, language) for case in _some(cases, limit)]


def complaint_samples(
    language: str, *, data: Path | None = None, split: str = "test", limit: int | None = None
) -> list[Sample]:
    """The labelled reviews of a language: with the data folder the real ones, else our own.

    Raises:
        InputError: the folder does not hold the reviews.
    """
    kind = "real" if data else "own"
    cases = [
        case for case in review_cases(language, data) if case.kind == kind and split in {"all", case.split}
    ]
    return [
        Sample(
            input=case.review.text,
            target=case.complaints[0],
            id=case.id,
            metadata={
                "language": language,
                "data": case.kind,
                "complaint": case.complaints[0],
                "signals": sorted(case.signals),
                "spoken": case.language,
                "review": case.review.model_dump(mode="json"),
            },
        )
        for case in _some(cases, limit)
    ]


def reply_samples(
    language: str, *, data: Path | None = None, n: int = 200, seed: int = 1, labelled: bool = False
) -> list[Sample]:
    """Reviews drawn at random: real ones from the data folder, else our own.

    Args:
        language: the reviews' language.
        data: the folder that holds `reviews_<language>.jsonl`.
        n: how many; all there are if there are fewer.
        seed: which ones.
        labelled: draw among those with labels and not at risk, and carry the labels, so that the writing
            is measured and not the reading.

    Raises:
        InputError: the folder does not hold the reviews.
    """
    kind = "real" if data else "own"
    labels = {row["id"]: row for row in read_jsonl(HERE / "reviews" / f"{kind}_{language}.jsonl")}
    rows = read_jsonl(data / f"reviews_{language}.jsonl") if data else list(labels.values())
    said = _counted(row["text"] or "" for row in rows)
    common = _template_words(language)
    if labelled:
        rows = [row for row in rows if "at_risk" not in labels.get(row["id"], {}).get("signals", ["at_risk"])]
    rows = sorted(rows, key=lambda row: str(row["id"]))
    drawn = random.Random(seed).sample(rows, min(n, len(rows)))
    return [
        Sample(
            input=row["text"] or " ",
            id=row["id"],
            metadata={
                "language": language,
                "data": kind,
                "review": Review.model_validate(row).model_dump(mode="json"),
                "rare": rare_words(row["text"] or "", said, len(rows), common=common),
                **({"labels": labels[row["id"]]} if labelled else {}),
            },
        )
        for row in drawn
    ]


def audit_samples(path: str | Path, *, shop: Path | None = None) -> list[Sample]:
    """Replies written elsewhere, in the rows that `calmreply check` reads: id, review, reply, perhaps a plan.

    A bad row stops the audit: figures over a part of a file would mislead.

    Raises:
        InputError: the file cannot be read, a row is bad, or there is none.
    """
    samples, bad = [], []
    with Replier(shop_of(shop), client=False) as replier:
        for row in read_rows(path):
            if isinstance(row, BadRow):
                bad.append(f"row {row.number}: {row.reason}")
                continue
            try:
                review, plan, reply = audited(row, replier, has_shop=shop is not None)
            except InputError as error:
                bad.append(f"row {row.number}: {error}")
                continue
            metadata = {
                "language": plan.language,
                "data": "file",
                "review": review.model_dump(mode="json"),
                "plan": plan.model_dump(mode="json"),
                "reply": reply,
            }
            samples.append(Sample(input=review.text or " ", id=row.values["id"], metadata=metadata))
    if bad:
        named = "; ".join(bad[:_BAD_ROWS_NAMED])
        raise InputError(
            f"{len(bad)} of {len(bad) + len(samples)} rows cannot be audited: {named}",
            hint="mend or remove them; `calmreply check` lists every one and goes on with the rest",
        )
    if not samples:
        raise InputError(f"there are no rows in {str(path)!r}", hint="each row is a review and its reply")
    return _with_rare_words(samples)


def rare_words(text: str, said: Counter[str], reviews: int, *, common: Iterable[str] = ()) -> list[str]:
    """The words of a review that hardly another one says, folded and sorted.

    Args:
        text: the review.
        said: how many reviews say each word (document frequency).
        reviews: how many reviews that is counted over.
        common: words that do not count, such as those of the templates.
    """
    most = max(1, int(reviews * _RARE_SHARE))
    return sorted(word for word in words_of(text) - set(common) if said[word] <= most)


def _some(cases: Sequence[Case], limit: int | None) -> Sequence[Case]:
    """All cases, or so many from all over the file: neighbours in it are alike."""
    return cases[:: max(1, len(cases) // limit)][:limit] if limit else cases


def _rule_sample(case: ReplyCase, language: str) -> Sample:
    return Sample(
        input=case.review.text or " ",
        target=sorted(case.broken),
        id=case.id,
        metadata={
            "language": language,
            "data": "own",
            "complaint": case.plan.complaint.value,
            "note": case.note,
            "labelled": sorted(case.broken),
            "review": case.review.model_dump(mode="json"),
            "plan": case.plan.model_dump(mode="json"),
            "reply": case.reply,
        },
    )


def _with_rare_words(samples: Sequence[Sample]) -> list[Sample]:
    """The same samples, each with the words that only its review says; told once all rows are known."""
    said = _counted(str(sample.input) for sample in samples)
    for sample in samples:
        metadata: dict[str, Any] = sample.metadata or {}
        common = _template_words(metadata["language"])
        metadata["rare"] = rare_words(str(sample.input), said, len(samples), common=common)
    return list(samples)


def _counted(texts: Iterable[str]) -> Counter[str]:
    return Counter(word for text in texts for word in words_of(text))


def words_of(text: str) -> set[str]:
    """The words of a text that are long enough to tell something, folded."""
    folded = unicodedata.normalize("NFC", text).casefold()
    return {word for word in re.findall(r"[^\W\d_]+", folded) if len(word) >= _SHORTEST_RARE_WORD}


def _template_words(language: str) -> frozenset[str]:
    """What templates say, they say of any review."""
    files = (prompts_folder() / language / "templates").glob("*.toml")
    return frozenset(word for file in files for word in words_of(file.read_text("utf-8")))
