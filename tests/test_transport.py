"""Tries, waits and deadlines on a clock that only the tests move."""

from __future__ import annotations

import asyncio
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx2
import openai
import pytest

from calmreply.errors import (
    ModelAuthError,
    ModelConnectionError,
    ModelError,
    ModelRateLimitError,
    ModelServerError,
    ModelTimeoutError,
)
from calmreply.model import Message, ModelAnswer, ModelRequest, OpenAIModel
from calmreply.reply import Usage
from calmreply.settings import Settings
from calmreply.transport import Clock, Gate

if TYPE_CHECKING:
    from collections.abc import Callable

PRIVATE = "The vase came broken, call 0909"
REQUEST = ModelRequest(messages=(Message(role="user", content=PRIVATE),), max_tokens=9)
FINE = {
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "ok"}}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6},
}


@dataclass
class FakeTime:
    """A clock that moves when somebody sleeps or a call takes its time."""

    now: float = 0.0
    sleeps: list[float] = field(default_factory=list)
    chance: float = 1.0

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds

    async def async_sleep(self, seconds: float) -> None:
        self.sleep(seconds)

    def clock(self) -> Clock:
        return Clock(
            monotonic=lambda: self.now,
            wall=lambda: 1_000_000_000.0 + self.now,
            sleep=self.sleep,
            async_sleep=self.async_sleep,
            random=lambda: self.chance,
        )


Step = httpx2.Response | Exception | type[BaseException] | int


@dataclass
class Server:
    """Plays its steps in turn, the last for ever: a response, a status, an error to raise."""

    steps: list[Step]
    time: FakeTime = field(default_factory=FakeTime)
    call_seconds: float = 0.0
    timeouts: list[dict[str, float]] = field(default_factory=list)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.timeouts.append(request.extensions["timeout"])
        self.time.now += self.call_seconds
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, int):
            return httpx2.Response(step, json=FINE if step == 200 else {"error": {"message": PRIVATE}})
        if isinstance(step, httpx2.Response):
            # A fresh one: a response once read sync cannot be read async.
            return httpx2.Response(step.status_code, content=step.content, headers=step.headers)
        raise step

    @property
    def requests(self) -> int:
        return len(self.timeouts)


def ask_sync(server: Server, settings: Settings) -> ModelAnswer:
    http_client = httpx2.Client(transport=httpx2.MockTransport(server))
    client = openai.OpenAI(api_key="k", base_url="http://models.example/v1", http_client=http_client)
    answer = OpenAIModel(client, "m", settings=settings, clock=server.time.clock()).complete(REQUEST)
    assert isinstance(answer, ModelAnswer)
    return answer


def ask_async(server: Server, settings: Settings) -> ModelAnswer:
    async def run() -> ModelAnswer:
        http_client = httpx2.AsyncClient(transport=httpx2.MockTransport(server))
        client = openai.AsyncOpenAI(api_key="k", base_url="http://models.example/v1", http_client=http_client)
        coming = OpenAIModel(client, "m", settings=settings, clock=server.time.clock()).complete(REQUEST)
        assert not isinstance(coming, ModelAnswer)
        return await coming

    return asyncio.run(run())


@pytest.fixture(params=[ask_sync, ask_async], ids=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Callable[..., ModelAnswer]:
    way: Callable[..., ModelAnswer] = request.param
    return lambda server, **settings: way(server, Settings(**settings))


Ask = Any


def limited(seconds: str, **headers: str) -> httpx2.Response:
    return httpx2.Response(429, json={"error": {}}, headers={"retry-after": seconds, **headers})


@pytest.mark.parametrize(
    ("step", "kind", "requests"),
    [
        (401, ModelAuthError, 1),
        (429, ModelRateLimitError, 4),
        (500, ModelServerError, 4),
        (503, ModelServerError, 4),
        (408, ModelTimeoutError, 4),
        (httpx2.ConnectError("no"), ModelConnectionError, 4),
        (httpx2.ReadError("no"), ModelConnectionError, 4),
        (httpx2.ReadTimeout("slow"), ModelTimeoutError, 4),
        (httpx2.PoolTimeout("busy"), ModelTimeoutError, 4),
        (httpx2.LocalProtocolError("no"), ModelConnectionError, 1),
        (httpx2.Response(429, json={"error": {"code": "insufficient_quota"}}), ModelRateLimitError, 1),
        (httpx2.Response(503, json={}, headers={"x-should-retry": "false"}), ModelServerError, 1),
    ],
    ids=str,
)
def test_only_what_may_pass_is_tried_again(
    ask: Ask, step: Step, kind: type[ModelError], requests: int
) -> None:
    server = Server([step])
    with pytest.raises(ModelError) as caught:
        ask(server)
    assert type(caught.value) is kind
    assert server.requests == requests
    assert caught.value.usage == Usage(requests=requests)


def test_an_answer_counts_the_requests_behind_it(ask: Ask) -> None:
    server = Server([503, httpx2.ReadTimeout("slow"), 200])
    answer = ask(server)
    assert (answer.text, answer.requests) == ("ok", 3)


@pytest.mark.parametrize("attempts", [1, 2, 7])
def test_attempts_are_all_tries(ask: Ask, attempts: int) -> None:
    server = Server([500])
    with pytest.raises(ModelServerError):
        ask(server, transport_attempts=attempts)
    assert server.requests == attempts
    assert len(server.time.sleeps) == attempts - 1


def test_waits_double_up_to_a_ceiling(ask: Ask) -> None:
    server = Server([500])
    with pytest.raises(ModelServerError):
        ask(server, transport_attempts=7)
    assert server.time.sleeps == [1, 2, 4, 8, 8, 8]


def test_waits_are_jittered_over_their_whole_length(ask: Ask) -> None:
    server = Server([500], time=FakeTime(chance=0.25))
    with pytest.raises(ModelServerError):
        ask(server)
    assert server.time.sleeps == [0.25, 0.5, 1]


@pytest.mark.parametrize(
    ("response", "seconds"),
    [
        (limited("7"), 7),
        (limited("7", **{"retry-after-ms": "1500"}), 1.5),
        (limited("Sun, 09 Sep 2001 01:47:10 GMT"), 30),
        (limited("soon"), 1),
    ],
)
def test_the_servers_wish_comes_first(ask: Ask, response: httpx2.Response, seconds: float) -> None:
    server = Server([response, 200])
    assert ask(server).requests == 2
    assert server.time.sleeps == [pytest.approx(seconds)]


def test_a_wish_beyond_the_deadline_ends_it_at_once(ask: Ask) -> None:
    server = Server([limited("3600"), 200])
    with pytest.raises(ModelRateLimitError) as caught:
        ask(server)
    assert caught.value.retry_after_seconds == 3600
    assert caught.value.retryable
    assert server.time.sleeps == []


def test_the_deadline_holds_over_all_tries(ask: Ask) -> None:
    server = Server([503], call_seconds=4)
    with pytest.raises(ModelServerError):
        ask(server, deadline_seconds=10, transport_attempts=99)
    # 4 s, wait 1, 4 s: the next wait of 2 s would end after the deadline.
    assert server.requests == 2
    assert server.time.now == 9


def test_a_call_gets_no_more_time_than_is_left(ask: Ask) -> None:
    server = Server([503, 200], call_seconds=6)
    ask(server, deadline_seconds=10, timeout_seconds=8)
    assert [timeout["read"] for timeout in server.timeouts] == [8, pytest.approx(3)]
    assert [timeout["connect"] for timeout in server.timeouts] == [5, pytest.approx(3)]


def test_renaming_a_parameter_waits_for_nothing_and_counts_as_no_failure(ask: Ask) -> None:
    unsupported = httpx2.Response(400, json={"error": {"message": "unsupported", "param": "max_tokens"}})
    server = Server([500, unsupported, 500, 200])
    assert ask(server, transport_attempts=3).requests == 4
    assert server.time.sleeps == [1, 0, 2]


def test_nothing_of_the_review_hangs_on_the_error(ask: Ask) -> None:
    with pytest.raises(ModelServerError) as caught:
        ask(Server([500]), transport_attempts=1)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert PRIVATE not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("mine", [TypeError("mine"), ZeroDivisionError("mine")])
def test_a_programmers_error_passes_through(ask: Ask, mine: Exception) -> None:
    server = Server([mine])
    with pytest.raises(type(mine), match="mine"):
        ask(server)
    assert server.requests == 1


def test_ctrl_c_passes_through() -> None:
    server = Server([KeyboardInterrupt])
    with pytest.raises(KeyboardInterrupt):
        ask_sync(server, Settings())
    assert server.requests == 1


def test_a_hanging_server_is_left_when_time_is_up() -> None:
    async def hang(_: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(30)
        raise AssertionError

    async def run() -> None:
        http_client = httpx2.AsyncClient(transport=httpx2.MockTransport(hang))
        client = openai.AsyncOpenAI(api_key="k", http_client=http_client)
        settings = Settings(timeout_seconds=0.01, transport_attempts=2)
        model = OpenAIModel(client, "m", settings=settings, clock=FakeTime().clock())
        with pytest.raises(ModelTimeoutError) as caught:
            await model.complete(REQUEST)  # type: ignore[misc]
        assert caught.value.usage == Usage(requests=2)

    asyncio.run(run())


def test_cancelling_passes_through() -> None:
    called = asyncio.Event()
    requests = []

    async def hang(request: httpx2.Request) -> httpx2.Response:
        requests.append(request)
        called.set()
        await asyncio.sleep(30)
        raise AssertionError

    async def run() -> None:
        http_client = httpx2.AsyncClient(transport=httpx2.MockTransport(hang))
        client = openai.AsyncOpenAI(api_key="k", http_client=http_client)
        coming = OpenAIModel(client, "m").complete(REQUEST)
        assert not isinstance(coming, ModelAnswer)
        task = asyncio.ensure_future(coming)
        await called.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(requests) == 1

    asyncio.run(run())


def test_cancelling_in_a_wait_passes_through() -> None:
    waiting = asyncio.Event()

    async def wait_long(_: float) -> None:
        waiting.set()
        await asyncio.sleep(30)

    async def run() -> None:
        http_client = httpx2.AsyncClient(transport=httpx2.MockTransport(Server([500])))
        client = openai.AsyncOpenAI(api_key="k", http_client=http_client)
        coming = OpenAIModel(client, "m", clock=Clock(async_sleep=wait_long)).complete(REQUEST)
        assert not isinstance(coming, ModelAnswer)
        task = asyncio.ensure_future(coming)
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())


def test_the_clock_is_the_real_one_unless_given() -> None:
    asyncio.run(Clock().async_sleep(0))  # type: ignore[arg-type]
    assert Clock().monotonic() <= Clock().monotonic()


def gate(time: FakeTime) -> Gate:
    return Gate(time.clock())


def test_a_gate_holds_nobody_back_before_the_first_refusal() -> None:
    each = gate(FakeTime())
    assert [each.turn(10) for _ in range(3)] == [0, 0, 0]
    assert each.seconds_left == 0


def test_all_wait_for_the_refusal_of_one_and_then_go_one_by_one() -> None:
    time = FakeTime()
    each = gate(time)
    each.refused(began=0, seconds=5)
    assert each.seconds_left == 5
    assert [each.turn(99) for _ in range(3)] == pytest.approx([5, 5.1, 5.2])
    time.now = 20
    assert [each.turn(99) for _ in range(2)] == pytest.approx([0, 0.1])


def test_the_refusals_of_one_round_count_once() -> None:
    time = FakeTime(now=10)
    each = gate(time)
    for began in (8, 9, 10):
        each.refused(began=began, seconds=0)
    assert [each.turn(99) for _ in range(2)] == pytest.approx([0, 0.15])
    time.now = 11
    each.refused(began=9.5, seconds=0)
    assert [each.turn(99) for _ in range(2)] == pytest.approx([0, 0.15])


def test_answers_open_the_gate_again() -> None:
    each = gate(FakeTime())
    each.refused(began=0, seconds=0)
    for _ in range(50):
        each.passed()
    assert [each.turn(99) for _ in range(3)] == [0, 0, 0]


def test_a_turn_beyond_the_time_there_is_is_not_taken() -> None:
    each = gate(FakeTime())
    each.refused(began=0, seconds=5)
    assert each.turn(5) is None
    assert each.turn(6) == 5


def test_no_server_closes_the_gate_for_ever() -> None:
    each = gate(FakeTime())
    each.refused(began=0, seconds=10**9)
    assert each.seconds_left == 600


def test_one_refusal_makes_the_next_call_wait_too() -> None:
    server = Server([limited("7"), 200])
    http_client = httpx2.Client(transport=httpx2.MockTransport(server))
    client = openai.OpenAI(api_key="k", base_url="http://models.example/v1", http_client=http_client)
    settings = Settings(transport_attempts=1)
    model = OpenAIModel(client, "m", settings=settings, clock=server.time.clock())
    with pytest.raises(ModelRateLimitError):
        model.complete(REQUEST)
    assert model.held_seconds == 7
    model.complete(REQUEST)
    assert server.time.sleeps == [7]
    assert model.held_seconds == pytest.approx(0.1)


def test_a_call_that_cannot_have_its_turn_in_time_is_not_made() -> None:
    server = Server([limited("100"), 200])
    http_client = httpx2.Client(transport=httpx2.MockTransport(server))
    client = openai.OpenAI(api_key="k", base_url="http://models.example/v1", http_client=http_client)
    model = OpenAIModel(client, "m", settings=Settings(deadline_seconds=50), clock=server.time.clock())
    for _ in range(2):
        with pytest.raises(ModelRateLimitError) as caught:
            model.complete(REQUEST)
    assert server.requests == 1
    assert caught.value.retry_after_seconds == pytest.approx(100)
    assert caught.value.usage == Usage()
