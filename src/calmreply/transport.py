"""Sending until an answer comes or there is no point: one retry policy, run sync and async by tenacity.

What is retried: errors that say `retryable` (429, 5xx, 408, 409, nothing came back, no chat completion),
unless the server says `x-should-retry: false`. How long to wait: what the server asks for
(`retry-after-ms`, `retry-after` in seconds or as a date), else exponential back-off with full jitter.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from calmreply.wire import model_error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from openai import Timeout
    from tenacity import RetryCallState

    from calmreply.errors import ModelError
    from calmreply.model import ModelAnswer
    from calmreply.reply import Usage
    from calmreply.settings import Settings

__all__ = ["Clock", "Exchange", "Transport"]

_FIRST_WAIT_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 8.0
_CONNECT_SECONDS = 5.0


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


class Transport:
    """Makes the HTTP calls of an exchange, again and again as the settings allow."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock or Clock()

    def run(self, exchange: Exchange) -> ModelAnswer:
        """Run an exchange whose calls return at once.

        Raises:
            ModelError: no answer came; its `usage` counts every HTTP request made.
        """
        from tenacity import Retrying

        tries = _Tries(self._settings, self._clock, exchange)

        def once() -> ModelAnswer:
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

        tries = _Tries(self._settings, self._clock, exchange)

        async def once() -> ModelAnswer:
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

    def __init__(self, settings: Settings, clock: Clock, exchange: Exchange) -> None:
        self._settings = settings
        self._clock = clock
        self._exchange = exchange
        self._started = clock.monotonic()
        self._failed = 0
        self._last: ModelError | None = None  # None after a revised request

    @property
    def policy(self) -> dict[str, Any]:
        """What tenacity is told."""
        return {"retry": self.is_worth_another, "wait": self.wait, "stop": self.is_over, "reraise": True}

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
        if self._last.retry_after_seconds:
            return self._last.retry_after_seconds
        ceiling = min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2.0 ** min(self._failed - 1, 10))
        return ceiling * self._clock.random()

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
