"""One reading of a text, shared by every rule: sentences, words, cues, each with its place in the text."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from calmreply.acts import ACT_CUES, ALONE, BESIDE_CUE, DOUBTED, FEWEST_WORDS, NEVER_ALONE
from calmreply.cues import Span
from calmreply.languages import load_language
from calmreply.languages.sentences import split_sentences
from calmreply.sentence_reading import SentenceReading, Token, is_indexed, read_sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["Analysis", "Hit", "Sentence", "Token", "analyse"]

# Characters that are seen by no reader: zero width, direction marks, soft hyphen, tags, selectors.
INVISIBLE = re.compile(
    "[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\u20e3\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence: its place in the text, its words in analysed form and its language.

    `is_bare`: it is written without diacritics, or nearly so.
    """

    index: int
    start: int
    end: int
    text: str
    tokens: tuple[Token, ...]
    language: str
    is_bare: bool = True
    reading: SentenceReading = field(repr=False, compare=False, kw_only=True)

    @property
    def words(self) -> str:
        """The analysed forms with single spaces between and around them."""
        return f" {' '.join(token.form for token in self.tokens)} "


class Hit(NamedTuple):
    """A cue found: place in the text as given and the sentence it stands in."""

    start: int
    end: int
    sentence: int


class Analysis:
    """A text, read once. `language` is the one it should be in; each sentence has its own."""

    def __init__(self, text: str, language: str) -> None:
        self.text = text
        self.language = language
        self.clean, self._offsets = _cleaned(text)
        self._hits: dict[tuple[str, tuple[str, ...]], tuple[Hit, ...]] = {}
        self._hits_in: dict[tuple[str, int], tuple[Hit, ...]] = {}

    @cached_property
    def sentences(self) -> tuple[Sentence, ...]:
        """The sentences in order; fragments without a letter or digit belong to the one before."""
        home = load_language(self.language)
        return tuple(
            self._sentence(index, start, end)
            for index, (start, end) in enumerate(split_sentences(self.clean, home))
        )

    def hits(self, name: str, extra: Sequence[str] = ()) -> tuple[Hit, ...]:
        """Where the cues of that name stand, in order; each sentence is read in its own language."""
        key = (name, tuple(extra))
        found = self._hits.get(key)
        if found is None:
            near = self._near(name, key[1])
            found = tuple(hit for sentence in near for hit in _hits(sentence, name, key[1]))
            self._hits[key] = found
        return found

    def hits_in(self, name: str, sentence: int) -> tuple[Hit, ...]:
        """Where the cues of that name stand in one sentence; the others need not be read."""
        found = self._hits_in.get((name, sentence))
        if found is None:
            found = self._hits_in[name, sentence] = tuple(_hits(self.sentences[sentence], name))
        return found

    def acts(self, sentence: int) -> Mapping[str, float]:
        """How much a sentence does each of the acts that rules ask for: from 1 on it counts as doing it."""
        return self.sentences[sentence].reading.acts

    def acting(self, act: str, extra: Sequence[str] = ()) -> tuple[Hit, ...]:
        """Where an act is done: the cues that speak for it, or the whole sentence where there is none.

        `extra` are a shop's own cues for it; they count wherever they stand.
        """
        found: list[Hit] = []
        for sentence in self.sentences:
            strength = self.acts(sentence.index)[act]
            cued = self._cued(act, sentence.index) if strength >= BESIDE_CUE.get(act, DOUBTED) else []
            is_short = len(sentence.tokens) < FEWEST_WORDS and act not in BESIDE_CUE
            says_enough = not is_short and act not in NEVER_ALONE
            if cued or (says_enough and strength >= ALONE.get(act, 1.0)):
                found += cued or [Hit(sentence.start, sentence.end, sentence.index)]
        if extra:
            found = sorted({*found, *self.hits("", extra)})
        return tuple(found)

    def _cued(self, act: str, sentence: int) -> list[Hit]:
        """The cues that speak for an act in a sentence; of those that overlap the longest."""
        hits = [hit for name in ACT_CUES[act] for hit in self.hits_in(name, sentence)]
        kept: list[Hit] = []
        for hit in sorted(hits, key=lambda hit: hit.start - hit.end):
            if not any(hit.start < other.end and other.start < hit.end for other in kept):
                kept.append(hit)
        return sorted(kept)

    def has(self, name: str) -> bool:
        """Whether any cue of that name stands in the text."""
        return bool(self.hits(name))

    def sentence_at(self, offset: int) -> int:
        """The index of the sentence that holds that character of the text as given."""
        return max(0, bisect_right([sentence.start for sentence in self.sentences], offset) - 1)

    def original(self, start: int, end: int) -> Span:
        """The place in the text as given of a range of `clean`."""
        if self._offsets is None:
            return Span(start, end)
        if end <= start:
            return Span(self._offsets[start], self._offsets[start])
        # A letter reaches to where the next one begins: its marks may be characters of their own.
        last = self._offsets[end] if end < len(self._offsets) else len(self.text)
        return Span(self._offsets[start], max(last, self._offsets[end - 1] + 1))

    def _near(self, name: str, extra: tuple[str, ...]) -> Iterable[Sentence]:
        """The sentences that may hold a cue of that name."""
        return self._by_cue.get(name, ()) if not extra and is_indexed(name) else self.sentences

    @cached_property
    def _by_cue(self) -> Mapping[str, list[Sentence]]:
        by_name: dict[str, list[Sentence]] = {}
        for sentence in self.sentences:
            for name in sentence.reading.near:
                by_name.setdefault(name, []).append(sentence)
        return by_name

    def _sentence(self, index: int, start: int, end: int) -> Sentence:
        clean = self.clean[start:end]
        reading = read_sentence(clean, self.language)
        return Sentence(
            index,
            *self.original(start, end),
            clean,
            tuple(
                Token(form, *self.original(start + first, start + last))
                for form, first, last in reading.tokens
            ),
            reading.language.code,
            is_bare=reading.is_bare,
            reading=reading,
        )


def _hits(sentence: Sentence, name: str, extra: tuple[str, ...] = ()) -> Iterator[Hit]:
    for first, last in sentence.reading.spans(name, extra):
        yield Hit(sentence.tokens[first].start, sentence.tokens[last].end, sentence.index)


@lru_cache(maxsize=512)
def analyse(text: str, language: str) -> Analysis:
    """The analysis of a text; kept for the texts read last, so that a review is read once."""
    return Analysis(text, language)


def _cleaned(text: str) -> tuple[str, list[int] | None]:
    """The text in composed, compatible form without invisible characters, and each character's origin."""
    if text.isascii() or (unicodedata.is_normalized("NFKC", text) and not INVISIBLE.search(text)):
        return text, None
    clean: list[str] = []
    offsets: list[int] = []
    at = 0
    while at < len(text):
        end = at + 1
        while end < len(text) and unicodedata.combining(text[end]) and end - at < 8:  # noqa: PLR2004 - no letter bears more
            end += 1
        piece = INVISIBLE.sub("", text[at:end])
        form = unicodedata.normalize("NFKC", piece)
        clean.append(form)
        offsets.extend([at] * len(form))
        at = end
    return "".join(clean), offsets
