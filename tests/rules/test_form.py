from __future__ import annotations

import time
from typing import Any

import pytest

from calmreply.errors import InputError
from calmreply.plan import Plan
from calmreply.review import Review
from calmreply.rules import Case, all_rules


def case(text: str, language: str = "en", **fields: Any) -> Case:
    return Case(text, Plan.model_validate({"complaint": "quality", "language": language, **fields}), Review())


def broken(rule: str, text: str, language: str = "en", **fields: Any) -> list[str]:
    """The words each violation points at; "" for something missing."""
    found = all_rules()[rule].violations(case(text, language, **fields))
    return [text[one.start : one.end] if one.start is not None else "" for one in found]


@pytest.mark.parametrize(
    ("text", "count", "fields"),
    [
        ("Hello,\n\nOne is here. Two is here.\n\nBest regards,\nMai", 2, {}),
        ("Hi Mr. Tuan!\nOne is here.\n— Mai", 1, {}),
        ("Hello Mr. Tuan, one is here. Two is here.\nHannah, Loft & Beam", 2, {}),
        ("One is here. Two is here.\nthe kettle people", 2, {"signature": "the kettle people"}),
        ("One is here. Thanks!", 1, {}),
        ("Oh no. Petrol! That was bad.", 3, {}),
        ("It costs $12.50, e.g. approx. 3 a day, order no. 12.", 1, {}),
        ("Hi Zoe 💛\nthank you for telling us\nso sorry about it 😔", 2, {}),
        ("1. We send one.\n2. We call you.\n- It is free", 3, {}),
        ("word " * 100 + ".", 1, {}),
        ("“One is here. Two is here. Three is here.”", 3, {}),
    ],
)
def test_the_body_counts_no_greeting_and_no_signature(text: str, count: int, fields: dict[str, Any]) -> None:
    assert len(case(text, **fields).body) == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Dạ em chào chị Lan ạ!\nEm cảm ơn chị. Em gửi hàng.\nThân mến", 2),
        ("Chị Lan thân mến,\nEm cảm ơn chị đã báo.\nThương, Mây", 1),
        ("Chào anh, em cảm ơn anh.Em gửi hàng nha", 2),
        ("Anh Khánh ơi, em cảm ơn anh. Trân trọng cảm ơn!", 1),
    ],
)
def test_the_body_of_vietnamese(text: str, count: int) -> None:
    assert len(case(text, "vi").body) == count


def test_length() -> None:
    sentence = "This is one sentence. "
    assert broken("length", sentence * 3) == []
    assert broken("length", sentence * 7) == []
    assert broken("length", sentence * 2) == [""]
    assert broken("length", sentence * 8) == [sentence.strip()]
    assert broken("length", "") == [""]
    assert broken("length", sentence * 3, platform="Google Play") == []
    assert broken(
        "length", "This is one sentence. " * 3 + "It is long" + " and long" * 40 + ".", platform="google_play"
    ) == [""]


def test_a_limit_counts_in_its_own_unit() -> None:
    text = "Em xin lỗi chị vì ấm rò nước. " * 5
    text += "Ư" * (4096 - len(text) - 1) + "."
    assert len(text) == 4096
    assert broken("length", text, "vi", platform="generic") == []
    assert broken("length", text, "vi", platform="google_business") == [""]
    with pytest.raises(InputError):
        broken("length", text, "vi", platform="nowhere")


def test_opening() -> None:
    late = "Thank you. The lid leaks. It is wet. I am sorry about that. We send one."
    assert broken("opening", late) == ["sorry"]
    assert broken("opening", "Hi Ann!\nThe lid leaks. It is wet. Thank you, and sorry.") == []
    assert broken("opening", "Sorry. The lid leaks. It is wet. It drips. Thank you for telling us.") == [
        "Thank you for"
    ]
    assert broken("opening", "The lid leaks. It is wet. It drips. Thank you for telling us.") == []
    assert broken("opening", late, complaint="mistaken") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Dear [Name], thank you.", "[Name]"),
        ("Order {{order_id}} is late.", "{{order_id}}"),
        ("Hello <name>, thank you.", "<name>"),
        ("Please call XXX today.", "XXX"),
        ("Dear Customer Name, thank you.", "Dear Customer Name"),
        ("Hi ${first}, thanks.", "${first}"),
        ("We are **so** sorry.", "**"),
        ("Thank you.<br>Sorry.", "<br>"),
        ("Sorry &amp; thanks.", "&amp;"),
        ("# Reply\nThank you.", "# "),
        ("Sorry.\\nThank you.", "\\n"),
        ("```\nThank you.\n```", "```"),
        ('{"text": "Thank you."}', '{"text": "Thank you."}'),
        ("Reply: Thank you.", "Reply:"),
        ("**Response 2:** Thank you.", "Response 2:"),
        ("Phản hồi: Thank you.", "Phản hồi:"),
        ("Thank you.<|im_end|>", "<|im_end|>"),
        ("Thank you.</s>", "</s>"),
        ("We canâ€™t say.", "â€"),
        ("Thank\u200b you.", "\u200b"),
        ("Thank \u202eyou.", "\u202e"),
        ("Thank you. " + "QUJD" * 20, "QUJD" * 20),
        ("Sure! Here's the reply:\nThank you.", "Here's the reply"),
        ("As a language model I cannot feel it.", "As a language model"),
        ("Sorry about that. Write to us so that we can arrange the", "the"),
        ("Sorry about that. Write to us and,", "Write to us and,"),
        ("Sorry about that (the lid and", "Sorry about that (the lid and"),
        ("We are sorry it broke. It is wet. We are sorry it broke.", "We are sorry it broke."),
        ('"Thank you. Sorry."', '"Thank you. Sorry."'),
        ("“Thank you. Sorry.”", "“Thank you. Sorry.”"),
        ("'Thank you. We're sorry.'", "'Thank you. We're sorry.'"),
        ("?! 123", "?! 123"),
    ],
)
def test_residue(text: str, found: str) -> None:
    assert found in broken("residue", text)


@pytest.mark.parametrize(
    "text",
    [
        "“Handmade” has to mean handmade, and yours came with a “sticker”.",
        "thank you for this, ping us in the shop chat",
        "We'll do it right :)",
        "We send it today (by van)",
        "The oven (the one in the “fresh” ad) was cold.",
        "Sorry 👩‍🍳 and thanks 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ❤️",
        "Thank you, thank you for telling us. It is really, really bad.",
        "Size XXL costs $12 at 50 % off, <3 from us all.",
        "Write to https://support.example.com/a/very/long/path/that/goes/on/and/on_and_on today.",
        "Here is what we do: we send a new one.",
        "Our app Prompt never rings, and the instructions were missing.",
        "Call (408) 555-0123.\nBest regards,",
        "ÂM THANH and CÃI VÃ are words.",
    ],
)
def test_no_residue(text: str) -> None:
    assert broken("residue", text) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Chào {ten_khach}, shop xin lỗi.", "{ten_khach}"),
        ("Dưới đây là câu trả lời:\nShop xin lỗi.", "Dưới đây là câu trả lời"),
        ("Em gửi ảnh bình đang được", "đang được"),
        ("Tôi là một mô hình ngôn ngữ.", "là một mô hình ngôn ngữ"),
        ("Câu trả lời: shop xin lỗi.", "Câu trả lời:"),
    ],
)
def test_residue_in_vietnamese(text: str, found: str) -> None:
    assert found in broken("residue", text, "vi")


@pytest.mark.parametrize(
    "text",
    [
        "chi nhan chat shop nhe",
        "Shop gửi liền cho bạn nha 🌸",
        "Ai cũng bực khi vậy",
        "Shop hủy đơn theo yêu cầu của bạn",
    ],
)
def test_no_residue_in_vietnamese(text: str) -> None:
    assert broken("residue", text, "vi") == []


def test_a_placeholder_of_the_plan_is_the_shops_own() -> None:
    text = "Call 0909 xxx xxx, please."
    assert broken("residue", text) == ["xxx", "xxx"]
    assert broken("residue", text, channel={"kind": "zalo", "value": "0909 xxx xxx"}) == []


@pytest.mark.parametrize(
    ("language", "text", "found"),
    [
        ("en", "Thank you. Esperamos poder ayudarle muy pronto.", ["Esperamos poder ayudarle muy pronto."]),
        ("en", "Thank you. Gracias por su paciencia.", ["Gracias por su paciencia"]),
        ("en", "Thank you. Shop xin lỗi vì áo bị rách.", ["Shop xin lỗi vì áo bị rách."]),
        ("en", "Thank you. Спасибо вам большое.", ["Спасибо вам большое"]),
        ("en", "Thank you for your words about the áo dài, we at Nhà Lụa are sorry.", []),
        ("en", "You wrote “cái áo này quá tệ luôn shop ơi” and we see why.", []),
        ("en", "Merci! Thank you for telling us.", []),
        ("en", "Sore feet hurt badly every single time.", []),
        ("vi", "Shop xin lỗi bạn, we will refund you within 3 days.", ["we will refund you within 3 days."]),
        ("vi", "Dear anh Phong, team em sorry anh, anh call hotline 1800 5588 nha.", []),
        ("vi", "Vuon Que cam on co da nhan tin, con hieu co cho mon moi.", []),
        ("vi", "Áo size L màu white ship COD free nha bạn.", []),
        ("vi", "Cảm ơn bạn. 請致電與我們聯絡。", ["請致電與我們聯絡"]),
    ],
)
def test_language(language: str, text: str, found: list[str]) -> None:
    assert [one.rstrip(".。") for one in broken("language", text, language)] == [
        one.rstrip(".") for one in found
    ]


@pytest.mark.parametrize(
    ("language", "name", "text", "found"),
    [
        ("en", "Thomas", "Hello Peter, thank you.", ["Peter"]),
        ("en", None, "Thank you for your feedback, Susan! It is wet.", ["Susan"]),
        ("en", None, "Thank you, Susan, for your feedback.", ["Susan"]),
        ("en", None, "hi susan, thank you.", ["susan"]),
        ("en", "Tuấn", "Dear Mr. Nguyen Van Tuan, thank you.", []),
        ("en", "Kai", "thanks for telling us, kai.", []),
        ("en", None, "Dear valued customer, thank you.", []),
        ("en", None, "Hi there, and thank you.", []),
        ("en", None, "Dear Google user, thank you.", []),
        ("en", None, "Hello from Emberfield, and thank you.", []),
        ("en", "Yusuf", "Hi Yusuf, Ben here – thank you.", []),
        ("en", None, "We are sorry it never reached you in Leeds, England.", []),
        ("en", None, "I'm sorry RR123456785GB has not moved.", []),
        ("en", None, "We're sorry Prompt never rings.", []),
        ("vi", "Hoa", "Chào chị Hương, cảm ơn chị.", ["Hương"]),
        ("vi", None, "Chào ngocmeo, shop cảm ơn bạn.", ["ngocmeo"]),
        ("vi", None, "Shop cảm ơn Kiên đã báo.", ["Kiên"]),
        ("vi", "Lan", "Chị Mai ơi, em xin lỗi.", ["Mai"]),
        ("vi", "Trang", "shop cam on chi trang nha.", []),
        ("vi", "Nhung", "Bi Bo cảm ơn mẹ Nhung đã báo nha.", []),
        ("vi", None, "Quý khách thân mến, shop cảm ơn Quý khách.", []),
        ("vi", "Minh Anh", "Chào Minh Anh, cảm ơn bạn.", []),
        ("vi", None, "Dạ em chào anh/chị ạ, em cảm ơn mình nhiều.", []),
        ("vi", None, "Chào bạn Chi, shop cảm ơn.", ["Chi"]),
        ("vi", None, "Em cảm ơn anh Minh đã báo.", ["Minh"]),
        ("vi", None, "Shop Xin Lỗi Bạn Nhiều Ạ.", []),
        ("vi", None, "Quản lý là chị Hoa sẽ gọi cho chị.", []),
        ("en", None, "Hi Will, thanks.", ["Will"]),
        ("en", "Smith", "Hi J. Smith, thank you.", []),
        ("en", "O'Neil", "Dear Mrs O’Neil, thank you.", []),
        ("vi", None, "Chị ơi, em xin lỗi chị.", []),
    ],
)
def test_addressee(language: str, name: str | None, text: str, found: list[str]) -> None:
    assert broken("addressee", text, language, name=name) == found


def test_the_shops_own_name_is_no_addressee() -> None:
    assert broken("addressee", "Hi Riverbend Ceramics here, thank you.", shop_name="Riverbend Ceramics") == []


@pytest.mark.parametrize(
    "piece",
    [
        "[a",
        "{",
        "<b ",
        "*",
        "_a",
        '"',
        "“",
        "(",
        "thank you ",
        "sorry, ",
        "X",
        "\\n",
        "Hi Anna, ",
        "đ ",
        "a.b",
        "Ã",
        "\n- ",
        "1. ",
    ],
)
def test_hostile_text_stays_cheap(piece: str) -> None:
    text = piece * (20_000 // len(piece))
    start = time.process_time()
    for rule in ("length", "opening", "residue", "language", "addressee", "thanks", "apology", "empathy"):
        broken(rule, text)
    assert time.process_time() - start < 20


def test_a_copied_sentence_of_the_review_is_residue() -> None:
    said = "I want $900 in cash and a public apology from the owner."
    review = Review(text=f"You absolute clowns. {said}")

    def found(text: str) -> list[str]:
        one = Case(text, Plan(complaint="quality"), review)
        return [text[each.start : each.end] for each in all_rules()["residue"].violations(one)]

    assert found(f"Thank you. {said} We are sorry.") == [said]
    assert found(f'Thank you. You wrote "{said}" and we hear you. We are sorry.') == []
