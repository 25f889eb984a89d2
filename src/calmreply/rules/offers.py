"""What the shop offers: the plan's remedy must be there, and nothing beyond the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calmreply.acts import FEWEST_WORDS
from calmreply.analysis import Hit, analyse
from calmreply.cues import Span
from calmreply.plan import Action
from calmreply.rules import Finding, rule
from calmreply.rules.offered import (
    TIMED,
    can_be_read,
    commits_at,
    fold_words,
    is_offered,
    kinds_in,
    pays_at,
    role_words,
)
from calmreply.rules.terms import (
    BORNE_OUT_BY,
    DONE_BY,
    PROMISES,
    WHOLE,
    Offered,
    Wanted,
    allowed_kinds,
    offered_in,
    wanted_by,
)
from calmreply.values import (
    Duration,
    Found,
    Money,
    Percent,
    is_more_generous,
    parse_value,
    same_value,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from calmreply.plan import Plan
    from calmreply.rules import Case
    from calmreply.rules.offered import Offer
    from calmreply.values import Value

__all__ = ["promise", "remedy"]

# With a thing sent or repaired by the plan, "free of charge" says nothing new.
_FREE_ANYWAY = frozenset({"goods", "new", "repair", "fix", "gift", "shipping"})

# What a shop may do in words that no list has: make, bring, sew, deliver a thing.
_OTHER_WORDS = frozenset({"goods", "repair", "money"})
# Cues so wide that they only count where they carry out the plan.
_BROAD = frozenset({"goods", "fix"})
# How much of the strength that makes an act must be there for words that a cue knows.
_BORNE_OUT = 0.35
# What is surely offered, and how much of that strength says so where no cue does.
_OFFERING = frozenset({"refund", "money", "voucher", "gift", "replacement", "redelivery", "free", "repair"})
_SURELY = 1.6
# An extra is a gift or free of charge, whatever its words.
_EXTRA = frozenset({"free", "gift"})
_CONTENT = 5  # letters: a word of an extra that says what it is


@rule(
    "remedy",
    hint="Say what the shop will do, with the plan's value and deadline, in the shop's own voice.",
    source="guidelines, section 4; Hogreve 2019, Lopes 2023: a visible fix counts more than an apology",
)
def remedy(case: Case) -> Iterator[Finding]:
    """The plan's remedy stands in the reply, concrete and unchanged."""
    wanted = wanted_by(case.plan)
    if wanted is None:
        return
    offered = offered_in(case)
    doing = {offer.sentence for offer in offered.offers if offer.kind in wanted.kinds and offer.firm}
    doing |= _done_in_other_words(case, wanted, offered)
    if not doing:
        if can_be_read(case.analysis) and not case.is_unreadable:  # else that is `language`
            yield Finding(
                f"The planned remedy is missing or only vague: {_described(wanted.action, case.plan)}.",
                hint=_how_to_say(case.plan, wanted.action),
            )
        return
    yield from _changed_terms(case, wanted, doing)
    yield from _missing_role(case, doing)
    if case.plan.asks_order and not case.plan.at_risk and not case.hits("offer_asks_order"):
        yield Finding(
            "The remedy waits for the order number, and the reply does not ask for it.",
            hint="Ask for the order number in the private channel.",
        )
    yield from _reversed_extras(case)


@rule(
    "promise",
    hint="Take out what the plan does not offer; another wish is talked over only if the plan says so.",
    source="guidelines, section 4: the plan fixes what may be promised, also where the review demands more",
)
def promise(case: Case) -> Iterator[Finding]:
    """Nothing is offered or guaranteed that is not in the plan."""
    offered = offered_in(case)
    wanted = wanted_by(case.plan)
    allowed = allowed_kinds(case.plan, wanted)
    said: set[tuple[str, Span]] = set()  # "refund you $500" is one promise
    for offer in offered.offers:
        if (
            offer.kind in PROMISES
            and offer.kind not in allowed
            and _is_borne_out(case, offer)
            and (offer.kind, offer.clause) not in said
            and not _is_part_of_plan(case, offer, offered, allowed)
        ):
            said.add((offer.kind, offer.clause))
            yield Finding(
                f"The reply offers {PROMISES[offer.kind]}, which is not in the plan.", offer.start, offer.end
            )
    yield from _offered_in_other_words(
        case, wanted, allowed, {hit.sentence for hit in case.hits("offer_refused")}
    )
    for hit in case.acting("guarantee"):
        yield Finding(
            "The reply guarantees something.",
            hit.start,
            hit.end,
            hint="Say what will be done, not how it will turn out.",
        )
    yield from _better_terms(case, wanted, offered)


def _done_in_other_words(case: Case, wanted: Wanted, offered: Offered) -> set[int]:
    """The sentences that give what is wanted in words that no cue knows."""
    hedged = {offer.sentence for offer in offered.offers if offer.kind in wanted.kinds}
    doing = {
        hit.sentence
        for act in DONE_BY[wanted.action]
        for hit in case.acting(act)
        if hit.sentence not in hedged
    }
    doing |= {sentence.index for sentence in case.analysis.sentences if _names_value(case, sentence.text)}
    if wanted.value is not None:
        doing |= {
            found.sentence
            for found in offered.values
            if same_value(found.value, wanted.value)
            and commits_at(case.analysis, Hit(found.start, found.end, found.sentence))
        }
    if doing or wanted.within is None or case.plan.at_risk or not wanted.kinds & _OTHER_WORDS:
        return doing
    offering = {offer.sentence for offer in offered.offers}
    for found in offered.values:
        at = Hit(found.start, found.end, found.sentence)
        if (
            same_value(found.value, wanted.within)
            and found.sentence not in offering
            and ("money" not in wanted.kinds or pays_at(case.analysis, at))
            and commits_at(case.analysis, at)
        ):
            doing.add(found.sentence)
    return doing


def _names_value(case: Case, text: str) -> bool:
    """Whether a text names what the plan gives where that is a thing and no sum: "a bag of beans"."""
    given = case.plan.remedy
    if given is None or not given.value or case.plan.at_risk or parse_value(given.value, case.plan.language):
        return False
    return fold_words(given.value) in fold_words(text)


def _offered_in_other_words(
    case: Case, wanted: Wanted | None, allowed: frozenset[str], spared: set[int]
) -> Iterator[Finding]:
    """Sentences that surely offer what the plan does not, in words that no cue knows."""
    spared = spared | {offer.sentence for offer in offered_in(case).offers}
    planned = DONE_BY[wanted.action] if wanted else frozenset()
    planned = planned.union(*(BORNE_OUT_BY.get(kind, frozenset()) for kind in allowed))
    if case.plan.remedy and case.plan.remedy.extras and not case.plan.at_risk:
        planned |= _EXTRA
    for sentence in case.body:
        strengths = case.analysis.acts(sentence.index)
        if sentence.index in spared or any(strengths[act] >= _BORNE_OUT for act in planned):
            continue
        acts = [act for act in _OFFERING - planned if strengths[act] >= _SURELY]
        if acts and len(sentence.tokens) >= FEWEST_WORDS:
            yield Finding("The reply offers something that is not in the plan.", sentence.start, sentence.end)


def _is_borne_out(case: Case, offer: Offer) -> bool:
    """Whether the whole sentence reads as if it offered such a thing, and not only the words of a cue."""
    acts = BORNE_OUT_BY.get(offer.kind)
    strengths = case.analysis.acts(offer.sentence)
    return acts is None or any(strengths[act] >= _BORNE_OUT for act in acts)


def _is_part_of_plan(case: Case, offer: Offer, offered: Offered, allowed: frozenset[str]) -> bool:
    """Whether it is said of what the plan gives: "free of charge", a voucher as a gift, a new zip."""
    if _names_value(case, case.text[offer.clause.start : offer.clause.end]):
        return True
    if offer.kind == "new" and "repair" in allowed:
        return any(other.kind == "repair" and other.start == offer.start for other in offered.offers)
    if offer.kind == "gift" and "voucher" in allowed:
        return any(
            other.kind == "voucher" and other.clause.overlaps(offer.clause) for other in offered.offers
        )
    if offer.kind == "shipping" and "money" in allowed:  # "we refund the $6 shipping"
        return any(
            other.kind == "money" and other.start < offer.end and offer.start < other.end
            for other in offered.offers
        )
    if offer.kind != "free":
        return False
    if any(
        other.kind in allowed & _FREE_ANYWAY and other.clause.overlaps(offer.clause)
        for other in offered.offers
    ):
        return True
    words = fold_words(case.text[offer.clause.start : offer.clause.end]).split()
    if len(words) <= len(fold_words(case.text[offer.start : offer.end]).split()) + 1 and any(
        other.kind in allowed & _FREE_ANYWAY and other.sentence == offer.sentence for other in offered.offers
    ):
        return True  # nothing else is named in its clause
    extras = case.plan.remedy.extras if case.plan.remedy and not case.plan.at_risk else ()
    named = {word for extra in extras for word in fold_words(extra).split() if len(word) >= _CONTENT}
    return not named.isdisjoint(words)


def _changed_terms(case: Case, wanted: Wanted, sentences: set[int]) -> Iterator[Finding]:
    given = case.plan.remedy
    if given is None:
        return
    value = given.value if given.action is wanted.action and wanted.action is not Action.CALLBACK else None
    if wanted.action is Action.REFUND and wanted.value is None and _is_whole(value, case.plan.language):
        value = None
    if value or wanted.action in {Action.REFUND, Action.PARTIAL_REFUND}:
        yield from _changed(case, value, wanted.value, sentences, (Money, Percent), "value")
    if given.within:
        yield from _changed(case, given.within, wanted.within, sentences, (Duration,), "deadline")


def _changed(
    case: Case,
    text: str | None,
    value: Value | None,
    sentences: set[int],
    types: tuple[type, ...],
    what: str,
) -> Iterator[Finding]:
    """A finding where the plan's value or deadline is missing from the remedy, or another stands there."""
    if text and value is None and fold_words(text) in fold_words(case.text):
        return
    offered = offered_in(case).values
    here = [found for found in offered if found.sentence in sentences and isinstance(found.value, types)]
    if text is None:
        # A refund is of the whole unless the plan says otherwise.
        part = [found for found in here if isinstance(found.value, Percent) and found.value.amount < 100]  # noqa: PLR2004 - the whole
        if part:
            yield Finding("The remedy's value is not in the plan.", part[0].start, part[0].end)
        return
    if value is not None and any(
        same_value(found.value, value) for found in here or _nearby(case, sentences)
    ):
        return
    if here:
        yield Finding(
            f"The remedy's {what} is not the plan's {text!r}.",
            here[0].start,
            here[0].end,
            hint=f"Write {text!r}, as planned.",
        )
    else:
        yield Finding(f"The remedy's {what} {text!r} is missing.", hint=f"Add {text!r} to the remedy.")


def _is_whole(value: str | None, language: str) -> bool:
    return value is not None and parse_value(value, language) == WHOLE


def _nearby(case: Case, sentences: set[int]) -> Iterator[Found]:
    """Values of the sentence after the remedy's, and of the one before it where that offers something too."""
    offered = offered_in(case)
    offering = {offer.sentence for offer in offered.offers}
    for found in offered.values:
        if found.sentence - 1 in sentences or (
            found.sentence + 1 in sentences and found.sentence in offering
        ):
            yield found


def _missing_role(case: Case, doing: set[int]) -> Iterator[Finding]:
    plan = case.plan
    if not plan.at_risk:
        return
    role = plan.role or (plan.remedy.extras[0] if plan.remedy and plan.remedy.extras else None)
    if role is None:
        return
    sentences = case.analysis.sentences
    near = {sentence + step for sentence in doing for step in (-1, 0, 1)}
    text = "".join(fold_words(sentences[at].text) for at in sorted(near) if 0 <= at < len(sentences))
    head = list(role_words(role, plan.language))
    if head and not all(f" {word} " in text for word in head):
        yield Finding(
            f"It does not say who will get in touch: {role}.",
            hint=f"Name the role that gets in touch: {role}.",
        )


def _reversed_extras(case: Case) -> Iterator[Finding]:
    plan = case.plan
    if plan.remedy is None or plan.at_risk:
        return
    for extra in plan.remedy.extras:
        said = analyse(extra, plan.language)
        if said.has("offer_keep"):
            group = "offer_take_back"
        elif "shipping" in kinds_in(said):
            group = "offer_customer_pays"
        else:
            continue
        for hit in case.hits(group)[:1]:
            yield Finding(
                f"The reply says the opposite of the plan's {extra!r}.",
                hit.start,
                hit.end,
                hint=f"Leave it out, or say {extra!r}.",
            )


def _better_terms(case: Case, wanted: Wanted | None, offered: Offered) -> Iterator[Finding]:
    """Values and deadlines that go beyond the plan, or stand where the plan has none."""
    within = wanted.within if wanted else None
    for sentence in sorted({offer.sentence for offer in offered.offers}):
        offers = [
            offer
            for offer in offered.offers
            if offer.sentence == sentence and (_is_of(wanted, offer) or offer.kind not in _BROAD)
        ]
        here = [found for found in offered.values if found.sentence == sentence]
        yield from _other_deadlines(case, wanted, within, offers, here)
        if wanted and any(offer.kind in wanted.kinds for offer in offers):
            yield from _more_value(case, wanted, here, sentence)


def _other_deadlines(
    case: Case, wanted: Wanted | None, within: Value | None, offers: list[Offer], here: list[Found]
) -> Iterator[Finding]:
    times = [found for found in here if isinstance(found.value, Duration)]
    if not times or (within and any(same_value(found.value, within) for found in times)):
        return
    for found in times:
        close = [
            offer
            for offer in offers
            if _is_of(wanted, offer) or offer.clause.overlaps(Span(found.start, found.end))
        ]
        if not close:
            continue
        is_remedy = any(_is_of(wanted, offer) for offer in close)
        if not is_remedy and _is_vague(found) and all(offer.kind in TIMED for offer in close):
            continue  # "we get back to you right away" names no time
        if is_remedy and within is not None and not is_more_generous(found.value, within):
            continue
        if is_remedy and within is None and _plan_within(case.plan):
            continue
        yield Finding("The reply promises a time that is not in the plan.", found.start, found.end)
        return


def _is_vague(found: Found) -> bool:
    return isinstance(found.value, Duration) and found.value.named == "now"


def _is_of(wanted: Wanted | None, offer: Offer) -> bool:
    return wanted is not None and offer.kind in wanted.kinds


def _plan_within(plan: Plan) -> str | None:
    return plan.remedy.within if plan.remedy else None


def _more_value(case: Case, wanted: Wanted, here: list[Found], sentence: int) -> Iterator[Finding]:
    worth = [found for found in here if isinstance(found.value, (Money, Percent))]
    if wanted.action is Action.PARTIAL_REFUND:
        for hit in case.hits("offer_in_full"):
            if hit.sentence == sentence and is_offered(case.analysis, "money", hit):
                yield Finding("The whole is promised where the plan gives a part.", hit.start, hit.end)
                return
    if wanted.value is None:
        if wanted.action is Action.VOUCHER and worth:
            yield Finding("The voucher's value is not in the plan.", worth[0].start, worth[0].end)
        return
    is_there = any(same_value(found.value, wanted.value) for found in worth)
    for found in worth:
        if is_more_generous(found.value, wanted.value) and (
            not is_there or is_offered(case.analysis, "money", Hit(found.start, found.end, found.sentence))
        ):
            yield Finding("The reply promises more than the plan's value.", found.start, found.end)
            return


def _described(action: Action, plan: Plan) -> str:
    given = plan.remedy
    words = action.value.replace("_", " ")
    if given is None or given.action is not action:
        return words
    return ", ".join(part for part in (words, given.value, given.within) if part)


def _how_to_say(plan: Plan, action: Action) -> str | None:
    if action is Action.CALLBACK:
        who = plan.role or "the shop"
        when = _plan_within(plan)
        return f"Say that {who} will get in touch" + (f", and by when: {when}." if when else ".")
    return None
