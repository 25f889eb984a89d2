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
_LONGEST = 60
_MOST_WORDS = 5
_SYLLABLE = 7  # no Vietnamese syllable, and few spoken names in one case, is longer


def display_name(author: str | None, language: str) -> str | None:
    """The name to greet an author with, in the order of names of `language`; None where there is none.

    A handle, an e-mail address, a generic account ("A Google user"), initials and phrases give no name.

    Args:
        author: what the review is signed with.
        language: the code of the reply's language.

    Returns:
        The given name in its proper case, or None.
    """
    if not author or len(author) > _LONGEST:
        return None
    text = " ".join(_BRACKETS.sub(" ", unicodedata.normalize("NFC", author)).split()).strip(" .,-'")
    if not text or _is_generic(text) or _HANDLE.search(text) or not _is_script(text):
        return None
    words = [word.strip(".,-'") for word in text.replace("&", " & ").split()]
    words = _without_titles([word for word in words if word])
    if not words or "&" in words or len(words) > _MOST_WORDS or _has_phrase_word(words):
        return None
    given = _given(words, language)
    if given is None or not all(_is_speakable(word) for word in given):
        return None
    return " ".join(_proper(word) for word in given)


def _given(words: list[str], language: str) -> list[str] | None:
    if len(words) == 1:
        return words if _can_stand_alone(words[0]) else None
    first, last = words[0].casefold(), words[-1].casefold()
    family = _data()["family_first_surnames"]
    if last in family and first not in family:
        return _initial_free(words[:-1], keep=1)
    if first in family:
        two = len(words) == 2 and first in _data()["also_given"] and _order(language) != "given_first"  # noqa: PLR2004 - two words
        return words if two and last in _data()["never"] else _initial_free(words[-1:], keep=1)
    if _looks_vietnamese(words) and len(words) == 2:  # noqa: PLR2004 - a given name of two syllables
        return words
    if _order(language) == "family_first" and _looks_vietnamese(words):
        return words[-1:]
    return _initial_free(words, keep=1)


def _initial_free(words: list[str], *, keep: int) -> list[str] | None:
    if len(words[0]) < 2:  # noqa: PLR2004 - an initial is no name
        return None
    return words[:keep]


def _looks_vietnamese(words: list[str]) -> bool:
    marked = any(fold(word) != word and word.casefold() not in _data()["latin_marks"] for word in words)
    return (marked and all(len(word) <= _SYLLABLE for word in words)) or all(
        word.casefold() in _data()["bare_given"] for word in words
    )


def _can_stand_alone(word: str) -> bool:
    letters = len(word)
    return letters > 1 and (any(char in "aeiouy" for char in fold(word).casefold()) or not word.isascii())


def _is_speakable(word: str) -> bool:
    if len(word) < 2 or not all(char.isalpha() or char in "-'" for char in word):  # noqa: PLR2004 - an initial
        return False
    inner = word[1:]
    mixed = any(char.isupper() for char in inner) and not word.isupper()
    camel = mixed and not re.match(r"^(?:Mc|Mac|O'|D'|De|La|Le)[A-Z]|.*[-'][A-Z]", word)
    if camel:
        return False
    return any(char in "aeiouy" for char in fold(word).casefold()) or not word.isascii()


def _proper(word: str) -> str:
    if word.isupper() or word.islower():
        return "-".join(part[:1].upper() + part[1:].lower() for part in word.split("-"))
    return word


def _is_script(text: str) -> bool:
    return any(char.isalpha() for char in text)


def _is_generic(text: str) -> bool:
    return text.casefold() in _data()["generic"]


def _has_phrase_word(words: list[str]) -> bool:
    return any(word.casefold() in _data()["words"] for word in words)


def _without_titles(words: list[str]) -> list[str]:
    kept = list(words)
    titled = False
    while len(kept) > 1 and kept[0].casefold() in _data()["titles"]:
        titled = kept[0].casefold() in _data()["given_first_titles"] or titled
        kept = kept[1:]
    if titled and len(kept) == 1 and kept[0].casefold() in _data()["given_first_surnames"]:
        return []  # "Mrs Patel" signs with a surname only
    return [] if len(kept) == 1 and kept[0].casefold() in _data()["titles"] else kept


def _order(language: str) -> str:
    try:
        return str(_names(language).get("order", "given_first"))
    except KeyError:
        return "given_first"


@lru_cache(maxsize=1)
def _data() -> dict[str, frozenset[str]]:
    """The name data of every language together: a customer's name is in any of them."""
    lists: dict[str, set[str]] = {
        key: set()
        for key in (
            "generic", "words", "titles", "given_first_titles", "family_first_surnames",
            "given_first_surnames", "also_given", "bare_given", "latin_marks", "never",
        )
    }  # fmt: skip
    for code in language_codes():
        names = _names(code)
        order = names.get("order", "given_first")
        for key in ("generic", "words", "titles", "also_given", "bare_given", "latin_marks"):
            lists[key].update(names.get(key, ()))
        lists[f"{order}_surnames"].update(names.get("surnames", ()))
        if order == "given_first":
            lists["given_first_titles"].update(names.get("titles", ()))
    return {key: frozenset(values) for key, values in lists.items()}


@lru_cache(maxsize=32)
def _names(code: str) -> dict[str, Any]:
    if code not in language_codes():
        return {}
    names: dict[str, Any] = load_language(code).data.get("names", {})
    return names
