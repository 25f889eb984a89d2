"""The rule that a reply takes up something of this very review."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calmreply.concepts import NAMES, PRODUCT, load_vocabulary, mentions_in, spoken_words
from calmreply.details import detail_phrase, find_details, is_specific
from calmreply.rules import Case, Finding, rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from calmreply.analysis import Analysis
    from calmreply.plan import Plan

__all__ = ["takes_up"]


@rule(
    "acknowledgement",
    hint="Name what this customer told: the thing and what was wrong with it, not just the kind of complaint.",
    source="guidelines, section 4; naming the problem raises trust (Kapeš 2022; Min 2015)",
)
def _acknowledgement(case: Case) -> Iterable[Finding]:
    """Something in it comes from this review."""
    if not case.plan.needs_apology or case.plan.at_risk or case.is_unreadable:
        return
    if not takes_up(case):
        yield Finding("Nothing in it comes from this review: it would fit any complaint of the kind.")


def takes_up(case: Case) -> bool:
    """Whether the reply takes up something of the review, or names the complaint of a vague one."""
    plan, review = case.plan, case.review
    if _says_a_detail(case):
        return True
    said = _said(case.analysis, plan)
    told = {one.concept for one in mentions_in(case.review_analysis) if not one.concept.startswith(NAMES)}
    own = {name for detail in plan.details for name in _parts(detail)}
    shared = said & (told | own | _titled(case))
    if any(not _is_general(name, plan.language) for name in shared):
        return True
    if _content(case.analysis, plan) & _content(case.review_analysis, plan):
        return True
    details = plan.details or find_details(review.text, plan.language, product=review.product)
    return not is_specific(details, plan.language) and (bool(shared) or _names(said, plan))


def _says_a_detail(case: Case) -> bool:
    text = " ".join(case.text.casefold().split())
    phrases = (detail_phrase(detail, case.plan.language) for detail in case.plan.details)
    return any(phrase.casefold() in text for phrase in phrases if phrase)


def _said(analysis: Analysis, plan: Plan) -> set[str]:
    """The concepts of the reply, but for what only repeats the plan's extras."""
    counts: dict[str, int] = {}
    for one in mentions_in(analysis):
        counts[one.concept] = counts.get(one.concept, 0) + 1
    return set(counts)


def _parts(detail: str) -> tuple[str, ...]:
    if detail.startswith(PRODUCT):
        return (detail,)
    name, _, product = detail.partition(":")
    return (name, PRODUCT + product) if product else (name,)


def _titled(case: Case) -> set[str]:
    if not case.review.product:
        return set()
    details = find_details("", case.plan.language, product=case.review.product)
    return set(details)


def _is_general(name: str, language: str) -> bool:
    concept = load_vocabulary(language).concepts.get(name)
    return concept is None or concept.general


def _names(said: Iterable[str], plan: Plan) -> bool:
    """Whether the kind of complaint is named at all."""
    concepts = load_vocabulary(plan.language).concepts
    return any(
        name == NAMES + plan.complaint or (name in concepts and concepts[name].complaint == plan.complaint)
        for name in said
    )


def _content(analysis: Analysis, plan: Plan) -> set[str]:
    """Word stems that say something of one review in particular."""
    own = " ".join(filter(None, (plan.name, plan.shop_name, plan.signature, plan.role, *plan.contacts)))
    own = f"{own} {plan.channel.value if plan.channel else ''}".casefold()
    found: set[str] = set()
    for language, words in spoken_words(analysis):
        vocabulary = load_vocabulary(language)
        found.update(
            vocabulary.stem(word) for word in words if vocabulary.is_telling(word) and word not in own
        )
    return found
