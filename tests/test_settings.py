"""Settings are checked when made; the ledger holds its budget under concurrency."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pydantic import ValidationError

from calmreply.errors import BudgetExceededError
from calmreply.reply import Usage
from calmreply.settings import Budget, Prices, Settings, Spending


def test_defaults_are_the_documented_ones() -> None:
    settings = Settings()
    assert (settings.max_attempts, settings.transport_attempts) == (2, 4)
    assert (settings.max_review_tokens, settings.max_reply_tokens) == (600, 400)
    assert (settings.timeout_seconds, settings.deadline_seconds) == (60, 120)
    assert settings.temperature == 0.3
    assert settings.classify_with_model == "unsure"
    assert settings.mask_private_data is None
    assert settings.budget is None
    assert settings.prices is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_attempts": 0},
        {"max_review_tokens": -1},
        {"temperature": 2.5},
        {"temperature": float("nan")},
        {"timeout_seconds": 0},
        {"deadline_seconds": float("inf")},
        {"transport_attempts": 0},
        {"classify_with_model": "always"},
        {"budget": {"tokens": -1}},
        {"prices": {"prompt": -1, "completion": 1}},
        {"max_retries": 3},
    ],
)
def test_a_wrong_value_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(**wrong)
    assert next(iter(wrong)) in str(caught.value)


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        Settings().max_attempts = 3  # type: ignore[misc]


def test_cached_tokens_are_part_of_the_prompt() -> None:
    prices = Prices(prompt=2.0, cached=0.5, completion=8.0)
    cost = prices.cost(prompt_tokens=1_000_000, cached_tokens=400_000, completion_tokens=500_000)
    assert cost == pytest.approx(0.6 * 2 + 0.4 * 0.5 + 4)
    without = Prices(prompt=2.0, completion=8.0)
    assert without.cost(prompt_tokens=1_000_000, cached_tokens=400_000, completion_tokens=0) == 2.0


def test_a_server_that_reports_more_cached_than_prompt_costs_no_less_than_nothing() -> None:
    assert Prices(prompt=2, cached=1, completion=0).cost(
        prompt_tokens=10, cached_tokens=99, completion_tokens=0
    ) == pytest.approx(10 / 1_000_000)


def test_prices_by_model_never_guess_a_relative() -> None:
    small = Prices(prompt=1, completion=1)
    settings = Settings(prices={"gpt-9": small})
    assert settings.prices_of("gpt-9") == small
    assert settings.prices_of("gpt-9-2026-04-14") == small
    assert settings.prices_of("gpt-9-mini") is None
    assert settings.prices_of(None) is None
    assert Settings(prices=small).prices_of("anything") == small
    assert Settings().prices_of("gpt-9") is None


def test_an_unknown_price_is_none_and_never_zero() -> None:
    usage = Usage(requests=1, prompt_tokens=10)
    assert Settings().priced(usage, "gpt-9").cost is None
    free = Settings(prices=Prices(prompt=0, completion=0))
    assert free.priced(usage, None).cost == 0.0


def test_the_call_that_would_go_over_is_stopped_before_it_is_made() -> None:
    spending = Spending(Budget(tokens=1000))
    spending.reserve(tokens=900).settle(Usage(requests=1, prompt_tokens=300, completion_tokens=50))
    with pytest.raises(BudgetExceededError) as caught:
        spending.reserve(tokens=651)
    assert caught.value.usage == Usage(requests=1, prompt_tokens=300, completion_tokens=50)
    assert "651 tokens" in str(caught.value)
    spending.reserve(tokens=650)


def test_requests_count_what_retries_took() -> None:
    spending = Spending(Budget(requests=4))
    spending.reserve(tokens=1).settle(Usage(requests=3))
    spending.reserve(tokens=1)
    with pytest.raises(BudgetExceededError, match="1 requests, but of a budget of 4 3 are spent and 1"):
        spending.reserve(tokens=1)


def test_a_call_under_way_holds_its_room_until_settled_once() -> None:
    spending = Spending(Budget(requests=1))
    reservation = spending.reserve(tokens=10)
    with pytest.raises(BudgetExceededError):
        spending.reserve(tokens=10)
    reservation.settle()
    reservation.settle(Usage(requests=7))
    assert spending.usage == Usage()
    spending.reserve(tokens=10)


def test_no_budget_holds_nothing_back() -> None:
    spending = Spending()
    for _ in range(3):
        spending.reserve(tokens=10**9).settle(Usage(requests=1, prompt_tokens=10**9))
    spending.add(Usage(requests=1))
    assert spending.usage.requests == 4


def test_threads_together_never_pass_the_budget() -> None:
    spending = Spending(Budget(requests=50, tokens=10_000))

    def spend(_: int) -> bool:
        try:
            reservation = spending.reserve(tokens=100)
        except BudgetExceededError:
            return False
        reservation.settle(Usage(requests=1, prompt_tokens=100))
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(spend, range(200))) == 50
    assert spending.usage == Usage(requests=50, prompt_tokens=5000)


def test_money_is_held_against_its_budget() -> None:
    spending = Spending(Budget(cost=1.0))
    reservation = spending.reserve(tokens=1, cost=0.75)
    with pytest.raises(BudgetExceededError, match=r"0.5 cost, but of a budget of 1 0 are spent and 0.75"):
        spending.reserve(tokens=1, cost=0.5)
    reservation.settle(Usage(requests=1, prompt_tokens=9, cost=0.25))
    spending.reserve(tokens=1, cost=0.75)


def test_tokens_without_a_price_cost_all_that_was_held_for_them() -> None:
    spending = Spending(Budget(cost=1.0))
    spending.reserve(tokens=1, cost=0.75).settle(Usage(requests=1, prompt_tokens=9))
    with pytest.raises(BudgetExceededError):
        spending.reserve(tokens=1, cost=0.5)
    free = Spending(Budget(cost=1.0))
    free.reserve(tokens=1, cost=0.75).settle(Usage(requests=1))
    free.reserve(tokens=1, cost=0.75)


def test_a_budget_of_money_needs_prices() -> None:
    with pytest.raises(ValidationError, match="prices"):
        Settings(budget=Budget(cost=1.0))
    assert Settings(budget=Budget(cost=1.0), prices=Prices(prompt=1, completion=1)).budget is not None


def test_a_batch_costs_its_share_and_the_whole_where_none_is_known() -> None:
    half = Prices(prompt=10, completion=40, cached=2, batch=0.5)
    assert half.in_batches() == Prices(prompt=5, completion=20, cached=1)
    assert Prices(prompt=10, completion=40).in_batches() == Prices(prompt=10, completion=40)
    assert Settings(prices={"m": half}).in_batches().prices == {"m": half.in_batches()}
    assert Settings(prices=half).in_batches().prices == half.in_batches()
    assert Settings().in_batches().prices is None
