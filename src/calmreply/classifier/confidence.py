"""How sure a reading is: the evidence turned into a probability by what was right on labelled reviews."""

from __future__ import annotations

from math import exp
from typing import TYPE_CHECKING

from calmreply.review import Complaint

if TYPE_CHECKING:
    from calmreply.classifier.evidence import Found

__all__ = ["CONFIDENT", "calibrated"]

# At or above this the primary complaint was right in 95 % of the real development reviews
# (`python -m evals.complaints --data FOLDER --split dev` prints share and coverage).
CONFIDENT = 0.92

# A logistic curve fitted to those reviews: how far the complaint is ahead, its share of all evidence,
# its evidence, the shortness of the text, and which complaint it is.
_CONSTANT = -0.74
_AHEAD = 1.80
_SHARE = 0.56
_EVIDENCE = 0.51
_SHORT = 0.73
_KINDS = {
    Complaint.QUALITY: 0.73,
    Complaint.OTHER: -0.86,
    Complaint.MISTAKEN: -0.58,
    Complaint.PAYMENT: -0.58,
}
_MOST_EVIDENCE = 3.0
_FLOOR = 0.3
_BACKGROUND = 0.6
_LEAST = 0.3


def calibrated(found: Found) -> float:
    """The probability, 0 to 1, that the primary complaint is right."""
    scores, primary = found.scores, found.primary
    told = {
        label: score
        for label, score in scores.items()
        if label not in {"vague", "praise", "neutral", "service_vague"}
    }
    if primary is Complaint.OTHER:
        best = max(scores["vague"], scores["praise"], _LEAST)
        rest = max(told.values())
    else:
        best = told[primary]
        background = max(scores["vague"], scores["praise"], scores["neutral"])
        rest = max(*(score for label, score in told.items() if label != primary), _BACKGROUND * background)
    odds = (
        _CONSTANT
        + _AHEAD * (best - rest) / (best + rest + _FLOOR)
        + _SHARE * best / (sum(told.values()) + _FLOOR)
        + _EVIDENCE * min(best, _MOST_EVIDENCE)
        + _SHORT / max(1, found.clauses)
        + _KINDS.get(primary, 0.0)
    )
    return round(1 / (1 + exp(-odds)), 3)
