"""The body of a reply: its sentences without the bare greeting above them and the signature below."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from calmreply.cues import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from calmreply.analysis import Analysis, Sentence

__all__ = ["body_of", "quoted_spans"]

# A quotation on one line, not longer than a quoted sentence or two.
_QUOTATION = re.compile(r"[“«„][^“”«»\n]{1,200}[”»“]|(?<!\S)\"[^\"\n]{1,200}\"")
_ENDS = (".", "!", "?", "…")
# A name under a reply is short: "Hannah, Loft & Beam", "The Riverbend Ceramics support team".
_NAME_WORDS = 6
_GREETING_WORDS = 4
_CLOSING_LINES = 4


def body_of(analysis: Analysis, own: Iterable[str | None] = ()) -> tuple[Sentence, ...]:
    """The sentences that count: no bare greeting line, no sign-off, no signature.

    Args:
        analysis: the reply.
        own: what the shop signs with: its signature and its name, where there are any.
    """
    sentences = [sentence for sentence in analysis.sentences if _has_letters(sentence)]
    first = _after_greeting(analysis, sentences)
    last = _before_signature(analysis, sentences, [_plain(text) for text in own if text])
    return tuple(sentences[first:last])


def quoted_spans(text: str) -> list[tuple[int, int]]:
    """Where the text quotes someone: (start, end) of each quotation, its marks included."""
    spans = [match.span() for match in _QUOTATION.finditer(text)]
    # Quotes around the whole quote nobody.
    return [(start, end) for start, end in spans if (end - start) * 2 < len(text)]


def _has_letters(sentence: Sentence) -> bool:
    return any(char.isalpha() for char in sentence.text)


def _after_greeting(analysis: Analysis, sentences: Sequence[Sentence]) -> int:
    greetings = {hit.sentence for hit in analysis.hits("greeting_line")}
    for at, sentence in enumerate(sentences[:2]):
        is_salutation = at == 0 and sentence.text.endswith(",") and _word_count(sentence) <= _GREETING_WORDS
        if sentence.index not in greetings and not is_salutation:
            return at
    return min(2, len(sentences))


def _before_signature(analysis: Analysis, sentences: Sequence[Sentence], own: Sequence[str]) -> int:
    partings = {hit.sentence for hit in analysis.hits("sign_off")}
    end = len(sentences)
    for at in range(len(sentences) - 1, max(0, len(sentences) - 1 - _CLOSING_LINES), -1):
        sentence = sentences[at]
        # "Best regards," may have a name of any form on the line below it.
        under_parting = end - at == 1 and sentences[at - 1].index in partings and _is_line(analysis, sentence)
        if not (sentence.index in partings or under_parting or _is_signed(analysis, sentence, own)):
            break
        end = at
    return end


def _is_signed(analysis: Analysis, sentence: Sentence, own: Sequence[str]) -> bool:
    plain = _plain(sentence.text)
    if plain in own:
        return True
    if sentence.text.endswith(_ENDS) or _word_count(sentence) > _NAME_WORDS:
        return False
    return any(plain in text for text in own) or (_is_line(analysis, sentence) and _is_title_case(sentence))


def _is_title_case(sentence: Sentence) -> bool:
    words = [word for word in sentence.text.replace(",", " ").split() if word[0].isalpha()]
    capitals = sum(1 for word in words if word[0].isupper())
    return bool(words) and words[-1][0].isupper() and capitals * 3 >= len(words) * 2


def _is_line(analysis: Analysis, sentence: Sentence) -> bool:
    before = analysis.text[: sentence.start].rstrip(" \t")
    return before.endswith("\n")


def _word_count(sentence: Sentence) -> int:
    return sum(1 for token in sentence.tokens if token.form[0].isalnum())


def _plain(text: str) -> str:
    kept = "".join(char if char.isalnum() else " " for char in fold(text.casefold()))
    return " ".join(kept.split())
