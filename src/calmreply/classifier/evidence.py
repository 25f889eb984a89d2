"""From clauses to complaints: what a review is about first of all, and what else went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from calmreply.classifier.clauses import load_clause_model
from calmreply.review import Complaint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from calmreply.classifier.reading import Clause, Reading

__all__ = ["Found", "read_complaints"]

_ROOTS = ("damaged", "late", "not_as_described", "quality", "pricing", "payment")
_REMEDIES = ("service", "service_vague")
# How common each is in shop reviews beside what the clause model was fitted to. This and the figures
# below were set on the development split of the labelled reviews.
_COMMON = {"quality": 1.5, "not_as_described": 0.87, "vague": 1.15, "pricing": 0.65}
# A clause after "but" counts more, one before it less; a clause of a word or two says less than a full one.
_AFTER_TURN = 1.6
_BEFORE_TURN = 0.7
_FULL_CLAUSE = 4
_SHORTNESS = 0.24
# "Bad service" without a word of what happened is half a complaint about it.
_VAGUE_SERVICE = 0.5
# The root problem is primary unless the support fills that much more of the text.
_MOSTLY_SERVICE = 1.6
_ENOUGH = 0.69
_NEXT_TO_NOTHING = 0.4
_MOSTLY_PRAISE = 1.6
_CLEAR = 1.2
# The evidence that a second complaint needs.
_SECOND = 0.55
_MOST_SECONDS = 3
_RISKY_TRADE = 0.4


@dataclass(frozen=True, slots=True)
class Found:
    """What the clauses add up to.

    `scores` holds the evidence per complaint, and `vague` and `praise`; `quotes` the clauses that decided.
    """

    primary: Complaint
    complaints: tuple[Complaint, ...]
    scores: Mapping[str, float]
    quotes: tuple[str, ...]
    clauses: int

    @property
    def praise(self) -> float:
        """The evidence that the text is positive."""
        return self.scores["praise"]


def read_complaints(reading: Reading, *, is_customer: bool = False, is_risk: bool = False) -> Found:
    """Weigh every clause and settle on the primary complaint.

    A known customer is never `mistaken`; at risk, hospitals and courts are no other trade.
    """
    weighed = [(clause, _weighed(clause, reading)) for clause in reading.clauses()]
    scores = _summed(weighed)
    for label in (*_ROOTS, "service", "mistaken", "praise"):
        scores[label] += min(2, len(reading.spans(f"complaint_{label}")))
    if is_customer:
        scores["mistaken"] = 0.0
    elif is_risk:
        scores["mistaken"] *= _RISKY_TRADE
    primary = _primary(scores)
    seconds = [] if primary in {"other", "mistaken"} else _seconds(scores, primary)
    quotes = [
        reading.text[clause.start : clause.end]
        for clause, odds in weighed
        if odds.get(primary, 0.0) >= _SECOND
    ]
    return Found(
        primary=Complaint(primary),
        complaints=tuple(map(Complaint, (primary, *seconds))),
        scores=scores,
        quotes=tuple(quotes[:_MOST_SECONDS]),
        clauses=len(weighed),
    )


def _weighed(clause: Clause, reading: Reading) -> dict[str, float]:
    model = load_clause_model(reading.language.code)
    return model.probabilities(clause.words) if model else {}


def _summed(weighed: list[tuple[Clause, dict[str, float]]]) -> dict[str, float]:
    labels = (*_ROOTS, *_REMEDIES, "mistaken", "vague", "praise", "neutral")
    scores = dict.fromkeys(labels, 0.0)
    for clause, odds in weighed:
        common = {label: _COMMON.get(label, 1.0) * value for label, value in odds.items()}
        whole = sum(common.values()) or 1.0
        fullness = (min(len(clause.words), _FULL_CLAUSE) / _FULL_CLAUSE) ** _SHORTNESS
        for label, value in common.items():
            weight = fullness / whole
            if clause.turned and label != "praise":
                weight *= _AFTER_TURN
            if clause.before_turn and label not in {"praise", "vague"}:
                weight *= _BEFORE_TURN
            scores[label] += weight * value
    scores["service"] += _VAGUE_SERVICE * scores["service_vague"]
    return scores


def _primary(scores: Mapping[str, float]) -> str:
    best = max(_ROOTS, key=lambda label: scores[label])
    value = scores[best]
    service = scores["service"] + (1 - _VAGUE_SERVICE) * scores["service_vague"]
    if scores["service"] > value * _MOSTLY_SERVICE or value < _ENOUGH <= service:
        best, value = "service", service
    if scores["mistaken"] > value:
        best, value = "mistaken", scores["mistaken"]
    if value < _NEXT_TO_NOTHING or (scores["praise"] > _MOSTLY_PRAISE * value and value < _CLEAR):
        return "other"
    return best


def _seconds(scores: Mapping[str, float], primary: str) -> list[str]:
    others = [label for label in (*_ROOTS, "service") if label != primary and scores[label] >= _SECOND]
    return sorted(others, key=lambda label: -scores[label])[:_MOST_SECONDS]
