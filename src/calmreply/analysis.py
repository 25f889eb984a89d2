"""One reading of a text, shared by every rule: sentences, words, cues, each with its place in the text."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from calmreply.acts import (
    ACT_CUES,
    ALONE,
    BESIDE_CUE,
    CUES_OF_ACTS,
    DOUBTED,
    FEWEST_WORDS,
    NEVER_ALONE,
    load_act_model,
)
from calmreply.cues import Span, fold
from calmreply.languages import language_codes, load_language
from calmreply.languages.sentences import split_sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from calmreply.cues import CueGroup
    from calmreply.languages import Language

__all__ = ["Analysis", "Hit", "Sentence", "Token", "analyse"]

# Characters that are seen by no reader: zero width, direction marks, soft hyphen, tags, selectors.
INVISIBLE = re.compile(
    "[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\u20e3\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
)
_QUOTES = str.maketrans(
    dict.fromkeys("’‘ʼ`´", "'") | dict.fromkeys("“”„«»", '"') | dict.fromkeys("–—‐‑", "-")
)
# "300 k", "5 kg": behind a number a short word is a unit, no chat spelling.
_UNIT_LENGTH = 2
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*(?:%|[^\W\d_]+\d*)?|[^\W_]+(?:'[^\W_]+)*|\S", re.UNICODE)


class Token(NamedTuple):
    """A word, number or mark: its analysed form and its place in the text as given."""

    form: str
    start: int
    end: int


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
        self._acts: dict[int, Mapping[str, float]] = {}

    @cached_property
    def sentences(self) -> tuple[Sentence, ...]:
        """The sentences in order; fragments without a letter or digit belong to the one before."""
        home = load_language(self.language)
        return tuple(
            self._sentence(index, start, end, home)
            for index, (start, end) in enumerate(split_sentences(self.clean, home))
        )

    def hits(self, name: str, extra: Sequence[str] = ()) -> tuple[Hit, ...]:
        """Where the cues of that name stand, in order; each sentence is read in its own language."""
        key = (name, tuple(extra))
        found = self._hits.get(key)
        if found is None:
            found = tuple(hit for view in self._near(name, key[1]) for hit in view.hits(name, key[1]))
            self._hits[key] = found
        return found

    def hits_in(self, name: str, sentence: int) -> tuple[Hit, ...]:
        """Where the cues of that name stand in one sentence; the others need not be read."""
        found = self._hits_in.get((name, sentence))
        if found is None:
            found = self._hits_in[name, sentence] = tuple(self._views[0][sentence].hits(name, ()))
        return found

    def acts(self, sentence: int) -> Mapping[str, float]:
        """How much a sentence does each of the acts that rules ask for: from 1 on it counts as doing it."""
        found = self._acts.get(sentence)
        if found is None:
            found = self._acts[sentence] = self._views[0][sentence].acts()
        return found

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

    def _near(self, name: str, extra: tuple[str, ...]) -> Iterable[_View]:
        """The sentences that may hold a cue of that name."""
        views, by_name = self._views
        return by_name.get(name, ()) if not extra and _is_indexed(name) else views

    @cached_property
    def _views(self) -> tuple[tuple[_View, ...], dict[str, list[_View]]]:
        views = tuple(map(_View, self.sentences))
        by_name: dict[str, list[_View]] = {}
        for view in views:
            for name in view.near:
                by_name.setdefault(name, []).append(view)
        return views, by_name

    def _sentence(self, index: int, start: int, end: int, home: Language) -> Sentence:
        clean = self.clean[start:end]
        raw = [
            (match.group(), *self.original(start + match.start(), start + match.end()))
            for match in _TOKEN.finditer(
                clean.lower().translate(_QUOTES) if _same_length(clean) else clean.translate(_QUOTES)
            )
        ]
        language = _language_of([form for form, _, _ in raw], home)
        return Sentence(
            index,
            *self.original(start, end),
            clean,
            tuple(_forms(raw, language)),
            language.code,
            is_bare=_is_bare([form for form, _, _ in raw]),
        )


class _View:
    """A sentence as the one string that cues run over, and the cues that may hit it."""

    def __init__(self, sentence: Sentence) -> None:
        self._sentence = sentence
        self._language = load_language(sentence.language)
        forms = [token.form for token in sentence.tokens]
        self._words = f"\n {' '.join(forms)} \n"
        self._starts = list(accumulate((len(form) + 1 for form in forms), initial=2))
        is_bare = sentence.is_bare and self._language.folds
        words = map(fold, forms) if is_bare else forms
        self.near = self._language.cue_index.near(words, is_bare=is_bare)

    def hits(self, name: str, extra: tuple[str, ...]) -> Iterator[Hit]:
        group = self.near.get(name)
        if group is None and not extra and name in self._language.cue_index:
            return  # none of its cues can stand here
        sentence = self._sentence
        for span in self._spans(group, name, extra):
            first = sentence.tokens[bisect_right(self._starts, span.start) - 1]
            last = sentence.tokens[min(bisect_right(self._starts, span.end - 1), len(sentence.tokens)) - 1]
            yield Hit(first.start, last.end, sentence.index)

    def acts(self) -> Mapping[str, float]:
        """How much the sentence does each act, by its words and its cues together."""
        near = CUES_OF_ACTS.intersection(self.near)
        cued = {name for name in near if any(True for _ in self.hits(name, ()))}
        model = load_act_model(self._language.code)
        if model is None:
            return {act: float(not cued.isdisjoint(names)) for act, names in ACT_CUES.items()}
        return model.strengths([token.form for token in self._sentence.tokens], cued)

    def _spans(self, group: CueGroup | None, name: str, extra: tuple[str, ...]) -> list[Span]:
        if not extra and group is not None:
            return group.spans(self._words, is_bare=self._sentence.is_bare)
        # A shop's own cues, or a group about reviews: not in the index.
        whole = self._language.cue_group(name, extra)
        bare = fold(self._words) if self._language.folds else self._words
        return whole.spans(self._words, bare, is_bare=self._sentence.is_bare)


@lru_cache(maxsize=512)
def analyse(text: str, language: str) -> Analysis:
    """The analysis of a text; kept for the texts read last, so that a review is read once."""
    return Analysis(text, language)


@lru_cache(maxsize=1024)
def _is_indexed(name: str) -> bool:
    return all(name in load_language(code).cue_index for code in language_codes())


def _is_bare(forms: Sequence[str]) -> bool:
    words = [form for form in forms if form[0].isalpha()]
    return 5 * sum(fold(word) != word for word in words) <= len(words)  # one in five, or fewer


def _same_length(text: str) -> bool:
    return len(text.lower()) == len(text)


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


def _forms(raw: Sequence[tuple[str, int, int]], language: Language) -> Iterable[Token]:
    for at, (form, start, end) in enumerate(raw):
        after_number = at > 0 and raw[at - 1][0][0].isdigit()
        if form == "-" and 0 < at < len(raw) - 1 and start == raw[at - 1][2] and end == raw[at + 1][1]:
            continue  # a hyphen inside a word: "follow-up" is two words
        for full in (form,) if after_number and len(form) <= _UNIT_LENGTH else _expanded(form, language):
            yield Token(full, start, end)


def _expanded(form: str, language: Language) -> tuple[str, ...]:
    if not form[0].isalpha():
        return (form,)
    if full := language.expansions.get(form):
        return full
    if "'" in form:
        for ending, word in language.endings.items():
            if form.endswith(ending) and len(form) > len(ending):
                return (*_expanded(form.removesuffix(ending), language), word)
    return (language.speller.corrected(form),)


def _language_of(forms: Sequence[str], home: Language) -> Language:
    """The language of a sentence: home, unless another of ours clearly has more of its function words."""
    words = [form for form in forms if form[0].isalpha()]
    scores = {code: _score(words, code) for code in language_codes()}
    best = max(scores, key=lambda code: (scores[code], code == home.code))
    if best != home.code and scores[best] >= 2 + 2 * scores[home.code]:
        return load_language(best)
    return home


def _score(words: Sequence[str], code: str) -> int:
    known = load_language(code).function_words
    return sum(1 for word in words if word in known)
