"""Sentence ends: a kept splitter, and what it does not know of chat, shops and emoji."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from calmreply.languages import Language

__all__ = ["split_sentences"]

# "cảm ơn bạn.mình xin lỗi": two words of letters around a stop without a space; never a web address.
_TIGHT = re.compile(r"(?<=[^\W\d_]{2})[.!?]+(?=[^\W\d_]{2,})")
_ADDRESS = re.compile(
    r"@|://|www\.|/|\.(?:com|vn|net|org|io|shop|store|co|me|info|app|care|uk|eu|in|gl|ly|biz|edu|gov)\b",
    re.IGNORECASE,
)
_CHUNK = re.compile(r"\S+")
_LONGEST_ADDRESS = 300
_LONGEST_LINE = 4000
_EMOJI = "\u2600-\u27bf\U0001f000-\U0001faff"
# An emoji ends a sentence where a capital follows it.
_AFTER_EMOJI = re.compile(rf"(?<=[{_EMOJI}])\s+(?=[^\W\d_a-z])")
# "Oh no. Sorry!": an abbreviation that stands before numbers, before a word.
_SHORT_STOP = re.compile(r"(?<![^\W_])([^\W\d_]{1,4})\.\s(?=[^\W\d_]{2})")
_LAST_WORD = re.compile(r"(?:([^\W\d_]+)\s+)?([^\W\d_]+)\.\s*$")
# A small word, a stop and a capital: an end, unless the word is one of our abbreviations.
_PLAIN_STOP = re.compile(r"(?<![^\W_])([^\W\d_]{2,})\.\s+(?=[^\W\d_])")
_OPENING_QUOTES, _CLOSING_QUOTES = frozenset('"“«'), frozenset('"”»')
_QUOTE = re.compile(r"[\"“«”»]")
_HAS_WORD = re.compile(r"[^\W_]")
_LONE = re.compile("[\ud800-\udfff]")


def split_sentences(text: str, language: Language) -> list[tuple[int, int]]:
    """The sentences of a text as (start, end) without the white space around them."""
    text = _without_outer_quotes(text)
    pieces = [piece for rough in _segments(text, language) for piece in _finer(text, *rough, language)]
    sentences: list[tuple[int, int]] = []
    for start, end in pieces:
        if sentences and _belongs(text, sentences[-1], (start, end), language):
            sentences[-1] = (sentences[-1][0], end)
        elif _HAS_WORD.search(text, start, end) or not sentences:
            sentences.append((start, end))
        else:
            sentences[-1] = (sentences[-1][0], end)
    stripped = (_stripped(text, start, end) for start, end in sentences)
    return [(start, end) for start, end in stripped if start < end]


def _without_outer_quotes(text: str) -> str:
    """The text with quotes around most of it blanked: inside quotes the splitter sees one sentence."""
    end = _stripped(text, 0, len(text))[1]
    start = next((at for at, char in enumerate(text[: end // 2]) if char in _OPENING_QUOTES), end)
    if end - start > 1 and text[end - 1] in _CLOSING_QUOTES and not _QUOTE.search(text, start + 1, end - 1):
        return f"{text[:start]} {text[start + 1 : end - 1]} {text[end:]}"
    return text


def _segments(text: str, language: Language) -> Iterator[tuple[int, int]]:
    from sentencex import segment

    at = 0
    for line in text.splitlines(keepends=True):
        for part in _parts(line):
            for piece in segment(language.code, _LONE.sub("\ufffd", part)):  # it takes no half character
                yield at, at + len(piece)
                at += len(piece)


def _parts(line: str) -> Iterator[str]:
    """A line in parts the splitter can take: its time grows with the square of what stands in quotes."""
    at = 0
    while len(line) - at > _LONGEST_LINE:
        space = line.rfind(" ", at + 1, at + _LONGEST_LINE)
        end = space + 1 if space > 0 else at + _LONGEST_LINE
        yield line[at:end]
        at = end
    yield line[at:]


def _finer(text: str, start: int, end: int, language: Language) -> Iterator[tuple[int, int]]:
    piece = text[start:end]
    cuts = [match.end() for match in _AFTER_EMOJI.finditer(piece)]
    if _TIGHT.search(piece):
        # Chunk by chunk: an address ends at white space, and a search over one chunk stays short.
        for chunk in _CHUNK.finditer(piece):
            if not _ADDRESS.search(chunk.group()[:_LONGEST_ADDRESS]):
                cuts += [chunk.start() + match.end() for match in _TIGHT.finditer(chunk.group())]
    cuts += [match.end() for match in _PLAIN_STOP.finditer(piece) if _ends_there(match, language)]
    if before_numbers := language.data.get("before_numbers"):
        cuts += [
            match.end() for match in _SHORT_STOP.finditer(piece) if match.group(1).lower() in before_numbers
        ]
    bounds = [0, *sorted(cuts), len(piece)]
    for first, last in pairwise(bounds):
        yield start + first, start + last


def _belongs(text: str, before: tuple[int, int], piece: tuple[int, int], language: Language) -> bool:
    """Whether the piece goes on with the sentence before it: an abbreviation's full stop ended nothing."""
    if "\n" in text[before[0] : before[1]][-2:]:
        return False
    last = _LAST_WORD.search(text, max(before[0], before[1] - 40), before[1])
    if not last:
        return False
    previous, word = last.groups()
    following = text[piece[0] : piece[1]].lstrip()[:1]
    if word.lower() in language.data.get("before_numbers", ()):
        return following.isdigit() or following.islower()  # "order no. 12", but "Oh no. Sorry!"
    if word.lower() in language.abbreviations:
        return True
    # "J. Smith" and "Anh T. said" go on; "not an L. Please" does not.
    is_initial = len(word) == 1 and word.isupper() and word != "I"
    return is_initial and (not following.isupper() or previous is None or previous[0].isupper())


def _ends_there(match: re.Match[str], language: Language) -> bool:
    """Whether a word with a stop ends a sentence: the splitter takes "may." for a month."""
    word, following = match.group(1), match.string[match.end()]
    return word.islower() and following.isupper() and word not in language.abbreviations


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())
