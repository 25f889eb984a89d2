"""How hard to try, how long to wait, how much to spend: frozen value objects and a budget's ledger."""

from __future__ import annotations

import re
import threading
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from calmreply.errors import BudgetExceededError
from calmreply.reply import Usage

__all__ = ["Budget", "Prices", "Reservation", "Settings", "Spending"]

PositiveCount = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]

_PER_MILLION = 1_000_000
# What servers append to the name that was asked for: "-2026-04-14", "-20260414", "-0414".
_DATE_SUFFIX = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{8}|\d{4})$")


class Budget(BaseModel):
    """The most that may be spent on model calls; None is no limit.

    `requests` are HTTP requests. The check comes before a call and counts that call as one request, so the
    transport's own retries of the last call may go over by `Settings.transport_attempts - 1`.
    `tokens` are prompt and completion tokens together; a call is let through only if its estimated prompt and
    its whole cap on the answer still fit.
    `cost` is money in the currency of `Settings.prices`, counted the same way; what an answer took that no
    price is known for is counted as all it might have taken.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests: Annotated[int, Field(ge=0)] | None = None
    tokens: Annotated[int, Field(ge=0)] | None = None
    cost: Price | None = None


class Prices(BaseModel):
    """What a model costs per million tokens, in whatever currency the caller keeps.

    `cached` is the price of prompt tokens the server had cached; None means they cost as much as others.
    `batch` is the share of these prices that a batch costs (0.5 is half price); None means the whole.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: Price
    completion: Price
    cached: Price | None = None
    batch: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None

    def in_batches(self) -> Prices:
        """What the same model costs in a batch."""
        share = 1.0 if self.batch is None else self.batch
        cached = None if self.cached is None else self.cached * share
        return Prices(prompt=self.prompt * share, completion=self.completion * share, cached=cached)

    def cost(self, *, prompt_tokens: int, completion_tokens: int, cached_tokens: int = 0) -> float:
        """The price of one call; `cached_tokens` are part of `prompt_tokens`, as servers count them."""
        cached_tokens = min(cached_tokens, prompt_tokens)
        cached_price = self.prompt if self.cached is None else self.cached
        total = (prompt_tokens - cached_tokens) * self.prompt
        total += cached_tokens * cached_price + completion_tokens * self.completion
        return total / _PER_MILLION


class Settings(BaseModel):
    """Everything about model calls that is not about the reply's words.

    Attributes:
        max_attempts: tries at a draft per review, the first included.
        max_review_tokens: what is shown of a review; the rest is cut at a sentence end.
        max_reply_tokens: the cap on a draft, sent to the server.
        temperature: sent as it is; None sends none.
        timeout_seconds: one HTTP call. Over a sync client it bounds each wait for bytes, as the SDK does;
            over an async one the whole call.
        deadline_seconds: all transport tries of one call together, waits included.
        transport_attempts: HTTP tries per call, the first included.
        grounding: what a draft may tell of the problem. "loose": whatever the review says, in the model's own
            words. "strict": only the plan's details; for models that get stories wrong.
        classify_with_model: whether a review the local classifier is unsure of is shown to the model.
        mask_private_data: e-mails, phones and links of a review are masked before it is sent;
            None masks unless the server is on this machine.
        budget: what may be spent in all; None is no limit.
        prices: one price table for every model, or one by model name; None leaves costs unknown.

    Raises:
        pydantic.ValidationError: a value is out of range, or a name is unknown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_attempts: PositiveCount = 2
    max_review_tokens: PositiveCount = 600
    max_reply_tokens: PositiveCount = 400
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = 0.3
    timeout_seconds: Seconds = 60.0
    deadline_seconds: Seconds = 120.0
    transport_attempts: PositiveCount = 4
    grounding: Literal["loose", "strict"] = "loose"
    classify_with_model: Literal["never", "unsure"] = "unsure"
    mask_private_data: bool | None = None
    budget: Budget | None = None
    prices: Prices | dict[str, Prices] | None = None

    @model_validator(mode="after")
    def _money_has_a_price(self) -> Self:
        if self.budget is not None and self.budget.cost is not None and self.prices is None:
            raise ValueError("a budget of money needs prices: give prices=Prices(prompt=…, completion=…)")
        return self

    def prices_of(self, model: str | None) -> Prices | None:
        """The price table for a model by its name, with or without the date that servers append."""
        if self.prices is None or isinstance(self.prices, Prices):
            return self.prices
        if model is None:
            return None
        return self.prices.get(model) or self.prices.get(_DATE_SUFFIX.sub("", model))

    def in_batches(self) -> Settings:
        """The same settings with what batches cost as their prices."""
        prices = self.prices
        if isinstance(prices, Prices):
            return self.model_copy(update={"prices": prices.in_batches()})
        changed = {name: one.in_batches() for name, one in (prices or {}).items()}
        return self.model_copy(update={"prices": changed or None})

    def priced(self, usage: Usage, model: str | None) -> Usage:
        """The same usage with its cost in it; the cost stays None where no price is known."""
        prices = self.prices_of(model)
        if prices is None:
            return usage
        cost = prices.cost(
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            cached_tokens=usage.cached_tokens,
        )
        return usage.model_copy(update={"cost": cost})


class Spending:
    """What has been spent and what is under way, held against one budget; safe across threads and tasks.

    Reserve before a call, settle after it:

        >>> spending = Spending(Budget(requests=1))
        >>> reservation = spending.reserve(tokens=900)
        >>> reservation.settle(Usage(requests=1, prompt_tokens=500, completion_tokens=90))
        >>> spending.usage.total_tokens
        590

    A reservation never settled (the call was cancelled, nobody knows what it cost) stays held against the
    budget, on the safe side.
    """

    def __init__(self, budget: Budget | None = None) -> None:
        self.budget = budget or Budget()
        self._lock = threading.Lock()
        self._usage = Usage()
        self._held_requests = 0
        self._held_tokens = 0
        self._held_cost = 0.0

    @property
    def usage(self) -> Usage:
        """What settled calls cost, all together."""
        with self._lock:
            return self._usage

    def reserve(self, *, tokens: int, requests: int = 1, cost: float = 0.0) -> Reservation:
        """Hold room for the next call.

        Args:
            tokens: the estimated prompt plus the whole cap on the answer.
            requests: HTTP requests the call will make if none is retried.
            cost: what these tokens cost.

        Raises:
            BudgetExceededError: the call would go over; its `usage` is what has been spent.
        """
        with self._lock:
            self._check("requests", requests, self._usage.requests, self._held_requests, self.budget.requests)
            self._check("tokens", tokens, self._usage.total_tokens, self._held_tokens, self.budget.tokens)
            self._check("cost", cost, self._usage.cost or 0.0, self._held_cost, self.budget.cost)
            self._held_requests += requests
            self._held_tokens += tokens
            self._held_cost += cost
        return Reservation(self, requests=requests, tokens=tokens, cost=cost)

    def add(self, usage: Usage) -> None:
        """Record a call that was not reserved."""
        with self._lock:
            self._usage += usage

    def _check(self, unit: str, wanted: float, spent: float, held: float, limit: float | None) -> None:
        if limit is None or spent + held + wanted <= limit:
            return
        raise BudgetExceededError(
            f"the next model call may take {wanted:.10g} {unit}, but of a budget of {limit:.10g} "
            f"{spent:.10g} are spent and {held:.10g} under way",
            hint=f"raise Budget({unit}=…), or go on without a model",
            usage=self._usage,
        )

    def _settle(self, usage: Usage, reservation: Reservation) -> None:
        with self._lock:
            self._held_requests -= reservation.requests
            self._held_tokens -= reservation.tokens
            # Tokens nobody has a price for: what was held stays held, on the safe side.
            if usage.cost is not None or not usage.total_tokens:
                self._held_cost -= reservation.cost
            self._usage += usage


class Reservation:
    """Room held for one call; `settle` gives it back and records what the call really took."""

    def __init__(self, spending: Spending, *, requests: int, tokens: int, cost: float) -> None:
        self._spending: Spending | None = spending
        self.requests = requests
        self.tokens = tokens
        self.cost = cost

    def settle(self, usage: Usage | None = None) -> None:
        """Record the call's usage, None where no call was made; a second time does nothing."""
        spending, self._spending = self._spending, None
        if spending is not None:
            spending._settle(usage or Usage(), self)  # noqa: SLF001 - one ledger in two pieces
