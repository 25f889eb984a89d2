"""OpenAIModel over real SDK clients whose HTTP is played by a function."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx2
import openai
import pytest

from calmreply.errors import (
    InputError,
    ModelConnectionError,
    ModelNotFoundError,
    ModelRequestError,
    ModelResponseError,
)
from calmreply.model import (
    Message,
    Model,
    ModelAnswer,
    ModelRequest,
    OpenAIModel,
    is_local,
    model_from_environment,
    ready_model,
    usage_of,
)
from calmreply.reply import Usage
from calmreply.settings import Prices, Settings
from calmreply.transport import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

REVIEW = "The vase came broken, my number is 0909"
REQUEST = ModelRequest(
    messages=(Message(role="system", content="Write."), Message(role="user", content=REVIEW)), max_tokens=99
)
UNSUPPORTED_CAP = {
    "message": "Unsupported parameter: 'max_tokens' is not supported with this model. "
    "Use 'max_completion_tokens' instead.",
    "type": "invalid_request_error",
    "param": "max_tokens",
    "code": "unsupported_parameter",
}
UNSUPPORTED_TEMPERATURE = {
    "message": "Unsupported value: 'temperature' does not support 0.3 with this model.",
    "type": "invalid_request_error",
    "param": "temperature",
    "code": "unsupported_value",
}


def completion(content: Any = "We are sorry.", **changes: Any) -> dict[str, Any]:
    choice = {
        "index": 0,
        "finish_reason": changes.pop("finish_reason", "stop"),
        "message": {"role": "assistant", "content": content, "refusal": changes.pop("refusal", None)},
    }
    usage = {
        "prompt_tokens": 50,
        "completion_tokens": 9,
        "total_tokens": 59,
        "prompt_tokens_details": {"cached_tokens": 20},
    }
    whole = {"id": "1", "object": "chat.completion", "created": 1, "model": "m-2026-04-14"}
    return {**whole, "choices": [choice], "usage": usage, **changes}


@dataclass
class Server:
    """Answers in turn, the last one for ever, and keeps what it was sent."""

    answers: list[Any]
    sent: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.paths.append(request.url.path)
        self.sent.append(json.loads(request.content) if request.content else {})
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, httpx2.Response):
            return answer
        return httpx2.Response(200, json=answer)


def refusal_of(error: dict[str, Any], status: int = 400) -> httpx2.Response:
    return httpx2.Response(status, json={"error": error})


def no_sleep(_: float) -> None:
    return


async def no_async_sleep(_: float) -> None:
    return


STILL = Clock(sleep=no_sleep, async_sleep=no_async_sleep)


def ask(
    answers: list[Any] | Server,
    *,
    use_async: bool = False,
    base_url: str = "https://models.example/v1",
    model: str | None = "m",
    settings: Settings | None = None,
) -> ModelAnswer:
    """Ask once, over the sync or the async client."""
    server = answers if isinstance(answers, Server) else Server(answers)
    transport = httpx2.MockTransport(server)
    if not use_async:
        with openai.OpenAI(
            api_key="k", base_url=base_url, http_client=httpx2.Client(transport=transport)
        ) as client:
            answer = OpenAIModel(client, model, settings=settings, clock=STILL).complete(REQUEST)
        assert isinstance(answer, ModelAnswer)
        return answer

    async def run() -> ModelAnswer:
        http_client = httpx2.AsyncClient(transport=transport)
        async with openai.AsyncOpenAI(api_key="k", base_url=base_url, http_client=http_client) as client:
            coming = OpenAIModel(client, model, settings=settings, clock=STILL).complete(REQUEST)
            assert not isinstance(coming, ModelAnswer)
            return await coming

    return asyncio.run(run())


def sync_client(server: Callable[[httpx2.Request], httpx2.Response], **options: Any) -> openai.OpenAI:
    http_client = httpx2.Client(transport=httpx2.MockTransport(server))
    return openai.OpenAI(
        **{"api_key": "k", "base_url": "https://models.example/v1", **options}, http_client=http_client
    )


both = pytest.mark.parametrize("use_async", [False, True], ids=["sync", "async"])


@both
def test_an_answer(use_async: bool) -> None:  # noqa: FBT001 - a parameter of the test
    server = Server([completion()])
    answer = ask(server, use_async=use_async)
    assert answer == ModelAnswer(
        text="We are sorry.",
        finish_reason="stop",
        prompt_tokens=50,
        completion_tokens=9,
        cached_tokens=20,
        requests=1,
        model="m-2026-04-14",
    )
    assert server.sent == [
        {
            "model": "m",
            "messages": [{"role": "system", "content": "Write."}, {"role": "user", "content": REVIEW}],
            "max_tokens": 99,
            "temperature": 0.3,
        }
    ]


def test_temperature_none_is_not_sent() -> None:
    server = Server([completion()])
    ask(server, settings=Settings(temperature=None))
    assert "temperature" not in server.sent[0]


@pytest.mark.parametrize("host", ["api.openai.com", "eu.api.openai.com"])
def test_openai_itself_gets_the_new_name_of_the_cap(host: str) -> None:
    server = Server([completion()])
    ask(server, base_url=f"https://{host}/v1")
    assert server.sent[0]["max_completion_tokens"] == 99
    assert "max_tokens" not in server.sent[0]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, None),
        ("", ""),
        ([{"type": "text", "text": "We are "}, {"type": "text", "text": "sorry."}], "We are sorry."),
        ([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Sorry."}], "Sorry."),
        ([{"type": "image_url"}], None),
        ([], None),
        (7, None),
        ({"text": "no"}, None),
    ],
)
def test_content_of_any_shape(content: Any, text: str | None) -> None:
    assert ask([completion(content)]).text == text


@pytest.mark.parametrize("reason", ["length", "content_filter", "tool_calls", None])
def test_the_finish_reason_is_passed_on(reason: str | None) -> None:
    assert ask([completion(finish_reason=reason)]).finish_reason == reason


def test_a_refusal_is_passed_on() -> None:
    answer = ask([completion(None, refusal="I can't help with that.")])
    assert (answer.text, answer.refusal) == (None, "I can't help with that.")


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"prompt_tokens": None, "prompt_tokens_details": None},
        {"prompt_tokens": "many", "completion_tokens": True},
        {"prompt_tokens": -3, "prompt_tokens_details": {"cached_tokens": None}},
        [1],
    ],
)
def test_tokens_the_server_did_not_count_are_zero(usage: Any) -> None:
    answer = ask([completion(usage=usage)])
    assert (answer.prompt_tokens, answer.completion_tokens, answer.cached_tokens) == (0, 0, 0)


def test_without_a_name_in_the_answer_it_is_the_one_asked_for() -> None:
    assert ask([completion(model=None)]).model == "m"


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": REVIEW, "code": "oops"}},
        {"error": "down"},
        {"choices": []},
        {"choices": None},
        {"choices": [{}]},
        {"choices": [None]},
        {"choices": "no"},
        {},
        [],
        [1, 2],
        "text",
        7,
        None,
    ],
)
@both
def test_a_200_that_is_no_completion(use_async: bool, body: Any) -> None:  # noqa: FBT001
    response = httpx2.Response(200, json=body)
    with pytest.raises(ModelResponseError) as caught:
        ask([response], use_async=use_async)
    assert REVIEW not in str(caught.value)
    assert caught.value.usage is not None


@pytest.mark.parametrize(
    "response",
    [
        httpx2.Response(200, text="<html>hello</html>", headers={"content-type": "text/html"}),
        httpx2.Response(200, content=b"", headers={"content-type": "text/plain"}),
    ],
)
def test_a_web_page_is_not_asked_for_twice(response: httpx2.Response) -> None:
    with pytest.raises(ModelResponseError, match="/v1") as caught:
        ask([response])
    assert caught.value.usage == Usage(requests=1)
    assert not caught.value.retryable


@pytest.mark.parametrize("content", [b"<html>", b"", b'{"choices": [', b'{"model": "\xff"}'])
@both
def test_broken_json(use_async: bool, content: bytes) -> None:  # noqa: FBT001
    response = httpx2.Response(200, content=content, headers={"content-type": "application/json"})
    with pytest.raises(ModelResponseError) as caught:
        ask([response], use_async=use_async)
    assert caught.value.usage == Usage(requests=4)


@pytest.mark.parametrize(
    ("code", "requests"), [(400, 1), ("401", 1), (429, 4), (502, 4), ("server_error", 4)]
)
def test_an_error_in_a_200_is_retried_if_its_status_would_be(code: Any, requests: int) -> None:
    with pytest.raises(ModelResponseError) as caught:
        ask([{"error": {"code": code, "message": "x"}}])
    assert caught.value.usage == Usage(requests=requests)


@both
def test_tokens_of_every_try_are_added_up(use_async: bool) -> None:  # noqa: FBT001
    answer = ask([completion(choices=[]), httpx2.Response(500), completion()], use_async=use_async)
    assert (answer.requests, answer.prompt_tokens, answer.completion_tokens) == (3, 100, 18)
    with pytest.raises(ModelResponseError) as caught:
        ask([completion(choices=[])], settings=Settings(prices=Prices(prompt=1, completion=1)))
    usage = caught.value.usage
    assert usage is not None
    assert (usage.requests, usage.prompt_tokens, usage.completion_tokens) == (4, 200, 36)
    assert usage.cost == pytest.approx(236e-6)


@both
def test_what_a_server_does_not_take_is_left_out_from_then_on(use_async: bool) -> None:  # noqa: FBT001
    server = Server(
        [
            refusal_of(UNSUPPORTED_CAP),
            refusal_of(UNSUPPORTED_TEMPERATURE),
            completion(),
        ]
    )
    assert ask(server, use_async=use_async, settings=Settings(transport_attempts=1)).requests == 3
    assert server.sent[2].keys() == {"model", "messages", "max_completion_tokens"}


def test_what_was_learnt_is_remembered() -> None:
    server = Server([refusal_of(UNSUPPORTED_CAP), completion()])
    model = OpenAIModel(sync_client(server), "m", clock=STILL)
    answers = [model.complete(REQUEST) for _ in range(3)]
    assert [answer.requests for answer in answers if isinstance(answer, ModelAnswer)] == [2, 1, 1]


@pytest.mark.parametrize(
    ("status", "body", "gone"),
    [
        (400, {"error": {"message": "Unrecognized request argument: max_tokens"}}, "max_tokens"),
        (400, {"message": "`temperature` is deprecated for this model"}, "temperature"),
        (
            422,
            {"detail": [{"type": "extra_forbidden", "loc": ["body", "max_tokens"], "input": REVIEW}]},
            "max_tokens",
        ),
    ],
)
def test_servers_complain_in_their_own_words(status: int, body: dict[str, Any], gone: str) -> None:
    server = Server([httpx2.Response(status, json=body), completion()])
    ask(server)
    assert gone in server.sent[0]
    assert gone not in server.sent[1]


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "max_tokens is too large: 99", "param": "max_tokens", "code": "invalid_value"}},
        {"error": {"message": "Unsupported parameter: 'top_p'", "param": "top_p"}},
        {"detail": [{"type": "missing", "loc": ["body", "max_tokens"]}, {"loc": []}, "no"]},
        {"detail": "temperature"},
    ],
)
def test_other_complaints_change_nothing(body: dict[str, Any]) -> None:
    server = Server([httpx2.Response(400, json=body)])
    with pytest.raises(ModelRequestError):
        ask(server)
    assert len(server.sent) == 1


def test_a_server_that_takes_neither_name_is_not_asked_for_ever() -> None:
    neither = {"message": "unknown field max_tokens or max_completion_tokens or temperature"}
    server = Server([refusal_of(neither)])
    with pytest.raises(ModelRequestError):
        ask(server)
    assert len(server.sent) == 2


def test_threads_that_learn_at_once_learn_everything() -> None:
    both_asked = threading.Barrier(2, timeout=5)
    local = threading.local()

    def server(request: httpx2.Request) -> httpx2.Response:
        sent = json.loads(request.content)
        if not hasattr(local, "asked"):
            local.asked = True
            both_asked.wait()
        if "max_tokens" in sent:
            return refusal_of(UNSUPPORTED_CAP)
        if "temperature" in sent:
            return refusal_of(UNSUPPORTED_TEMPERATURE)
        return httpx2.Response(200, json=completion())

    model = OpenAIModel(sync_client(server), "m", clock=STILL)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: model.complete(REQUEST), range(2)))
    assert all(isinstance(answer, ModelAnswer) and answer.requests <= 4 for answer in answers)
    local.asked = True
    last = model.complete(REQUEST)
    assert isinstance(last, ModelAnswer)
    assert last.requests == 1


@both
def test_an_unnamed_model_is_the_only_one_the_server_has(use_async: bool) -> None:  # noqa: FBT001
    one = {"object": "list", "data": [{"id": "llama", "object": "model"}]}
    server = Server([one, completion(model=None)])
    answer = ask(server, model=None, use_async=use_async)
    assert server.paths == ["/v1/models", "/v1/chat/completions"]
    assert server.sent[1]["model"] == "llama"
    assert (answer.model, answer.requests) == ("llama", 2)


@pytest.mark.parametrize("names", [[], ["a", "b"], list("abcdefgh")])
@both
def test_an_unnamed_model_of_many_is_an_error_that_says_what_to_pass(
    use_async: bool,  # noqa: FBT001
    names: list[str],
) -> None:
    with pytest.raises(ModelNotFoundError, match="CALMREPLY_MODEL") as caught:
        ask([{"object": "list", "data": [{"id": name} for name in names]}], model=None, use_async=use_async)
    assert f"offers {len(names)}" in caught.value.message
    assert caught.value.usage == Usage(requests=1)


def test_the_environment_names_a_model_that_was_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALMREPLY_MODEL", "named")
    server = Server([completion()])
    ask(server, model=None)
    assert server.sent[0]["model"] == "named"


def test_half_a_character_is_sent_as_a_question_mark() -> None:
    server = Server([completion()])
    model = OpenAIModel(sync_client(server), "m")
    model.complete(ModelRequest(messages=(Message(role="user", content="bad \ud83d"),), max_tokens=9))
    assert server.sent[0]["messages"][0]["content"] == "bad ?"


def test_usage_is_priced_by_the_settings() -> None:
    answer = ask([completion()])
    assert usage_of(answer, Settings()).cost is None
    priced = usage_of(answer, Settings(prices={"m": Prices(prompt=10, completion=100)}))
    assert priced.cost == pytest.approx((50 * 10 + 9 * 100) / 1e6)
    assert (priced.requests, priced.total_tokens, priced.cached_tokens) == (1, 59, 20)


def test_neither_repr_nor_errors_show_key_or_address() -> None:
    def refuse(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    client = sync_client(refuse, api_key="sk-secret", base_url="http://user:pw@models.example:81/v1?key=x")
    model = OpenAIModel(client, "m", clock=STILL)
    with pytest.raises(ModelConnectionError, match=r"models\.example:81") as caught:
        model.complete(REQUEST)
    shown = repr(model) + repr(caught.value) + str(caught.value)
    assert "'m'" in shown
    assert not any(secret in shown for secret in ("sk-secret", "pw", "key=x", REVIEW))


class Scripted:
    def complete(self, request: ModelRequest) -> ModelAnswer:
        return ModelAnswer(text="ok")


def test_a_model_is_ready_as_it_is() -> None:
    model = Scripted()
    assert isinstance(model, Model)
    assert ready_model(model) is model


def test_clients_become_models() -> None:
    settings = Settings(max_attempts=5)
    ready = ready_model(openai.OpenAI(api_key="k"), "m", settings)
    assert isinstance(ready, OpenAIModel)
    assert (ready.name, ready.is_async, ready.settings) == ("m", False, settings)
    ready = ready_model(openai.AsyncOpenAI(api_key="k"), "m")
    assert isinstance(ready, OpenAIModel)
    assert ready.is_async
    azure = openai.AzureOpenAI(api_key="k", api_version="1", azure_endpoint="https://a.example")
    assert isinstance(ready_model(azure, "m"), OpenAIModel)


@pytest.mark.parametrize("wrong", [None, "gpt", openai, object(), 3])
def test_what_cannot_answer_is_named(wrong: object) -> None:
    with pytest.raises(InputError, match=type(wrong).__name__):
        ready_model(wrong)


def test_a_class_is_no_client() -> None:
    with pytest.raises(InputError, match="OpenAI"):
        ready_model(openai.OpenAI)


def test_a_name_for_a_model_that_has_its_own() -> None:
    with pytest.raises(InputError, match="'gpt'"):
        ready_model(Scripted(), "gpt")


@pytest.mark.parametrize(
    ("base_url", "local"),
    [
        ("http://127.0.0.1:8080/v1", True),
        ("http://127.9.9.9/v1", True),
        ("http://localhost:11434/v1", True),
        ("http://models.localhost/v1", True),
        ("http://[::1]:8080/v1", True),
        ("http://0.0.0.0:8080/v1", False),
        ("http://192.168.1.5/v1", False),
        ("https://localhost.example.com/v1", False),
        ("https://127.0.0.1.example.com/v1", False),
        ("https://api.openai.com/v1", False),
    ],
)
def test_local_is_loopback_and_nothing_else(base_url: str, local: bool) -> None:  # noqa: FBT001
    assert is_local(OpenAIModel(openai.OpenAI(api_key="k", base_url=base_url), "m")) is local


def test_nobody_knows_where_another_model_runs() -> None:
    assert not is_local(Scripted())


ENVIRONMENT = ("CALMREPLY_MODEL", "OPENAI_API_KEY", "OPENAI_BASE_URL")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_an_environment_that_names_no_model_is_none(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("OPENAI_API_KEY", "k")
    assert model_from_environment() is None
    bare.setenv("CALMREPLY_MODEL", " ")
    assert model_from_environment() is None


def test_a_model_with_no_way_to_it_is_an_error(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("CALMREPLY_MODEL", "m")
    with pytest.raises(InputError, match="OPENAI_API_KEY"):
        model_from_environment()


def test_the_environment_gives_a_model_of_our_own(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("CALMREPLY_MODEL", "m")
    bare.setenv("OPENAI_BASE_URL", "http://localhost:1/v1")
    model = model_from_environment()
    assert model is not None
    assert (model.name, model.host, model.is_local) == ("m", "localhost", True)
    model.close()
    assert model._given_client.is_closed()


def test_an_async_model_is_closed_async(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("CALMREPLY_MODEL", "m")
    bare.setenv("OPENAI_API_KEY", "k")
    model = model_from_environment(use_async=True)
    assert model is not None
    assert model.is_async
    assert model.host == "api.openai.com"
    with pytest.raises(InputError, match="aclose"):
        model.close()
    asyncio.run(model.aclose())
    assert model._given_client.is_closed()


def test_a_sync_model_of_ours_can_be_closed_async(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("CALMREPLY_MODEL", "m")
    bare.setenv("OPENAI_API_KEY", "k")
    model = model_from_environment()
    assert model is not None
    asyncio.run(model.aclose())
    assert model._given_client.is_closed()


def test_a_client_of_the_callers_stays_open() -> None:
    client = openai.OpenAI(api_key="k")
    model = OpenAIModel(client, "m")
    model.close()
    asyncio.run(model.aclose())
    assert not client.is_closed()


def test_importing_takes_no_openai() -> None:
    code = (
        "import sys, calmreply.model; sys.exit(bool({'openai', 'tenacity', 'tiktoken'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 - our own code
