"""The screen for reviews that only a person may answer: injury, hazard, threat, leak, fraud and such."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from calmreply.classifier.clauses import load_clause_model
from calmreply.classifier.language import may_be_in
from calmreply.classifier.reading import read_review
from calmreply.languages import language_codes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from calmreply.classifier.reading import Reading

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
# Words of the body and of danger stand in jokes too: the rest of the sentence must bear them out.
_BODILY = ("injury", "illness", "hazard")
_PLAIN = ("legal", "discrimination", "privacy", "fraud")
# What the model of risk must say of a sentence: alone, beside a cue of either sort, and for a doubt.
# Set on the development split of the labelled reviews, by cross-validation.
_ALONE = 0.6
# A sentence of fewer words is no ground for the model alone.
_FEWEST_WORDS = 4
_BESIDE_BODILY = 0.1
_BESIDE_PLAIN = 0.05
_DOUBTFUL = 0.35


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
            for level, quotes in _screened(read_review(text, code)):
                (sure if level is Level.YES else near).extend(quotes)
    if sure:
        return AtRisk(Level.YES, tuple(dict.fromkeys(sure)))
    return AtRisk(Level.DOUBT if near else Level.NO, tuple(dict.fromkeys(near)))


def _screened(reading: Reading) -> Iterator[tuple[Level, list[str]]]:
    model = load_clause_model(reading.language.code, "risk")
    cued = [
        (needed, span)
        for kinds, needed in ((_BODILY, _BESIDE_BODILY), (_PLAIN, _BESIDE_PLAIN))
        for kind in kinds
        for span in reading.spans(f"at_risk_{kind}")
    ]
    doubted = reading.spans("at_risk_doubt")
    for words, start, end in reading.sentences():
        risk = model.probabilities(words)["risk"] if model else 1.0
        hits = [(needed, reading.text[first:last]) for needed, (first, last) in cued if start <= first < end]
        quotes = [quote for _, quote in hits] or [reading.text[start:end]]
        alone = _ALONE if len(words) >= _FEWEST_WORDS else 1.0
        if risk >= min((alone, *(needed for needed, _ in hits))):
            yield Level.YES, quotes
        elif hits or risk >= _DOUBTFUL or any(start <= first < end for first, _ in doubted):
            yield Level.DOUBT, quotes
