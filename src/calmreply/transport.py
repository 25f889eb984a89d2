"""Sending until an answer comes or there is no point: one retry policy, run sync and async by tenacity.

What is retried: errors that say `retryable` (429, 5xx, 408, 409, nothing came back, no chat completion),
unless the server says `x-should-retry: false`. How long to wait: what the server asks for
(`retry-after-ms`, `retry-after` in seconds or as a date), else exponential back-off with full jitter.
A server that refuses one call (429, or any Retry-After) refuses all: they wait together at a gate.
"""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from calmreply.errors import ModelRateLimitError
from calmreply.wire import model_error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from openai import Timeout
    from tenacity import RetryCallState

    from calmreply.errors import ModelError
    from calmreply.model import ModelAnswer
    from calmreply.reply import Usage
    from calmreply.settings import Settings

__all__ = ["Clock", "Exchange", "Gate", "Transport"]

_FIRST_WAIT_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 8.0
_CONNECT_SECONDS = 5.0
# The gate: the distance between two calls after the first refusal, its bounds, and how it moves. A server
# that refuses by the rate is met where a fifth is refused; one that refuses fewer by chance slows nobody.
_FIRST_SPACING_SECONDS = 0.1
_LONGEST_SPACING_SECONDS = 1.0
_SHORTEST_SPACING_SECONDS = 0.001
_WIDER, _NARROWER = 1.5, 0.9
_LONGEST_HOLD_SECONDS = 600.0


async def _sleep(seconds: float) -> None:
    import asyncio

    await asyncio.sleep(seconds)


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """Time, sleep and chance, handed in so that tests need none of them."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    async_sleep: Callable[[float], Awaitable[None]] = _sleep
    random: Callable[[], float] = random.random


class Exchange(Protocol):
    """One request on its way: the HTTP calls it takes, written once for sync and async."""

    def calls(self) -> Generator[Callable[[Timeout], Any], Any, ModelAnswer]:
        """Yield functions that take a time-out and make one HTTP call; receive what they return."""
        ...

    def revise(self, error: Exception) -> bool:
        """Whether the request was changed so that this error will not come again."""
        ...

    def usage(self) -> Usage:
        """What every HTTP call so far cost."""
        ...


class Gate:
    """Where the calls to one server wait together after it has refused one of them.

    It opens when the server wants it to (in 10 minutes at the latest), and then lets calls through one by
    one: further apart after each further round of refusals, a little closer after each answer, until
    nothing is held back any more. Safe across threads and event loops; nobody sleeps in here.
    """

    def __init__(self, clock: Clock) -> None:
        self._monotonic = clock.monotonic
        self._lock = threading.Lock()
        self._opens = 0.0
        self._spacing = 0.0
        self._widened = 0.0

    @property
    def seconds_left(self) -> float:
        """Until the next call may begin; 0 where nothing is held back."""
        return max(0.0, self._opens - self._monotonic())

    def turn(self, most_seconds: float) -> float | None:
        """Take the next turn: the seconds until it comes, None (and no turn) where that is beyond `most`."""
        if not self._spacing and self._opens <= self._monotonic():
            return 0.0
        with self._lock:
            now = self._monotonic()
            begins = max(now, self._opens)
            if begins - now >= most_seconds:
                return None
            self._opens = begins + self._spacing
            return begins - now

    def refused(self, *, began: float, seconds: float) -> None:
        """A call that began then was refused: nobody calls for so many seconds."""
        with self._lock:
            now = self._monotonic()
            self._opens = max(self._opens, now + min(seconds, _LONGEST_HOLD_SECONDS))
            if began >= self._widened:  # the others of the same round say nothing new
                self._widened = now
                wider = self._spacing * _WIDER or _FIRST_SPACING_SECONDS
                self._spacing = min(wider, _LONGEST_SPACING_SECONDS)

    def passed(self) -> None:
        """A call was answered."""
        if self._spacing:
            with self._lock:
                self._spacing *= _NARROWER
                if self._spacing < _SHORTEST_SPACING_SECONDS:
                    self._spacing = 0.0


class Transport:
    """Makes the HTTP calls of an exchange, again and again as the settings allow."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock or Clock()
        self.gate = Gate(self._clock)

    def run(self, exchange: Exchange) -> ModelAnswer:
        """Run an exchange whose calls return at once.

        Raises:
            ModelError: no answer came; its `usage` counts every HTTP request made.
        """
        from tenacity import Retrying

        tries = _Tries(self._settings, self._clock, self.gate, exchange)

        def once() -> ModelAnswer:
            if seconds := tries.turn():
                self._clock.sleep(seconds)
            calls = exchange.calls()
            call = next(calls)
            while True:
                result = call(tries.timeout())
                try:
                    call = calls.send(result)
                except StopIteration as end:
                    return end.value  # type: ignore[no-any-return]

        try:
            return Retrying(sleep=self._clock.sleep, **tries.policy)(once)
        except Exception as raised:  # noqa: BLE001 - what is not ours is raised again below
            failure = tries.explain(raised)
        # Out of the except block: the SDK's error holds the request, and the request holds the review.
        raise failure

    async def arun(self, exchange: Exchange) -> ModelAnswer:
        """Run an exchange whose calls return awaitables; the same in every other way."""
        import asyncio

        from tenacity import AsyncRetrying

        tries = _Tries(self._settings, self._clock, self.gate, exchange)

        async def once() -> ModelAnswer:
            if seconds := tries.turn():
                await self._clock.async_sleep(seconds)
            calls = exchange.calls()
            call = next(calls)
            while True:
                async with asyncio.timeout(tries.seconds_left()):
                    result = await call(tries.timeout())
                try:
                    call = calls.send(result)
                except StopIteration as end:
                    return end.value  # type: ignore[no-any-return]

        try:
            return await AsyncRetrying(sleep=self._clock.async_sleep, **tries.policy)(once)
        except Exception as raised:  # noqa: BLE001 - what is not ours is raised again below
            failure = tries.explain(raised)
        raise failure


class _Tries:
    """The tries of one exchange: what went wrong last, whether to go on, how long to wait."""

    def __init__(self, settings: Settings, clock: Clock, gate: Gate, exchange: Exchange) -> None:
        self._settings = settings
        self._clock = clock
        self._gate = gate
        self._exchange = exchange
        self._started = clock.monotonic()
        self._began: float | None = None  # None while no call is under way
        self._failed = 0
        self._last: ModelError | None = None  # None after a revised request

    @property
    def policy(self) -> dict[str, Any]:
        """What tenacity is told."""
        return {"retry": self.is_worth_another, "wait": self.wait, "stop": self.is_over, "reraise": True}

    def turn(self) -> float:
        """How long to wait, for the sake of all, before this try.

        Raises:
            ModelRateLimitError: longer than there is time.
        """
        self._began = None
        left = self._settings.deadline_seconds - (self._clock.monotonic() - self._started)
        seconds = self._gate.turn(left)
        if seconds is None:
            raise ModelRateLimitError(
                "the server wants no calls for longer than one may take",
                hint="send less at once, or raise Settings(deadline_seconds=…)",
                retry_after_seconds=self._gate.seconds_left,
            )
        self._began = self._clock.monotonic() + seconds
        return seconds

    def seconds_left(self) -> float:
        """What the next HTTP call may take."""
        elapsed = self._clock.monotonic() - self._started
        left = self._settings.deadline_seconds - elapsed
        return max(0.001, min(self._settings.timeout_seconds, left))

    def timeout(self) -> Timeout:
        """The same as the SDK wants it, with less patience for a server that does not even pick up."""
        from openai import Timeout

        seconds = self.seconds_left()
        return Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS))

    def is_worth_another(self, state: RetryCallState) -> bool:
        raised = state.outcome.exception() if state.outcome else None
        # Cancellation and Ctrl-C are no failures of the server.
        if not isinstance(raised, Exception):
            if raised is None:
                self._gate.passed()
            return False
        if self._exchange.revise(raised):
            self._last = None
            return True
        self._failed += 1
        self._last = model_error(raised, now=self._clock.wall())
        return self._last is not None and self._last.retryable

    def wait(self, _: RetryCallState) -> float:
        if self._last is None:
            return 0.0
        ceiling = min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2.0 ** min(self._failed - 1, 10))
        seconds = self._last.retry_after_seconds or ceiling * self._clock.random()
        is_for_all = isinstance(self._last, ModelRateLimitError) or self._last.retry_after_seconds
        if is_for_all and self._began is not None:
            self._gate.refused(began=self._began, seconds=seconds)
        return seconds

    def is_over(self, state: RetryCallState) -> bool:
        elapsed = self._clock.monotonic() - self._started
        if elapsed + state.upcoming_sleep >= self._settings.deadline_seconds:
            return True
        return self._failed >= self._settings.transport_attempts

    def explain(self, raised: Exception) -> Exception:
        """Our error for the last try's, with what was spent; a programmer's error is returned as it is."""
        failure = model_error(raised, now=self._clock.wall())
        if failure is None:
            return raised
        failure.usage = self._exchange.usage()
        return failure
