"""Rules on the form of a reply: length, opening, language, whom it greets, what a machine left in it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from calmreply.addressee import greeted_names, is_same_name
from calmreply.body import quoted_spans
from calmreply.languages import load_language
from calmreply.platform import find_platform
from calmreply.residue import Trace, copied, cut_off, labels, marks, quotes_around, repeated
from calmreply.rules import Case, Finding, rule
from calmreply.rules.formula import apologies, thanks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__: list[str] = []

_FEWEST, _MOST = 3, 7
_OPENING = 3
# More of one kind tells nobody anything.
_SHOWN = 5


@rule(
    "length",
    hint="Write three to seven sentences, within the platform's limit.",
    source="guidelines, sections 4 and 5; Wan 2024: length is the rule models break most",
)
def _length(case: Case) -> Iterable[Finding]:
    """Three to seven sentences, within the platform's limit."""
    count = len(case.body)
    if count < _FEWEST:
        yield Finding(
            f"The reply has {count} sentences; {_FEWEST} is the fewest.",
            hint="Say more: at least three sentences.",
        )
    elif count > _MOST:
        extra = case.body[_MOST]
        yield Finding(
            f"The reply has {count} sentences; {_MOST} is the most.",
            extra.start,
            case.body[-1].end,
            hint=f"Leave out or join {count - _MOST} of them.",
        )
    platform = find_platform(case.plan.platform)
    if platform.limit is not None and not platform.fits(case.text):
        size = platform.size(case.text)
        yield Finding(
            f"The reply has {size} {platform.unit}; {platform.name} allows {platform.limit}.",
            hint=f"Shorten it by at least {size - platform.limit} {platform.unit}.",
        )


@rule(
    "opening",
    hint="Put the thanks and the apology into the first three sentences.",
    source="guidelines, section 3: thanks and apology stand in the first three sentences",
)
def _opening(case: Case) -> Iterable[Finding]:
    """Thanks and apology stand in the first three sentences."""
    first_thanks, first_apology = next(iter(thanks(case)), None), next(iter(apologies(case)), None)
    if first_thanks is None or first_apology is None:
        return
    place = {sentence.index: at for at, sentence in enumerate(case.body)}
    asked = (("thanks come", first_thanks), ("apology comes", first_apology))
    for what, hit in asked if case.plan.needs_apology else asked[:1]:
        if place[hit.sentence] >= _OPENING:
            yield Finding(f"The {what} only in sentence {place[hit.sentence] + 1}.", hit.start, hit.end)


@rule(
    "language",
    hint="Write the whole reply in the plan's language.",
    source="guidelines, section 4: the plan's language, without a switch midway",
    can_soften=False,
)
def _language(case: Case) -> Iterable[Finding]:
    """The whole reply is in the plan's language."""
    wanted = load_language(case.plan.language).data.get("name", case.plan.language)
    # A machine's own words ("Here is the reply:") are residue, in any language.
    stray = [hit for name in ("preamble", "machine_talk", "placeholder") for hit in case.hits(name)]
    found = (
        stretch
        for stretch in case.foreign
        if not any(stretch.start < hit.end and hit.start < stretch.end for hit in stray)
    )
    for stretch in islice(found, _SHOWN):
        yield Finding(f"This is in {stretch.what}, not in {wanted}.", stretch.start, stretch.end)


@rule(
    "addressee",
    hint="Greet the customer by the plan's name, or by no name where the plan has none.",
    source="guidelines, section 4: no other name than the plan's; nothing is guessed from a handle",
)
def _addressee(case: Case) -> Iterable[Finding]:
    """The customer is greeted by the plan's name or by none."""
    plan = case.plan
    own = [text for text in (plan.shop_name, plan.signature, plan.role) if text]
    for found in islice(greeted_names(case.analysis, own), _SHOWN):
        if plan.name is None:
            yield Finding(
                "A name is greeted; the plan has none.", found.start, found.end, hint="Greet without a name."
            )
        elif not is_same_name(found.words, plan.name):
            yield Finding(
                "Another name than the customer's is greeted.",
                found.start,
                found.end,
                hint=f"Greet {plan.name!r}, or nobody by name.",
            )


@rule(
    "residue",
    hint="Take it out: the reply is posted as it stands.",
    source="guidelines, section 4: placeholders, markup, labels, talk of AI, repetition, a cut-off end",
    can_soften=False,
)
def _residue(case: Case) -> Iterable[Finding]:
    """Nothing is left in the reply that a machine put there."""
    for trace in islice(_traces(case), _SHOWN):
        yield Finding(f"There is {trace.what} in the reply.", trace.start, trace.end)


def _traces(case: Case) -> Iterator[Trace]:
    plan, text = case.plan, case.text
    channel = plan.channel.value if plan.channel else ""
    allowed = (channel, *plan.contacts, plan.signature or "", plan.shop_name or "")
    yield from marks(text, allowed)
    yield from labels(text)
    if quotes_around(text):
        yield Trace("a pair of quotes around the whole", 0, len(text))
    for what, name in (
        ("an unfilled place", "placeholder"),
        ("talk about the reply", "preamble"),
        ("talk of a machine or its instructions", "machine_talk"),
    ):
        yield from (Trace(what, hit.start, hit.end) for hit in case.hits(name))
    yield from repeated(case.body)
    quoted = quoted_spans(text)
    plain = [one for one in case.body if not any(start <= one.start < end for start, end in quoted)]
    yield from copied(plain, case.review_analysis.sentences)
    broken_off = cut_off(case.analysis, case.body)
    if broken_off:
        yield broken_off
