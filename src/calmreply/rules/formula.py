"""Rules on the formula of section 3: thanks, apology, empathy, and the question where nothing is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calmreply.body import quoted_spans
from calmreply.rules import Case, Finding, rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from calmreply.analysis import Hit

__all__ = ["apologies", "thanks"]

_TOO_MANY_APOLOGIES = 3
# "sorry and apologise" is one apology said twice over.
_SAME_BREATH = 8


def thanks(case: Case) -> list[Hit]:
    """Where the customer is thanked: not in a sign-off, nor in words the reply quotes."""
    return _own_words(case, case.acting("thanks"))


def apologies(case: Case) -> list[Hit]:
    """Where the reply apologises, each apology once."""
    kept: list[Hit] = []
    for hit in _own_words(case, case.acting("apology")):
        if kept and hit.sentence == kept[-1].sentence and hit.start - kept[-1].end <= _SAME_BREATH:
            kept[-1] = hit._replace(start=kept[-1].start)
        else:
            kept.append(hit)
    return kept


def _own_words(case: Case, found: Iterable[Hit]) -> list[Hit]:
    body = {sentence.index for sentence in case.body}
    hits = [hit for hit in found if hit.sentence in body]
    quoted = quoted_spans(case.text) if hits else ()
    return [hit for hit in hits if not any(start < hit.start and hit.end < end for start, end in quoted)]


@rule(
    "thanks",
    hint="Thank the customer in the first sentences, for example for telling you.",
    source="guidelines, section 4: the customer is thanked; a sign-off or a condition is no thanks",
)
def _thanks(case: Case) -> Iterable[Finding]:
    """The customer is thanked."""
    if not thanks(case) and not case.is_unreadable:
        yield Finding("The customer is not thanked.")


@rule(
    "apology",
    hint="Apologise once, for the failure itself.",
    source="guidelines, section 4: at least one apology, at most two; over-apologising reads as canned",
)
def _apology(case: Case) -> Iterable[Finding]:
    """One apology or two, where the complaint calls for one."""
    found = apologies(case)
    if not found and case.plan.needs_apology and not case.is_unreadable:
        yield Finding("There is no apology.")
    if len(found) >= _TOO_MANY_APOLOGIES:
        third = found[_TOO_MANY_APOLOGIES - 1]
        yield Finding(
            f"The reply apologises {len(found)} times.",
            third.start,
            third.end,
            hint="Keep the first apology and take the others out.",
        )


@rule(
    "empathy",
    hint="Say what this means for the customer: the disappointment, the wait, the effort, the spoiled day.",
    source="guidelines, section 4; Min 2015: empathy raises trust, an 'inconvenience' does not",
)
def _empathy(case: Case) -> Iterable[Finding]:
    """A word of what the customer feels or carries."""
    if not case.plan.needs_apology or case.is_unreadable:
        return
    body = {sentence.index for sentence in case.body}
    if not any(hit.sentence in body for hit in case.acting("empathy")):
        yield Finding("No word of what the customer feels or carries.")


@rule(
    "question",
    hint="Ask for the order number, or ask what happened.",
    source="guidelines, sections 3 and 4: a mistaken or empty review is answered with a question",
)
def _question(case: Case) -> Iterable[Finding]:
    """A mistaken or empty review is asked for its order number or for what happened."""
    if not case.plan.is_question or case.is_unreadable:
        return
    if not case.hits("question") and not case.acting("asks_order"):
        yield Finding("It asks neither for the order number nor for what happened.")
