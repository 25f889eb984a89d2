"""Proof, before the first review, that a policy has a reply for every plan it can lead to."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from calmreply.checks import check, errors_in
from calmreply.errors import PolicyError, PromptError
from calmreply.plan import Action
from calmreply.planning import Order, make_plan
from calmreply.platform import find_platform, platform_names
from calmreply.review import Classification, Complaint, Review, Signal
from calmreply.templates import own_forms, render_template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from calmreply.plan import Plan
    from calmreply.shop import Shop
    from calmreply.templates import Library
    from calmreply.violation import Violation

__all__ = ["check_library", "plan_shapes"]

# As long as a greeted name gets: what fits with it fits with every other.
_LONG_NAME = "Alexandrina"
_EMPTY = Review()
# The longest of the complaints by themselves; and those whose templates are like no other.
_OWN_FORM = frozenset({Complaint.MISTAKEN, Complaint.NOT_AS_DESCRIBED})

# What to look at first when a rule cannot be kept, whatever the template.
_REMEDIES_FOR = {
    "length": "shorten the role, the contact or the signature",
    "platform": "take the contact or name out of role and extras",
    "contacts": "list it under channels or contacts, or take it out of role and extras",
}


def check_library(shop: Shop, library: Library) -> None:
    """Render and check every plan that a policy can lead to; see `calmreply.templates.check_templates`.

    Raises:
        PolicyError: there is no reply for a plan; names complaint, platform, rule and what to change.
        PromptError: a template of the shop's own folder breaks a rule.
    """
    _checked(shop.model_dump_json(by_alias=True), library, _Held(shop))


class _Held:
    """A shop carried past the cache's key: its JSON is what makes two shops the same."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=16)
def _checked(_key: str, library: Library, held: _Held) -> None:
    for plan in plan_shapes(held.shop):
        rendered = render_template(plan, _EMPTY, library=library, seed="")
        if rendered.violations:
            raise _no_reply(plan, rendered.text, rendered.violations[0])
        for template, text in own_forms(plan, library):
            if broken := errors_in(check(text, plan, _EMPTY)):
                raise PromptError(
                    f"{library.own}/{template.file}: template {template.id!r} breaks the rule "
                    f"{broken[0].rule!r} for {plan.complaint}: {broken[0].message}",
                    hint=broken[0].hint or "mend the template",
                )


def _no_reply(plan: Plan, text: str, violation: Violation) -> PolicyError:
    where = f"{plan.complaint} in {plan.language} on {plan.platform}"
    quoted = f" at {text[violation.start : violation.end]!r}" if violation.start is not None else ""
    return PolicyError(
        f"no template keeps the rule {violation.rule!r} for {where}{quoted}: {violation.message}",
        hint=_REMEDIES_FOR.get(violation.rule, violation.hint or "change the policy's texts"),
    )


def plan_shapes(shop: Shop) -> Iterator[Plan]:
    """A plan of every shape that a policy can lead to: complaint, language, platform, look-up, signal.

    On the shop's own platform that is every complaint. On others it is every remedy and channel once:
    what a complaint's own sentences say does not depend on them. Platforms that forbid and limit the
    same are one. Signals other than `at_risk` and `praise` do not change what a plan may say.
    """
    others = [name for name in _kinds_of_platform() if name != shop.platform]
    for language in shop.languages:
        yield from _plans(shop, language, shop.platform)
        for platform in others:
            seen = set()
            for plan in _plans(shop, language, platform):
                shape = (
                    plan.remedy,
                    plan.asks_order,
                    plan.is_question,
                    plan.signals,
                    plan.complaint in _OWN_FORM,
                )
                if shape not in seen:
                    seen.add(shape)
                    yield plan


def _plans(shop: Shop, language: str, platform: str) -> Iterator[Plan]:
    for complaint in Complaint:
        for order in _orders(shop, complaint):
            yield _plan(shop, language, platform, complaint, order=order)
    yield _plan(shop, language, platform, Complaint.QUALITY, confidence=0.0)
    yield _plan(shop, language, platform, Complaint.QUALITY, signals=frozenset({Signal.AT_RISK}))
    for complaint in (Complaint.OTHER, Complaint.QUALITY):
        yield _plan(shop, language, platform, complaint, signals=frozenset({Signal.PRAISE}))


def _kinds_of_platform() -> list[str]:
    kinds = {
        find_platform(name).model_copy(update={"name": "", "note": ""}): name for name in platform_names()
    }
    return sorted(kinds.values())


def _orders(shop: Shop, complaint: Complaint) -> tuple[Order | None, ...]:
    if complaint is Complaint.MISTAKEN:
        return None, Order(found=False)
    needs = shop.offer(complaint).needs_order and shop.offer(complaint).action is not Action.CALLBACK
    return (None, Order(found=True)) if needs else (None,)


def _plan(
    shop: Shop,
    language: str,
    platform: str,
    complaint: Complaint,
    *,
    order: Order | None = None,
    signals: frozenset[Signal] = frozenset(),
    confidence: float = 1.0,
) -> Plan:
    reading = Classification(complaint=complaint, signals=signals, language=language, confidence=confidence)
    plan = make_plan(_EMPTY, reading, shop, platform=platform, order=order)
    has_names = "name" not in find_platform(platform).bans
    return plan.model_copy(update={"name": _LONG_NAME if has_names else None})
