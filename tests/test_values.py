"""Values: read in every notation, compared, rendered and read back."""

from __future__ import annotations

from decimal import Decimal

import pytest

from calmreply.analysis import Analysis
from calmreply.values import (
    Duration,
    Money,
    Percent,
    Value,
    find_values,
    is_more_generous,
    parse_value,
    render,
    same_value,
)


def hours(count: str, *, working: bool = False) -> Duration:
    return Duration(Decimal(count), working=working)


def dong(count: int) -> Money:
    return Money(Decimal(count), "VND")


@pytest.mark.parametrize(
    ("text", "language", "value"),
    [
        ("300K", "vi", dong(300_000)),
        ("300.000đ", "vi", dong(300_000)),
        ("50 nghìn", "vi", dong(50_000)),
        ("50 k", "vi", dong(50_000)),
        ("1tr2", "vi", dong(1_200_000)),
        ("1 triệu rưỡi", "vi", dong(1_500_000)),
        ("50,000 VND", "en", dong(50_000)),
        ("$15", "en", Money(Decimal(15), "USD")),
        ("15 USD", "en", Money(Decimal(15), "USD")),
        ("€10.50", "en", Money(Decimal("10.5"), "EUR")),
        ("10%", "en", Percent(Decimal(10))),
        ("ten percent", "en", Percent(Decimal(10))),
        ("half", "en", Percent(Decimal(50))),
        ("một nửa", "vi", Percent(Decimal(50))),
        ("24h", "en", hours("24")),
        ("twenty-four hours", "en", hours("24")),
        ("a week", "en", hours("168")),
        ("half an hour", "en", hours("0.5")),
        ("3 business days", "en", hours("72", working=True)),
        ("3 ngày làm việc", "vi", hours("72", working=True)),
        ("48 tieng", "vi", hours("48")),
        ("một tuần", "vi", hours("168")),
    ],
)
def test_reads_and_renders_back(text: str, language: str, value: Value) -> None:
    assert parse_value(text, language) == value
    assert parse_value(render(value, language), language) == value


def test_this_time_tomorrow_is_a_day_from_now() -> None:
    assert parse_value("this time tomorrow", "en") == parse_value("giờ này ngày mai", "vi") == hours("24")


def test_names_days() -> None:
    assert (
        parse_value("within the day", "en") == parse_value("trong ngày", "vi") == parse_value("today", "en")
    )


def test_money_without_a_currency_goes_with_any() -> None:
    bare = parse_value("50K", "en")
    assert bare is not None
    assert same_value(bare, dong(50_000))
    assert not same_value(bare, dong(60_000))


def test_sooner_and_more_is_more_generous() -> None:
    assert is_more_generous(hours("24"), hours("72"))
    assert is_more_generous(hours("72"), hours("72", working=True))
    assert is_more_generous(dong(2), dong(1))
    assert not is_more_generous(dong(2), hours("1"))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (
            "Order 4155550187, call 020 7946 0371, 3 May, 30 cm, after waiting 3 days, size 42, a 4K screen",
            "en",
        ),
        ("Đơn DH0938 ngày 3 tháng 5, lúc 3 giờ chiều, chờ 3 ngày, trễ hai tuần, size 38, 2 kg", "vi"),
    ],
)
def test_finds_no_value_in_facts(text: str, language: str) -> None:
    assert find_values(Analysis(text, language)) == ()


def test_spans() -> None:
    text = "We’ll give 50 k off within 2 days"
    found = find_values(Analysis(text, "en"))
    assert [text[one.start : one.end] for one in found] == ["50 k", "2 days"]
