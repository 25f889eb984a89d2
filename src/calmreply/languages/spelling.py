"""Typing errors in long words, put right towards the words that cues look for."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Speller"]

_WORD = re.compile(r"[^\W\d_]+\*?")


class Speller:
    """Knows the words of the cues and finds the one a misspelt word was meant to be.

    A word is corrected when it is at least `longest_first` letters long (0: never), is no cue word
    or inflection of one, is not in `known`, and one cue word with the same first letter is one
    edit away (a letter missing, doubled, wrong, or two swapped).
    """

    def __init__(self, patterns: Iterable[str], known: Iterable[str], *, longest_first: int) -> None:
        self._shortest = longest_first
        found = {word for pattern in patterns for word in _WORD.findall(pattern)}
        self._stems = tuple({word.rstrip("*") for word in found if word.endswith("*")})
        self._words = frozenset(word.rstrip("*") for word in found)
        self._known = frozenset(known)
        self._near: dict[str, set[str]] = {}
        if longest_first:
            for word in self._words:
                if len(word) >= longest_first:
                    for shorter in _shortened(word):
                        self._near.setdefault(shorter, set()).add(word)
        self.corrected = lru_cache(maxsize=8192)(self._corrected)

    def _corrected(self, word: str) -> str:
        if not self._shortest or len(word) < self._shortest - 1 or len(word) > 20:  # noqa: PLR2004 - no cue is longer
            return word
        if word in self._words or word in self._known or self._is_inflected(word):
            return word
        meant = {
            other
            for shorter in _shortened(word)
            for other in self._near.get(shorter, ())
            if other[0] == word[0] and _one_edit(word, other)
        }
        return min(meant, key=lambda other: (-len(other), other)) if meant else word

    def _is_inflected(self, word: str) -> bool:
        if any(word.startswith(stem) for stem in self._stems):
            return True
        stems = {word[:-1], word[:-2], word[:-3], word + "e", word + "s"}
        return any(stem in self._words or stem + "e" in self._words for stem in stems)


def _shortened(word: str) -> set[str]:
    return {word} | {word[:at] + word[at + 1 :] for at in range(len(word))}


def _one_edit(one: str, other: str) -> bool:
    if abs(len(one) - len(other)) > 1:
        return False
    if len(one) == len(other):
        wrong = [at for at, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
        if len(wrong) == 1:
            return True
        swapped = 2
        return (
            len(wrong) == swapped
            and wrong[1] == wrong[0] + 1
            and one[wrong[0]] == other[wrong[1]]
            and one[wrong[1]] == other[wrong[0]]
        )
    short, long = sorted((one, other), key=len)
    return any(long[:at] + long[at + 1 :] == short for at in range(len(long)))
