"""The front door: a shop's policy and a model in, replies out; sync and async over one flow."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from calmreply.classifier import LocalClassifier
from calmreply.crew import Answerer
from calmreply.driver import Driver, asked_for, is_async, replayed
from calmreply.flow import Setup, classify_flow, plan_flow, reply_flow
from calmreply.many import run_async, run_sync
from calmreply.model import is_local, model_from_environment, ready_model
from calmreply.prompt import Prompts
from calmreply.repetition import RecentReplies
from calmreply.review import as_review
from calmreply.settings import Settings
from calmreply.templates import Library, check_templates

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable, Iterable

    from calmreply.classifier import Classifier
    from calmreply.errors import ModelError
    from calmreply.many import AsyncRun, Run
    from calmreply.model import Model, ModelAnswer, ModelRequest
    from calmreply.outcome import Tally
    from calmreply.plan import Plan
    from calmreply.planning import Order
    from calmreply.reply import Reply
    from calmreply.review import Classification, Review
    from calmreply.shop import Shop

__all__ = ["Replier"]


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
        owns_client: whether closing the replier closes the `Model` it was given.

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
        owns_client: bool = False,
    ) -> None:
        check_templates(shop)
        self.shop = shop
        self.settings = settings or Settings()
        self._opened: list[Any] = []
        self._model = self._ready(client, model)
        if owns_client and self._model is not None and self._model not in self._opened:
            self._opened.append(self._model)
        self._driver = Driver(self._model, orders, self.settings)
        self.spending = self._driver.spending
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
    def model(self) -> Model | None:
        """What writes; None where templates do."""
        return self._model

    @property
    def has_model(self) -> bool:
        """Whether a model writes; otherwise every reply comes from a template and says so."""
        return self._model is not None

    def classify(self, review: Review | str) -> Classification:
        """Read a review."""
        return self._driver.run(classify_flow(as_review(review), self._setup))[0]

    def plan(self, review: Review | str, *, platform: str | None = None, cautious: bool = True) -> Plan:
        """Read a review and fix what the reply may say.

        `cautious=False` is for audits of replies that people wrote: an unsure reading then keeps the
        shop's own offer instead of a callback.
        """
        flow = plan_flow(as_review(review), self._setup, platform=platform, cautious=cautious)
        return self._driver.run(flow)[0]

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
        return self._driver.run(reply_flow(as_review(review), self._setup, platform=platform))

    async def aclassify(self, review: Review | str) -> Classification:
        """Read a review."""
        return (await self._driver.arun(classify_flow(as_review(review), self._setup)))[0]

    async def aplan(
        self, review: Review | str, *, platform: str | None = None, cautious: bool = True
    ) -> Plan:
        """Read a review and fix what the reply may say; see `plan`."""
        flow = plan_flow(as_review(review), self._setup, platform=platform, cautious=cautious)
        return (await self._driver.arun(flow))[0]

    async def areply(self, review: Review | str, *, platform: str | None = None) -> Reply:
        """Write a public reply to a review; see `reply`."""
        return await self._driver.arun(reply_flow(as_review(review), self._setup, platform=platform))

    def run_many(
        self,
        reviews: Iterable[Review | str],
        *,
        concurrency: int = 16,
        ordered: bool = False,
        progress: Callable[[Tally], object] | None = None,
        platform: str | None = None,
        recent: RecentReplies | None = None,
    ) -> Run:
        """Answer many reviews, so many at a time; one that fails stops no other.

        Args:
            reviews: any iterable; it is read as far as needed, in the caller's thread.
            concurrency: reviews under way at once.
            ordered: outcomes in the order of the reviews; else as they are done.
            progress: called with the tally before each outcome is given.
            platform: where the replies are posted; a review's own, or the shop's, if None.
            recent: the replies that the new ones must not repeat; none at the start if None.

        Returns:
            An iterator of one `Outcome` a review, with a `tally`. It ends early where the budget is spent, or
            20 reviews on end meet an error that is not theirs (a wrong key): `tally.stopped` says why, and
            what was not begun stays unread in `reviews`. Memory is bounded by the concurrency.

        Raises:
            InputError: `reviews` is no iterable, or `concurrency` no number of reviews.
        """
        answerer = self._answerer(platform, recent)
        return run_sync(answerer, reviews, concurrency=concurrency, ordered=ordered, progress=progress)

    def arun_many(
        self,
        reviews: Iterable[Review | str] | AsyncIterable[Review | str],
        *,
        concurrency: int = 16,
        ordered: bool = False,
        progress: Callable[[Tally], object] | None = None,
        platform: str | None = None,
        recent: RecentReplies | None = None,
    ) -> AsyncRun:
        """The same over an iterable or an async one, as an async iterator; see `run_many`."""
        answerer = self._answerer(platform, recent)
        return run_async(answerer, reviews, concurrency=concurrency, ordered=ordered, progress=progress)

    def requests_for(
        self, review: Review | str, *, platform: str | None = None
    ) -> tuple[list[ModelRequest], Reply]:
        """What a model would be asked about a review, sent nowhere: for estimates.

        Returns:
            The requests of a first try (none for a review that goes to no model), and the template's reply.
        """
        return asked_for(reply_flow(as_review(review), self._setup, platform=platform))

    def replayed(
        self,
        review: Review | str,
        answers: Iterable[ModelAnswer | ModelError],
        *,
        platform: str | None = None,
        settings: Settings | None = None,
        recent: RecentReplies | None = None,
    ) -> Reply | ModelRequest:
        """Go on with a review whose drafts a model writes elsewhere, as in a batch.

        Args:
            review: the review; it is always read locally.
            answers: what the model has answered so far, to one request after the other; an error stands for
                an answer that will not come.
            platform: where the reply is posted; the review's own, or the shop's, if None.
            settings: others than the replier's, such as the prices of batches.
            recent: the replies that the new one must not repeat; it is added to them.

        Returns:
            The reply, or the request that the model has not answered yet.

        Raises:
            ModelError: one of `answers`, where no review could be answered.
            InputError: there is no platform of that name.
        """
        changed = (settings or self.settings).model_copy(update={"classify_with_model": "never"})
        recent = RecentReplies(size=0) if recent is None else recent
        setup = replace(self._setup, settings=changed, recent=recent)
        flow = reply_flow(as_review(review), setup, platform=platform)
        return replayed(flow, answers, self._driver.look_up)

    def close(self) -> None:
        """Close what this replier opened; a client it was given stays open."""
        for opened in self._opened:
            self._driver.settled(opened.aclose() if is_async(opened) else opened.close())
        self._opened.clear()
        self._driver.loop.close()

    async def aclose(self) -> None:
        """The same from async code; an async client is closed in the loop that this runs in."""
        for opened in filter(is_async, self._opened):
            await opened.aclose()
        self._opened = [opened for opened in self._opened if not is_async(opened)]
        await asyncio.to_thread(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _answerer(self, platform: str | None, recent: RecentReplies | None) -> Answerer:
        recent = RecentReplies() if recent is None else recent
        return Answerer(self._driver, replace(self._setup, recent=recent), platform)

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
