"""A small model may copy its instructions or the complaint itself into the draft; neither may stand there."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from calmreply.analysis import Analysis
from calmreply.details import find_products
from calmreply.languages import load_language
from calmreply.rules import all_rules

if TYPE_CHECKING:
    from calmreply.prompt_files import LanguagePrompts

__all__ = ["without_echo"]

_FEWEST_WORDS = 2
# Fewer words may be a courtesy: "Thank you."
_FEWEST_TOLD_WORDS = 3
# So many words on end as the customer wrote them bring the customer's voice with them, and the errors.
_MOST_BORROWED = 6
_NOT_WORDS = re.compile(r"[^\w]+")


def without_echo(
    draft: str, review: str, texts: LanguagePrompts, language: str, *, owns_partner: bool = False
) -> str:
    """The draft without whole sentences that are not its own.

    These are instructions of the prompt and lines of the plan with their label; sentences that are the
    review's word for word, borrow six words of it on end, or its chat spellings: "the quality is awful"
    is the customer's to say, not the shop's; and what belongs to the examples: a thing that the review
    does not name, a word about the delivery partner where nobody spoke of one.

    Args:
        draft: what the model wrote.
        review: the review's text.
        texts: the prompt files of the language.
        language: the language's code.
        owns_partner: whether the plan is about a third party, so that the shop may own its choice.
    """
    said, labels = _instructions(texts, language)
    told = f" {_plain(review)} "
    strange = _shown_products(texts, language) - find_products(review, language)
    analysis = Analysis(draft, language)
    owning = set() if owns_partner else {hit.sentence for hit in analysis.hits("blame_partner")}
    kept: list[str] = []
    end, is_changed = 0, False
    for sentence in analysis.sentences:
        plain = _plain(draft[sentence.start : sentence.end])
        if (
            plain in said
            or plain.startswith(labels)
            or sentence.index in owning
            or _is_borrowed(plain, told, language)
            or (strange and not strange.isdisjoint(find_products(sentence.text, language)))
        ):
            is_changed = True
        else:
            kept.append(draft[end if kept else sentence.start : sentence.end])
        end = sentence.end
    return "".join(kept) if is_changed else draft


def _is_borrowed(plain: str, told: str, language: str) -> bool:
    """Whether a sentence is the review's, or so much of it that the customer speaks in it."""
    words = plain.split()
    if len(words) >= _FEWEST_TOLD_WORDS and f" {plain} " in told:
        return True
    chat = load_language(language).chat_spellings
    if any(word in chat and f" {word} " in told for word in words):
        return True
    ends = range(_MOST_BORROWED, len(words) + 1)
    return any(f" {' '.join(words[end - _MOST_BORROWED : end])} " in told for end in ends)


@lru_cache(maxsize=32)
def _shown_products(texts: LanguagePrompts, language: str) -> frozenset[str]:
    """The kinds of thing that the examples are about."""
    return frozenset().union(*(find_products(one.reply.source, language) for one in texts.examples))


@lru_cache(maxsize=32)
def _instructions(texts: LanguagePrompts, language: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """Every sentence of the instructions, and the labels of the plan's lines."""
    sources = [texts.system.source, texts.plan.source, texts.repair.source]
    sources += [text.source for text in texts.guidance.values()]
    sources += [rule.hint for rule in all_rules().values()]  # a re-ask names them
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
