"""Whom a reply greets: the names that stand where a reader takes them for their own."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from calmreply.cues import fold
from calmreply.languages import Language, load_language

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from calmreply.analysis import Analysis, Sentence, Token

__all__ = ["Greeted", "greeted_names", "is_same_name"]

_LONGEST_NAME = 5
_FEW_WORDS = 4
_SEPARATORS = frozenset({",", "!", ".", ":", "-", ";", "…"})


class Greeted(NamedTuple):
    """A name that is addressed: its words and its place in the text as given."""

    words: tuple[str, ...]
    start: int
    end: int


# Phrases by their first word, the longest first.
_Entries: TypeAlias = "dict[str, list[tuple[str, ...]]]"


class _Address:
    """A language's words of address; folded for a sentence that is written without marks."""

    def __init__(self, language: Language, *, is_bare: bool) -> None:
        data = language.data.get("address", {})

        def form(text: str) -> str:
            return fold(text) if is_bare else text

        def listed(name: str) -> _Entries:
            entries: _Entries = {}
            for entry in sorted({form(entry) for entry in data.get(name, ())}, key=len, reverse=True):
                words = tuple(entry.split())
                entries.setdefault(words[0], []).append(words)
            return entries

        self.is_bare = is_bare
        self.greetings = listed("greetings")
        self.before = listed("before")
        self.after = listed("after")
        self.follow = listed("follow")
        self.titled_before = listed("titled_before")
        self.titled_after = listed("titled_after")
        self.titles = listed("titles")
        self.generic = set(listed("generic"))
        self.small = {form(word) for word in language.function_words} - self.generic
        self.not_names = {*listed("not_names"), *listed("greetings")}
        self.own_titles = set(self.titles)


@lru_cache(maxsize=8)
def _address_of(code: str, is_bare: bool) -> _Address:  # noqa: FBT001 - a key of the cache
    language = load_language(code)
    return _Address(language, is_bare=is_bare and language.folds)


def is_same_name(greeted: Sequence[str], name: str) -> bool:
    """Whether one is the other or a part of it, whatever the case and the marks."""
    one = {word for text in greeted for word in _folded_words(text)}
    other = set(_folded_words(name))
    return bool(one) and (one <= other or other <= one)


def greeted_names(analysis: Analysis, own: Sequence[str] = ()) -> Iterator[Greeted]:
    """Every name that is greeted, thanked or called; names of the shop (`own`) are not."""
    ours = {word for text in own for word in _folded_words(text)}
    for sentence in analysis.sentences:
        address = _address_of(sentence.language, sentence.is_bare)
        view = _View(analysis, sentence, is_bare=address.is_bare)
        for found in _in_sentence(view, address):
            if not {fold(word.casefold()) for word in found.words} <= ours:
                yield found


class _View:
    """A sentence's words as written, their forms in lower case, and where each stands."""

    def __init__(self, analysis: Analysis, sentence: Sentence, *, is_bare: bool) -> None:
        tokens = _once(sentence.tokens)
        self.tokens = tokens
        self.written = [analysis.text[token.start : token.end] for token in tokens]
        lower = (unicodedata.normalize("NFC", word.casefold()) for word in self.written)
        self.keys = [fold(word) if is_bare else word for word in lower]
        self.index = sentence.index
        words = [word for word in self.written if word[0].isalpha()]
        # Where nearly every word has a capital, a capital says nothing.
        self.is_capital = len(words) > _FEW_WORDS and sum(word[0].isupper() for word in words) * 5 > 4 * len(
            words
        )
        self.text = analysis.text

    def at(self, start: int, entries: _Entries) -> int:
        """The length of the longest entry that stands at `start`; 0 for none."""
        for entry in entries.get(self.keys[start], ()) if 0 <= start < len(self.keys) else ():
            if tuple(self.keys[start : start + len(entry)]) == entry:
                return len(entry)
        return 0

    def is_name_like(self, at: int, address: _Address) -> bool:
        word = self.written[at] if at < len(self.written) else ""
        return word[:1].isupper() and not self.is_capital and self._may_name(at, address)

    def _may_name(self, at: int, address: _Address) -> bool:
        word = self.keys[at]
        if not word.replace("'", "").replace("’", "").isalpha() or word in address.not_names:
            return False
        if at and self.keys[at - 1] in address.own_titles and self.written[at][0].isupper():
            return word not in address.own_titles  # "anh Minh", "chị Như": what follows a title is a name
        # "Hi Will," is a name; "Hello We" is none.
        return word not in address.generic and (word not in address.small or self.stops(at + 1))

    def name_from(self, at: int, address: _Address, *, any_case: bool) -> Greeted | None:
        """The name that begins at `at`, if one does."""
        end = at
        while end < len(self.written) and end - at < _LONGEST_NAME and self.is_name_like(end, address):
            end += 1
        if end == at:
            alone = any_case and at < len(self.written) and self._may_name(at, address)
            if not (alone and self.stops(at + 1)):
                return None
            end = at + 1
        elif end < len(self.keys) and self.keys[end] in _PEOPLE and self.keys[end] in address.generic:
            return None  # "Dear Riverbend customer"
        words = tuple(self.written[at:end])
        return Greeted(words, self.tokens[at].start, self.tokens[end - 1].end)

    def stops(self, at: int) -> bool:
        return at >= len(self.keys) or self.keys[at] in _SEPARATORS


_PEOPLE = frozenset(
    (
        "customer",
        "customers",
        "guest",
        "guests",
        "user",
        "users",
        "team",
        "shopper",
        "reader",
        "family",
        "lover",
    )
)


def _folded_words(text: str) -> list[str]:
    return "".join(char if char.isalnum() else " " for char in fold(text.casefold())).split()


def _once(tokens: Sequence[Token]) -> list[Token]:
    """The tokens without the second halves of words that were written out ("I'm", "ib")."""
    kept: list[Token] = []
    for token in tokens:
        if not kept or token.start != kept[-1].start:
            kept.append(token)
    return kept


def _in_sentence(view: _View, address: _Address) -> Iterator[Greeted]:
    seen: set[int] = set()
    for found in (*_after_words(view, address), *_called(view, address)):
        if found.start not in seen:
            seen.add(found.start)
            yield found


def _after_words(view: _View, address: _Address) -> Iterator[Greeted]:
    """What follows a greeting or thanks: "Hi Anna", "Chào chị Lan", "Thank you, Susan"."""
    for at in range(len(view.keys)):
        greeting = view.at(at, address.greetings) if at <= 3 else 0  # noqa: PLR2004 - "Dạ em chào"
        length = greeting or view.at(at, address.before)
        if not length:
            continue
        place = at + length
        if not greeting and place < len(view.keys) and view.keys[place] == ",":
            place += 1
            found = view.name_from(_past_titles(view, place, address), address, any_case=False)
            if found and not _ends_clause(view, found):
                continue
        else:
            place = place + 1 if greeting and place < len(view.keys) and view.keys[place] == "," else place
            after = _past_titles(view, place, address)
            found = view.name_from(after, address, any_case=bool(greeting))
            if found and not greeting and not _is_followed(view, found, address):
                continue  # "sorry Prompt never rings": a product
        if found:
            yield found


def _is_followed(view: _View, found: Greeted, address: _Address) -> bool:
    after = next((at for at, token in enumerate(view.tokens) if token.start >= found.end), len(view.tokens))
    return view.stops(after) or view.at(after, address.follow) > 0


def _past_titles(view: _View, at: int, address: _Address) -> int:
    while (length := view.at(at, address.titles)) and at + length < len(view.keys):
        # "Minh Anh" begins with no title, but "anh Anh" does.
        if view.keys[at + length] in _SEPARATORS and view.keys[at + length] != ".":
            break
        at += length
        if at < len(view.keys) and view.keys[at] == ".":
            at += 1
    while at + 1 < len(view.keys) and len(view.keys[at]) == 1 and view.keys[at + 1] == ".":
        at += 2  # "J. Smith"
    return at


def _ends_clause(view: _View, found: Greeted) -> bool:
    after = view.text[found.end : found.end + 2].lstrip()
    return not after or not after[0].isalnum()


def _called(view: _View, address: _Address) -> Iterator[Greeted]:
    """Calls: "…, Susan!" at the end of thanks, "Peter, thank you", "Chị Lan ơi"."""
    is_warm = any(view.at(at, address.before) for at in range(len(view.keys)))
    words = [at for at, word in enumerate(view.keys) if word[:1].isalnum()]
    if is_warm and words:
        yield from _at_end(view, words[-1], address)
    if view.index == 0 and len(view.keys) > 2 and view.keys[1] == "," and is_warm:  # noqa: PLR2004 - a name, a comma, a word
        found = view.name_from(0, address, any_case=False)
        if found and len(found.words) == 1 and not view.keys[0].endswith("ly"):
            yield found
    for at in range(1, len(view.keys)):
        if view.at(at, address.after):
            yield from _before(view, at, address)
    for at in range(len(view.keys)):
        yield from _titled(view, at, address)


def _titled(view: _View, at: int, address: _Address) -> Iterator[Greeted]:
    """A title and a name in a place where only the customer is spoken to: "gửi chị Lan", "Anh Minh nhắn"."""
    title = view.at(at, address.titles)
    if not title or at + title >= len(view.keys) or not address.titled_before:
        return
    found = view.name_from(at + title, address, any_case=False)
    if found is None:
        return
    is_spoken_to = any(view.at(at - length, address.titled_before) == length for length in (1, 2, 3))
    after = at + title + len(found.words)
    if is_spoken_to or (at == 0 and view.at(after, address.titled_after)):
        yield found


def _at_end(view: _View, last: int, address: _Address) -> Iterator[Greeted]:
    for at in (last, last - 1):
        # "in Leeds, England" is a place.
        if at > 1 and view.keys[at - 1] == "," and not view.written[at - 2][:1].isupper():
            found = view.name_from(at, address, any_case=False)
            if found and found.end == view.tokens[last].end:
                yield found


def _before(view: _View, at: int, address: _Address) -> Iterator[Greeted]:
    """A name between a pronoun, or the start, and a word of calling."""
    start = at
    while start > 0 and at - start < _LONGEST_NAME and view.is_name_like(start - 1, address):
        start -= 1
    if start < at:
        yield Greeted(tuple(view.written[start:at]), view.tokens[start].start, view.tokens[at - 1].end)
