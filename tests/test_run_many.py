"""Many reviews at a time: each gets its one outcome, whatever the others, the input or the caller do."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from fakes import GOOD, REVIEW, FixedClassifier, ceramics, quick_flow
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import calmreply.crew
from calmreply import (
    Budget,
    InputError,
    ModelAnswer,
    ModelAuthError,
    ModelRequest,
    Prices,
    Replier,
    Review,
    Settings,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from calmreply import Outcome, Tally

REVIEWS = [Review(text=f"The mug arrived cracked, number {at}.", id=str(at)) for at in range(30)]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calmreply.crew, "reply_flow", quick_flow)


class Model:
    """Takes a moment, answers well, and knows how many were at it at once."""

    def __init__(self, seconds: float = 0.0, failing: frozenset[int] = frozenset()) -> None:
        self.seconds, self.failing = seconds, failing
        self.calls = self.under_way = self.most = 0
        self.lock = threading.Lock()

    def begun(self) -> int:
        with self.lock:
            self.calls += 1
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            return self.calls

    def ended(self, call: int) -> ModelAnswer:
        with self.lock:
            self.under_way -= 1
        if call in self.failing:
            raise ModelAuthError("wrong key")
        return ModelAnswer(text=GOOD, prompt_tokens=100, completion_tokens=50)

    def complete(self, request: ModelRequest) -> Any:
        call = self.begun()
        time.sleep(self.seconds)
        return self.ended(call)


class AsyncModel(Model):
    async def complete(self, request: ModelRequest) -> Any:
        call = self.begun()
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.under_way -= 1
            raise
        return self.ended(call)


def replier(model: Any, **limits: Any) -> Replier:
    return Replier(ceramics(), model, classifier=FixedClassifier(), settings=Settings(**limits))


def through_sync(each: Replier, reviews: Any, **options: Any) -> tuple[list[Outcome], Tally]:
    with each.run_many(reviews, **options) as run:
        return list(run), run.tally


def through_async(each: Replier, reviews: Any, **options: Any) -> tuple[list[Outcome], Tally]:
    async def collected() -> tuple[list[Outcome], Tally]:
        async with each.arun_many(reviews, **options) as run:
            return [outcome async for outcome in run], run.tally

    return asyncio.run(collected())


@pytest.fixture(params=[through_sync, through_async], ids=["sync", "async"])
def run(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(params=[Model, AsyncModel], ids=["plain", "coroutine"])
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_a_run_answers_as_a_single_call_does(run: Any, kind: Any) -> None:
    with replier(kind()) as each:
        [outcome], _ = run(each, [REVIEW])
        assert outcome.reply is not None
        assert outcome.reply.text == each.reply(REVIEW).text == GOOD


def test_replies_of_a_run_do_not_repeat_each_other(run: Any) -> None:
    with replier(Model(), max_attempts=3) as each:
        outcomes, _ = run(each, [REVIEW, REVIEW], concurrency=1)
    first, second = (outcome.reply for outcome in outcomes)
    assert (first.warnings, len(first.attempts)) == ((), 1)
    assert [one.rule for one in second.warnings] == ["repetition"]
    assert (second.publishable, len(second.attempts)) == (True, 2)


@pytest.mark.usefixtures("quick")
def test_every_review_has_its_one_outcome(run: Any, kind: Any) -> None:
    with replier(kind()) as each:
        outcomes, tally = run(each, REVIEWS)
    assert sorted(one.number for one in outcomes) == list(range(30))
    assert all(REVIEWS[one.number] is one.review and one.reply for one in outcomes)
    assert (tally.total, tally.replies, tally.failed, tally.left) == (30, 30, 0, 0)
    assert tally.usage.requests == each.spending.usage.requests == 30


@pytest.mark.usefixtures("quick")
def test_one_that_fails_stops_no_other(run: Any, kind: Any) -> None:
    with replier(kind(failing=frozenset({3, 7}))) as each:
        outcomes, tally = run(each, REVIEWS)
    assert [type(one.error) for one in outcomes if one.error] == [ModelAuthError, ModelAuthError]
    assert (tally.replies, tally.failed, tally.errors) == (28, 2, {"model_auth": 2})


def test_a_thing_that_is_no_review_is_one_that_fails(run: Any) -> None:
    outcomes, tally = run(replier(False), ["Cracked mug", 3, REVIEWS[0]])  # noqa: FBT003 - no model
    assert [(one.number, type(one.error)) for one in outcomes if one.error] == [(1, InputError)]
    assert tally.replies == 2


@pytest.mark.usefixtures("quick")
def test_no_more_are_under_way_than_was_asked_for(run: Any, kind: Any) -> None:
    model = kind(seconds=0.1)
    with replier(model) as each:
        run(each, REVIEWS[:12], concurrency=4)
    assert 1 < model.most <= 4


@pytest.mark.usefixtures("quick")
def test_the_order_is_kept_where_it_is_wanted(run: Any, kind: Any) -> None:
    class Uneven(kind):  # type: ignore[misc]
        def begun(self) -> int:
            call: int = super().begun()
            self.seconds = 0.05 if call % 7 == 1 else 0.0
            return call

    with replier(Uneven()) as each:
        outcomes, _ = run(each, REVIEWS, ordered=True, concurrency=4)
    assert [one.number for one in outcomes] == list(range(30))


@pytest.mark.usefixtures("quick")
def test_the_input_is_read_no_further_than_needed(run: Any) -> None:
    taken = 0

    def reviews() -> Iterator[Review]:
        nonlocal taken
        for review in REVIEWS * 100:
            taken += 1
            yield review

    waiting = []
    with replier(Model()) as each:
        run(each, reviews(), concurrency=5, progress=lambda tally: waiting.append(taken - tally.replies))
    assert taken == 3000
    assert max(waiting) <= 10


@pytest.mark.usefixtures("quick")
def test_an_async_iterable_is_read_while_answers_come() -> None:
    async def reviews() -> AsyncIterator[Review]:
        for review in REVIEWS[:5]:
            yield review
            await asyncio.sleep(0.02)

    async def collected() -> list[float]:
        start, times = time.monotonic(), []
        async for _ in each.arun_many(reviews()):
            times.append(time.monotonic() - start)  # noqa: PERF401 - the times are the test
        return times

    with replier(AsyncModel()) as each:
        times = asyncio.run(collected())
    assert len(times) == 5
    assert times[0] < 0.06 < times[-1] + 0.03


@pytest.mark.usefixtures("quick")
def test_an_input_that_breaks_gives_what_was_begun_first(run: Any, kind: Any) -> None:
    def reviews() -> Iterator[Review]:
        yield from REVIEWS[:6]
        raise OSError("the disk went away")

    seen: list[int] = []
    with replier(kind()) as each, pytest.raises(OSError, match="went away"):
        run(each, reviews(), progress=lambda tally: seen.append(tally.replies))
    assert seen[-1] == 6


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "budget", [Budget(requests=10), Budget(tokens=10**9, cost=0.01), Budget(tokens=2_200)], ids=repr
)
def test_a_budget_stops_the_run_and_says_what_is_left(run: Any, kind: Any, budget: Budget) -> None:
    limits = {"budget": budget, "prices": Prices(prompt=1, completion=10)}
    source = iter(REVIEWS * 4)
    with replier(kind(), **limits) as each:
        outcomes, tally = run(each, source, concurrency=2)
    assert tally.stopped is not None
    assert tally.stopped.code == "budget"
    assert tally.replies
    assert tally.refused + tally.replies == len(outcomes)
    assert len(list(source)) == 120 - len(outcomes)
    spent = each.spending.usage
    assert spent.requests <= (budget.requests or 120)
    assert spent.cost is not None
    assert spent.cost <= (budget.cost or 1)


@pytest.mark.usefixtures("quick")
def test_a_wrong_key_ends_the_run_early(run: Any, kind: Any) -> None:
    source = iter(REVIEWS * 4)
    with replier(kind(failing=frozenset(range(1000)))) as each:
        outcomes, tally = run(each, source, concurrency=4)
    assert isinstance(tally.stopped, ModelAuthError)
    assert 20 <= len(outcomes) <= 24
    assert len(list(source)) == 120 - len(outcomes)


@pytest.mark.usefixtures("quick")
def test_a_bug_in_the_callers_model_is_told_by_its_name(run: Any) -> None:
    class Broken:
        def complete(self, request: ModelRequest) -> Any:
            raise ZeroDivisionError

    _, tally = run(replier(Broken()), REVIEWS[:3])
    assert tally.errors == {"ZeroDivisionError": 3}


@pytest.mark.usefixtures("quick")
def test_a_task_that_somebody_else_cancels_holds_nobody_up(run: Any) -> None:
    class Cancelling:
        async def complete(self, request: ModelRequest) -> Any:
            raise asyncio.CancelledError

    with replier(Cancelling()) as each:
        _, tally = run(each, REVIEWS[:3])
    assert tally.errors == {"CancelledError": 3}


@pytest.mark.usefixtures("quick")
def test_leaving_early_leaves_nothing_running(kind: Any) -> None:
    model = kind(seconds=0.02)
    each = replier(model)
    for outcome in each.run_many(REVIEWS, concurrency=8):
        assert outcome.reply
        break
    gc.collect()  # what was left is closed with its last reference
    each.close()
    assert model.under_way == 0
    assert model.calls < 30
    assert not [one for one in threading.enumerate() if one.name.startswith("calmreply")]


@pytest.mark.usefixtures("quick")
def test_cancelling_leaves_nothing_running(kind: Any) -> None:
    model = kind(seconds=0.02)
    each = replier(model)

    async def consume() -> None:
        async for _ in each.arun_many(REVIEWS * 9, concurrency=8):
            pass

    async def cancelled() -> None:
        task = asyncio.create_task(consume())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(cancelled())
    assert model.under_way == 0
    assert not [one for one in threading.enumerate() if one.name.startswith("calmreply")]


@pytest.mark.usefixtures("quick")
def test_it_works_in_a_running_loop() -> None:
    async def notebook() -> int:
        return len(list(each.run_many(REVIEWS)))

    with replier(AsyncModel()) as each:
        assert asyncio.run(notebook()) == 30


@pytest.mark.parametrize("wrong", ["a text alone", 3, None])
def test_what_is_no_iterable_is_refused(wrong: Any) -> None:
    each = replier(False)  # noqa: FBT003 - no model
    for begin in (each.run_many, each.arun_many):
        with pytest.raises(InputError, match="iterable"):
            begin(wrong)
        with pytest.raises(InputError, match="concurrency"):
            begin([], concurrency=0)


@pytest.mark.usefixtures("quick")
def test_the_server_is_left_alone_while_it_wants_no_calls(run: Any) -> None:
    class Held(AsyncModel):
        until = time.monotonic() + 0.2

        @property
        def held_seconds(self) -> float:
            return max(0.0, self.until - time.monotonic())

    model = Held()
    with replier(model) as each:
        _, tally = run(each, REVIEWS)
    assert time.monotonic() > model.until
    assert tally.replies == 30


@pytest.mark.usefixtures("quick")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    failing=st.frozensets(st.integers(1, 30)),
    concurrency=st.integers(1, 9),
    ordered=st.booleans(),
    takes=st.integers(0, 30),
)
def test_whatever_fails_and_whenever_one_stops_nothing_is_lost_or_doubled(
    failing: frozenset[int],
    concurrency: int,
    ordered: bool,  # noqa: FBT001 - drawn
    takes: int,
) -> None:
    source = iter(REVIEWS[:takes])
    with replier(AsyncModel(failing=failing)) as each:
        outcomes, tally = through_sync(each, source, concurrency=concurrency, ordered=ordered)
    unread = list(source)
    assert sorted(one.number for one in outcomes) == list(range(takes - len(unread)))
    assert tally.replies + tally.failed == len(outcomes)
    assert not unread or tally.stopped
