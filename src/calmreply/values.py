"""Money, percentages and times: read from text, compared across notations, written as a shop would."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from calmreply.analysis import Analysis
from calmreply.cues import fold
from calmreply.languages import language_codes, load_language

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from calmreply.analysis import Token

__all__ = [
    "Duration",
    "Found",
    "Money",
    "Percent",
    "Value",
    "find_values",
    "is_more_generous",
    "parse_value",
    "render",
    "same_value",
]


@dataclass(frozen=True, slots=True)
class Money:
    """An amount; `currency` is an ISO code, None where the text names none ("300K" in English)."""

    amount: Decimal
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Percent:
    """A share in hundredths; "half" is 50."""

    amount: Decimal


@dataclass(frozen=True, slots=True)
class Duration:
    """A time in hours. `working`: business days. `named`: a calendar word such as "today"."""

    hours: Decimal
    working: bool = False
    named: str | None = None


Value: TypeAlias = Money | Percent | Duration


class Found(NamedTuple):
    """A value and its place in the text as given, and the sentence it stands in."""

    value: Value
    start: int
    end: int
    sentence: int


def parse_value(text: str, language: str) -> Value | None:
    """The one value that a plan's or a policy's string names; None where there is none, or several.

    Args:
        text: such as "300K", "50 nghìn", "$15", "half", "24 hours", "3 ngày làm việc".
        language: the language it is written in; the others are tried where that one has no reading.
    """
    for code in dict.fromkeys((language, *language_codes())):
        tokens = [token for sentence in Analysis(text, code).sentences for token in sentence.tokens]
        found = {value for value, _, _ in _values(tokens, _table(code), past=True)}
        if len(found) == 1:
            return found.pop()
    return None


def find_values(analysis: Analysis) -> tuple[Found, ...]:
    """Every value in a text, in order. Past waits ("after 3 days"), clock times and dates are none."""
    return tuple(
        Found(value, sentence.tokens[first].start, sentence.tokens[last - 1].end, sentence.index)
        for sentence in analysis.sentences
        for value, first, last in _values(sentence.tokens, _table(sentence.language), past=False)
    )


def same_value(one: Value, other: Value) -> bool:
    """Whether two values are the same thing; money without a currency goes with any."""
    if isinstance(one, Money) and isinstance(other, Money):
        return one.amount == other.amount and (
            None in {one.currency, other.currency} or one.currency == other.currency
        )
    return one == other


def is_more_generous(one: Value, other: Value) -> bool:
    """Whether the first gives the customer more than the second: more money, or sooner."""
    if isinstance(one, Duration) and isinstance(other, Duration):
        return _real_hours(one) < _real_hours(other)
    if isinstance(one, Duration) or isinstance(other, Duration):
        return False
    return type(one) is type(other) and one.amount > other.amount


def render(value: Value, language: str) -> str:
    """The value as a shop writes it in that language; `parse_value` reads it back.

    Money(300000, "VND") is "300,000 VND" in English and "300K" in Vietnamese (from a million on,
    "1.200.000đ"); Duration(24) is "24 hours" and "24 giờ"; from three days on, days are counted.
    """
    forms: dict[str, Any] = load_language(language).data["values"]["render"]
    if isinstance(value, Percent):
        return f"{_number(value.amount, forms)}%"
    if isinstance(value, Money):
        return _rendered_money(value, forms)
    if value.named:
        return str(forms["named"].get(value.named, value.named))
    unit, count = _unit_of(value)
    one, many = forms[unit]
    return str(one if count == 1 else many).format(n=_number(count, forms))


def _rendered_money(money: Money, forms: dict[str, Any]) -> str:
    amount, currency = money.amount, money.currency
    short = forms.get("short_scale")
    if currency in {None, short} and amount % 1000 == 0 and 0 < amount < Decimal(1_000_000):
        return f"{int(amount) // 1000}K"
    written = _number(amount, forms, money=True)
    if currency is None:
        return written
    return str(forms["money"].get(currency, "{n} {code}")).format(n=written, code=currency)


def _number(amount: Decimal, forms: dict[str, Any], *, money: bool = False) -> str:
    if amount == amount.to_integral_value():
        text = f"{int(amount):,}"
    elif money:
        text = f"{amount:,.2f}"
    else:
        text = f"{amount.normalize():,f}"
    return text.translate(str.maketrans({",": forms["group"], ".": forms["decimal"]}))


def _unit_of(value: Duration) -> tuple[str, Decimal]:
    two_days = 48
    if value.working:
        return "working_day", value.hours / 24
    if value.hours < 1:
        return "minute", (value.hours * 60).quantize(Decimal(1))
    if value.hours > two_days and value.hours % 24 == 0:
        return "day", value.hours / 24
    return "hour", value.hours


def _real_hours(value: Duration) -> Decimal:
    return value.hours * 7 / 5 if value.working else value.hours


# Reading. A language's tables map phrases of one to four words; marks may be missing.
_NUMERAL = re.compile(r"(\d+(?:[.,]\d+)*)(.*)", re.DOTALL)
_SCALED = re.compile(r"([^\W\d_]+)(\d{1,3})")
_GROUPED = re.compile(r"[1-9]\d{0,2}([.,])\d{3}(?:\1\d{3})*")
_LONGEST_NUMERAL = 20
_LONGEST_PHRASE = 4
_MOST_NUMBER_WORDS = 8
_MOST_UNITS = 1000
_SMALLEST_K = 5  # "4K" is a screen


class _Number(NamedTuple):
    amount: Decimal
    rest: str  # what is written onto the numeral: the "h" of "24h"
    after: int
    grouped: bool = False


class _Phrases:
    """Phrases of a language to their meanings, found at a place of a row of tokens, longest first."""

    def __init__(self, table: dict[str, Any], *, folds: bool) -> None:
        self._exact = {tuple(phrase.split()): meaning for phrase, meaning in table.items()}
        self._bare = (
            {tuple(fold(word) for word in key): meaning for key, meaning in self._exact.items()}
            if folds
            else {}
        )
        self.first_words = {key[0] for key in (*self._exact, *self._bare)}
        self._longest = max((len(key) for key in self._exact), default=0)

    def at(self, words: Sequence[str], at: int) -> tuple[Any, int] | None:
        if at >= len(words) or words[at] not in self.first_words:
            return None
        for size in range(min(self._longest, len(words) - at), 0, -1):
            key = tuple(words[at : at + size])
            if key in self._exact:
                return self._exact[key], at + size
            if key in self._bare:
                return self._bare[key], at + size
        return None


class _Table:
    """The `[values]` of a language."""

    def __init__(self, code: str) -> None:
        language = load_language(code)
        data: dict[str, Any] = language.data.get("values", {})

        def phrases(name: str) -> _Phrases:
            given = data.get(name, {})
            table = dict.fromkeys(given, True) if isinstance(given, list) else given
            return _Phrases(table, folds=language.folds)

        self.numbers, self.multipliers = phrases("numbers"), phrases("multipliers")
        self.articles, self.halves, self.and_half = (
            phrases("articles"),
            phrases("halves"),
            phrases("and_half"),
        )
        self.shares = phrases("shares")
        self.scales, self.money_scales = phrases("scales"), phrases("money_scales")
        self.symbols, self.currencies = phrases("symbols"), phrases("currencies")
        self.percents, self.units, self.working = phrases("percents"), phrases("units"), phrases("working")
        self.named, self.fillers = phrases("named"), phrases("fillers")
        self.past_before, self.past_after = phrases("past_before"), phrases("past_after")
        self.clock_before, self.clock_after = phrases("clock_before"), phrases("clock_after")
        self.currency: str | None = data.get("default_currency") or None
        self.starts = (
            self.numbers.first_words | self.articles.first_words | self.halves.first_words
            | self.symbols.first_words | self.named.first_words
        )  # fmt: skip


@lru_cache(maxsize=32)
def _table(code: str) -> _Table:
    return _Table(code)


def _values(tokens: Sequence[Token], table: _Table, *, past: bool) -> Iterator[tuple[Value, int, int]]:
    """Values with the range of their tokens; with `past` those of the past too."""
    words = [token.form for token in tokens]
    at = 0
    while at < len(words):
        word = words[at]
        read = _value_at(words, at, table) if word[0].isdigit() or word in table.starts else None
        if read is None:
            at += 1
            continue
        value, after = read
        if past or not (isinstance(value, Duration) and _is_no_deadline(words, at, after, value, table)):
            yield value, at, after
        at = after


def _is_no_deadline(words: Sequence[str], at: int, after: int, value: Duration, table: _Table) -> bool:
    if table.past_after.at(words, after) or (not value.named and table.clock_after.at(words, after)):
        return True
    return any(
        (reading := phrases.at(words, start)) is not None and reading[1] == at
        for phrases in (table.past_before, table.clock_before)
        for start in range(max(0, at - _LONGEST_PHRASE + 1), at)
    )


def _value_at(words: Sequence[str], at: int, table: _Table) -> tuple[Value, int] | None:
    if named := table.named.at(words, at):
        name, hours = named[0]
        return Duration(Decimal(hours), named=name or None), named[1]
    if symbol := table.symbols.at(words, at):
        return _money_after_symbol(words, symbol, table)
    if half := table.halves.at(words, at):
        return _half(words, half[1], table)
    if (part := table.shares.at(words, at)) and not _is_time(words, part[1], table):
        return Percent(Decimal(part[0])), part[1]
    if article := table.articles.at(words, at):
        number = _Number(Decimal(1), "", article[1])
        return _duration(words, number, table)
    number_read = _read_number(words, at, table)
    if number_read is None:
        return None
    return (
        _duration(words, number_read, table)
        or _percent(words, number_read, table)
        or _money(words, number_read, table)
    )


def _money_after_symbol(
    words: Sequence[str], symbol: tuple[str, int], table: _Table
) -> tuple[Value, int] | None:
    number = _read_number(words, symbol[1], table)
    if number is None or not words[symbol[1]][0].isdigit():
        return None
    amount, after = number.amount, number.after
    if scale := _scale(words, number, table.money_scales):
        amount, after = scale
    elif number.rest:
        return None
    currency = table.currencies.at(words, after)
    return Money(amount, symbol[0]), currency[1] if currency else after


def _is_time(words: Sequence[str], after: int, table: _Table) -> bool:
    """Whether a unit of time follows within two words: "a quarter of an hour"."""
    return any(table.units.at(words, at) for at in range(after, min(after + 3, len(words))))


def _half(words: Sequence[str], after: int, table: _Table) -> tuple[Value, int]:
    article = table.articles.at(words, after)
    number = _Number(Decimal("0.5"), "", article[1] if article else after)
    return _duration(words, number, table) or (Percent(Decimal(50)), after)


def _duration(words: Sequence[str], number: _Number, table: _Table) -> tuple[Value, int] | None:
    at, working = number.after, False
    if number.rest:
        unit = table.units.at([number.rest], 0)
        after = at
    else:
        for _ in range(2):  # "3 full working days"
            if table.units.at(words, at):
                break
            if before := table.working.at(words, at):
                working, at = True, before[1]
            elif filler := table.fillers.at(words, at):
                at = filler[1]
        unit = table.units.at(words, at)
        after = unit[1] if unit else at
    if unit is None or number.amount >= _MOST_UNITS:
        return None
    minutes = number.amount * unit[0]
    if more := table.and_half.at(words, after):
        minutes, after = minutes + Decimal(unit[0]) / 2, more[1]
    if behind := table.working.at(words, after):
        working, after = True, behind[1]
    return Duration(minutes / 60, working=working), after


def _percent(words: Sequence[str], number: _Number, table: _Table) -> tuple[Value, int] | None:
    if number.rest == "%":
        return Percent(number.amount), number.after
    sign = None if number.rest else table.percents.at(words, number.after)
    return (Percent(number.amount), sign[1]) if sign else None


def _money(words: Sequence[str], number: _Number, table: _Table) -> tuple[Value, int] | None:
    amount, after, rest = number.amount, number.after, number.rest
    scaled = _scale(words, number, table.money_scales)
    plain = None if scaled else _scale(words, number, table.scales)
    if scaled or plain:
        amount, after = scaled or plain or (amount, after)
        if more := table.and_half.at(words, after):
            amount, after = amount * (number.amount + Decimal("0.5")) / number.amount, more[1]
        rest = ""
    currency = table.currencies.at([rest], 0) if rest else table.currencies.at(words, after)
    if currency:
        return Money(amount, currency[0]), after if rest else currency[1]
    if (scaled and amount >= _SMALLEST_K * 1000) or (number.grouped and not rest and table.currency):
        return Money(amount, table.currency), after
    return None


def _scale(words: Sequence[str], number: _Number, scales: _Phrases) -> tuple[Decimal, int] | None:
    """The number times the thousand or million behind it: "50k", "50 nghìn", "1tr2"."""
    if not number.rest:
        scale = scales.at(words, number.after)
        return (number.amount * scale[0], scale[1]) if scale else None
    if scale := scales.at([number.rest], 0):
        return number.amount * scale[0], number.after
    if (parts := _SCALED.fullmatch(number.rest)) and (scale := scales.at([parts[1]], 0)):
        return (number.amount + Decimal(f"0.{parts[2]}")) * scale[0], number.after
    return None


def _read_number(words: Sequence[str], at: int, table: _Table) -> _Number | None:
    if at >= len(words):
        return None
    numeral = _NUMERAL.fullmatch(words[at])
    if numeral:
        digits = numeral[1]
        if len(digits) > _LONGEST_NUMERAL:
            return None
        return _Number(_amount(digits), numeral[2], at + 1, bool(_GROUPED.fullmatch(digits)))
    total, current, after = Decimal(0), Decimal(0), at
    for _ in range(_MOST_NUMBER_WORDS):
        if word := table.numbers.at(words, after):
            current += Decimal(str(word[0]))
        elif after > at and (word := table.multipliers.at(words, after)):
            total, current = total + (current or 1) * word[0], Decimal(0)
        else:
            break
        after = word[1]
    return _Number(total + current, "", after) if after > at else None


def _amount(digits: str) -> Decimal:
    """The number that digits with points and commas mean: groups of three are thousands."""
    if _GROUPED.fullmatch(digits):
        return Decimal(re.sub(r"[.,]", "", digits))
    whole, mark, last = digits.replace(",", ".").rpartition(".")
    return Decimal(f"{whole.replace('.', '')}.{last}") if mark else Decimal(digits)
