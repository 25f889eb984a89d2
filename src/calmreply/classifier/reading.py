"""A review read for classification: its clauses and words, typed as people type on a phone."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from calmreply.cues import Cue, CueGroup, CueIndex, compile_cue, fold
from calmreply.languages import load_language

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from calmreply.languages import Language

__all__ = ["Clause", "Reading", "read_review"]

# No review needs more to be understood; the rest would only cost time.
LONGEST_REVIEW = 8_000
_QUOTES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'"})
# A word masked with stars is one word, whatever it was.
_MASKED = re.compile(r"[^\W\d_]{1,4}[*@#$%]{1,5}[^\W\d_]{1,4}|(?<![^\W_])[^\W\d_]{1,2}\*{2,5}")
_MASK = "\ue000"
_MASK_WORD = "xmaskx"
_TOKEN = re.compile(r"\d+(?:[.,:/]\d+)*%?|\ue000|[^\W_]+(?:'[^\W_]+)*|[^\w\s]|\n", re.UNICODE)
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff]")
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}")
_LEET = str.maketrans("013457@$", "oieastas")
_LEETED = re.compile(r"[^\W\d_]+(?:[013457@$][^\W\d_]+)+")
_ENDS = frozenset(".!?;…\n•*")
_SOFT_ENDS = frozenset(",:()/-–—")
_EMOJI_FROM = "\u2190"
_LONGEST_UNIT = 2
# A clause of this many words may end before an "and".
_LONG_CLAUSE = 7


class _Word(NamedTuple):
    form: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Clause:
    """A stretch of the review that says one thing: its words and its place in the text as given.

    `turned` says that it follows a word such as "but"; `before_turn` that such a word follows it.
    """

    words: tuple[str, ...]
    start: int
    end: int
    sentence: int
    turned: bool = False
    before_turn: bool = False


@dataclass(frozen=True)
class _Sentence:
    words: tuple[_Word, ...]
    language: Language = field(repr=False)

    @cached_property
    def text(self) -> str:
        """The forms as the one string that cues run over."""
        return f"\n {' '.join(word.form for word in self.words)} \n"

    @cached_property
    def starts(self) -> list[int]:
        """Where each word begins in `text`."""
        starts, at = [], 2
        for word in self.words:
            starts.append(at)
            at += len(word.form) + 1
        return starts

    @cached_property
    def near(self) -> dict[str, CueGroup]:
        """The review cues that this sentence can hold at all."""
        return self._near(_index(self.language))

    @cached_property
    def is_bare(self) -> bool:
        """Whether it is written without marks."""
        spelt = [word.form for word in self.words if word.form[0].isalpha()]
        return 5 * sum(fold(form) != form for form in spelt) <= len(spelt)

    def spans(self, name: str) -> Iterator[tuple[int, int]]:
        """Where a review cue of that name stands, as places in the text as given."""
        group = self.near.get(name)
        if group is None or (self.is_bare and name in _marked_groups(self.language)):
            return
        yield from self._places(group)

    def _near(self, index: CueIndex) -> dict[str, CueGroup]:
        forms = (word.form for word in self.words)
        return index.near(map(fold, forms) if self.is_bare else forms, is_bare=self.is_bare)

    def _places(self, group: CueGroup) -> Iterator[tuple[int, int]]:
        for span in group.spans(self.text, is_bare=self.is_bare):
            first = max(0, bisect_right(self.starts, span.start) - 1)
            last = max(first, bisect_right(self.starts, span.end - 1) - 1)
            yield self.words[first].start, self.words[min(last, len(self.words) - 1)].end


@lru_cache(maxsize=128)
def read_review(text: str, code: str) -> Reading:
    """A text read with the spellings of that language; kept for the texts read last."""
    return Reading(text, load_language(code))


class Reading:
    """One text read with one language's spellings, whatever language it is in."""

    def __init__(self, text: str, language: Language) -> None:
        self.text = unicodedata.normalize("NFC", text[:LONGEST_REVIEW])
        self.language = language
        self._sentences = tuple(_Sentence(words, language) for words in _sentences(self.text, language))

    @property
    def tokens(self) -> tuple[str, ...]:
        """The words alone, in order."""
        return tuple(
            word.form for sentence in self._sentences for word in sentence.words if word.form[0].isalnum()
        )

    def sentences(self) -> Iterator[tuple[tuple[str, ...], int, int]]:
        """The words of each sentence, and its place in the text."""
        for sentence in self._sentences:
            forms = tuple(word.form for word in sentence.words if word.form[0].isalnum())
            if forms:
                yield forms, sentence.words[0].start, sentence.words[-1].end

    def spans(self, name: str) -> list[tuple[int, int]]:
        """Where the review cues of that name stand, as places in the text as given."""
        return [span for sentence in self._sentences for span in sentence.spans(name)]

    def clauses(self) -> list[Clause]:
        """The clauses in order; a stretch without a word is none."""
        return [
            clause
            for number, sentence in enumerate(self._sentences)
            for clause in _clauses(sentence.words, number, self.language)
        ]


def _compiler(language: Language) -> Callable[[str], Cue]:
    """Compiles cues for reviews: the language's confused letters are one."""
    letters = _letters(language)
    lists = {
        name: [entry.translate(letters) for entry in words] for name, words in language.word_lists.items()
    }

    def compiled(pattern: str) -> Cue:
        return compile_cue(pattern.translate(letters), lists, folds=language.folds)

    return compiled


@lru_cache(maxsize=8)
def _index(language: Language) -> CueIndex:
    """Every cue group about reviews."""
    compiled = _compiler(language)
    return CueIndex(
        CueGroup(
            name,
            tuple(map(compiled, group.get("cues", ()))),
            tuple(map(compiled, group.get("unless", ()))),
        )
        for name, group in language.cue_data.items()
        if group.get("reviews_only")
    )


@lru_cache(maxsize=8)
def _marked_groups(language: Language) -> frozenset[str]:
    """Groups whose short words say too little without their marks."""
    return frozenset(name for name, group in language.cue_data.items() if group.get("needs_marks"))


@lru_cache(maxsize=8)
def _letters(language: Language) -> dict[int, str]:
    return str.maketrans(dict(language.data.get("reviews", {}).get("letters", {})))


@lru_cache(maxsize=8)
def _expansions(language: Language) -> dict[str, tuple[str, ...]]:
    own: Mapping[str, str] = language.data.get("reviews", {}).get("expand", {})
    return language.expansions | {short: tuple(full.split()) for short, full in own.items()}


@lru_cache(maxsize=8)
def _openings(language: Language, name: str) -> frozenset[tuple[str, ...]]:
    """Words that open a new clause, bare ones too where they are long enough to be told."""
    listed = language.data.get("reviews", {}).get(name, ())
    long = 4
    return frozenset(
        tuple(form.translate(_letters(language)).split())
        for phrase in listed
        for form in ({phrase, fold(phrase)} if len(phrase) > long else {phrase})
    )


def _opens(words: tuple[_Word, ...], at: int, openings: frozenset[tuple[str, ...]]) -> bool:
    one = (words[at].form,)
    return one in openings or (at + 1 < len(words) and (*one, words[at + 1].form) in openings)


def _sentences(text: str, language: Language) -> Iterator[tuple[_Word, ...]]:
    lowered = text.lower()
    lowered = (lowered if len(lowered) == len(text) else text).translate(_QUOTES)
    if "*" in lowered or "@" in lowered or "#" in lowered:
        lowered = _MASKED.sub(lambda match: _MASK + " " * (len(match.group()) - 1), lowered)
    words: list[_Word] = []
    for match in _TOKEN.finditer(lowered):
        form = match.group()
        if form in _ENDS or (not form.isalnum() and form >= _EMOJI_FROM and form != _MASK):
            if words:
                yield tuple(words)
            words = []
            continue
        is_unit = bool(words) and words[-1].form[0].isdigit() and len(form) <= _LONGEST_UNIT
        is_unit = is_unit or "&" in lowered[max(0, match.start() - 1) : match.end() + 1]  # "J&T" is a name
        for full in (form,) if is_unit else _forms(form, language):
            words.append(_Word(full, match.start(), match.end()))
    if words:
        yield tuple(words)


def _forms(form: str, language: Language) -> tuple[str, ...]:
    """A word as the cues know it: chat spellings written out, stretched letters short."""
    if form == _MASK:
        return (_MASK_WORD,)
    if not form[0].isalpha():
        return (form,)
    form = _INVISIBLE.sub("", _STRETCHED.sub(r"\1", form)) or form
    full = _expansions(language).get(form)
    if full is not None:
        return tuple(word.translate(_letters(language)) for word in full)
    if "'" in form:
        for ending, word in language.endings.items():
            if form.endswith(ending) and len(form) > len(ending):
                return (*_forms(form.removesuffix(ending), language), word)
    if _LEETED.fullmatch(form):
        form = form.translate(_LEET)
    return (form.translate(_letters(language)),)


def _clauses(words: tuple[_Word, ...], sentence: int, language: Language) -> Iterator[Clause]:
    turns, breaks = _openings(language, "turns"), _openings(language, "breaks")
    current: list[_Word] = []
    turned = False
    for at, word in enumerate(words):
        turns_here = bool(current) and _opens(words, at, turns)
        breaks_here = len(current) >= _LONG_CLAUSE and _opens(words, at, breaks)
        if turns_here or breaks_here or word.form in _SOFT_ENDS:
            yield from _clause(current, sentence, turned=turned, before_turn=turns_here)
            current = []
            turned = turned or turns_here
        if word.form not in _SOFT_ENDS:
            current.append(word)
    yield from _clause(current, sentence, turned=turned, before_turn=False)


def _clause(words: list[_Word], sentence: int, *, turned: bool, before_turn: bool) -> Iterator[Clause]:
    forms = tuple(word.form for word in words if word.form[0].isalnum())
    if any(form[0].isalpha() for form in forms):
        yield Clause(forms, words[0].start, words[-1].end, sentence, turned, before_turn)
