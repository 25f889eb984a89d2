"""Warnings: what can be posted, but is invented, worn out, loud or too much."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calmreply.analysis import analyse
from calmreply.languages import load_language
from calmreply.rules import Finding, rule
from calmreply.violation import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from calmreply.analysis import Token
    from calmreply.rules import Case

__all__ = ["exclamation", "invented", "over_apology", "see_you_again", "stock_phrase"]

_SOURCE = "guidelines, section 4"
# Content words are compared by their first letters: "checked", "checking" and "check" are one word.
_STEM = 4
_MARKS = frozenset("!！")


@rule(
    "invented",
    hint="Claim only what the plan's facts say was checked, found or done; say what you will do instead.",
    source=_SOURCE,
    severity=Severity.WARNING,
)
def invented(case: Case) -> Iterable[Finding]:
    """No check, cause or past act is claimed that is not in the plan's facts."""
    claims = case.hits("claim")
    if not claims:
        return
    facts = [_stems(_fact_tokens(case, fact), case.plan.language) for fact in case.plan.facts]
    for hit in claims:
        sentence = case.analysis.sentences[hit.sentence]
        said = _stems((one for one in sentence.tokens if one.start >= hit.start), sentence.language)
        if not any(_covers(fact, said) for fact in facts):
            yield Finding(f"The plan's facts do not say this: {case.quote(hit)!r}.", hit.start, hit.end)


@rule(
    "stock_phrase",
    hint="Say it in your own words, about this order.",
    source="guidelines, section 3; canned text is read as contempt (BrightLocal)",
    severity=Severity.WARNING,
)
def stock_phrase(case: Case) -> Iterable[Finding]:
    """No worn-out phrase of customer service."""
    for hit in case.hits("stock_phrase"):
        yield Finding(f"This is a stock phrase: {case.quote(hit)!r}.", hit.start, hit.end)


@rule(
    "see_you_again",
    hint="Leave out the next purchase while this one is not put right.",
    source=_SOURCE,
    severity=Severity.WARNING,
)
def see_you_again(case: Case) -> Iterable[Finding]:
    """No hope for the next visit in an answer to a complaint."""
    for hit in case.hits("see_you_again"):
        yield Finding(f"Too early to ask for the next visit: {case.quote(hit)!r}.", hit.start, hit.end)


@rule("exclamation", hint="One exclamation mark at most.", source=_SOURCE, severity=Severity.WARNING)
def exclamation(case: Case) -> Iterable[Finding]:
    """No more than one exclamation mark."""
    places = [at for at, char in enumerate(case.text) if char in _MARKS]
    if len(places) > 1:
        message = f"There are {len(places)} exclamation marks."
        yield Finding(message, places[1], places[1] + 1)


@rule(
    "over_apology",
    hint="Apologise once, for what went wrong.",
    source=_SOURCE,
    severity=Severity.WARNING,
)
def over_apology(case: Case) -> Iterable[Finding]:
    """No apology for more than the failure, and no grovelling."""
    for hit in case.hits("over_apology"):
        yield Finding(f"This apologises for too much: {case.quote(hit)!r}.", hit.start, hit.end)


def _fact_tokens(case: Case, fact: str) -> Iterable[Token]:
    return (token for sentence in analyse(fact, case.plan.language).sentences for token in sentence.tokens)


def _stems(tokens: Iterable[Token], code: str) -> frozenset[str]:
    language = load_language(code)
    plain = language.function_words
    stem = _STEM if not language.folds else None  # an unmarked syllable is short already
    return frozenset(
        language.folded(token.form)[:stem]
        for token in tokens
        if token.form[0].isalnum() and token.form not in plain
    )


def _covers(fact: frozenset[str], said: frozenset[str]) -> bool:
    """Whether a fact speaks of what is said: two words in common, or all of a short fact."""
    shared = len(fact & said)
    return shared >= min(2, len(fact)) if fact else False
