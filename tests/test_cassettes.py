"""What really goes over the wire, recorded from the embedded model and played back offline (see `tape`)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import yaml  # type: ignore[import-untyped]
from fakes import REVIEW, FixedClassifier, ceramics
from tape import AGAIN, CASSETTES, NAME, SETTINGS, recorded

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
    Shop,
    Source,
    check,
)

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAI
    from tape import Server

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


def test_an_english_reply(recorded_server: Server) -> None:
    with (
        recorded_server.client() as client,
        Replier(ceramics(), client, model=NAME, settings=SETTINGS, classifier=FixedClassifier()) as replier,
    ):
        reply = replier.reply(REVIEW)
    heard(reply, REVIEW)
    assert reply.source in {Source.MODEL, Source.MENDED}


def test_a_vietnamese_reply(recorded_server: Server) -> None:
    async def asynchronous() -> Reply:
        async with recorded_server.async_client() as client:
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


def test_a_re_ask(recorded_server: Server) -> None:
    settings = SETTINGS.model_copy(update={"max_attempts": 2})
    with recorded_server.client() as client:
        model = ShortOfBreath(OpenAIModel(client, NAME, settings=settings))
        reply = Replier(ceramics(), model, settings=settings, classifier=FixedClassifier()).reply(REVIEW)
    heard(reply, REVIEW, finish=("length", "stop"))
    first, second = model.roles
    assert second == (*first, "assistant", "user")
    assert len(reply.attempts[1].draft) > len(reply.attempts[0].draft)


def test_a_reply_that_is_cut_off(recorded_server: Server) -> None:
    settings = SETTINGS.model_copy(update={"max_reply_tokens": 12})
    with recorded_server.client() as client:
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
def test_the_only_model_is_found_by_itself(recorded_server: Server, kind: str) -> None:
    answer = answered(getattr(recorded_server, kind)(), None)
    assert (answer.model, answer.requests) == (NAME, 2)
    assert answer.text
    assert answer.completion_tokens > 0


def test_a_name_the_server_does_not_know(recorded_server: Server) -> None:
    # A server of one model does not mind, and says which one it was.
    answer = answered(recorded_server.client(), "some-other-model")
    assert answer.model == NAME
    assert answer.text


@pytest.mark.parametrize("kind", ["client", "async_client"])
def test_a_wrong_key(recorded_server: Server, kind: str) -> None:
    with pytest.raises(ModelAuthError, match="401") as caught:
        answered(getattr(recorded_server, kind)(api_key="a-wrong-key"))
    assert not caught.value.retryable
    assert caught.value.usage
    assert caught.value.usage.requests == 1
    assert "a-wrong-key" not in str(caught.value)


def test_a_wrong_key_is_the_callers_to_mend(recorded_server: Server) -> None:
    with recorded_server.client(api_key="a-wrong-key") as client, pytest.raises(ModelAuthError) as caught:
        Replier(ceramics(), client, model=NAME, settings=SETTINGS, classifier=FixedClassifier()).reply(REVIEW)
    assert "OPENAI_API_KEY" in caught.value.hint


def test_a_wrong_address(recorded_server: Server) -> None:
    with pytest.raises(ModelNotFoundError, match="404") as caught:
        answered(recorded_server.client(base_url=f"{recorded_server.base_url}/elsewhere"))
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
    for path in CASSETTES.rglob("*.yaml"):
        text = path.read_text(encoding="utf-8").casefold()
        assert not [telling for telling in TELLING if telling in text], path.name
        for each in yaml.safe_load(text)["interactions"]:
            assert urlsplit(each["request"]["uri"]).netloc == "127.0.0.1"
            assert set(each["request"]["headers"]) <= {"content-type"}
            assert set(each["response"]["headers"]) <= {"content-type", "server"}


def test_every_cassette_is_played() -> None:
    """A renamed test leaves its old cassette behind."""
    assert recorded() == {name.removeprefix("test_") for name in globals() if name.startswith("test_")} - {
        "the_cassettes_hold_no_secret_and_nothing_of_the_machine",
        "every_cassette_is_played",
    }
