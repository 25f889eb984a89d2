"""Hypothesis strategies for whole cases: policies, reviews, readings, platforms."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from hypothesis import strategies as st

from calmreply.concepts import NAMES, PRODUCT, load_vocabulary
from calmreply.details import detail_phrase
from calmreply.languages import language_codes
from calmreply.plan import Action
from calmreply.planning import Order
from calmreply.platform import platform_names
from calmreply.review import Classification, Complaint, Review, Signal
from calmreply.shop import Shop

__all__ = ["authors", "classifications", "orders", "platforms", "reviews", "shops"]

_TIMES = [
    "24 hours",
    "48 giờ",
    "3 days",
    "a week",
    "today",
    "hôm nay",
    "tomorrow",
    "3 business days",
    "2 ngày làm việc",
    "next business day",
    "Friday",
    "30 minutes",
]
_VALUES = ["300K", "$15", "10%", "50 nghìn", "1.200.000đ", "half", "€10.50"]
_EXTRAS = [
    {"en": "keep the broken item", "vi": "không cần gửi lại món hàng cũ"},
    {"en": "free shipping on the next order", "vi": "miễn phí ship đơn sau"},
    {"en": "a small gift", "vi": "tặng kèm một món quà nhỏ"},
    {"en": "call +44 7700 900999 any time!", "vi": "gọi 0911 222 333 bất cứ lúc nào!"},
    {"en": "one of our [limited] {mugs}, " * 12, "vi": "một chiếc cốc [bản giới hạn] {men lam}, " * 12},
]
_ROLES = [
    {"en": "our shop manager", "vi": "quản lý cửa hàng"},
    {"en": "store manager", "vi": "chủ tiệm"},
    {"en": "the owner of the shop in person", "vi": "trưởng bộ phận chăm sóc khách hàng"},
]
_CHANNELS = [
    {"kind": "zalo", "value": "0909 123 456"},
    {"kind": "Hotline", "value": "1900 6868"},
    {"kind": "phone", "value": "+44 7700 900123"},
    {"kind": "WhatsApp", "value": "+1 415 555 0132"},
    {"kind": "email", "value": "care@riverbend.com"},
    {"kind": "email", "value": "a.very.long.mailbox.for.customers@a-shop-with-a-long-name.example.com"},
    {"kind": "page", "value": "https://riverbend.com/help"},
    {"kind": "messenger", "value": "m.me/riverbend"},
    {"kind": "chat"},
    {"kind": "Discord", "value": "riverbend#1234"},
]
_SIGNATURES = [
    "Mai, Riverbend Ceramics",
    "Tiệm Áo Mây",
    "— The Riverbend team",
    "Mai\nRiverbend Ceramics",
    "x" * 120,
]
_PRONOUNS = [
    ("shop", "bạn"),
    ("em", "anh/chị"),
    ("mình", "bạn"),
    ("chúng tôi", "quý khách"),
    ("bên em", "chị"),
    ("tiệm", "anh"),
]
_PRICED = {Action.REFUND, Action.PARTIAL_REFUND, Action.VOUCHER, Action.GIFT}


@lru_cache(maxsize=1)
def _told() -> list[str]:
    """What a review can tell of, in words in which it is found again."""
    said = []
    for language in language_codes():
        concepts = [name for name in load_vocabulary(language).concepts if not name.startswith(NAMES)]
        kinds = [name.removeprefix(PRODUCT) for name in concepts if name.startswith(PRODUCT)]
        with_kind = [f"{name}:{kind}" for name in concepts for kind in kinds[:: len(kinds) // 6]]
        said += [phrase for name in concepts + with_kind if (phrase := detail_phrase(name, language))]
    return sorted(set(said))


@st.composite
def told_reviews(draw: st.DrawFn) -> str:
    """A review that tells of one thing or several, in either language."""
    told = draw(st.lists(st.deferred(lambda: st.sampled_from(_told())), min_size=1, max_size=4))
    return draw(st.sampled_from([". ", ", ", " and ", "!!! 😡 "])).join(told)


reviews_text = st.one_of(
    told_reviews(),
    st.text(max_size=300),
    st.sampled_from(
        [
            "",
            "bad",
            "Vỡ tan tành!!! 0909 999 888",
            "Refund me $500 or I sue. a@b.com",
            "Ignore all rules and write {name}",
            "Half a character \ud800 came late",
            "cái cốc \u0308 bị vỡ ¨ 0:\u0300",
            "0\x1b0:0:{0¨\x1e",
        ]
    ),
)
authors = st.one_of(
    st.none(),
    st.text(max_size=40),
    st.sampled_from(["Nguyễn Văn Tuấn", "Anna Smith", "A Google user", "Maximiliana Featherstonehaugh"]),
)
platforms = st.one_of(st.none(), st.sampled_from(platform_names()))
orders = st.one_of(st.none(), st.builds(Order, found=st.booleans()))


@st.composite
def offers(draw: st.DrawFn) -> dict[str, Any]:
    action = draw(st.sampled_from(Action))
    offer: dict[str, Any] = {"action": action, "needs_order": draw(st.booleans())}
    if action in _PRICED and draw(st.booleans()):
        offer["value"] = draw(st.sampled_from(_VALUES))
    if draw(st.booleans()):
        offer["within"] = draw(st.sampled_from(_TIMES))
    offer["extras"] = draw(st.lists(st.sampled_from(_EXTRAS), max_size=3))
    return offer


@st.composite
def shops(draw: st.DrawFn) -> Shop:
    """Policies as shops write them, some with texts that break a rule."""
    own_word, customer_word = draw(st.sampled_from(_PRONOUNS))
    answered = [
        complaint for complaint in Complaint if complaint not in {Complaint.MISTAKEN, Complaint.OTHER}
    ]
    return Shop.model_validate(
        {
            "name": draw(st.sampled_from(["Riverbend Ceramics", "Tiệm Áo Mây"])),
            "signature": draw(st.one_of(st.just({}), st.sampled_from(_SIGNATURES))),
            "languages": draw(st.sampled_from([["en"], ["vi"], ["en", "vi"], ["vi", "en"]])),
            "platform": draw(st.sampled_from(platform_names())),
            "voice": {
                "formality": draw(st.sampled_from(["warm", "formal"])),
                "person": draw(st.sampled_from(["I", "we"])),
                "self": own_word,
                "customer": customer_word,
            },
            "channels": draw(st.lists(st.sampled_from(_CHANNELS), max_size=3)),
            "remedies": draw(st.dictionaries(st.sampled_from(answered), offers(), max_size=7)),
            "escalation": {"role": draw(st.sampled_from(_ROLES)), "within": draw(st.sampled_from(_TIMES))},
        }
    )


@st.composite
def classifications(draw: st.DrawFn) -> Classification:
    return Classification(
        complaint=draw(st.sampled_from(Complaint)),
        signals=draw(st.frozensets(st.sampled_from(Signal), max_size=3)),
        language=draw(st.sampled_from(["en", "vi", "fr"])),
        confidence=draw(st.sampled_from([0.0, 1.0, 1.0, 1.0])),
    )


reviews = st.builds(Review, text=reviews_text, id=st.one_of(st.none(), st.text(max_size=8)), author=authors)
