"""The rule that a reply takes up something of this very review."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING

from calmreply.analysis import analyse
from calmreply.concepts import NAMES, PRODUCT, load_vocabulary, mentions_in, spoken_words
from calmreply.details import detail_phrase, find_details, is_specific, own_details
from calmreply.rules import Case, Finding, rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from calmreply.analysis import Analysis
    from calmreply.concepts import Vocabulary
    from calmreply.plan import Plan
    from calmreply.review import Review

__all__ = ["takes_up"]

# Longer numbers are orders and telephones: to repeat one is no word about the problem.
_LONGEST_NUMBER = 4


@rule(
    "acknowledgement",
    hint="Name what this customer told: the thing and what was wrong with it, not only the kind.",
    source="guidelines, section 4; naming the problem raises trust (Kapeš 2022; Min 2015)",
)
def _acknowledgement(case: Case) -> Iterable[Finding]:
    """Something in it comes from this review."""
    if not case.plan.needs_apology or case.plan.at_risk or case.is_unreadable:
        return
    if not takes_up(case):
        yield Finding("Nothing in it comes from this review: it would fit any complaint of the kind.")


def takes_up(case: Case) -> bool:
    """Whether the reply takes up something of the review, or names the complaint of a vague one.

    A concept, a product, a telling word, a number or a stretch of time that both have is enough. The
    plan's own words (offers, contacts, names) do not count. A plan whose details are all beside its
    complaint counts as vague: better the complaint alone than the wrong thing named.
    """
    plan, review = case.plan, case.review
    if _says_a_detail(case):
        return True
    concepts = load_vocabulary(plan.language).concepts
    said = _said(case)
    told = {one.concept for one in mentions_in(case.review_analysis)}
    told.update(part for detail in plan.details for part in _parts(detail))
    shared = {name for name in said if name in concepts and not told.isdisjoint(_near(name, plan))}
    shared = {name for name in shared if not name.startswith(NAMES)}
    if any(not concepts[name].general for name in shared):
        return True
    if _shares_words(case):
        return True
    details = own_details(plan) if plan.details else _details(review, plan.language)
    if is_specific(details, plan.language):
        return False
    return bool(shared) or any(
        name == NAMES + plan.complaint or (name in concepts and concepts[name].complaint == plan.complaint)
        for name in said
    )


def _details(review: Review, language: str) -> tuple[str, ...]:
    return find_details(review.text, language, product=review.product)


def _says_a_detail(case: Case) -> bool:
    text = " ".join(case.text.casefold().split())
    phrases = (detail_phrase(detail, case.plan.language) for detail in case.plan.details)
    return any(phrase.casefold() in text for phrase in phrases if phrase)


def _said(case: Case) -> set[str]:
    """The concepts of the reply, but for what only repeats the plan's own words."""
    said = Counter(one.concept for one in mentions_in(case.analysis))
    said.subtract(one.concept for one in mentions_in(_own_words(case.plan)))
    return {name for name, count in said.items() if count > 0}


def _own_words(plan: Plan) -> Analysis:
    """Everything that stands in a reply because the plan has it: no word of it is about the review."""
    remedy, channel = plan.remedy, plan.channel
    parts: list[str | None] = [plan.name, plan.shop_name, plan.signature, plan.role, *plan.contacts]
    if remedy:
        parts += [remedy.value, remedy.within, *remedy.extras]
    if channel:
        parts += [channel.kind, channel.value]
    return analyse("\n".join(part for part in parts if part), plan.language)


def _parts(detail: str) -> tuple[str, ...]:
    if detail.startswith(PRODUCT):
        return (detail,)
    name, _, product = detail.partition(":")
    return (name, PRODUCT + product) if product else (name,)


def _near(name: str, plan: Plan) -> frozenset[str]:
    return load_vocabulary(plan.language).near(name)


def _shares_words(case: Case) -> bool:
    """Whether a telling word, a number or a stretch of time stands in both."""
    told = _telling(case.review_analysis)
    if not told:
        return False
    return not told.isdisjoint(_telling(case.analysis) - _telling(_own_words(case.plan)))


def _telling(analysis: Analysis) -> frozenset[str]:
    """Stems of words that say something of one review in particular, numbers, and times in minutes."""
    return frozenset(
        telling
        for language, words in spoken_words(analysis)
        for telling in _telling_words(words, load_vocabulary(language))
    )


def _telling_words(words: Sequence[str], vocabulary: Vocabulary) -> Iterator[str]:
    for at, word in enumerate(words):
        number = _number(word, vocabulary)
        unit = vocabulary.units.get(words[at + 1]) if at + 1 < len(words) else None
        if number is not None and unit:
            yield f"{number * unit:g} minutes"
        elif word[:1].isdigit():
            if 1 < len(word) <= _LONGEST_NUMBER:
                yield word
        elif vocabulary.is_telling(word):
            yield vocabulary.stem(word)


@lru_cache(maxsize=4096)
def _number(word: str, vocabulary: Vocabulary) -> float | None:
    if word.isdecimal() and len(word) <= _LONGEST_NUMBER:
        return float(word)
    found = vocabulary.numbers.get(word)
    return 1.0 if found is None and word in vocabulary.words["once"] else found
