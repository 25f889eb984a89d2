"""Many reviews through one replier: so many at a time, one outcome each, whatever fails on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self, cast

from calmreply.crew import Inline, LoopTasks, Threads
from calmreply.driver import is_async
from calmreply.errors import InputError
from calmreply.outcome import Outcome, Tally

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Iterable

    from calmreply.crew import Answerer, Crew
    from calmreply.review import Review

__all__ = ["AsyncRun", "Run", "run_async", "run_sync"]

# Outcomes that may wait, in multiples of the concurrency: to be fetched, or for their turn.
_WAITING, _WAITING_IN_ORDER = 2, 8


class Run(Iterator[Outcome]):
    """The outcomes of a run, as they come; a context manager.

    `tally` counts live. Closing it, or leaving the block, ends what is under way and waits until nothing
    runs any more; over a sync client a call under way cannot be broken off and is waited for.
    """

    def __init__(self, outcomes: Generator[Outcome], tally: Tally) -> None:
        self.tally = tally
        self._outcomes = outcomes

    def __next__(self) -> Outcome:
        return next(self._outcomes)

    def close(self) -> None:
        """Begin nothing more and end what is under way; a second time does nothing."""
        self._outcomes.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncRun(AsyncIterator[Outcome]):
    """The same for async code; an `async for` that is left early needs `aclose`, or `async with`."""

    def __init__(self, outcomes: AsyncGenerator[Outcome], tally: Tally) -> None:
        self.tally = tally
        self._outcomes = outcomes

    async def __anext__(self) -> Outcome:
        return await anext(self._outcomes)

    async def aclose(self) -> None:
        """Begin nothing more and end what is under way; a second time does nothing."""
        await self._outcomes.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def run_sync(
    answerer: Answerer,
    reviews: Iterable[Review | str],
    *,
    concurrency: int,
    ordered: bool,
    progress: Callable[[Tally], object] | None,
) -> Run:
    """A run over an iterable; reviews are taken from it one by one, in the caller's thread.

    Raises:
        InputError: `concurrency` is no number of reviews, or `reviews` cannot be gone through from here.
    """
    if isinstance(reviews, str) or not hasattr(reviews, "__iter__"):
        raise InputError(
            f"reviews is a {type(reviews).__name__}, not an iterable of reviews",
            hint="pass a list or a generator of reviews; an async one goes to arun_many",
        )
    course = _Course(_total(reviews), _counted(concurrency), ordered=ordered)
    return Run(_outcomes(course, answerer, iter(reviews), progress), course.tally)


def run_async(
    answerer: Answerer,
    reviews: Iterable[Review | str] | AsyncIterable[Review | str],
    *,
    concurrency: int,
    ordered: bool,
    progress: Callable[[Tally], object] | None,
) -> AsyncRun:
    """A run over an iterable or an async one, in the running loop.

    Raises:
        InputError: as `run_sync`.
    """
    if isinstance(reviews, str) or not (hasattr(reviews, "__iter__") or hasattr(reviews, "__aiter__")):
        raise InputError(
            f"reviews is a {type(reviews).__name__}, not an iterable of reviews",
            hint="pass a list, a generator or an async generator of reviews",
        )
    course = _Course(_total(reviews), _counted(concurrency), ordered=ordered)
    return AsyncRun(_aoutcomes(course, answerer, reviews, progress), course.tally)


def _counted(concurrency: int) -> int:
    if isinstance(concurrency, bool) or not isinstance(concurrency, int) or concurrency < 1:
        raise InputError(f"concurrency is {concurrency!r}", hint="give how many reviews at a time: 1 or more")
    return concurrency


def _total(reviews: object) -> int | None:
    return len(reviews) if hasattr(reviews, "__len__") else None


class _Course:
    """Where a run stands: what may begin, what is under way, what waits to be fetched."""

    def __init__(self, total: int | None, concurrency: int, *, ordered: bool) -> None:
        self.tally = Tally(total=total)
        self.running = 0
        self.is_read = False
        self.concurrency = concurrency
        self._most = concurrency * (_WAITING_IN_ORDER if ordered else _WAITING)
        self._ordered = ordered
        self._begun = 0
        self._given = 0
        self._waiting: dict[int, Outcome] = {}

    @property
    def may_begin(self) -> bool:
        if self.is_read or self.tally.stopped is not None:
            return False
        return self.running < self.concurrency and self.running + len(self._waiting) < self._most

    def begin(self) -> int:
        """The number of a review that begins now."""
        self.running += 1
        self._begun += 1
        return self._begun - 1

    def end(self, outcome: Outcome) -> None:
        self.running -= 1
        self._waiting[outcome.number] = outcome
        self.tally.count(outcome)

    def end_all(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            self.end(outcome)

    def next(self) -> Outcome | None:
        """The outcome to be given next, where there is one."""
        if not self._waiting:
            return None
        number = self._given if self._ordered else next(iter(self._waiting))
        outcome = self._waiting.pop(number, None)
        self._given += outcome is not None
        return outcome


def _outcomes(
    course: _Course,
    answerer: Answerer,
    reviews: Iterator[Review | str],
    progress: Callable[[Tally], object] | None,
) -> Generator[Outcome]:
    crew = _crew(answerer, course.concurrency)
    failure: Exception | None = None
    try:
        while True:
            while course.may_begin:
                try:
                    review = next(reviews)
                except StopIteration:
                    course.is_read = True
                except Exception as error:  # noqa: BLE001 - raised again once all that is under way is out
                    course.is_read, failure = True, error
                else:
                    crew.begin(course.begin(), review)
                    course.end_all(crew.done.get_nowait() for _ in range(crew.done.qsize()))
            if (outcome := course.next()) is not None:
                if progress is not None:
                    progress(course.tally)
                yield outcome
            elif course.running:
                course.end(crew.done.get())
            else:
                break
    finally:
        crew.close()
    if failure is not None:
        raise failure


def _crew(answerer: Answerer, concurrency: int) -> Crew:
    """Whoever suits the model: nobody but the caller where there is nothing to wait for."""
    if answerer.waits_for_nothing:
        return Inline(answerer)
    return LoopTasks(answerer) if is_async(answerer.driver.model) else Threads(answerer, concurrency)


async def _aoutcomes(
    course: _Course,
    answerer: Answerer,
    reviews: Iterable[Review | str] | AsyncIterable[Review | str],
    progress: Callable[[Tally], object] | None,
) -> AsyncGenerator[Outcome]:
    threads = None if is_async(answerer.driver.model) else ThreadPoolExecutor(course.concurrency)
    feed = _Feed(course, answerer, reviews, threads)
    try:
        while True:
            feed.top_up()
            if (outcome := course.next()) is not None:
                if progress is not None:
                    progress(course.tally)
                yield outcome
            elif feed.is_busy:
                await feed.wait()
            else:
                break
    finally:
        await feed.aclose()
    if feed.failure is not None:
        raise feed.failure


class _Feed:
    """Takes reviews from an iterable of either kind and has each answered by a task of its own."""

    def __init__(
        self,
        course: _Course,
        answerer: Answerer,
        reviews: Iterable[Review | str] | AsyncIterable[Review | str],
        threads: ThreadPoolExecutor | None,
    ) -> None:
        self.failure: Exception | None = None
        self._course = course
        self._answerer = answerer
        self._threads = threads
        # Tasks that have ended: of answers, and of the pull of the next review.
        self._ended: asyncio.Queue[asyncio.Task[Outcome] | asyncio.Task[Review | str]] = asyncio.Queue()
        self._tasks: set[asyncio.Task[Outcome]] = set()
        self._pull: asyncio.Task[Review | str] | None = None
        self._later = aiter(reviews) if isinstance(reviews, AsyncIterable) else None
        self._now = iter(reviews) if not isinstance(reviews, AsyncIterable) else None

    @property
    def is_busy(self) -> bool:
        return bool(self._course.running) or self._pull is not None

    def top_up(self) -> None:
        """Begin what may begin; of an async iterable only the next review is asked for."""
        while self._course.may_begin and self._pull is None:
            if self._later is not None:
                self._pull = asyncio.ensure_future(_next_of(self._later))
                self._pull.add_done_callback(self._ended.put_nowait)
            elif self._now is not None:
                try:
                    self._begin(next(self._now))
                except StopIteration:
                    self._course.is_read = True
                except Exception as error:  # noqa: BLE001 - raised again once all that is under way is out
                    self._course.is_read, self.failure = True, error

    async def wait(self) -> None:
        """Until one task more has ended."""
        ended = await self._ended.get()
        if ended is not self._pull:
            self._course.end(cast("Outcome", ended.result()))
            return
        self._pull = None
        try:
            self._begin(cast("Review | str", ended.result()))
        except StopAsyncIteration:
            self._course.is_read = True
        except Exception as error:  # noqa: BLE001 - raised again once all that is under way is out
            self._course.is_read, self.failure = True, error

    async def aclose(self) -> None:
        """End what is under way and wait for it."""
        self._answerer.stopping.set()
        tasks = [*self._tasks, *([self._pull] if self._pull else ())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._threads is not None:
            await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)

    def _begin(self, review: Review | str) -> None:
        task = asyncio.ensure_future(self._answerer.later(self._course.begin(), review, self._threads))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._ended.put_nowait)


async def _next_of(reviews: AsyncIterator[Review | str]) -> Review | str:
    return await anext(reviews)
