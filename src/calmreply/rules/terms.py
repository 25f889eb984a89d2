"""What a plan wants said and what a reply offers, side by side: read once for the rules of offers."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

from calmreply.analysis import analyse
from calmreply.plan import Action
from calmreply.rules.offered import KINDS, kinds_in, read_offers
from calmreply.values import Percent, find_values, parse_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from calmreply.plan import Plan
    from calmreply.rules import Case
    from calmreply.rules.offered import Offer
    from calmreply.values import Found, Value

__all__ = [
    "BORNE_OUT_BY",
    "DONE_BY",
    "PROMISES",
    "WHOLE",
    "Offered",
    "Wanted",
    "allowed_kinds",
    "offered_in",
    "wanted_by",
]

# Which mentions carry out an action.
_CARRIED_OUT: Mapping[Action, frozenset[str]] = {
    Action.REPLACEMENT: frozenset({"goods", "new"}),
    Action.REDELIVERY: frozenset({"goods", "new"}),
    Action.REFUND: frozenset({"money"}),
    Action.PARTIAL_REFUND: frozenset({"money"}),
    Action.VOUCHER: frozenset({"voucher"}),
    Action.GIFT: frozenset({"gift"}),
    Action.REPAIR: frozenset({"repair", "fix"}),
    Action.CALLBACK: frozenset({"call"}),
    Action.INVESTIGATION: frozenset({"trace"}),
}
# Which acts of a sentence do so.
DONE_BY: Mapping[Action, frozenset[str]] = {
    Action.REPLACEMENT: frozenset({"replacement", "redelivery"}),
    Action.REDELIVERY: frozenset({"redelivery", "replacement"}),
    Action.REFUND: frozenset({"refund", "money"}),
    Action.PARTIAL_REFUND: frozenset({"money", "refund"}),
    Action.VOUCHER: frozenset({"voucher"}),
    Action.GIFT: frozenset({"gift"}),
    Action.REPAIR: frozenset({"repair"}),
    Action.CALLBACK: frozenset({"callback"}),
    Action.INVESTIGATION: frozenset({"investigation"}),
}
# The acts that bear out a mention of each kind as an offer.
BORNE_OUT_BY: Mapping[str, frozenset[str]] = {
    "new": frozenset({"replacement", "redelivery", "gift"}),
    "money": frozenset({"refund", "money"}),
    "voucher": frozenset({"voucher", "money"}),
    "gift": frozenset({"gift", "free"}),
    "free": frozenset({"free", "gift", "refund", "repair"}),
    "shipping": frozenset({"free", "money", "refund"}),
    "repair": frozenset({"repair"}),
    "more": frozenset({"gift", "money", "voucher", "free"}),
}
# What may not be offered outside the plan, and its name in a message.
PROMISES: Mapping[str, str] = {
    "new": "a replacement or new delivery",
    "more": "more than what was lost",
    "money": "money back",
    "voucher": "a voucher or discount",
    "gift": "a gift or free item",
    "free": "something free of charge",
    "shipping": "free shipping",
    "repair": "a repair",
    "open": "something of value",
}


# A refund of all of it is a refund, however the plan puts it.
WHOLE = Percent(Decimal(100))


class Wanted(NamedTuple):
    """What the plan offers."""

    action: Action
    value: Value | None
    within: Value | None
    kinds: frozenset[str]


class Offered(NamedTuple):
    """What a case's reply offers, read once for both rules."""

    offers: tuple[Offer, ...]
    values: tuple[Found, ...]


# Both rules read the same case; it is forgotten with the case.
_READ: WeakKeyDictionary[Case, Offered] = WeakKeyDictionary()


def wanted_by(plan: Plan) -> Wanted | None:
    """What the plan wants said; None where it offers nothing."""
    if plan.at_risk or plan.asks_order:
        action = Action.CALLBACK
    elif plan.remedy is None or plan.is_question:
        return None
    else:
        action = plan.remedy.action
    given = plan.remedy
    value = None if given is None or action is not given.action else given.value
    within = None if given is None else given.within
    worth = _parsed(value, plan.language) if value and action is not Action.CALLBACK else None
    return Wanted(
        action,
        None if worth == WHOLE and action is Action.REFUND else worth,
        _parsed(within, plan.language) if within else None,
        _CARRIED_OUT[action],
    )


def offered_in(case: Case) -> Offered:
    """The offers and values of the case's reply, read on first need."""
    found = _READ.get(case)
    if found is None:
        values = find_values(case.analysis)
        wanted = wanted_by(case.plan)
        kinds = set(PROMISES).union(allowed_kinds(case.plan, wanted))
        offers = read_offers(case.analysis, case.plan.cues, [kind for kind in KINDS if kind in kinds], values)
        found = _READ[case] = Offered(offers, values)
    return found


def allowed_kinds(plan: Plan, wanted: Wanted | None) -> frozenset[str]:
    """The kinds of thing that the plan offers, its extras included."""
    kinds = wanted.kinds if wanted else frozenset()
    if wanted is None or plan.remedy is None or plan.at_risk or plan.asks_order:
        return kinds
    return kinds.union(*(kinds_in(analyse(extra, plan.language)) for extra in plan.remedy.extras))


@lru_cache(maxsize=1024)
def _parsed(text: str, language: str) -> Value | None:
    return parse_value(text, language)
