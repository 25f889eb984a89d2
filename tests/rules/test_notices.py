from __future__ import annotations

import time

import pytest

from calmreply.checks import check
from calmreply.plan import Plan
from calmreply.review import Review
from calmreply.rules import Case, all_rules
from calmreply.violation import Severity

RULES = ("invented", "stock_phrase", "see_you_again", "exclamation", "over_apology")


def quotes(rule: str, text: str, language: str = "en", **plan: object) -> list[str]:
    violations = check(text, Plan.model_validate({"complaint": "late", "language": language, **plan}))
    return [text[one.start : one.end] for one in violations if one.rule == rule]


@pytest.mark.parametrize("rule", RULES)
def test_all_are_warnings(rule: str) -> None:
    assert all_rules()[rule].severity is Severity.WARNING


@pytest.mark.parametrize(
    ("rule", "language", "text"),
    [
        ("invented", "en", "We have spoken with the courier."),
        ("invented", "en", "Our records show it left on 3 May."),
        ("invented", "vi", "Shop đã trao đổi với bên vận chuyển."),
        ("stock_phrase", "en", "Sorry for any inconvenience."),
        ("stock_phrase", "en", "Dear valued customer, we strive."),
        ("stock_phrase", "vi", "Xin lỗi bạn vì sự bất tiện này."),
        ("see_you_again", "en", "We hope to see you again."),
        ("see_you_again", "vi", "Mong được phục vụ bạn lần sau."),
        ("over_apology", "en", "We are sorry for everything."),
        ("over_apology", "vi", "Shop ngàn lần xin lỗi bạn."),
    ],
)
def test_warnings_are_found(rule: str, language: str, text: str) -> None:
    assert quotes(rule, text, language)


@pytest.mark.parametrize(
    ("language", "text", "fact"),
    [
        ("en", "Our records show it left on 3 May.", "parcel left on 3 May"),
        ("en", "We have checked your order history and found no order.", "order history checked: none found"),
        ("vi", "Em tra lịch sử không thấy đơn nào.", "đã tra lịch sử đơn: không thấy đơn nào"),
    ],
)
def test_a_fact_may_be_claimed(language: str, text: str, fact: str) -> None:
    assert not quotes("invented", text, language, facts=[fact])
    assert quotes("invented", text, language, facts=["qwerty zxcv"])


def test_what_will_be_done_is_not_invented() -> None:
    assert not quotes("invented", "We will speak with the courier. We have let you down.")


def test_the_second_exclamation_mark_is_one_too_many() -> None:
    assert not quotes("exclamation", "Thank you!")
    assert quotes("exclamation", "Thank you! Sorry! Bye!") == ["!"]


@pytest.mark.parametrize(
    "piece", ["you ", "the courier ", "because ", "if really ", "due to ", "sao ", "bạn ", "! ", "Kevin "]
)
def test_hostile_length_stays_linear(piece: str) -> None:
    language = "vi" if piece in {"sao ", "bạn "} else "en"
    case = Case(
        piece * (30_000 // len(piece)),
        Plan.model_validate({"complaint": "late", "language": language}),
        Review(),
    )
    start = time.process_time()
    for name in (*RULES, "blame", "argument", "solicitation", "liability"):
        list(all_rules()[name].function(case))
    assert time.process_time() - start < 20
