"""What a model is shown of a review: masked, cut, and written so that it stays data."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from calmreply.tokens import cut_at_sentence, upper_bound_tokens

if TYPE_CHECKING:
    from calmreply.flow import Setup
    from calmreply.review import Review

__all__ = ["as_json", "cut", "shown"]

_CUT_MARK = " [cut]"
_MOST_PRODUCT_CHARACTERS = 120

# Marks that chat servers read as the end of a message. In JSON every character may be written by its number.
_SERVER_MARKS = re.compile(
    r"[<>\u0000-\u001f\u007f-\u009f\u00ad\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]|\[(?=/?[A-Z_]{2,}\])"
)


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
    written = json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8")
    return _SERVER_MARKS.sub(_by_number, written)


def _by_number(found: re.Match[str]) -> str:
    """A character as JSON writes it by number: one escape, or the two of a surrogate pair."""
    units = found.group().encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
