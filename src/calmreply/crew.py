"""Who answers the reviews of a run: the caller's own thread, a pool of threads, or tasks of an event loop."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TYPE_CHECKING, Protocol

from calmreply.errors import InputError
from calmreply.flow import reply_flow
from calmreply.outcome import Outcome
from calmreply.review import as_review

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from calmreply.driver import Driver
    from calmreply.flow import Flow, Setup
    from calmreply.reply import Reply
    from calmreply.review import Review

__all__ = ["Answerer", "Crew", "Inline", "LoopTasks", "Threads"]

# Asked again so often whether the server still wants no calls: another answer may have changed that.
_LONGEST_NAP_SECONDS = 0.2
# Ten times what any platform takes. Reading costs 15 ms per 1,000 characters, in which nobody else is served.
_LONGEST_REVIEW = 50_000


class Answerer:
    """Makes an outcome of a review, whatever happens; waits first while the server wants no calls.

    That wait is the run's, so it counts against no call's deadline.
    """

    def __init__(self, driver: Driver, setup: Setup, platform: str | None = None) -> None:
        self.driver = driver
        self.stopping = threading.Event()
        self._setup = setup
        self._platform = platform

    @property
    def waits_for_nothing(self) -> bool:
        """Whether an answer takes no model and no look-up."""
        return not (self._setup.has_model or self._setup.has_orders)

    def now(self, number: int, review: Review | str) -> Outcome:
        """The outcome, from sync code."""
        try:
            while seconds := self._nap():
                self.stopping.wait(seconds)
            return Outcome(number, review, reply=self.driver.run(self._flow(review)))
        except BaseException as error:  # noqa: BLE001 - in a thread nobody else would hear of it
            return Outcome(number, review, error=error)

    async def later(self, number: int, review: Review | str, threads: Executor | None) -> Outcome:
        """The outcome, from async code; plain functions run in `threads`."""
        try:
            while seconds := self._nap():  # noqa: ASYNC110 - what ends it is time, which others' answers move
                await asyncio.sleep(seconds)
            return Outcome(number, review, reply=await self.driver.arun(self._flow(review), threads))
        except asyncio.CancelledError as error:
            if self.stopping.is_set():
                raise
            return Outcome(number, review, error=error)  # whoever did it, the run must not wait for ever
        except Exception as error:  # noqa: BLE001 - one review must not cost the others
            return Outcome(number, review, error=error)

    def _flow(self, review: Review | str) -> Flow[Reply]:
        review = as_review(review)
        if len(review.text) > _LONGEST_REVIEW:
            raise InputError(
                f"the review has {len(review.text):,} characters; a run reads at most {_LONGEST_REVIEW:,}",
                hint="cut it: what is so long is no review, and would hold up all others",
            )
        return reply_flow(review, self._setup, platform=self._platform)

    def _nap(self) -> float:
        if self.waits_for_nothing or self.stopping.is_set():
            return 0.0
        return min(self.driver.held_seconds, _LONGEST_NAP_SECONDS)


class Crew(Protocol):
    """Answers reviews and puts each outcome into `done`."""

    done: SimpleQueue[Outcome]

    def begin(self, number: int, review: Review | str) -> None:
        """Take on a review."""
        ...

    def close(self) -> None:
        """End what is under way and wait until nothing runs."""
        ...


class Inline:
    """Answers at once, in the caller's thread: for templates alone, which wait for nothing."""

    def __init__(self, answerer: Answerer) -> None:
        self.done: SimpleQueue[Outcome] = SimpleQueue()
        self._answerer = answerer

    def begin(self, number: int, review: Review | str) -> None:
        """Answer a review."""
        self.done.put(self._answerer.now(number, review))

    def close(self) -> None:
        """Nothing is under way."""


class Threads:
    """Answers in threads: for a model or a look-up that makes its caller wait."""

    def __init__(self, answerer: Answerer, concurrency: int) -> None:
        self.done: SimpleQueue[Outcome] = SimpleQueue()
        self._answerer = answerer
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="calmreply-run")

    def begin(self, number: int, review: Review | str) -> None:
        """Take on a review."""
        self._pool.submit(lambda: self.done.put(self._answerer.now(number, review)))

    def close(self) -> None:
        """Drop what has not begun and wait for what has: a plain call cannot be broken off."""
        self._answerer.stopping.set()
        self._pool.shutdown(cancel_futures=True)


class LoopTasks:
    """Answers in tasks of calmreply's own event loop: for an async model behind sync code."""

    def __init__(self, answerer: Answerer) -> None:
        self.done: SimpleQueue[Outcome] = SimpleQueue()
        self._answerer = answerer
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = answerer.driver.loop

    def begin(self, number: int, review: Review | str) -> None:
        """Take on a review."""
        self._loop.call(self._create, number, review)

    def close(self) -> None:
        """Cancel the tasks and wait until they have ended."""
        self._answerer.stopping.set()
        self._loop.run(self._cancelled())

    def _create(self, number: int, review: Review | str) -> None:
        task = asyncio.ensure_future(self._answered(number, review))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answered(self, number: int, review: Review | str) -> None:
        self.done.put(await self._answerer.later(number, review, None))

    async def _cancelled(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
