"""A tree of plain phrases: where they stand in a text is found in one pass, word by word."""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from itertools import product as every_choice
from typing import TYPE_CHECKING, NamedTuple

from calmreply.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["Entry", "PhraseTree", "written_out"]

_PIECE = re.compile(r"\(|\)\??|\||[^\s()|]+")
_NUMBER = "#"


class Entry(NamedTuple):
    """What a phrase stands for: a concept, a looser word for it (`~`), or what is not it (`!`)."""

    concept: str
    kind: str


class _Node:
    """A place in the tree of phrases: what ends here, and the words that may follow."""

    __slots__ = ("entries", "stems", "words")

    def __init__(self) -> None:
        self.entries: list[tuple[Entry, bool]] = []
        self.words: dict[str, _Node] = {}
        self.stems: dict[str, _Node] = {}

    def after(self, atom: str) -> _Node:
        """The place reached by a word, a `stem*` or `#`, made where there is none."""
        table = self.stems if atom.endswith("*") else self.words
        return table.setdefault(atom.rstrip("*"), _Node())


class PhraseTree:
    """Phrases by their first word, of one way to write: with marks or without."""

    def __init__(self) -> None:
        self.root = _Node()
        self.starting = lru_cache(maxsize=8192)(self._starting)

    def add(self, atoms: Sequence[str], entry: Entry, *, needs_neighbour: bool) -> None:
        """Enter a phrase; `needs_neighbour` is handed back with it where it is found."""
        node = self.root
        for atom in atoms:
            node = node.after(atom)
        if (entry, needs_neighbour) not in node.entries:
            node.entries.append((entry, needs_neighbour))

    def ending(self, forms: Sequence[str], at: int) -> Iterator[tuple[Entry, bool, int]]:
        """Every phrase that begins at a word: its entry, whether it needs a neighbour, and its end."""
        places = [(node, at + 1) for node in self.starting(forms[at])]
        while places:
            node, end = places.pop()
            for entry, needs_neighbour in node.entries:
                yield entry, needs_neighbour, end
            if end == len(forms):
                continue
            form = forms[end]
            if (following := node.words.get(_NUMBER if form[0].isdigit() else form)) is not None:
                places.append((following, end + 1))
            for stem, stemmed in node.stems.items():
                if form.startswith(stem):
                    places.append((stemmed, end + 1))

    @cached_property
    def _lengths(self) -> list[int]:
        return sorted({len(stem) for stem in self.root.stems})

    def _starting(self, word: str) -> tuple[_Node, ...]:
        exact = self.root.words.get(_NUMBER if word[0].isdigit() else word)
        stems = (self.root.stems.get(word[:length]) for length in self._lengths if length <= len(word))
        return tuple(node for node in (exact, *stems) if node is not None)


def written_out(pattern: str) -> Iterable[tuple[str, ...]]:
    """Every plain phrase that a cue stands for."""
    pieces = _PIECE.findall(pattern)
    phrases, end = _alternatives(pieces, 0, pattern)
    if end != len(pieces):
        raise InputError(f"details {pattern!r}: a bracket is not closed, or closed twice")
    return dict.fromkeys(phrase for phrase in phrases if phrase)


def _alternatives(pieces: Sequence[str], at: int, pattern: str) -> tuple[list[tuple[str, ...]], int]:
    branches: list[tuple[str, ...]] = []
    row: list[list[tuple[str, ...]]] = []
    while at < len(pieces) and not pieces[at].startswith(")"):
        piece = pieces[at]
        at += 1
        if piece == "|":
            branches.extend(_joined(row))
            row = []
        elif piece == "(":
            inner, at = _alternatives(pieces, at, pattern)
            if at == len(pieces):
                raise InputError(f"details {pattern!r}: a bracket is not closed")
            row.append([*inner, ()] if pieces[at] == ")?" else inner)
            at += 1
        else:
            word = piece.removesuffix("?")
            row.append([(word,), ()] if piece != word else [(word,)])
    branches.extend(_joined(row))
    return branches, at


def _joined(row: Sequence[Sequence[tuple[str, ...]]]) -> Iterator[tuple[str, ...]]:
    for choice in every_choice(*row):
        yield tuple(word for part in choice for word in part)
