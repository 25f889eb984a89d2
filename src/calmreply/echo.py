"""A small model may copy its instructions or the complaint itself into the draft; neither may stand there."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from calmreply.analysis import Analysis

if TYPE_CHECKING:
    from calmreply.prompt_files import LanguagePrompts

__all__ = ["without_echo"]

_FEWEST_WORDS = 2
# Fewer words may be a courtesy: "Thank you."
_FEWEST_TOLD_WORDS = 3
_NOT_WORDS = re.compile(r"[^\w]+")


def without_echo(draft: str, review: str, texts: LanguagePrompts, language: str) -> str:
    """The draft without whole sentences that are not its own.

    These are instructions of the prompt, lines of the plan with their label, and sentences of the review
    word for word: "the quality is awful" is the customer's to say, not the shop's.

    Args:
        draft: what the model wrote.
        review: the review's text.
        texts: the prompt files of the language.
        language: the language's code.
    """
    said, labels = _instructions(texts, language)
    told = f" {_plain(review)} "
    kept: list[str] = []
    end, is_changed = 0, False
    for sentence in Analysis(draft, language).sentences:
        plain = _plain(draft[sentence.start : sentence.end])
        is_told = len(plain.split()) >= _FEWEST_TOLD_WORDS and f" {plain} " in told
        if plain in said or plain.startswith(labels) or is_told:
            is_changed = True
        else:
            kept.append(draft[end if kept else sentence.start : sentence.end])
        end = sentence.end
    return "".join(kept) if is_changed else draft


@lru_cache(maxsize=32)
def _instructions(texts: LanguagePrompts, language: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """Every sentence of the instructions, and the labels of the plan's lines."""
    sources = [texts.system.source, texts.plan.source, texts.repair.source]
    sources += [text.source for text in texts.guidance.values()]
    said = {
        _plain(source[sentence.start : sentence.end])
        for source in sources
        for sentence in Analysis(source, language).sentences
    }
    lines = (line.partition(":") for line in texts.plan.source.split("\n"))
    labels = {_plain(label) for label, _, value in lines if "{" in value}
    return (
        frozenset(one for one in said if len(one.split()) >= _FEWEST_WORDS),
        tuple(sorted(f"{label} " for label in labels if len(label.split()) >= _FEWEST_WORDS)),
    )


def _plain(text: str) -> str:
    return " ".join(_NOT_WORDS.sub(" ", text.casefold()).split())
