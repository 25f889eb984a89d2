"""The local classifier: no network, a few milliseconds, the same answer every time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from calmreply.classifier.at_risk import screen
from calmreply.classifier.confidence import CONFIDENT, calibrated
from calmreply.classifier.evidence import read_complaints
from calmreply.classifier.language import detect_language
from calmreply.classifier.reading import read_review
from calmreply.classifier.signals import read_signals
from calmreply.languages import language_codes
from calmreply.review import Classification, Review, Signal, as_review

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CONFIDENT", "Classifier", "LocalClassifier", "classify"]


class Classifier(Protocol):
    """Anything that says what a review is about."""

    def classify(self, review: Review, *, order: object | None = None) -> Classification:
        """What was read in the review; `order` is the matched order, where one was found."""
        ...


class LocalClassifier:
    """Classifies by cues and a small model of our own.

    Args:
        languages: the languages the shop serves, its first one first; a text without words is read as that.
        catalogue: what the shop sells, as text; a review of a thing it names is none that is `mistaken`.
    """

    def __init__(self, *, languages: Sequence[str] = ("en", "vi"), catalogue: str | None = None) -> None:
        self._languages = tuple(languages) or ("en",)
        self._catalogue = catalogue

    def classify(self, review: Review, *, order: object | None = None) -> Classification:
        """What was read in the review. `order` is the matched order, where one was found."""
        return classify(review, languages=self._languages, catalogue=self._catalogue, order=order)


def classify(
    review: Review | str,
    *,
    languages: Sequence[str] = ("en", "vi"),
    catalogue: str | None = None,
    order: object | None = None,
) -> Classification:
    """Classify a review without any network.

    Args:
        review: the review, or its text; only the text is required.
        languages: the languages the shop serves, its first one first.
        catalogue: what the shop sells, as text.
        order: the matched order, where one was found: then the review is not `mistaken`.

    Returns:
        The classification: `language` is the ISO 639-1 code of the text, served or not, and
        `confidence` the calibrated probability that the primary complaint is right.

    Raises:
        InputError: the review is something else.
    """
    from calmreply.details import find_details  # it reads with the same clauses

    review = as_review(review)
    fallback = next(iter(languages), "en")
    language = detect_language(review.text) or fallback
    readable = language if language in language_codes() else fallback
    reading = read_review(review.text, readable)
    risk = screen(review.text)
    known = order is not None or _sells(catalogue, review.text, readable)
    found = read_complaints(reading, is_customer=known, is_risk=bool(risk))
    details = find_details(review.text, readable, product=review.product)
    signals, quotes = read_signals(reading, found)
    if risk:
        signals |= {Signal.AT_RISK}
    confidence = calibrated(found)
    if language not in language_codes():
        confidence = min(confidence, 0.3)  # a language that is not read is not understood
    return Classification(
        complaint=found.primary,
        complaints=found.complaints,
        signals=frozenset(signals),
        details=details,
        language=language,
        confidence=confidence,
        evidence=_verbatim((*risk.evidence, *found.quotes, *quotes), review.text),
        source="local",
    )


def _verbatim(quotes: Sequence[str], text: str) -> tuple[str, ...]:
    """The quotes that stand in the review letter by letter, each once."""
    return tuple(dict.fromkeys(quote for quote in quotes if quote and quote in text))


def _sells(catalogue: str | None, text: str, language: str) -> bool:
    """Whether the catalogue names a kind of thing that the review names."""
    from calmreply.details import find_products

    if not catalogue:
        return False
    sold = {kind for code in language_codes() for kind in find_products(catalogue[:20_000], code)}
    return bool(sold & find_products(text, language))
