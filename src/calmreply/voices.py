"""How a reply speaks: the words a voice has for its slots, and the voice that a draft has."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from calmreply.analysis import Analysis
from calmreply.languages import load_language

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from calmreply.shop import Voice

__all__ = ["voice_of", "voice_slots", "voice_words"]

# The parts of a voice in the order in which they overrule each other.
_PARTS = {"formality": "formality", "person": "person", "self": "self_word", "customer": "customer_word"}
_OTHERS = "*"


def voice_words(voice: Voice, language: str) -> dict[str, str]:
    """The words for the slots of a language's voice, such as "we" and "us", or "self" and "you"."""
    return dict(_words(language, *(str(getattr(voice, name)) for name in _PARTS.values())))


@lru_cache(maxsize=256)
def _words(language: str, *chosen: str) -> tuple[tuple[str, str], ...]:
    tables = load_language(language).data.get("voice", {})
    formal = chosen[0] == "formal"
    words: dict[str, str] = {}
    for part, choice in zip(_PARTS, chosen, strict=True):
        table = tables.get(part, {})
        for slots in (table.get(_OTHERS, {}), table.get(choice, {})):
            words |= {slot: _form(form, formal=formal) for slot, form in slots.items()}
    if "self" in tables:
        words |= {"self": chosen[2], "you": chosen[3]}
    return tuple(words.items())


def _form(form: str | list[str], *, formal: bool) -> str:
    return form if isinstance(form, str) else form[1 if formal else 0]


@lru_cache(maxsize=32)
def voice_slots(language: str) -> frozenset[str]:
    """The names of all slots that a language's voice fills."""
    tables = load_language(language).data.get("voice", {})
    names = {slot for part in _PARTS for slots in tables.get(part, {}).values() for slot in slots}
    return frozenset(names | ({"self", "you"} if "self" in tables else set()))


def voice_of(draft: str, language: str, default_voice: Voice) -> Voice:
    """The voice that a draft speaks with: its own pronouns where it uses any, else the default's.

    Args:
        draft: a reply.
        language: the code of the language it is written in.
        default_voice: what stands for parts of the voice that the draft does not show.
    """
    tables: dict[str, Any] = load_language(language).data.get("voice", {}).get("draft", {})
    sentences = [[token.form for token in one.tokens] for one in Analysis(draft, language).sentences]
    found: dict[str, str] = {}
    for part, table in tables.items():
        scores = (
            {choice: _count(sentences, words) for choice, words in table.items()}
            if "words" not in table
            else _pronoun_scores(sentences, table, taken=set(found.values()))
        )
        best = max(scores, key=lambda choice: scores[choice])
        if scores[best] > 0 and list(scores.values()).count(scores[best]) == 1:
            found[_PARTS[part]] = best
    return default_voice.model_copy(update=found)


def _count(sentences: Iterable[Sequence[str]], words: Iterable[str]) -> float:
    wanted = set(words)
    return float(sum(form in wanted for forms in sentences for form in forms))


def _pronoun_scores(
    sentences: Iterable[Sequence[str]], table: dict[str, list[str]], taken: set[str]
) -> dict[str, float]:
    """How often each word stands where the pronoun stands: before some words, after others."""
    scores: dict[str, float] = {}
    padded = [" ".join(("", *forms, "")).replace(" / ", "/") for forms in sentences]
    for word in sorted(table["words"], key=len, reverse=True):
        score = 0.0
        for at, sentence in enumerate(padded):
            for before in table["before"]:
                score += sentence.count(f" {word} {before} ")
            for after in table["after"]:
                score += sentence.count(f" {after} {word} ")
            # A longer word hides the shorter one in it: "bên em" is no "em".
            padded[at] = (
                sentence.replace(f" {word} ", " · ") if f" {word} " in sentence and score else sentence
            )
        scores[word] = 0.0 if word in taken else score
    return scores
