"""From a reading and the shop's policy to a plan: what may be promised, to whom, through which channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from calmreply.classifier import CONFIDENT, display_name
from calmreply.details import find_details
from calmreply.errors import InputError
from calmreply.languages import load_language
from calmreply.plan import Action, Channel, Plan, Reason, Remedy
from calmreply.platform import Platform, channel_ban, channel_kind, find_platform
from calmreply.review import Complaint, Signal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from calmreply.review import Classification, Review
    from calmreply.shop import Shop

__all__ = ["Order", "make_plan"]

_QUESTIONS = frozenset({Complaint.MISTAKEN, Complaint.OTHER})
_MONEY = frozenset({Action.REFUND, Action.PARTIAL_REFUND, Action.VOUCHER})


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What an order look-up found.

    `found` is False where the shop looked and has no such order. `facts` are sentences in the
    shop's first language that the reply may state ("parcel left on 3 May").
    """

    found: bool
    id: str | None = None
    facts: tuple[str, ...] = ()


def make_plan(
    review: Review,
    classification: Classification,
    shop: Shop,
    *,
    platform: str | None = None,
    order: Order | None = None,
    cautious: bool = True,
) -> Plan:
    """Plan a reply (guidelines, section 2).

    Args:
        review: the review.
        classification: what was read in it.
        shop: the shop's policy.
        platform: where the reply is posted; else the review's, else the shop's.
        order: what the order look-up found; None where nothing was looked up.
        cautious: an unsure reading promises no more than a callback. An audit of replies that people
            wrote takes the reading as it is, and the shop's own offer with it.

    Raises:
        InputError: there is no platform of that name.
    """
    language = classification.language if shop.serves(classification.language) else shop.languages[0]
    profile = _profile(platform, review, shop)
    reasons = _reasons(classification, shop)
    unsure = cautious and Reason.UNCERTAIN in reasons
    remedy, private, asks_order = _remedy(classification, shop, language, order, profile, unsure=unsure)
    name = display_name(review.author, language) if "name" not in profile.bans else None
    return Plan(
        complaint=classification.complaint,
        signals=classification.signals,
        # A serious matter is spoken of only as "what happened".
        details=_details(review, classification, language),
        remedy=remedy,
        private_remedy=private,
        asks_order=asks_order,
        channel=_channel(shop.channels, profile, language),
        contacts=_contacts(shop, profile),
        shop_name=shop.name,
        signature=shop.signature.get(language),
        severities=dict(shop.rules),
        cues=shop.cues,
        facts=_facts(order, language, shop),
        language=language,
        platform=profile.name,
        name=name,
        role=shop.escalation.role[language],
        needs_human=bool(reasons),
        reasons=tuple(reasons),
    )


def _details(review: Review, classification: Classification, language: str) -> tuple[str, ...]:
    """What happened. A classifier of the caller's own may find none: then the review is read again."""
    if classification.at_risk:
        return ()
    return classification.details or find_details(review.text, language, product=review.product)


def _profile(platform: str | None, review: Review, shop: Shop) -> Platform:
    if platform is not None:
        return find_platform(platform)
    if review.platform is not None:
        try:
            return find_platform(review.platform)
        except InputError:
            pass  # a column of an export may hold anything; the shop's own platform is the better guess
    return find_platform(shop.platform)


def _reasons(classification: Classification, shop: Shop) -> list[Reason]:
    reasons = []
    if classification.at_risk:
        reasons.append(Reason.AT_RISK)
    if not shop.serves(classification.language):
        reasons.append(Reason.LANGUAGE)
    if classification.confidence < CONFIDENT:
        reasons.append(Reason.UNCERTAIN)
    return reasons


def _remedy(
    classification: Classification,
    shop: Shop,
    language: str,
    order: Order | None,
    profile: Platform,
    *,
    unsure: bool,
) -> tuple[Remedy | None, Remedy | None, bool]:
    """The public remedy, the one kept for the private channel, and whether an order number is asked for."""
    if classification.at_risk:
        return shop.escalation.remedy(language), None, False
    if classification.complaint in _QUESTIONS or Signal.PRAISE in classification.signals:
        return None, None, False
    callback = Remedy(action=Action.CALLBACK, within=shop.escalation.remedy(language).within)
    if unsure:
        return callback, None, False
    offer = shop.offer(classification.complaint)
    remedy = offer.remedy(language)
    asks_order = offer.needs_order and not (order and order.found)
    if asks_order or _is_banned(remedy, profile):
        return callback, remedy, asks_order
    if remedy.extras and "money" in profile.bans:
        return remedy.model_copy(update={"extras": ()}), remedy, False
    return remedy, None, False


def _is_banned(remedy: Remedy, profile: Platform) -> bool:
    if "money" in profile.bans and (remedy.action in _MONEY or remedy.value):
        return True
    return "promo_code" in profile.bans and remedy.action is Action.VOUCHER


def _channel(channels: Iterable[Channel], profile: Platform, language: str) -> Channel | None:
    """The shop's first channel that the platform allows; else the platform's own chat; else none."""
    allowed = [channel for channel in channels if channel_ban(channel) not in profile.bans]
    if profile.own_chat:
        chat = next((channel for channel in allowed if channel_kind(channel.kind) == "chat"), None)
        return chat or Channel(kind=load_language(language).data["own_chat"])
    if profile.bans & {"phone", "handle"}:
        # No phone and no chat of its own there: an e-mail or a page is what its readers can use.
        allowed = [channel for channel in allowed if channel_kind(channel.kind) != "chat"]
    return allowed[0] if allowed else None


def _contacts(shop: Shop, profile: Platform) -> tuple[str, ...]:
    allowed = [
        channel.value
        for channel in shop.channels
        if channel.value and channel_ban(channel) not in profile.bans
    ]
    return tuple(dict.fromkeys((*allowed, *(shop.contacts if not profile.own_chat else ()))))


def _facts(order: Order | None, language: str, shop: Shop) -> tuple[str, ...]:
    if order is None:
        return ()
    # The shop's own facts are in its first language; in a reply in another they could not be told.
    facts = order.facts if language == shop.languages[0] else ()
    return facts if order.found else (*facts, load_language(language).data["no_order_fact"])
