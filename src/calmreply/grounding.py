"""What a draft says of the problem, held to what was read in the review.

A small model that tells the customer's story in its own words gets a third of the stories wrong, in
sentences that break no rule. Held to the plan, it may name the problem by the plan's details alone, in any
words that stand for them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from calmreply.analysis import Analysis
from calmreply.concepts import PRODUCT, load_vocabulary, mentions_of
from calmreply.details import find_products

if TYPE_CHECKING:
    from collections.abc import Iterable

    from calmreply.analysis import Sentence
    from calmreply.concepts import Vocabulary
    from calmreply.plan import Plan
    from calmreply.prompt_files import LanguagePrompts
    from calmreply.template_files import Texts

__all__ = ["grounded"]

_MOST_BORROWED = 2
_MOST_BEHIND = 3
_NOT_WORDS = re.compile(r"[^\w]+")
_NAMED_BY_SLOT = ("problem.", "question.", "by.", "extra.")


def grounded(
    draft: str, review: str, plan: Plan, said: Iterable[str], texts: Texts, prompts: LanguagePrompts
) -> str:
    """The draft without the sentences that tell more of the problem than the plan knows.

    Args:
        draft: what the model wrote.
        review: the review's text, of which a sentence about a detail may borrow two more words.
        plan: its details are what was read in the review.
        said: texts whose words may stand in the reply: the plan's remedy, invitation and so on.
        texts: the phrases of the plan's language: what templates say of any complaint of the kind.
        prompts: the prompt files of the language.
    """
    courtesies = _courtesies(texts, prompts, plan.language, plan.complaint)
    ground = _Ground(plan, review, courtesies, tuple(said))
    analysis = Analysis(draft, plan.language)
    kept: list[str] = []
    end, is_changed = 0, False
    for sentence in analysis.sentences:
        if ground.carries(sentence, analysis):
            kept.append(draft[end if kept else sentence.start : sentence.end])
        else:
            is_changed = True
        end = sentence.end
    return "".join(kept) if is_changed else draft


class _Ground:
    """What a draft may stand on: the plan's details, and the words of courtesy."""

    def __init__(self, plan: Plan, review: str, courtesies: frozenset[str], said: tuple[str, ...]) -> None:
        vocabulary = load_vocabulary(plan.language)
        names = {name for detail in plan.details for name in _names(detail)}
        products = {PRODUCT + kind for kind in find_products(review, plan.language)}
        self._details = names.union(*(vocabulary.near(name) for name in names))
        self._concepts = self._details | products
        self._phrases = [f" {_plain(text)} " for text in said]
        self._said = _stems(" ".join(said), plan.language)
        self._courtesies = courtesies
        self._known = courtesies | self._said
        self._told = _stems(review, plan.language)

    def carries(self, sentence: Sentence, analysis: Analysis) -> bool:
        """Whether a sentence names no other problem, and has hardly a word from elsewhere."""
        vocabulary = load_vocabulary(sentence.language)
        forms = [vocabulary.stem(form) for form in vocabulary.forms(sentence, analysis.text)]
        apologises = bool(analysis.hits_in("apology", sentence.index))
        tells = apologises or bool(analysis.hits_in("empathy", sentence.index))
        covered: set[int] = set()
        named: set[str] = set()
        for mention in mentions_of(sentence, analysis.text):
            words = forms[mention.start : mention.end]
            if mention.concept not in self._concepts:
                if not (self._said if tells else self._known).issuperset(words):
                    return False
            elif mention.concept in self._details and not mention.concept.startswith(PRODUCT):
                named.add(mention.concept)
            covered.update(range(mention.start, mention.end))
        other = [form for at, form in enumerate(forms) if form[0].isalnum() and at not in covered]
        if apologises and not self._is_plain(sentence, other, vocabulary) and not named:
            return False
        if apologises and self._rambles(sentence):
            return False
        strange = [form for form in other if form not in self._known and self._tells(form, vocabulary)]
        return not strange or (
            bool(named) and len(strange) <= _MOST_BORROWED and self._told.issuperset(strange)
        )

    def _is_plain(self, sentence: Sentence, forms: Iterable[str], vocabulary: Vocabulary) -> bool:
        """Whether an apology names no problem at all, or the plan's in the plan's words."""
        text = f" {_plain(sentence.text)} "
        if any(phrase in text for phrase in self._phrases):
            return True
        small = vocabulary.language.function_words
        return all(form in self._courtesies or form in small for form in forms)

    def _rambles(self, sentence: Sentence) -> bool:
        """Whether an apology goes on behind the plan's problem: "… the battery that you did not want"."""
        text = f" {_plain(sentence.text)} "
        rest = min((len(text.partition(one)[2].split()) for one in self._phrases if one in text), default=0)
        return rest > _MOST_BEHIND

    def _tells(self, form: str, vocabulary: Vocabulary) -> bool:
        """Whether a word says something: also one that could be of any review, where it is this one's."""
        if form in vocabulary.language.function_words:
            return False
        return vocabulary.is_telling(form) or form[0].isdigit() or form in self._told


def _plain(text: str) -> str:
    return " ".join(_NOT_WORDS.sub(" ", text.casefold()).split())


def _names(detail: str) -> tuple[str, ...]:
    """The concept of a detail, and the product where it names one."""
    if detail.startswith(PRODUCT):
        return (detail,)
    name, _, product = detail.partition(":")
    return (name, PRODUCT + product) if product else (name,)


@lru_cache(maxsize=64)
def _courtesies(texts: Texts, prompts: LanguagePrompts, language: str, complaint: str) -> frozenset[str]:
    """The words of thanks, apology and understanding for a complaint, and of every remedy and invitation."""
    sources = [
        one.source
        for key, wordings in texts.phrases.items()
        if not key.startswith(_NAMED_BY_SLOT)
        and (key.endswith((".any", f".{complaint}")) or key.count(".") == 2)  # noqa: PLR2004
        for one in wordings
    ]
    sources += [line.source for one in texts.templates[complaint] for line in one.lines]
    sources += [one.source for starts in prompts.starts.values() for one in starts]
    return _stems(" ".join(sources), language)


def _stems(text: str, language: str) -> frozenset[str]:
    vocabulary = load_vocabulary(language)
    analysis = Analysis(text, language)
    return frozenset(
        vocabulary.stem(form)
        for sentence in analysis.sentences
        for form in vocabulary.forms(sentence, analysis.text)
    )
