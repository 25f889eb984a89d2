"""The front door: a shop's policy and a model in, replies out; sync and async over one flow."""

from __future__ import annotations

import asyncio
import inspect
import threading
from typing import TYPE_CHECKING, Any, Self, TypeVar

from calmreply.classifier import LocalClassifier
from calmreply.errors import CalmReplyError, InputError, ModelError
from calmreply.flow import ModelCall, OrderLookup, Setup, classify_flow, plan_flow, reply_flow
from calmreply.model import ModelAnswer, is_local, model_from_environment, ready_model, usage_of
from calmreply.prompt import Prompts
from calmreply.review import as_review
from calmreply.settings import Settings, Spending
from calmreply.templates import Library, check_templates
from calmreply.tokens import estimate_request_tokens

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from calmreply.classifier import Classifier
    from calmreply.flow import Flow
    from calmreply.model import Model
    from calmreply.plan import Plan
    from calmreply.planning import Order
    from calmreply.reply import Reply
    from calmreply.review import Classification, Review
    from calmreply.shop import Shop

__all__ = ["Replier"]

Result = TypeVar("Result")


class Replier:
    """Writes public replies for one shop.

    Args:
        shop: the shop's policy.
        client: an `openai.OpenAI`, an `openai.AsyncOpenAI`, anything with the one method of `Model`,
            or False for templates alone. Left out: the environment's model (`CALMREPLY_MODEL` with
            `OPENAI_API_KEY` or `OPENAI_BASE_URL`), else the embedded one if it is here, else templates.
        model: the model's name, for an OpenAI client.
        settings: how hard to try, how long to wait, how much to spend.
        orders: looks a review's order up in the shop's books: returns an `Order`, or None where it
            could not look; may be async.
        classifier: reads reviews; the local one by default.

    A replier is safe across threads and tasks, works inside a running event loop, and closes what it
    opened, and only that; it is a context manager, sync and async.

    Raises:
        InputError: `client` is nothing of the kind.
        PolicyError: the policy and the templates do not fit each other.
        PromptError: a prompt or template does not load.
    """

    def __init__(
        self,
        shop: Shop,
        client: Any = None,
        *,
        model: str | None = None,
        settings: Settings | None = None,
        orders: Callable[[Review], Order | Awaitable[Order | None] | None] | None = None,
        classifier: Classifier | None = None,
    ) -> None:
        check_templates(shop)
        self.shop = shop
        self.settings = settings or Settings()
        self.spending = Spending(self.settings.budget)
        self._orders = orders
        self._opened: list[Any] = []
        self._model = self._ready(client, model)
        self._loop = _LoopThread()
        self._setup = Setup(
            shop=shop,
            settings=self.settings,
            prompts=Prompts.load(shop),
            library=Library.load(shop),
            classifier=classifier or LocalClassifier(languages=shop.languages, catalogue=shop.catalogue),
            has_model=self._model is not None,
            has_orders=orders is not None,
            masks=self._masks(),
        )

    @property
    def has_model(self) -> bool:
        """Whether a model writes; otherwise every reply comes from a template and says so."""
        return self._model is not None

    def classify(self, review: Review | str) -> Classification:
        """Read a review."""
        return self._run(classify_flow(as_review(review), self._setup))[0]

    def plan(self, review: Review | str, *, platform: str | None = None, cautious: bool = True) -> Plan:
        """Read a review and fix what the reply may say.

        `cautious=False` is for audits of replies that people wrote: an unsure reading then keeps the
        shop's own offer instead of a callback.
        """
        flow = plan_flow(as_review(review), self._setup, platform=platform, cautious=cautious)
        return self._run(flow)[0]

    def reply(self, review: Review | str, *, platform: str | None = None) -> Reply:
        """Write a public reply to a review.

        Returns:
            A reply that keeps every rule, or says that a person is needed; a model that fails is
            answered for by a template, and the reply's `attempts` say so.

        Raises:
            ModelError: key, model name or request are wrong, so that no review could be answered.
            BudgetExceededError: the next call would go over the budget.
            InputError: there is no platform of that name.
        """
        return self._run(reply_flow(as_review(review), self._setup, platform=platform))

    async def aclassify(self, review: Review | str) -> Classification:
        """Read a review."""
        return (await self._arun(classify_flow(as_review(review), self._setup)))[0]

    async def aplan(
        self, review: Review | str, *, platform: str | None = None, cautious: bool = True
    ) -> Plan:
        """Read a review and fix what the reply may say; see `plan`."""
        flow = plan_flow(as_review(review), self._setup, platform=platform, cautious=cautious)
        return (await self._arun(flow))[0]

    async def areply(self, review: Review | str, *, platform: str | None = None) -> Reply:
        """Write a public reply to a review; see `reply`."""
        return await self._arun(reply_flow(as_review(review), self._setup, platform=platform))

    def close(self) -> None:
        """Close what this replier opened; a client it was given stays open."""
        for opened in self._opened:
            _settled(opened.close(), self._loop)
        self._opened.clear()
        self._loop.close()

    async def aclose(self) -> None:
        """The same from async code."""
        await asyncio.to_thread(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _ready(self, client: Any, name: str | None) -> Model | None:
        if client is False:
            return None
        if client is not None:
            return ready_model(client, name, self.settings)
        found = model_from_environment(self.settings) or self._embedded()
        if found is not None:
            self._opened.append(found)
        return found

    def _embedded(self) -> Model | None:
        from calmreply.local import embedded_model_available

        if not embedded_model_available():
            return None
        from calmreply.embedded import EmbeddedAnswers, patient

        self.settings = patient(self.settings)
        return EmbeddedAnswers(self.settings)

    def _masks(self) -> bool:
        if self.settings.mask_private_data is not None:
            return self.settings.mask_private_data
        return self._model is not None and not is_local(self._model)

    def _run(self, flow: Flow[Result]) -> Result:
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

    async def _arun(self, flow: Flow[Result]) -> Result:
        """Drive a flow from async code."""
        give: Callable[[], Any] = flow.__next__
        while True:
            try:
                step = give()
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            try:
                answer = await self._aanswer(step)
            except CalmReplyError as error:
                give = _thrower(flow, error)
            else:
                give = _sender(flow, answer)

    def _answer(self, step: ModelCall | OrderLookup) -> Any:
        if isinstance(step, OrderLookup):
            return _settled(self._orders(step.review), self._loop) if self._orders else None
        with _Call(self, step) as call:
            return call.done(_settled(call.begin(), self._loop))

    async def _aanswer(self, step: ModelCall | OrderLookup) -> Any:
        if isinstance(step, OrderLookup):
            return await _awaited(self._orders, step.review) if self._orders else None
        with _Call(self, step) as call:
            # An async client is called here, in its own loop; a sync one in a thread.
            begun = call.begin() if getattr(self._model, "is_async", False) else await _awaited(call.begin)
            return call.done(await begun if inspect.isawaitable(begun) else begun)


class _Call:
    """One model call against the budget: reserved before, settled after, whatever happens."""

    def __init__(self, replier: Replier, step: ModelCall) -> None:
        self._replier = replier
        self._request = step.request
        self._reservation = replier.spending.reserve(tokens=estimate_request_tokens(step.request))

    def begin(self) -> Any:
        model = self._replier._model  # noqa: SLF001 - one class in two pieces
        if model is None:
            raise InputError("there is no model to call", hint="give Replier a client")
        return model.complete(self._request)

    def done(self, answer: ModelAnswer) -> ModelAnswer:
        if not isinstance(answer, ModelAnswer):
            raise InputError(
                f"the model gave a {type(answer).__name__}", hint="complete() must return a ModelAnswer"
            )
        self._reservation.settle(usage_of(answer, self._replier.settings))
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, ModelError):
            self._reservation.settle(error.usage)


class _LoopThread:
    """An event loop in a thread of its own, for async models behind sync calls; started on first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="calmreply-async", daemon=True
                )
                self._thread.start()
            loop = self._loop
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

    def close(self) -> None:
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


def _settled(result: Any, loop: _LoopThread) -> Any:
    """A plain result as it is; an awaitable one awaited in the loop thread."""
    return loop.run(_wrapped(result)) if inspect.isawaitable(result) else result


async def _wrapped(result: Awaitable[Result]) -> Result:
    return await result


async def _awaited(function: Callable[..., Any], *arguments: Any) -> Any:
    """A function's result: a coroutine function is awaited here, a plain one runs in a thread."""
    if inspect.iscoroutinefunction(function):
        return await function(*arguments)
    result = await asyncio.to_thread(function, *arguments)
    return await result if inspect.isawaitable(result) else result


def _sender(flow: Flow[Any], answer: Any) -> Callable[[], Any]:
    return lambda: flow.send(answer)


def _thrower(flow: Flow[Any], error: CalmReplyError) -> Callable[[], Any]:
    return lambda: flow.throw(error)
