from __future__ import annotations

from typing import Any

import pytest

from calmreply.classifier import CONFIDENT
from calmreply.errors import InputError
from calmreply.languages import load_language
from calmreply.plan import Action, Plan, Reason, Remedy
from calmreply.planning import Order, make_plan
from calmreply.review import Classification, Complaint, Review, Signal
from calmreply.shop import Shop

SHOP = Shop.model_validate(
    {
        "name": "Riverbend",
        "signature": "Mai",
        "channels": [
            {"kind": "zalo", "value": "0909 123 456"},
            {"kind": "email", "value": "care@riverbend.com"},
        ],
        "contacts": ["riverbend.com"],
        "remedies": {
            "damaged": {
                "action": "replacement",
                "within": "24 hours",
                "extras": [{"en": "keep the mug", "vi": "giữ lại cốc cũ"}],
            },
            "late": {"action": "voucher", "value": "300K"},
            "quality": {"action": "refund", "within": "3 days", "needs_order": True},
        },
        "rules": {"empathy": "warning"},
    }
)
CALLBACK = Remedy(action=Action.CALLBACK, within="24 hours")


def plan(
    complaint: str = "damaged",
    *,
    language: str = "en",
    confidence: float = 1.0,
    signals: set[str] | None = None,
    review: Review | None = None,
    **options: Any,
) -> Plan:
    reading = Classification(
        complaint=Complaint(complaint),
        language=language,
        confidence=confidence,
        signals=frozenset(Signal(one) for one in signals or ()),
        details=("cracked",),
    )
    return make_plan(review or Review(author="Anna Smith"), reading, SHOP, **options)


def test_a_plan_carries_what_the_shop_says() -> None:
    made = plan()
    assert made.remedy == Remedy(action=Action.REPLACEMENT, within="24 hours", extras=("keep the mug",))
    assert made.channel is not None
    assert made.channel.value == "0909 123 456"
    assert made.contacts == ("0909 123 456", "care@riverbend.com", "riverbend.com")
    assert (made.shop_name, made.signature, made.name, made.role) == (
        "Riverbend",
        "Mai",
        "Anna",
        "our shop manager",
    )
    assert made.details == ("cracked",)
    assert made.severities == {"empathy": "warning"}
    assert not made.needs_human


def test_it_is_in_the_replys_language() -> None:
    made = plan(language="vi")
    assert made.remedy == Remedy(action=Action.REPLACEMENT, within="24 giờ", extras=("giữ lại cốc cũ",))
    assert made.role == "quản lý cửa hàng"


def test_a_language_that_is_not_served_gets_the_first_and_a_person() -> None:
    made = plan(language="fr")
    assert (made.language, made.reasons) == ("en", (Reason.LANGUAGE,))
    assert made.needs_human


def test_at_risk_is_the_callback_of_the_role_whatever_the_policy_says() -> None:
    made = plan(signals={"at_risk"})
    assert made.remedy == Remedy(action=Action.CALLBACK, within="24 hours", extras=("our shop manager",))
    assert made.reasons == (Reason.AT_RISK,)
    assert made.details == ()
    assert plan("mistaken", signals={"at_risk"}).remedy == made.remedy


def test_an_uncertain_reading_promises_a_callback() -> None:
    made = plan(confidence=CONFIDENT - 0.01)
    assert (made.remedy, made.private_remedy, made.reasons) == (CALLBACK, None, (Reason.UNCERTAIN,))


@pytest.mark.parametrize("complaint", ["mistaken", "other"])
def test_where_nothing_is_known_nothing_is_offered(complaint: str) -> None:
    assert plan(complaint).remedy is None
    assert plan(complaint, confidence=0.0).remedy is None


def test_praise_gets_no_remedy() -> None:
    assert plan("quality", signals={"praise"}).remedy is None


def test_a_complaint_without_an_offer_gets_a_callback() -> None:
    assert plan("pricing").remedy == CALLBACK


@pytest.mark.parametrize(
    ("order", "asks"), [(None, True), (Order(found=False), True), (Order(found=True), False)]
)
def test_a_stranger_is_asked_for_the_order_number(order: Order | None, *, asks: bool) -> None:
    made = plan("quality", order=order)
    refund = Remedy(action=Action.REFUND, within="3 days")
    assert made.asks_order is asks
    assert made.remedy == (CALLBACK if asks else refund)
    assert made.private_remedy == (refund if asks else None)


def test_facts_are_those_of_the_look_up() -> None:
    none_found = load_language("en").data["no_order_fact"]
    assert plan(order=Order(found=True, facts=("parcel left on 3 May",))).facts == ("parcel left on 3 May",)
    assert plan("mistaken", order=Order(found=False)).facts == (none_found,)
    assert plan().facts == ()
    # The shop's own facts are written in its first language.
    assert plan(language="vi", order=Order(found=True, facts=("parcel left on 3 May",))).facts == ()


def test_banned_money_waits_for_the_private_channel() -> None:
    made = plan("late", platform="tripadvisor")
    assert made.remedy == CALLBACK
    assert made.private_remedy == Remedy(action=Action.VOUCHER, value="300K")
    assert not made.asks_order
    assert made.name is None
    kept = plan("damaged", platform="tripadvisor")
    assert kept.remedy == Remedy(action=Action.REPLACEMENT, within="24 hours")
    assert kept.private_remedy is not None
    assert kept.private_remedy.extras == ("keep the mug",)


def test_promo_codes_are_banned_by_themselves() -> None:
    assert plan("late", platform="app_store").remedy == CALLBACK
    assert plan("damaged", platform="app_store").remedy != CALLBACK


@pytest.mark.parametrize(
    ("platform", "kind", "value"),
    [
        ("generic", "zalo", "0909 123 456"),
        ("google_play", "email", "care@riverbend.com"),
        ("shopee", "shop chat", ""),
        ("etsy", "shop chat", ""),
    ],
)
def test_the_channel_is_one_the_platform_allows(platform: str, kind: str, value: str) -> None:
    made = plan(platform=platform)
    assert made.channel is not None
    assert (made.channel.kind, made.channel.value) == (kind, value)


def test_no_channel_is_left_where_all_are_banned() -> None:
    shop = SHOP.model_copy(update={"channels": SHOP.channels[:1]})
    reading = Classification(complaint=Complaint.LATE, language="en")
    assert make_plan(Review(), reading, shop, platform="google_play").channel is None
    assert "0909 123 456" not in make_plan(Review(), reading, shop, platform="shopee").contacts


def test_the_platform_is_the_arguments_then_the_reviews_then_the_shops() -> None:
    review = Review(platform="Google Play")
    assert plan(review=review, platform="tiki").platform == "tiki"
    assert plan(review=review).platform == "google_play"
    assert plan(review=Review(platform="a column of something")).platform == "generic"
    with pytest.raises(InputError, match="myspace"):
        plan(platform="myspace")
