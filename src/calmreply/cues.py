"""Cues: short patterns over the words of a sentence, readable and bounded.

A pattern is a row of elements with spaces between them:

    word        that word                     word*       any word that begins so
    (a|b c|d*)  one of these                  x?          the word or group may be missing
    *           any one word                  ...         up to six words, whatever they are
    #           any number                    {name}      one of a language's word list
    ^  $        start, end of the sentence

Words are matched in the analysed form of the text (lower case, contractions and chat spellings
written out, quotes straight). In a sentence written without marks, a letter with a mark in a pattern
of a language that folds them also matches the bare letter. A comma or quote may stand between any two
elements. Every gap is bounded, so matching is linear in the length of the text.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from calmreply.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Cue", "CueGroup", "CueIndex", "Span", "compile_cue", "fold", "plain_word"]

# Every element brings the space before it; so does a comma or quote between two elements.
_GAP = r"(?: \S+){0,6}?"
_BETWEEN = r"(?: [,;:\"()\-])?"
_START = r"(?<=\n)"
_END = r"(?: [.!?…,;:\"')])*(?= \n)"
_ELEMENT = re.compile(r"\(|\)\??|\||\.\.\.|\{[a-z_]+\}\??|[^\s()|{}]+", re.UNICODE)


class Span(NamedTuple):
    """A half-open range."""

    start: int
    end: int

    def overlaps(self, other: Span) -> bool:
        """Whether the two share a character."""
        return self.start < other.end and other.start < self.end


@lru_cache(maxsize=16_384)
def fold(text: str) -> str:
    """The text without diacritics: "đổi trả" is "doi tra"."""
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(char for char in decomposed if not unicodedata.combining(char))


@lru_cache(maxsize=16_384)
def plain_word(word: str) -> str:
    """A word as linear models count it: without marks, every number the same."""
    folded = fold(word) or word  # a mark alone stays one
    return "0" if folded[0].isdigit() else folded


@dataclass(slots=True, eq=False)
class Cue:
    """One pattern; its regex is built on first need.

    `anchors` are up to two sets of anchors: a text without any anchor of one of them cannot match it.
    An anchor is a word with spaces around it, or a stem with one before it.
    """

    pattern: str
    source: str = field(repr=False)
    bare_source: str = field(repr=False)
    anchors: tuple[frozenset[str], ...] = field(repr=False)
    _regexes: dict[bool, re.Pattern[str]] = field(default_factory=dict, init=False, repr=False)

    def can_match(self, bare: str) -> bool:
        """Whether a text with that folded form holds one of the anchors."""
        return all(any(fold(anchor) in bare for anchor in anchors) for anchors in self.anchors)

    def spans(self, words: str, *, is_bare: bool) -> list[Span]:
        """Where it matches in `words`, analysed text with a space around every word."""
        regex = self._regexes.get(is_bare)
        if regex is None:
            regex = self._regexes[is_bare] = re.compile(self.bare_source if is_bare else self.source)
        if regex.search(words) is None:
            return []
        # A pattern of nothing but optional words matches nothing.
        return [Span(one.start() + 1, one.end()) for one in regex.finditer(words) if one.end() > one.start()]


@dataclass(frozen=True, slots=True)
class CueGroup:
    """The cues of one name, and the patterns that make a match void where they overlap it."""

    name: str
    cues: tuple[Cue, ...]
    unless: tuple[Cue, ...] = ()

    def spans(self, words: str, bare: str | None = None, *, is_bare: bool = True) -> list[Span]:
        """Where any cue matches and no `unless` pattern overlaps, in order, merged.

        Args:
            words: analysed text with a space around every word.
            bare: its folded form, to leave out cues that cannot match; None where that was done.
            is_bare: whether it is written without marks, so that marked letters match bare ones.
        """
        found = _spans(self.cues, words, bare, is_bare=is_bare)
        if not found:
            return found
        void = _spans(self.unless, words, bare, is_bare=is_bare)
        return _merged([span for span in found if not any(span.overlaps(bad) for bad in void)])


def _spans(cues: Iterable[Cue], words: str, bare: str | None, *, is_bare: bool) -> list[Span]:
    found: list[Span] = []
    for cue in cues:
        if bare is None or cue.can_match(bare):
            found += cue.spans(words, is_bare=is_bare)
    return found


_MOST_REMEMBERED = 50_000
_MOST_ANCHORS = 2


class CueIndex:
    """Which cues a sentence can match at all, told from its words alone.

    Two indexes in one: for sentences with marks by the words as they are, for bare ones by folded words.
    """

    def __init__(self, groups: Iterable[CueGroup]) -> None:
        self._names: set[str] = set()
        # A cue has a number for each of its sets of anchors, one after the other; under the first stand
        # its group's name, whether it makes the group's hits void, and the cue.
        self._entries: dict[int, tuple[str, bool, Cue]] = {}
        self._count = 0
        self._lone: set[int] = set()
        self._paired: set[int] = set()
        self._tables = {False: _AnchorTable(), True: _AnchorTable()}
        self._always: set[int] = set()
        for group in groups:
            self._names.add(group.name)
            for cue in group.cues:
                self._enter((group.name, False, cue))
            for cue in group.unless:
                self._enter((group.name, True, cue))

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def near(self, words: Iterable[str], *, is_bare: bool) -> dict[str, CueGroup]:
        """By name, the groups that may hit a sentence of these words, with the cues that may."""
        table = self._tables[is_bare]
        called = self._always.union(*map(table.called_by, words))
        near: dict[str, tuple[list[Cue], list[Cue]]] = {}
        paired = (number for number in called & self._paired if number + 1 in called)
        for number in chain(called & self._lone, paired):
            name, is_void, cue = self._entries[number]
            near.setdefault(name, ([], []))[is_void].append(cue)
        return {name: CueGroup(name, tuple(cues), tuple(void)) for name, (cues, void) in near.items() if cues}

    def _enter(self, entry: tuple[str, bool, Cue]) -> None:
        number, anchors = self._count, entry[2].anchors
        self._count += max(1, len(anchors))
        self._entries[number] = entry
        (self._paired if len(anchors) > 1 else self._lone).add(number)
        if not anchors:
            self._always.add(number)
        for later, each in enumerate(anchors):
            self._tables[False].enter(each, number + later)
            self._tables[True].enter(map(fold, each), number + later)


class _AnchorTable:
    """Numbers by anchor, and the numbers that a word calls for: remembered, for words come again."""

    def __init__(self) -> None:
        self._words: dict[str, set[int]] = {}
        self._stems: dict[str, set[int]] = {}
        self._lengths: set[int] = set()
        self._remembered: dict[str, frozenset[int]] = {}

    def enter(self, anchors: Iterable[str], number: int) -> None:
        for anchor in anchors:
            word = anchor.strip()
            if anchor.endswith(" "):
                self._words.setdefault(word, set()).add(number)
            else:
                self._stems.setdefault(word, set()).add(number)
                self._lengths.add(len(word))

    def called_by(self, word: str) -> frozenset[int]:
        known = self._remembered.get(word)
        if known is None:
            stems = (self._stems.get(word[:length], ()) for length in self._lengths if length <= len(word))
            known = frozenset(self._words.get(word, ())).union(*stems)
            if len(self._remembered) < _MOST_REMEMBERED:
                self._remembered[word] = known
        return known


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start < merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(span.end, merged[-1].end))
        else:
            merged.append(span)
    return merged


class _Part(NamedTuple):
    """A piece of regex, the same for bare text, and up to two sets of anchors, best first.

    Of each set one anchor must be there; no set where nothing can be said.
    """

    regex: str
    bare: str
    anchors: tuple[frozenset[str], ...] = ()


def compile_cue(
    pattern: str,
    words: Mapping[str, Iterable[str]] | None = None,
    *,
    folds: bool = False,
    common: frozenset[str] = frozenset(),
) -> Cue:
    """Compile a pattern of the little language above.

    Args:
        pattern: the pattern.
        words: the language's word lists, for `{name}`.
        folds: whether a marked letter also matches its bare form in sentences without marks.
        common: words that stand in every other sentence and make poor anchors.

    Raises:
        InputError: the pattern cannot be read; says where.
    """
    tokens = _ELEMENT.findall(unicodedata.normalize("NFC", pattern.casefold()))
    if not tokens:
        raise InputError("a cue is empty", hint="write at least one word")
    part = _Reader(tokens, pattern, words or {}, folds=folds, common=common).alternatives(closing=False)
    return Cue(
        pattern,
        f"(?:{part.regex})(?= )" if "|" in part.regex else f"{part.regex}(?= )",
        f"(?:{part.bare})(?= )" if "|" in part.bare else f"{part.bare}(?= )",
        part.anchors,
    )


class _Reader:
    """Recursive descent over the elements of one pattern."""

    def __init__(
        self,
        tokens: list[str],
        pattern: str,
        words: Mapping[str, Iterable[str]],
        *,
        folds: bool,
        common: frozenset[str],
    ) -> None:
        self._tokens = tokens
        self._at = 0
        self._pattern = pattern
        self._words = words
        self._folds = folds
        self._common = common

    def alternatives(self, *, closing: bool) -> _Part:
        branches = [self._sequence()]
        while self._peek() == "|":
            self._at += 1
            branches.append(self._sequence())
        if (self._peek() is not None) != closing:
            raise self._error("a bracket is not closed, or closed twice")
        return _join(branches)

    def _sequence(self) -> _Part:
        pieces: list[tuple[str, str]] = []
        anchors: list[frozenset[str]] = []
        while (element := self._peek()) is not None and not element.startswith((")", "|")):
            part, optional = self._element(element)
            glue = _BETWEEN if pieces and part.regex not in {_GAP, _START, _END} else ""
            shape = "(?:{}{})?" if optional else "{}{}"
            pieces.append((shape.format(glue, part.regex), shape.format(glue, part.bare)))
            if not optional:
                anchors += part.anchors
        if not pieces:
            raise self._error("an alternative is empty")
        anchors.sort(key=lambda each: sum(map(self._cost, each)))
        exact, bare = ("".join(piece[at] for piece in pieces) for at in (0, 1))
        return _Part(exact, bare, tuple(anchors[:_MOST_ANCHORS]))

    def _element(self, element: str) -> tuple[_Part, bool]:
        self._at += 1
        if element == "(":
            part = self.alternatives(closing=True)
            closing = self._tokens[self._at]
            self._at += 1
            return _Part(f"(?:{part.regex})", f"(?:{part.bare})", part.anchors), closing == ")?"
        if element == "...":
            return _Part(_GAP, _GAP), False
        optional = element.endswith("?") and len(element) > 1
        return self._word(element.removesuffix("?") if optional else element), optional

    def _word(self, word: str) -> _Part:
        fixed = {"^": _START, "$": _END, "#": r" \d\S*", "*": r" \S+"}.get(word)
        if fixed is not None:
            return _Part(fixed, fixed)
        if word.startswith("{"):
            return self._listed(word.strip("{}"))
        stem = word.removesuffix("*")
        ending = r"[^\s.,;:!?]*" if word.endswith("*") else "(?= )"
        anchor = f" {stem}" + ("" if word.endswith("*") else " ")
        bare = self._unmarked(stem) if self._folds else re.escape(stem)
        return _Part(f" {re.escape(stem)}{ending}", f" {bare}{ending}", (frozenset({anchor}),))

    def _listed(self, name: str) -> _Part:
        try:
            listed = self._words[name]
        except KeyError:
            raise self._error(f"there is no word list {name!r}") from None
        parts = [
            _Reader(
                _ELEMENT.findall(unicodedata.normalize("NFC", entry.casefold())),
                self._pattern,
                self._words,
                folds=self._folds,
                common=self._common,
            ).alternatives(closing=False)
            for entry in listed
        ]
        part = _join(parts)
        return _Part(f"(?:{part.regex})", f"(?:{part.bare})", part.anchors)

    def _cost(self, anchor: str) -> float:
        """Anchors are better the fewer and the longer they are; words of every other sentence are poor."""
        return 8.0 if anchor.strip() in self._common else 1.0 / len(anchor)

    def _unmarked(self, word: str) -> str:
        return "".join(re.escape(char) if fold(char) == char else f"[{char}{fold(char)}]" for char in word)

    def _peek(self) -> str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _error(self, what: str) -> InputError:
        return InputError(f"cue {self._pattern!r}: {what}", hint="see the docstring of calmreply.cues")


def _join(parts: list[_Part]) -> _Part:
    """Alternatives: an anchor of any of them, set by set, as far as every one of them has a set."""
    if len(parts) == 1:
        return parts[0]
    return _Part(
        "|".join(part.regex for part in parts),
        "|".join(part.bare for part in parts),
        tuple(frozenset().union(*sets) for sets in zip(*(part.anchors for part in parts), strict=False)),
    )
