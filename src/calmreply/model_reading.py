"""A model's reading of a review, believed only where the review's own words bear it out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from calmreply.classifier import CONFIDENT
from calmreply.review import Complaint, Signal

if TYPE_CHECKING:
    from enum import StrEnum

    from calmreply.review import Classification, Review

__all__ = ["read_answer"]

Word = TypeVar("Word", bound="StrEnum")

_MOST_EVIDENCE = 5
_MOST_CHARACTERS = 10_000
_FEWEST_LETTERS = 3


def read_answer(answer: str, review: Review, local: Classification) -> Classification:
    """The local reading, improved by what a model answered where that can be verified.

    Args:
        answer: the model's text; the first JSON object in it with a complaint counts.
        review: the review as it came.
        local: what was read without a model.
    """
    found = _json_object(answer)
    if found is None:
        return local
    signals = frozenset(_words(found.get("signals"), Signal))
    if Signal.AT_RISK in signals and not local.at_risk:
        local = local.model_copy(update={"signals": local.signals | {Signal.AT_RISK}})
    named = _words([found.get("complaint")], Complaint)
    evidence = _verbatim(found.get("evidence"), review.text)
    if not named or not evidence:
        return local
    others = (*_words(found.get("complaints"), Complaint), *(c for c in local.complaints if c in named))
    return local.model_copy(
        update={
            "complaint": named[0],
            "complaints": tuple(dict.fromkeys((named[0], *others))),
            "signals": local.signals | signals,
            "confidence": max(local.confidence, CONFIDENT),
            "evidence": tuple(dict.fromkeys((*evidence, *local.evidence))),
            "source": "model",
        }
    )


def _json_object(answer: str) -> dict[str, Any] | None:
    """The first JSON object with a complaint, wherever in the answer it stands."""
    decoder, answer = json.JSONDecoder(), answer[:_MOST_CHARACTERS]
    at = answer.find("{")
    while at != -1:
        try:
            found, _ = decoder.raw_decode(answer, at)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict) and "complaint" in found:
            return found
        at = answer.find("{", at + 1)
    return None


def _words(value: object, vocabulary: type[Word]) -> list[Word]:
    """The words of a closed vocabulary in a list or a single string; anything else is left out."""
    listed = value if isinstance(value, list) else [value]
    known = {str(word): word for word in vocabulary}
    written = (
        "_".join(one.strip().casefold().replace("-", " ").split()) for one in listed if isinstance(one, str)
    )
    return list(dict.fromkeys(known[word] for word in written if word in known))


def _verbatim(value: object, text: str) -> list[str]:
    """The quotes that stand in the review, as the review writes them."""
    listed = value if isinstance(value, list) else [value]
    found = []
    for quote in listed[:_MOST_EVIDENCE]:
        if not isinstance(quote, str):
            continue
        at = text.casefold().find(quote.strip().casefold())
        # Lower-casing may change a text's length; then only the quote's own spelling is looked for.
        if len(text.casefold()) != len(text):
            at = text.find(quote.strip())
        if at != -1 and sum(char.isalnum() for char in quote) >= _FEWEST_LETTERS:
            found.append(text[at : at + len(quote.strip())])
    return found
