"""What the law forbids a reply: asking for another review, and admitting legal guilt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calmreply.rules import Finding, rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from calmreply.rules import Case

__all__ = ["liability", "solicitation"]


@rule(
    "solicitation",
    hint="Do not ask for a changed, removed or better review, and tie nothing to one.",
    source="guidelines, sections 4 and 5; 16 CFR 465.4 (US); the platforms' own bans",
    can_soften=False,
)
def solicitation(case: Case) -> Iterable[Finding]:
    """No review is asked to be changed, removed or raised, and nothing is tied to it."""
    for hit in case.acting("solicits"):
        yield Finding(f"This asks for another review: {case.quote(hit)!r}.", hit.start, hit.end)


@rule(
    "liability",
    hint='Own the mistake in plain words ("this was our mistake"), without a word of law or injury.',
    source="guidelines, section 4",
    can_soften=False,
)
def liability(case: Case) -> Iterable[Finding]:
    """Nothing is admitted in words of law: liable, negligent, breach, illegal, injury caused."""
    for hit in case.acting("liable"):
        yield Finding(f"This is a legal admission: {case.quote(hit)!r}.", hit.start, hit.end)
