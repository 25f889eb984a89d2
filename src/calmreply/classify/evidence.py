"""From clauses to complaints: what a review is about first of all, and what else went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from calmreply.classify.clauses import load_clause_model
from calmreply.review import Complaint

if TYPE_CHECKING:
    from calmreply.classify.reading import Clause, Reading

__all__ = ["Found", "read_complaints"]

ROOTS = ("damaged", "late", "not_as_described", "quality", "pricing", "payment")
# How much the words of a clause must say before they count for a second complaint.
_SECOND = 0.5
_SHORT = 2


@dataclass(frozen=True, slots=True)
class Found:
    """What the clauses add up to.

    `scores` holds the evidence per complaint, `margin` how far the primary one is ahead,
    `praise` the evidence that the text is positive, `quotes` the clauses that decided.
    """

    primary: Complaint
    complaints: tuple[Complaint, ...]
    scores: dict[str, float]
    margin: float
    praise: float
    quotes: tuple[str, ...]
    clauses: int


def read_complaints(reading: Reading, *, is_customer: bool = False) -> Found:
    """Weigh every clause and settle on the primary complaint; a known customer is never `mistaken`."""
    weighed = [(clause, _weighed(clause, reading)) for clause in reading.clauses()]
    cued = _cued(reading)
    scores: dict[str, float] = dict.fromkeys((*ROOTS, "service", "mistaken", "vague", "praise"), 0.0)
    for clause, odds in weighed:
        for label, value in odds.items():
            if label in scores:
                scores[label] += value * _turn_weight(clause, label)
    for label, value in cued.items():
        scores[label] += value
    if is_customer:
        scores["mistaken"] = 0.0
    primary, margin = _primary(scores)
    seconds = sorted(
        (label for label in (*ROOTS, "service") if label != primary and scores[label] >= _SECOND),
        key=lambda label: -scores[label],
    )
    if primary in {"other", "mistaken"}:
        seconds = []
    quotes = tuple(
        reading.text[clause.start : clause.end]
        for clause, odds in weighed
        if primary in odds and odds[primary] >= _SECOND
    )
    return Found(
        primary=Complaint(primary),
        complaints=(Complaint(primary), *(Complaint(label) for label in seconds[:3])),
        scores=scores,
        margin=margin,
        praise=scores["praise"],
        quotes=quotes[:3],
        clauses=len(weighed),
    )


def _weighed(clause: Clause, reading: Reading) -> dict[str, float]:
    model = load_clause_model(reading.language.code)
    return model.probabilities(clause.words) if model else {}


def _turn_weight(clause: Clause, label: str) -> float:
    """What comes before a "but" is praise more often than not; what comes after it is what matters."""
    if clause.turned and label != "praise":
        return 1.3
    if clause.before_turn and label not in {"praise", "vague"}:
        return 0.7
    return 1.0


def _cued(reading: Reading) -> dict[str, float]:
    """Phrases that decide by themselves."""
    found: dict[str, float] = {}
    for label in (*ROOTS, "service", "mistaken", "praise"):
        count = len(reading.spans(f"complaint_{label}"))
        if count:
            found[label] = min(count, 2) * 1.0
    return found


def _primary(scores: dict[str, float]) -> tuple[str, float]:
    root = max(ROOTS, key=lambda label: scores[label])
    service, mistaken = scores["service"], scores["mistaken"]
    best, value = root, scores[root]
    if service > value * 1.3 or (value < _SECOND <= service):
        best, value = "service", service
    if mistaken > 1.2 * value:
        best, value = "mistaken", mistaken
    praise = scores["praise"]
    if value < 0.4 or (praise > 2 * value and value < 0.8):  # noqa: PLR2004 - hardly anything was said
        return "other", max(0.05, min(1.0, max(praise, scores["vague"]) - value))
    rest = max(score for label, score in scores.items() if label not in {best, "vague", "praise"})
    return best, (value - rest) / (value + rest + 0.3)
