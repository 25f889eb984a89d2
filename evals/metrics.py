"""Metrics that inspect does not bring: by group, per published reply, precision and recall, variety."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from inspect_ai.scorer import Metric, MetricProtocol, SampleScore, Value, metric

from calmreply.cues import fold

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = [
    "by",
    "distinct",
    "nearest",
    "per_published",
    "precision",
    "recall",
    "shingles",
    "similarity",
    "verdicts",
]

_SHINGLE_WORDS = 3


@metric
def by(keys: list[str], inner: Metric, label: str) -> MetricProtocol:
    """A metric for each group of samples, named `label key=group`, or `label/part key=group`.

    inspect's `grouped` knows the dataset's metadata alone; here it is the score's own, since who wrote a
    reply is known only afterwards, and the metric may have parts. All keys go into one metric: of several
    of one name inspect keeps the last where a score has parts.
    """

    def compute(scores: list[SampleScore]) -> Value:
        groups: dict[str, list[SampleScore]] = defaultdict(list)
        for one in scores:
            known = _metadata(one)
            for key in keys:
                if key in known:
                    groups[f"{key}={known[key]}"].append(one)
        return {
            f"{label}/{part} {group}" if part else f"{label} {group}": value
            for group, members in sorted(groups.items())
            for part, value in _parts(inner(members))  # type: ignore[arg-type]
        }

    return compute


@metric
def per_published() -> MetricProtocol:
    """The sum over all replies by the number of published ones: what fails is paid for too."""

    def compute(scores: list[SampleScore]) -> Value:
        published = sum(bool(_metadata(one).get("published")) for one in scores)
        total = math.fsum(one.score.as_float() for one in scores)
        return total / published if published else math.nan

    return compute


@metric
def precision() -> MetricProtocol:
    """For each name, and over all of them ("micro"): of what was found, the share that is labelled."""
    return _over_verdicts("alarm")


@metric
def recall() -> MetricProtocol:
    """For each name, and over all of them ("micro"): of what is labelled, the share that was found."""
    return _over_verdicts("miss")


@metric
def distinct() -> MetricProtocol:
    """The share of different answers among all."""

    def compute(scores: list[SampleScore]) -> Value:
        return len({one.score.answer for one in scores}) / len(scores)

    return compute


@metric
def nearest() -> MetricProtocol:
    """How like its nearest neighbour of the same complaint and language a text is, on average; 0 to 1."""

    def compute(scores: list[SampleScore]) -> Value:
        groups: dict[tuple[str, str], list[frozenset[tuple[str, ...]]]] = defaultdict(list)
        for one in scores:
            known = _metadata(one)
            groups[known["complaint"], known["language"]].append(shingles(one.score.answer or ""))
        found = [
            max(similarity(text, other) for j, other in enumerate(texts) if j != i)
            for texts in groups.values()
            if len(texts) > 1
            for i, text in enumerate(texts)
        ]
        return math.fsum(found) / len(found) if found else math.nan

    return compute


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    """The runs of three words in a text, folded."""
    words = fold(text).split()
    return frozenset(zip(*(words[start:] for start in range(_SHINGLE_WORDS)), strict=False))


def similarity(one: frozenset[Any], other: frozenset[Any]) -> float:
    """What two sets share (Jaccard's index), 0 to 1; 0 where both are empty."""
    either = len(one | other)
    return len(one & other) / either if either else 0.0


def verdicts(found: Iterable[str], labelled: Iterable[str]) -> dict[str, str]:
    """For each name that was found or labelled "hit", "miss" or "alarm"."""
    said, true = set(found), set(labelled)
    return {
        name: "hit" if name in said & true else "alarm" if name in said else "miss"
        for name in sorted(said | true)
    }


def _over_verdicts(mistake: str) -> MetricProtocol:
    """Of the hits and one kind of mistake, the hits; names that have neither are left out."""

    def compute(scores: list[SampleScore]) -> Value:
        counts: Counter[tuple[str, str]] = Counter()
        for one in scores:
            for name, verdict in _metadata(one)["verdicts"].items():
                counts.update([(name, verdict), ("micro", verdict)])
        return {
            name: counts[name, "hit"] / total
            for name in sorted({name for name, _ in counts})
            if (total := counts[name, "hit"] + counts[name, mistake])
        }

    return compute


def _parts(value: Value) -> Iterable[tuple[str, float]]:
    return value.items() if isinstance(value, Mapping) else [("", value)]  # type: ignore[list-item, return-value]


def _metadata(one: SampleScore) -> dict[str, Any]:
    return one.score.metadata or {}
