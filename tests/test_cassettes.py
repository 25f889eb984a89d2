"""What really goes over the wire, recorded from the embedded model and played back offline.

`make cassettes` records all of them again: it sets CALMREPLY_RECORD, and then each test talks to the server.
A request is matched by its path, model and message roles. Of what was sent only the beginnings are kept, so
that an edited prompt leaves the cassettes as they are; they change with the number of its messages.
"""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import vcr
import yaml  # type: ignore[import-untyped]
from fakes import REVIEW, FixedClassifier, ceramics
from openai import AsyncOpenAI, OpenAI
from pytest_socket import disable_socket
from vcr.serialize import deserialize, serialize

from calmreply import (
    Message,
    ModelAnswer,
    ModelAuthError,
    ModelNotFoundError,
    ModelRequest,
    ModelRequestError,
    OpenAIModel,
    Replier,
    Reply,
    Review,
    Settings,
    Shop,
    Source,
    check,
)
from calmreply.local import MODEL_FILE, EmbeddedModel, embedded_model_available, model_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

CASSETTES = Path(__file__).with_name("cassettes")
# Read before the tests forget the machine's settings.
RECORDING = bool(os.environ.get("CALMREPLY_RECORD"))
DIRECTORY = model_directory()
# Where every recorded server is said to have listened.
ADDRESS = "http://127.0.0.1/v1"
NAME = MODEL_FILE.name.removesuffix(".gguf")

# One try each, so that a cassette that does not fit fails at once; a busy machine may take its time.
SETTINGS = Settings(
    temperature=0, max_attempts=1, transport_attempts=1, timeout_seconds=900, deadline_seconds=900
)

CLASSIFIED_VI = {"complaint": "late", "complaints": ["late"], "language": "vi"}
REVIEW_VI = Review(
    text="Đặt váy từ mùng 3 mà mười hai ngày sau mới nhận được, lỡ cả đám cưới của bạn mình.",
    author="Nguyễn Thị Lan",
    stars=1,
    id="v1",
)


def fashion() -> Shop:
    return Shop.model_validate(
        {
            "name": "Tiệm Áo Mây",
            "languages": ("vi",),
            "escalation": {"role": "quản lý cửa hàng", "within": "24 giờ"},
            "channels": ({"kind": "zalo", "value": "0909 123 456"},),
            "remedies": {"late": {"action": "voucher", "value": "50K", "within": "24 giờ"}},
        }
    )


# The tape recorder.


@dataclass(frozen=True)
class Server:
    """Where the recorded server is, or was."""

    base_url: str = ADDRESS
    api_key: str = "wanted-only-by-the-real-server"

    def client(self, **options: Any) -> OpenAI:
        return OpenAI(**{"base_url": self.base_url, "api_key": self.api_key, **options})

    def async_client(self, **options: Any) -> AsyncOpenAI:
        return AsyncOpenAI(**{"base_url": self.base_url, "api_key": self.api_key, **options})


def started(**options: Any) -> Iterator[Server]:
    if not RECORDING:
        yield Server()
        return
    if not embedded_model_available(DIRECTORY):
        pytest.fail("nothing to record: run `calmreply model fetch` first", pytrace=False)
    with EmbeddedModel(DIRECTORY, start_timeout_seconds=600, **options) as model:
        yield Server(model.base_url, model.api_key)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    yield from started()


@pytest.fixture(scope="session")
def small_server() -> Iterator[Server]:
    """A server with room for less than one of our prompts."""
    yield from started(context_tokens=512, slots=1)


@pytest.fixture(autouse=True)
def tape(request: pytest.FixtureRequest) -> Iterator[None]:
    """The cassette of this test, recorded or played; every recorded request must be made again."""
    if "server" not in request.fixturenames and "small_server" not in request.fixturenames:
        yield
        return
    if not RECORDING:
        disable_socket(allow_unix_socket=True)
    name = request.node.name.removeprefix("test_").replace("[", "-").rstrip("]")
    with recorder().use_cassette(CASSETTES / f"{name}.yaml") as cassette:
        yield
    assert RECORDING or cassette.all_played, f"a recorded request was not made; {AGAIN}"


AGAIN = "if that is meant, run `make cassettes`"


def recorder() -> vcr.VCR:
    made = vcr.VCR(
        record_mode="all" if RECORDING else "none",
        before_record_request=plain_request,
        before_record_response=plain_response,
        # In playback it would cut a cassette down to what a failing test had asked for.
        drop_unused_requests=RECORDING,
    )
    made.register_matcher("asked", same_question)
    made.match_on = ("method", "path", "asked")
    made.register_persister(Files)
    return made


def same_question(one: Any, other: Any) -> None:
    asked, recorded = (
        (body.get("model"), [message["role"] for message in body.get("messages", ())])
        for body in (json.loads(each.body or b"{}") for each in (one, other))
    )
    assert asked == recorded


def plain_request(request: Any) -> Any:
    """A request without port, key and telling headers, and with only the beginning of every message."""
    request.uri = f"{ADDRESS.removesuffix('/v1')}{urlsplit(request.uri).path}"
    request.headers = {"content-type": "application/json"} if request.body else {}
    if request.body:
        body = json.loads(request.body)
        for message in body["messages"]:
            message["content"] = beginning(message["content"])
        request.body = json.dumps(body, ensure_ascii=False).encode()
    return request


def beginning(text: str, characters: int = 60) -> str:
    line = " ".join(text.split())
    return line if len(line) <= characters else f"{line[:characters].rstrip()} …"


def plain_response(response: dict[str, Any]) -> dict[str, Any]:
    """A response with nothing in it that is new every time: ids, times, speeds, connection headers."""
    body = json.loads(response["body"]["string"])
    if "id" in body:
        body["id"] = "chatcmpl-recorded"
    for each in (body, *body.get("data", ())):
        if "created" in each:
            each["created"] = 1_700_000_000
    if "timings" in body:
        body["timings"] = dict.fromkeys(body["timings"], 0)
    response["body"]["string"] = json.dumps(body, ensure_ascii=False).encode()
    response["headers"] = {
        name: values
        for name, values in response["headers"].items()
        if name.lower() in {"content-type", "server"}
    }
    return response


class Files:
    """Cassettes as UTF-8 files, with JSON bodies as YAML that people can read and compare."""

    @staticmethod
    def load_cassette(path: Path, serializer: object) -> Any:
        assert path.is_file() or RECORDING, f"there is no {path.name}; run `make cassettes`"
        return deserialize(path.read_text(encoding="utf-8"), Files) if path.is_file() else ([], [])

    @staticmethod
    def save_cassette(path: Path, content: dict[str, Any], serializer: object) -> None:
        path.write_text(serialize(content, Files), encoding="utf-8")

    @staticmethod
    def serialize(content: dict[str, Any]) -> str:
        for each in content["interactions"]:
            each["request"]["body"] = json.loads(each["request"]["body"] or "null")
            each["response"]["body"]["string"] = json.loads(each["response"]["body"]["string"])
        return str(yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=110))

    @staticmethod
    def deserialize(text: str) -> Any:
        content = yaml.safe_load(text)
        for each in content["interactions"]:
            body = each["request"]["body"]
            each["request"]["body"] = json.dumps(body) if body else None
            each["response"]["body"]["string"] = json.dumps(each["response"]["body"]["string"])
        return content


# What is on the tapes.


def heard(reply: Reply, review: Review, *, finish: tuple[str, ...] = ("stop",)) -> None:
    """The model answered as often as it was to, and what came of it keeps every rule."""
    assert [one.error for one in reply.attempts] == [None] * len(finish), (
        f"the cassette does not fit; {AGAIN}"
    )
    assert tuple(one.finish_reason for one in reply.attempts) == finish
    for attempt in reply.attempts:
        assert attempt.draft.strip()
        assert attempt.usage.requests == 1
        assert attempt.usage.prompt_tokens > attempt.usage.completion_tokens > 0
    assert reply.usage.requests == len(finish)
    assert not [one for one in check(reply.text, reply.plan, review) if one.is_error]
    assert reply.publishable


def test_an_english_reply(server: Server) -> None:
    with (
        server.client() as client,
        Replier(ceramics(), client, model=NAME, settings=SETTINGS, classifier=FixedClassifier()) as replier,
    ):
        reply = replier.reply(REVIEW)
    heard(reply, REVIEW)
    assert reply.source in {Source.MODEL, Source.MENDED}


def test_a_vietnamese_reply(server: Server) -> None:
    async def asynchronous() -> Reply:
        async with server.async_client() as client:
            replier = Replier(
                fashion(), client, model=NAME, settings=SETTINGS, classifier=FixedClassifier(**CLASSIFIED_VI)
            )
            async with replier:
                return await replier.areply(REVIEW_VI)

    reply = asyncio.run(asynchronous())
    heard(reply, REVIEW_VI)
    assert reply.language == "vi"


class ShortOfBreath:
    """Lets the model say only a few words the first time, so that every re-recording has a broken draft."""

    def __init__(self, model: OpenAIModel) -> None:
        self.model, self.roles = model, list[tuple[str, ...]]()

    def complete(self, request: ModelRequest) -> ModelAnswer:
        self.roles.append(tuple(message.role for message in request.messages))
        answer = self.model.complete(request if self.roles[1:] else replace(request, max_tokens=12))
        assert isinstance(answer, ModelAnswer)
        return answer


def test_a_re_ask(server: Server) -> None:
    settings = SETTINGS.model_copy(update={"max_attempts": 2})
    with server.client() as client:
        model = ShortOfBreath(OpenAIModel(client, NAME, settings=settings))
        reply = Replier(ceramics(), model, settings=settings, classifier=FixedClassifier()).reply(REVIEW)
    heard(reply, REVIEW, finish=("length", "stop"))
    first, second = model.roles
    assert second == (*first, "assistant", "user")
    assert len(reply.attempts[1].draft) > len(reply.attempts[0].draft)


def test_a_reply_that_is_cut_off(server: Server) -> None:
    settings = SETTINGS.model_copy(update={"max_reply_tokens": 12})
    with server.client() as client:
        reply = Replier(
            ceramics(), client, model=NAME, settings=settings, classifier=FixedClassifier()
        ).reply(REVIEW)
    heard(reply, REVIEW, finish=("length",))
    assert reply.attempts[0].usage.completion_tokens == 12
    assert reply.source is not Source.MODEL


QUESTION = ModelRequest(messages=(Message(role="user", content="Say yes."),), max_tokens=4)


def answered(client: OpenAI | AsyncOpenAI, name: str | None = NAME) -> ModelAnswer:
    """The answer to a question, over either kind of client."""
    model = OpenAIModel(client, name, settings=SETTINGS, owns_client=True)

    async def asynchronous() -> ModelAnswer:
        try:
            answer = model.complete(QUESTION)
            return answer if isinstance(answer, ModelAnswer) else await answer
        finally:
            await model.aclose()

    return asyncio.run(asynchronous())


@pytest.mark.parametrize("kind", ["client", "async_client"])
def test_the_only_model_is_found_by_itself(server: Server, kind: str) -> None:
    answer = answered(getattr(server, kind)(), None)
    assert (answer.model, answer.requests) == (NAME, 2)
    assert answer.text
    assert answer.completion_tokens > 0


def test_a_name_the_server_does_not_know(server: Server) -> None:
    # A server of one model does not mind, and says which one it was.
    answer = answered(server.client(), "some-other-model")
    assert answer.model == NAME
    assert answer.text


@pytest.mark.parametrize("kind", ["client", "async_client"])
def test_a_wrong_key(server: Server, kind: str) -> None:
    with pytest.raises(ModelAuthError, match="401") as caught:
        answered(getattr(server, kind)(api_key="a-wrong-key"))
    assert not caught.value.retryable
    assert caught.value.usage
    assert caught.value.usage.requests == 1
    assert "a-wrong-key" not in str(caught.value)


def test_a_wrong_key_is_the_callers_to_mend(server: Server) -> None:
    with server.client(api_key="a-wrong-key") as client, pytest.raises(ModelAuthError) as caught:
        Replier(ceramics(), client, model=NAME, settings=SETTINGS, classifier=FixedClassifier()).reply(REVIEW)
    assert "OPENAI_API_KEY" in caught.value.hint


def test_a_wrong_address(server: Server) -> None:
    with pytest.raises(ModelNotFoundError, match="404") as caught:
        answered(server.client(base_url=f"{server.base_url}/elsewhere"))
    assert "/v1" in caught.value.hint


def test_a_prompt_that_is_too_long(small_server: Server) -> None:
    with small_server.client() as client, pytest.raises(ModelRequestError, match="400") as caught:
        Replier(ceramics(), client, model=NAME, settings=SETTINGS, classifier=FixedClassifier()).reply(REVIEW)
    assert "max_review_tokens" in caught.value.hint
    assert REVIEW.text not in str(caught.value)


TELLING = [
    "authorization",
    "bearer",
    "api-key",
    "wrong-key",
    "cookie",
    "user-agent",
    "stainless",
    "/home/",
    "/work/",
    ".cache",
]


def test_the_cassettes_hold_no_secret_and_nothing_of_the_machine() -> None:
    for path in CASSETTES.glob("*.yaml"):
        text = path.read_text(encoding="utf-8").casefold()
        assert not [telling for telling in TELLING if telling in text], path.name
        for each in yaml.safe_load(text)["interactions"]:
            assert urlsplit(each["request"]["uri"]).netloc == "127.0.0.1"
            assert set(each["request"]["headers"]) <= {"content-type"}
            assert set(each["response"]["headers"]) <= {"content-type", "server"}


def test_every_cassette_is_played() -> None:
    """A renamed test leaves its old cassette behind."""
    recorded = {path.stem.partition("-")[0] for path in CASSETTES.glob("*.yaml")}
    assert recorded == {name.removeprefix("test_") for name in globals() if name.startswith("test_")} - {
        "the_cassettes_hold_no_secret_and_nothing_of_the_machine",
        "every_cassette_is_played",
    }
