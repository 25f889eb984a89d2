from typing import Any

import pytest

from calmreply.plan import Plan
from calmreply.review import Review
from calmreply.rules import Case, all_rules


def broken(
    rule: str, text: str, plan: dict[str, Any], review: dict[str, Any] | None = None
) -> list[str | None]:
    case = Case(
        text, Plan.model_validate({"complaint": "damaged", **plan}), Review.model_validate(review or {})
    )
    return [
        None if found.start is None else text[found.start : found.end]
        for found in all_rules()[rule].function(case)
    ]


ZALO = {"channel": {"kind": "Zalo", "value": "0909 123 456"}, "language": "vi"}
CHAT = {"channel": {"kind": "shop chat"}}


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("Bạn nhắn Zalo 0909.123.456 giúp shop nhé.", ZALO),
        ("Zalo của shop: +84 909 123 456.", ZALO),
        ("Do not hesitate to message us in the shop chat.", CHAT),
        ("Drop us a line through the app's chat.", CHAT),
        ("Could you send me a private message?", CHAT),
        ("Chị inbox giúp em ạ.", {**CHAT, "language": "vi"}),
        ("chi nhan tin cho shop nha", {**CHAT, "language": "vi"}),
        (
            "Find Linh at riverbend-desk whenever you like.",
            {"channel": {"kind": "signal", "value": "riverbend-desk"}},
        ),
        ("We are sorry.", {}),
        ("We are sorry.", {**CHAT, "complaint": "mistaken"}),
    ],
)
def test_an_invitation_in_any_words_is_one(text: str, plan: dict[str, Any]) -> None:
    assert broken("channel", text, plan) == []


@pytest.mark.parametrize(
    ("text", "plan", "found"),
    [
        ("Shop xin lỗi bạn.", ZALO, [None]),
        ("Bạn nhắn Zalo 0909 123 457 nhé.", ZALO, ["0909 123 457"]),
        ("Please do not message us in the chat.", CHAT, [None]),
        ("Your message was left unread.", CHAT, [None]),
        ("Bạn đừng gọi 0909 123 456 nữa.", ZALO, [None]),
    ],
)
def test_a_missing_or_altered_channel_breaks_the_rule(
    text: str, plan: dict[str, Any], found: list[str | None]
) -> None:
    assert broken("channel", text, plan) == found


def test_only_the_shops_contacts_may_stand() -> None:
    plan = {**ZALO, "contacts": ["care@gom.vn"], "signature": "Gốm 0283 999 888"}
    assert broken("contacts", "Zalo 0909123456, care@gom.vn, 0283 999 888", plan) == []
    assert broken("contacts", "Gọi 0909 123 457", plan) == ["0909 123 457"]


def test_the_customers_own_contact_breaks_two_rules() -> None:
    review = {"text": "gọi tôi 0912 345 678"}
    text = "Shop sẽ gọi 0912.345.678."
    assert broken("contacts", text, ZALO, review) == broken("privacy", text, ZALO, review) == ["0912.345.678"]


@pytest.mark.parametrize(
    ("text", "plan", "review"),
    [
        ("We refunded the card ending 4242.", {}, {}),
        ("The parcel was left at 12 Maple Street.", {}, {}),
        ("Please reply here with your phone number.", {}, {}),
        ("Leave your e-mail below.", {}, {}),
        ("We are sorry about your rash.", {"signals": ["at_risk"]}, {"text": "I got a rash"}),
        ("Dear Tuấn Nguyễn Văn, sorry.", {"name": "Tuấn"}, {"author": "Tuấn"}),
        ("Your card 4111 1111 1111 1111 was charged.", {}, {}),
        ("Bạn để lại số điện thoại bên dưới nhé.", {"language": "vi"}, {}),
        ("Shop rất tiếc vì chị bị dị ứng.", {"language": "vi", "signals": ["at_risk"]}, {}),
        ("Đơn đã giao tới số 12 đường Nguyễn Trãi.", {"language": "vi"}, {}),
    ],
)
def test_private_matters_stay_private(text: str, plan: dict[str, Any], review: dict[str, Any]) -> None:
    assert broken("privacy", text, plan, review)


@pytest.mark.parametrize(
    ("text", "plan", "review"),
    [
        ("Send us your number by Zalo and we will call.", {}, {}),
        ("Please do not post your phone number here.", {}, {}),
        ("Please share your contact details at care@shop.com.", {}, {}),
        ("Reply with your order number so we can check.", {}, {}),
        ("We will refund the card you paid with.", {}, {}),
        ("We are sorry about what happened.", {"signals": ["at_risk"]}, {"text": "I got a rash"}),
        ("Dear Mr. Tuấn, sorry.", {"name": "Tuấn"}, {"author": "Nguyễn Văn Tuấn"}),
        ("Mẹ Nhung nhắn shop nhé.", {"language": "vi", "name": "Nhung"}, {"author": "Nhung"}),
        ("Góc bàn bị trầy làm anh xót.", {"language": "vi"}, {"text": "bàn trầy nguyên góc"}),
        ("Bạn nhắn số tài khoản cho shop qua Zalo nhé.", {"language": "vi"}, {}),
    ],
)
def test_what_is_not_private_passes(text: str, plan: dict[str, Any], review: dict[str, Any]) -> None:
    assert broken("privacy", text, plan, review) == []


@pytest.mark.parametrize(
    ("platform", "text", "found"),
    [
        ("shopee", "Call 0909 123 456.", ["0909 123 456"]),
        ("shopee", "Add us on Zalo.", ["Zalo"]),
        ("tiki", "See gom.vn/help.", ["gom.vn/help"]),
        ("google_play", "Call us on 0909 123 456.", ["0909 123 456"]),
        ("tripadvisor", "We refund 50 % today.", ["50 %"]),
        ("app_store", "Use code SORRY10 now.", ["Use code"]),
        ("etsy", "USPS damaged it on the way.", ["USPS"]),
    ],
)
def test_a_platforms_bans_hold(platform: str, text: str, found: list[str]) -> None:
    assert set(found) <= set(broken("platform", text, {"platform": platform}))


@pytest.mark.parametrize(
    ("platform", "text"),
    [
        ("shopee", "Please message us in the shop chat."),
        ("google_play", "Write to care@gom.vn."),
        ("generic", "Call 0909 123 456 or see gom.vn/help."),
        ("etsy", "We should have packed it better."),
        ("trustpilot", "Call 0909 123 456."),
    ],
)
def test_what_a_platform_allows_passes(platform: str, text: str) -> None:
    assert broken("platform", text, {"platform": platform}) == []


def test_names_are_banned_where_the_platform_bans_them() -> None:
    assert broken("platform", "Dear Anna, sorry.", {"platform": "tripadvisor"}, {"author": "Anna Smith"})
    assert not broken("platform", "Dear guest, sorry.", {"platform": "tripadvisor"}, {"author": "Anna Smith"})
