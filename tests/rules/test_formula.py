from __future__ import annotations

from typing import Any

import pytest

from calmreply.plan import Plan
from calmreply.review import Review
from calmreply.rules import Case, all_rules
from calmreply.rules.formula import apologies, thanks

FILLER = {"en": " The kettle leaks. It went out by van.", "vi": " Ấm rò nước. Hàng đi bằng xe tải."}


def case(text: str, language: str = "en", **fields: Any) -> Case:
    return Case(text, Plan.model_validate({"complaint": "quality", "language": language, **fields}), Review())


def broken(rule: str, text: str, language: str = "en", **fields: Any) -> list[str]:
    """The words each violation points at; "" for something missing."""
    found = all_rules()[rule].violations(case(text, language, **fields))
    return [text[one.start : one.end] if one.start is not None else "" for one in found]


@pytest.mark.parametrize(
    ("language", "text", "thanked"),
    [
        ("en", "Hats off to you for measuring it twice.", True),
        ("en", "Thank u so much dear for review.", True),
        ("en", "I can’t thank you enough.", True),
        ("en", "Appreciate your feedback.", True),
        ("en", "Thanks to the rain the parcel got wet.", False),
        ("en", "We'd be thankful if you wrote to us.", False),
        ("en", "You wrote “thanks for nothing” and we see why.", False),
        ("en", "We will truly appreciate your understanding.", False),
        ("vi", "Shop cám ơn nhiều nha.", True),
        ("vi", "Tụi mình cảm kích sự thẳng thắn của bạn.", True),
        ("vi", "cam on anh da bao.", True),
        ("vi", "Shop sẽ rất cảm kích nếu bạn nhắn tin.", False),
        ("vi", "Shop đã nhận được góp ý của bạn.", False),
    ],
)
def test_thanks(language: str, text: str, thanked: bool) -> None:  # noqa: FBT001 - a table of cases
    whole = text + FILLER[language]
    assert bool(thanks(case(whole, language))) is thanked
    assert broken("thanks", whole, language) == ([] if thanked else [""])


def test_a_bare_sign_off_is_no_thanks() -> None:
    assert broken("thanks", "Sorry about the lid. It leaks. We send one.\nThanks!") == [""]
    assert broken("thanks", "Xin lỗi bạn. Ấm rò nước. Shop gửi ấm mới. Trân trọng cảm ơn!", "vi") == [""]
    assert broken("thanks", "Thank you. Sorry about the lid. We send one.") == []


@pytest.mark.parametrize(
    ("language", "text", "count"),
    [
        ("en", "We're sorry and apologise for this.", 1),
        ("en", "I can't apologise enough.", 1),
        ("en", "We regret the delay.", 1),
        ("en", "Regret the trouble.", 1),
        ("en", "Sorry to hear this.", 1),
        ("en", "You say that nobody even said sorry.", 0),
        ("en", "Unfortunately it broke, and we are sad to hear it.", 0),
        ("en", "There is no need to apologise.", 0),
        ("en", "It came in a sorry state.", 0),
        ("en", "Sorry for the wait. I apologise for the tone. Our apologies for the noise.", 3),
        ("vi", "Team em sorry anh.", 1),
        ("vi", "Shop rất tiếc khi nghe chuyện của bạn.", 1),
        ("vi", "em xin loi chi nha", 1),
        ("vi", "Rất tiếc, áo bị rách.", 0),
        ("vi", "Bạn nói nhân viên không thèm xin lỗi một câu.", 0),
        ("vi", "Em xin lỗi chị. Em xin lỗi vì áo rách. Cho em tạ lỗi với bé.", 3),
    ],
)
def test_apologies_are_counted_apart(language: str, text: str, count: int) -> None:
    whole = text + "." + FILLER[language]
    assert len(apologies(case(whole, language))) == count
    assert bool(broken("apology", whole, language)) is (count in {0, 3})


def test_the_third_apology_is_pointed_at() -> None:
    text = "Thank you. Sorry for the wait. I apologise for the tone. Our apologies for the noise."
    assert broken("apology", text) == ["apologies"]


@pytest.mark.parametrize(
    "fields",
    [{"complaint": "mistaken"}, {"complaint": "other"}, {"complaint": "quality", "signals": ["praise"]}],
)
def test_apology_and_empathy_are_not_always_required(fields: dict[str, Any]) -> None:
    assert broken("apology", "Thank you. We sell tea. It is green.", **fields) == []
    assert broken("empathy", "Thank you. We sell tea. It is green.", **fields) == []
    three = "Thank you. Sorry. We are so sorry about it. We apologise again for that."
    assert broken("apology", three, **fields) == ["apologise"]


@pytest.mark.parametrize(
    ("language", "text", "felt"),
    [
        ("en", "Nobody likes waiting in the rain for a van.", True),
        ("en", "You trusted us with a birthday present.", True),
        ("en", "That's a lot of running around for one box.", True),
        ("en", "I'd be cross too.", True),
        ("en", "We apologise for the inconvenience.", False),
        ("en", "The two cups in your order were chipped.", False),
        ("en", "We take quality seriously.", False),
        ("en", "A new kettle will be sent within 3 days.", False),
        ("vi", "Chờ hai tuần ai mà không nản.", True),
        ("vi", "Để anh đi lại hai lần thật không phải.", True),
        ("vi", "chac chi that vong lam", True),
        ("vi", "Shop xin lỗi vì sự bất tiện này.", False),
        ("vi", "Đơn của bạn giao trễ ba ngày.", False),
    ],
)
def test_empathy(language: str, text: str, felt: bool) -> None:  # noqa: FBT001 - a table of cases
    assert broken("empathy", text, language) == ([] if felt else [""])


@pytest.mark.parametrize(
    ("language", "text", "asks"),
    [
        ("en", "What did we get wrong?", True),
        ("en", "The number on your receipt would help.", True),
        ("en", "Please share the number on your receipt.", True),
        ("en", "Is there an order number we could look up?", True),
        ("en", "We could not find your order number.", False),
        ("en", "Please message us in the shop chat.", False),
        ("vi", "Anh còn giữ hóa đơn không ạ?", True),
        ("vi", "Bạn kể rõ hơn giúp shop nha.", True),
        ("vi", "Shop tra không thấy mã đơn nào.", False),
    ],
)
def test_question(language: str, text: str, asks: bool) -> None:  # noqa: FBT001 - a table of cases
    assert broken("question", text, language, complaint="mistaken") == ([] if asks else [""])
    assert broken("question", text, language, complaint="late") == []


def test_what_is_missing_cannot_be_said_of_a_language_without_cues() -> None:
    text = "感谢您的反馈。很抱歉茶的味道太淡，我们理解您的失望。我们会在两天内给您发送优惠券。"
    for rule in ("thanks", "apology", "empathy"):
        assert broken(rule, text, "vi") == []
    assert broken("language", text, "vi")
