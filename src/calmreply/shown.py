"""What a model is shown of a review: masked, cut, and written so that it stays data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calmreply.tokens import cut_at_sentence, upper_bound_tokens
from calmreply.untrusted import as_data

if TYPE_CHECKING:
    from calmreply.flow import Setup
    from calmreply.review import Review

__all__ = ["as_json", "cut", "shown"]

_CUT_MARK = " [cut]"
_MOST_PRODUCT_CHARACTERS = 120


def shown(review: Review, language: str, setup: Setup) -> str:
    """The review as JSON: masked, cut, and unable to end its own quotes."""
    text, was_cut = cut(review.text, language, setup)
    product = _masked(review.product, setup) if review.product else None
    return as_json(review, text + _CUT_MARK if was_cut else text, product)


def cut(text: str, language: str, setup: Setup) -> tuple[str, bool]:
    """The text as far as a model is shown it, masked, and whether that is less than all of it."""
    text = _masked(text, setup)
    most = setup.settings.max_review_tokens
    # Most reviews are short in bytes already; counting may cost a look into the network.
    return (text, False) if upper_bound_tokens(text) <= most else cut_at_sentence(text, most, language)


def _masked(text: str, setup: Setup) -> str:
    if not setup.masks:
        return text
    from calmreply.contacts import mask_private_data

    return mask_private_data(text)


def as_json(review: Review, text: str, product: str | None = None) -> str:
    """A review as a line of JSON in which nothing can end the string or look like a server's mark."""
    fields: dict[str, object] = {}
    if review.stars is not None:
        fields["stars"] = review.stars
    if product:
        fields["product"] = product[:_MOST_PRODUCT_CHARACTERS]
    fields["text"] = text.strip()
    return as_data(fields)
