"""Drives flows: makes the model calls and order look-ups they ask for, sync and async, within the budget."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from typing import TYPE_CHECKING, Any, Self, TypeVar

from calmreply.errors import CalmReplyError, InputError, ModelError, ModelServerError
from calmreply.flow import ModelCall, OrderLookup
from calmreply.model import ModelAnswer, usage_of
from calmreply.settings import Spending
from calmreply.tokens import prompt_tokens_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable
    from concurrent.futures import Executor

    from calmreply.flow import Flow
    from calmreply.model import Model, ModelRequest
    from calmreply.planning import Order
    from calmreply.review import Review
    from calmreply.settings import Settings

__all__ = ["Driver", "LoopThread", "asked_for", "is_async", "replayed"]

Result = TypeVar("Result")


class Driver:
    """Runs flows for one model, one order look-up and one budget; safe across threads and tasks.

    Args:
        model: answers the flows' requests; None where templates answer alone.
        orders: looks orders up; may be async.
        settings: prices and budget.
    """

    def __init__(
        self,
        model: Model | None,
        orders: Callable[[Review], Order | Awaitable[Order | None] | None] | None,
        settings: Settings,
    ) -> None:
        self.model = model
        self.orders = orders
        self.settings = settings
        self.spending = Spending(settings.budget)
        self.loop = LoopThread()

    @property
    def held_seconds(self) -> float:
        """For how long the model's server wants no calls; 0 where it takes them."""
        return float(getattr(self.model, "held_seconds", 0.0))

    def run(self, flow: Flow[Result]) -> Result:
        """Drive a flow from sync code."""
        give: Callable[[], Any] = flow.__next__
        while True:
            try:
                step = give()
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            try:
                answer = self._answer(step)
            except CalmReplyError as error:
                give = _thrower(flow, error)
            else:
                give = _sender(flow, answer)

    async def arun(self, flow: Flow[Result], threads: Executor | None = None) -> Result:
        """Drive a flow from async code; plain functions run in `threads`, those of the loop if None."""
        give: Callable[[], Any] = flow.__next__
        while True:
            try:
                step = give()
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            try:
                answer = await self._aanswer(step, threads)
            except CalmReplyError as error:
                give = _thrower(flow, error)
            else:
                give = _sender(flow, answer)

    def look_up(self, review: Review) -> Order | None:
        """What the shop's books say of the order behind a review; None where nobody asks them."""
        return self.settled(self.orders(review)) if self.orders else None

    def settled(self, result: Any) -> Any:
        """A plain result as it is; an awaitable one awaited in the loop thread."""
        return self.loop.run(_wrapped(result)) if inspect.isawaitable(result) else result

    def _answer(self, step: ModelCall | OrderLookup) -> Any:
        if isinstance(step, OrderLookup):
            return self.look_up(step.review)
        with _Call(self, step.request) as call:
            return call.done(self.settled(call.begin()))

    async def _aanswer(self, step: ModelCall | OrderLookup, threads: Executor | None) -> Any:
        if isinstance(step, OrderLookup):
            return await _awaited(threads, self.orders, step.review) if self.orders else None
        with _Call(self, step.request) as call:
            # An async client is called here, in its own loop; a sync one in a thread.
            begun = call.begin() if is_async(self.model) else await _awaited(threads, call.begin)
            return call.done(await begun if inspect.isawaitable(begun) else begun)


class _Call:
    """One model call against the budget: reserved before, settled after, whatever happens."""

    def __init__(self, driver: Driver, request: ModelRequest) -> None:
        self._driver = driver
        self._request = request
        prompt = prompt_tokens_of(request)
        self._reservation = driver.spending.reserve(
            tokens=prompt + request.max_tokens, cost=_most_cost(driver, prompt, request.max_tokens)
        )

    def begin(self) -> Any:
        if self._driver.model is None:
            raise InputError("there is no model to call", hint="give Replier a client")
        return self._driver.model.complete(self._request)

    def done(self, answer: ModelAnswer) -> ModelAnswer:
        if not isinstance(answer, ModelAnswer):
            raise InputError(
                f"the model gave a {type(answer).__name__}", hint="complete() must return a ModelAnswer"
            )
        self._reservation.settle(usage_of(answer, self._driver.settings))
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, ModelError):
            self._reservation.settle(error.usage)


def _most_cost(driver: Driver, prompt: int, completion: int) -> float:
    """What a call may cost, where a budget of money asks.

    Raises:
        InputError: nobody knows a price for the model.
    """
    budget = driver.settings.budget
    if budget is None or budget.cost is None:
        return 0.0
    name = getattr(driver.model, "name", None)
    prices = driver.settings.prices_of(name)
    if prices is None:
        raise InputError(
            f"a budget of money, but no price for the model {name!r}",
            hint=f"put it into Settings(prices={{{name!r}: Prices(…)}})",
        )
    return prices.cost(prompt_tokens=prompt, completion_tokens=completion)


def asked_for(flow: Flow[Result]) -> tuple[list[ModelRequest], Result]:
    """The requests of a flow that no model answers, and what it ends in; no order is looked up."""
    requests: list[ModelRequest] = []
    give: Callable[[], Any] = flow.__next__
    while True:
        try:
            step = give()
        except StopIteration as stop:
            return requests, stop.value
        if isinstance(step, ModelCall):
            requests.append(step.request)
            give = _thrower(flow, ModelServerError("nobody was asked"))
        else:
            give = _sender(flow, None)


def replayed(
    flow: Flow[Result], answers: Iterable[ModelAnswer | ModelError], look_up: Callable[[Review], Any]
) -> ModelRequest | Result:
    """Drive a flow with what a model answered elsewhere.

    Args:
        flow: the flow.
        answers: one for each request of the flow, in their order; an error is thrown into it.
        look_up: answers its order look-ups.

    Returns:
        The first request that has no answer yet, or else what the flow ends in.
    """
    left = iter(answers)
    give: Callable[[], Any] = flow.__next__
    while True:
        try:
            step = give()
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        if isinstance(step, OrderLookup):
            give = _sender(flow, look_up(step.review))
            continue
        answer = next(left, None)
        if answer is None:
            flow.close()
            request: ModelRequest = step.request
            return request
        give = _thrower(flow, answer) if isinstance(answer, ModelError) else _sender(flow, answer)


class LoopThread:
    """An event loop in a thread of its own, for async models behind sync calls; started on first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine there and wait for its result."""
        loop = self._started()
        if threading.current_thread() is self._thread:
            raise InputError(
                "a sync call was made from calmreply's own event loop", hint="await the async twin instead"
            )
        future = asyncio.run_coroutine_threadsafe(work, loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """Call a function there, after all that was asked for before; nobody waits."""
        self._started().call_soon_threadsafe(function, *arguments)

    def close(self) -> None:
        """Stop the loop and its thread; it starts again on further use."""
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_run_loop, args=(self._loop,), name="calmreply-async", daemon=True
                )
                self._thread.start()
            return self._loop


def is_async(model: object) -> bool:
    """Whether calling a model gives an awaitable at once, and so holds nobody up."""
    return getattr(model, "is_async", False) is True or inspect.iscoroutinefunction(
        getattr(model, "complete", None)
    )


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Run a loop until it is stopped, and leave nothing in it."""
    loop.run_forever()
    loop.run_until_complete(_ended())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


async def _ended() -> None:
    """Every other task of the loop is cancelled and over."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _wrapped(result: Awaitable[Result]) -> Result:
    return await result


async def _awaited(threads: Executor | None, function: Callable[..., Any], *arguments: Any) -> Any:
    """A function's result: a coroutine function is awaited here, a plain one runs in a thread."""
    if inspect.iscoroutinefunction(function):
        return await function(*arguments)
    context = contextvars.copy_context()
    loop = asyncio.get_running_loop()
    result = await loop.run_in_executor(threads, lambda: context.run(function, *arguments))
    return await result if inspect.isawaitable(result) else result


def _sender(flow: Flow[Any], answer: Any) -> Callable[[], Any]:
    return lambda: flow.send(answer)


def _thrower(flow: Flow[Any], error: CalmReplyError) -> Callable[[], Any]:
    return lambda: flow.throw(error)
