"""The screen for reviews that only a person may answer: injury, hazard, threat, discrimination, leak, fraud."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from calmreply.classify.clauses import load_clause_model
from calmreply.classify.language import may_be_in
from calmreply.classify.reading import Reading
from calmreply.languages import language_codes, load_language

if TYPE_CHECKING:
    from collections.abc import Iterator

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
# What the model of risk must say of a sentence: alone, beside a cue, and for a doubt. Set on the
# development split of the labelled reviews, on the side of caution.
_ALONE = 0.45
_BESIDE_CUE = 0.1
_DOUBTFUL = 0.25


@lru_cache(maxsize=256)
def screen(text: str) -> AtRisk:
    """Screen a review, in every language calmreply reads at once, whatever language it is in.

    A phrase that says it outright is enough unless the rest of its sentence speaks against it; so is a
    sentence that is like what was labelled at risk. What is near either is a doubt.
    """
    sure: list[str] = []
    near: list[str] = []
    for code in language_codes():
        if may_be_in(text, code):
            for level, quotes in _screened(Reading(text, load_language(code))):
                (sure if level is Level.YES else near).extend(quotes)
    if sure:
        return AtRisk(Level.YES, tuple(dict.fromkeys(sure)))
    return AtRisk(Level.DOUBT if near else Level.NO, tuple(dict.fromkeys(near)))


def _screened(reading: Reading) -> Iterator[tuple[Level, list[str]]]:
    model = load_clause_model(reading.language.code, "risk")
    cued = [span for kind in _KINDS for span in reading.spans(f"at_risk_{kind}")]
    doubted = reading.spans("at_risk_doubt")
    for words, start, end in reading.sentences():
        risk = model.probabilities(words)["risk"] if model else 1.0
        hits = [reading.text[first:last] for first, last in cued if start <= first < end]
        if risk >= _ALONE or (hits and risk >= _BESIDE_CUE):
            yield Level.YES, hits or [reading.text[start:end]]
        elif hits or risk >= _DOUBTFUL or any(start <= first < end for first, _ in doubted):
            yield Level.DOUBT, hits or [reading.text[start:end]]
