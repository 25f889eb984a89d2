"""One sentence, read once wherever it stands: its words, its language, its cues and what it does.

The same sentences come again: in a draft and its mended form, and over thousands of replies from the same
templates. What was read of one is kept.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from calmreply.acts import ACT_CUES, CUES_OF_ACTS, load_act_model
from calmreply.cues import fold
from calmreply.languages import language_codes, load_language

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from calmreply.cues import CueGroup, Span
    from calmreply.languages import Language

__all__ = ["SentenceReading", "Token", "forget", "is_indexed", "read_sentence"]

_QUOTES = str.maketrans(
    dict.fromkeys("’‘ʼ`´", "'") | dict.fromkeys("“”„«»", '"') | dict.fromkeys("–—‐‑", "-")
)
# "300 k", "5 kg": behind a number a short word is a unit, no chat spelling.
_UNIT_LENGTH = 2
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*(?:%|[^\W\d_]+\d*)?|[^\W_]+(?:'[^\W_]+)*|\S", re.UNICODE)
_MOST_KEPT = 2048
# Nobody writes such a sentence twice.
_LONGEST_KEPT = 600


class Token(NamedTuple):
    """A word, number or mark: its analysed form and its place."""

    form: str
    start: int
    end: int


class SentenceReading:
    """What stands in a sentence, whatever stands around it; places count from its start.

    `is_bare`: it is written without diacritics, or nearly so.
    """

    def __init__(self, clean: str, home: str) -> None:
        lowered = clean.lower() if _same_length(clean) else clean
        raw = [
            (match.group(), match.start(), match.end())
            for match in _TOKEN.finditer(lowered.translate(_QUOTES))
        ]
        forms = [form for form, _, _ in raw]
        self.language = _language_of(forms, load_language(home))
        self.is_bare = _is_bare(forms)
        self.tokens = tuple(_forms(raw, self.language))
        self._spans: dict[str, tuple[tuple[int, int], ...]] = {}

    @cached_property
    def near(self) -> Mapping[str, CueGroup]:
        """By name, the cue groups that may hit it, with the cues that may."""
        is_bare = self.is_bare and self.language.folds
        forms = (token.form for token in self.tokens)
        return self.language.cue_index.near(map(fold, forms) if is_bare else forms, is_bare=is_bare)

    def spans(self, name: str, extra: tuple[str, ...] = ()) -> tuple[tuple[int, int], ...]:
        """Where the cues of that name stand: the first and the last word of each hit."""
        if extra:
            return self._found(name, extra)
        found = self._spans.get(name)
        if found is None:
            found = self._spans[name] = self._found(name, ())
        return found

    @cached_property
    def acts(self) -> Mapping[str, float]:
        """How much it does each act, by its words and its cues together: from 1 on it counts as doing it."""
        cued = {name for name in CUES_OF_ACTS.intersection(self.near) if self.spans(name)}
        model = load_act_model(self.language.code)
        if model is None:
            return {act: float(not cued.isdisjoint(names)) for act, names in ACT_CUES.items()}
        return model.strengths([token.form for token in self.tokens], cued)

    @cached_property
    def _words(self) -> str:
        """The one string that cues run over."""
        return f"\n {' '.join(token.form for token in self.tokens)} \n"

    @cached_property
    def _starts(self) -> list[int]:
        return list(accumulate((len(token.form) + 1 for token in self.tokens), initial=2))

    def _found(self, name: str, extra: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
        last = len(self.tokens)
        return tuple(
            (
                bisect_right(self._starts, span.start) - 1,
                min(bisect_right(self._starts, span.end - 1), last) - 1,
            )
            for span in self._matches(name, extra)
        )

    def _matches(self, name: str, extra: tuple[str, ...]) -> Iterable[Span]:
        if not extra:
            group = self.near.get(name)
            if group is not None:
                return group.spans(self._words, is_bare=self.is_bare)
            if name in self.language.cue_index:
                return ()  # none of its cues can stand here
        # A shop's own cues, or a group about reviews: not in the index.
        whole = self.language.cue_group(name, extra)
        bare = fold(self._words) if self.language.folds else self._words
        return whole.spans(self._words, bare, is_bare=self.is_bare)


def read_sentence(clean: str, home: str) -> SentenceReading:
    """The reading of a sentence that should be in the language `home`; kept for those read last."""
    return _kept(clean, home) if len(clean) <= _LONGEST_KEPT else SentenceReading(clean, home)


def forget() -> None:
    """Drop every reading that is kept, to measure what a first reading takes."""
    _kept.cache_clear()


_kept = lru_cache(maxsize=_MOST_KEPT)(SentenceReading)


@lru_cache(maxsize=1024)
def is_indexed(name: str) -> bool:
    """Whether every language knows from its words alone whether a sentence can hold a cue of that name."""
    return all(name in load_language(code).cue_index for code in language_codes())


def _is_bare(forms: Sequence[str]) -> bool:
    words = [form for form in forms if form[0].isalpha()]
    return 5 * sum(fold(word) != word for word in words) <= len(words)  # one in five, or fewer


def _same_length(text: str) -> bool:
    return len(text.lower()) == len(text)


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
