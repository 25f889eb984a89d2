"""How a customer is addressed: a name from what they signed with, or none."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

from calmreply.cues import fold
from calmreply.languages import language_codes, load_language

__all__ = ["display_name"]

_HANDLE = re.compile(r"[\d_@#/\\|+=<>{}\[\]*~^:;!?%$€£\"]|[^\W\d_]\.[^\W\d_]{2}")
_BRACKETS = re.compile(r"\([^()]{0,80}\)|\[[^\[\]]{0,80}\]")
_CAMEL = re.compile(r"(?:Mc|Mac|O'|D'|De|La|Le)[A-Z][^\W\d_]+|[^\W\d_]+(?:['-][^\W\d_]+)+")
_VOWELS = frozenset("aeiouy")
_LONGEST = 60
_MOST_WORDS = 5
_SHORTEST_NAME = 2
_LONGEST_SYLLABLE = 7  # of a language written syllable by syllable
_PAIR = 2
_PICTURES = "\u2190"
_FAMILY_FIRST = "family_first"


def display_name(author: str | None, language: str) -> str | None:
    """The name to greet an author with; None where there is none.

    A handle, an e-mail address, a generic account ("A Google user"), initials and phrases give no name.

    Args:
        author: what the review is signed with.
        language: the code of the reply's language; its order of names decides where the name does not.

    Returns:
        The given name in its proper case, or None.
    """
    if not author or len(author) > _LONGEST:
        return None
    plain = _BRACKETS.sub(" ", unicodedata.normalize("NFC", author))
    plain = "".join(char for char in plain if char < _PICTURES or char.isalpha())
    text = " ".join(plain.split()).strip(" .,-'")
    lists = _lists()
    if not text or text.casefold() in lists["generic"] or _HANDLE.search(text):
        return None
    words = _untitled([word for part in text.split() if (word := part.strip(".,-'"))])
    if not words or len(words) > _MOST_WORDS or any(word.casefold() in lists["words"] for word in words):
        return None
    if "&" in words or (len(words) == 1 and words[0].casefold() in lists["surnames"] - lists["also_given"]):
        return None
    given = _given(words, language)
    if not given or not all(map(_is_speakable, given)):
        return None
    return " ".join(map(_proper, given))


def _given(words: list[str], language: str) -> list[str]:
    """The given name among the words: by a surname at either end, else by the look of them."""
    if len(words) == 1:
        return words
    surnames = _lists()["surnames"]
    first, last = words[0].casefold(), words[-1].casefold()
    if first in surnames:
        return words[-1:]
    if last in surnames:
        return words[:-1] if len(words) <= _PAIR else words[:1]
    if _is_syllabic(words) or all(word.casefold() in _lists()["given"] for word in words):
        # No surname: a given name of two syllables is called whole, a longer one by its last.
        return words if len(words) == _PAIR else words[-1:]
    if _names(language).get("order") == _FAMILY_FIRST and _is_bare_family(words):
        return words[-1:]
    return words[:1]


def _is_syllabic(words: list[str]) -> bool:
    """Whether the words look like syllables with marks."""
    marked = [word for word in words if fold(word) != word]
    return 2 * len(marked) >= len(words) and all(len(word) <= _LONGEST_SYLLABLE for word in words)


def _is_bare_family(words: list[str]) -> bool:
    """Whether the words are three syllables or more without marks: a full name typed on a bare keyboard."""
    return len(words) > _PAIR and all(len(word) <= _LONGEST_SYLLABLE for word in words)


def _is_speakable(word: str) -> bool:
    """Whether a word can be said to a person: letters with a vowel, no initial, no handle's capitals."""
    if len(word) < _SHORTEST_NAME or not all(_is_latin(char) or char in "-'" for char in word):
        return False
    mixed = any(char.isupper() for char in word[1:]) and not word.isupper()
    if mixed and not _CAMEL.fullmatch(word):
        return False
    return not word.isascii() or not _VOWELS.isdisjoint(word.casefold())


def _is_latin(char: str) -> bool:
    return char.isalpha() and unicodedata.name(char, "").startswith("LATIN")


def _proper(word: str) -> str:
    if word.isupper() or word.islower():
        return "-".join(part[:1].upper() + part[1:].lower() for part in word.split("-"))
    return word


def _untitled(words: list[str]) -> list[str]:
    """The words without titles; none where a title stands before a surname alone."""
    titles, western = _lists()["titles"], _lists()["western_titles"]
    kept = list(words)
    was_titled = False
    while len(kept) > 1 and kept[0].casefold() in titles:
        was_titled = was_titled or kept[0].casefold() in western
        kept = kept[1:]
    if len(kept) == 1 and kept[0].casefold() in (
        titles | _lists()["western_surnames"] if was_titled else titles
    ):
        return []
    return kept


@lru_cache(maxsize=1)
def _lists() -> dict[str, frozenset[str]]:
    """The name data of every language together: a customer's name is in any of them."""
    every = {code: _names(code) for code in language_codes()}
    western = [names for names in every.values() if names.get("order") != _FAMILY_FIRST]
    family_first = [names for names in every.values() if names.get("order") == _FAMILY_FIRST]

    def joined(tables: list[dict[str, Any]], key: str) -> frozenset[str]:
        return frozenset(word for names in tables for word in names.get(key, ()))

    return {
        "generic": joined(list(every.values()), "generic"),
        "words": joined(list(every.values()), "words"),
        "titles": joined(list(every.values()), "titles"),
        "western_titles": joined(western, "titles"),
        "western_surnames": joined(western, "surnames"),
        "surnames": joined(family_first, "surnames"),
        "also_given": joined(family_first, "also_given"),
        "given": joined(family_first, "given"),
    }


@lru_cache(maxsize=8)
def _names(code: str) -> dict[str, Any]:
    names: dict[str, Any] = load_language(code).data.get("names", {}) if code in language_codes() else {}
    return names
