"""The screen for reviews that only a person may answer: injury, hazard, threat, discrimination, leak, fraud."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from calmreply.classify.language import may_be_in
from calmreply.classify.reading import Reading
from calmreply.languages import language_codes, load_language

__all__ = ["AtRisk", "Level", "screen"]


class Level(StrEnum):
    """What the screen says of a review."""

    YES = "yes"
    DOUBT = "doubt"
    NO = "no"


@dataclass(frozen=True, slots=True)
class AtRisk:
    """The screen's word on a review.

    `evidence` quotes the review verbatim. A review at `DOUBT` goes to no model either.
    """

    level: Level
    evidence: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.level is Level.YES

    @property
    def keep_local(self) -> bool:
        """Whether the review must not be sent to a model."""
        return self.level is not Level.NO


# The cue groups of what makes a review at risk; `at_risk_doubt` holds words that come near.
_KINDS = ("injury", "illness", "hazard", "legal", "discrimination", "privacy", "fraud")


@lru_cache(maxsize=256)
def screen(text: str) -> AtRisk:
    """Screen a review, in every language calmreply reads at once, whatever language it is in."""
    readings = [
        Reading(text, load_language(code)) for code in language_codes() if may_be_in(text, code)
    ]
    for level, kinds in ((Level.YES, _KINDS), (Level.DOUBT, ("doubt",))):
        quotes = [
            reading.text[start:end]
            for reading in readings
            for kind in kinds
            for start, end in reading.spans(f"at_risk_{kind}")
        ]
        if quotes:
            return AtRisk(level, tuple(dict.fromkeys(quotes)))
    return AtRisk(Level.NO)
