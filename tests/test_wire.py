"""Every error of the SDK becomes one of ours, and none of them says what the customer wrote."""

from __future__ import annotations

import inspect
import json
import ssl
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import httpx2
import openai
import pytest

from calmreply.errors import (
    ModelAuthError,
    ModelConnectionError,
    ModelError,
    ModelNotFoundError,
    ModelRateLimitError,
    ModelRefusedError,
    ModelRequestError,
    ModelResponseError,
    ModelServerError,
    ModelTimeoutError,
)
from calmreply.wire import Dialect, model_error

NOW = 1_000_000_000.0
PRIVATE = "The vase came broken, call 0909"
REQUEST = httpx2.Request(
    "POST", "http://u:pw@models.example:81/v1/chat/completions?k=v", json={"text": PRIVATE}
)


def status_error(
    status: int, error: dict[str, Any] | None = None, headers: dict[str, str] | None = None
) -> openai.APIStatusError:
    body = {"error": {"message": PRIVATE, **(error or {})}}
    response = httpx2.Response(status, json=body, headers=headers, request=REQUEST)
    return openai.OpenAI(api_key="k")._make_status_error_from_response(response)


def ours(error: Exception) -> ModelError:
    mapped = model_error(error, now=NOW)
    assert mapped is not None
    return mapped


@pytest.mark.parametrize(
    ("status", "error", "kind", "retryable"),
    [
        (301, {}, ModelRequestError, False),
        (400, {}, ModelRequestError, False),
        (400, {"code": "content_filter"}, ModelRefusedError, False),
        (400, {"innererror": {"code": "ResponsibleAIPolicyViolation"}}, ModelRefusedError, False),
        (400, {"code": "invalid_prompt"}, ModelRefusedError, False),
        (400, {"message": "filtered by the content management policy"}, ModelRefusedError, False),
        (400, {"code": "context_length_exceeded"}, ModelRequestError, False),
        (400, {"type": "exceed_context_size_error"}, ModelRequestError, False),
        (401, {}, ModelAuthError, False),
        (402, {}, ModelRateLimitError, False),
        (403, {}, ModelAuthError, False),
        (403, {"code": "content_filter"}, ModelRefusedError, False),
        (404, {}, ModelNotFoundError, False),
        (408, {}, ModelTimeoutError, True),
        (409, {}, ModelServerError, True),
        (413, {}, ModelRequestError, False),
        (418, {}, ModelRequestError, False),
        (422, {}, ModelRequestError, False),
        (429, {}, ModelRateLimitError, True),
        (429, {"code": "insufficient_quota"}, ModelRateLimitError, False),
        (429, {"type": "insufficient_quota"}, ModelRateLimitError, False),
        (429, {"message": "too many tokens per minute"}, ModelRateLimitError, True),
        (500, {}, ModelServerError, True),
        (503, {}, ModelServerError, True),
        (529, {"message": "content filter is overloaded"}, ModelServerError, True),
    ],
)
def test_a_status_is_told_apart(
    status: int,
    error: dict[str, Any],
    kind: type[ModelError],
    retryable: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    mapped = ours(status_error(status, error))
    assert type(mapped) is kind
    assert mapped.retryable is retryable
    assert str(status) in mapped.message


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, {"code": "context_length_exceeded"}),
        (400, {"message": "This model's maximum context length is 8192 tokens"}),
        (422, {"message": "prompt is too long: 9000 tokens"}),
        (413, {}),
    ],
)
def test_a_prompt_too_long_says_which_setting(status: int, error: dict[str, Any]) -> None:
    assert "max_review_tokens" in ours(status_error(status, error)).hint


def test_one_error_that_lasts_does_not_change_its_class() -> None:
    assert not ours(status_error(429, {"code": "insufficient_quota"})).retryable
    assert ModelRateLimitError.retryable


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500])
def test_no_word_of_the_server_gets_through(status: int) -> None:
    error = {
        "code": "bad code " + PRIVATE,
        "type": PRIVATE,
        "param": f"messages[1].{PRIVATE}",
        "innererror": {"code": PRIVATE},
    }
    mapped = ours(status_error(status, error, {"x-request-id": PRIVATE}))
    assert "vase" not in str(mapped) + repr(mapped) + mapped.hint
    assert mapped.__cause__ is None


def test_words_of_the_protocol_do() -> None:
    error = {"code": "invalid_value", "param": "messages[0].role"}
    message = ours(status_error(400, error, {"x-request-id": "req_1"})).message
    assert message == (
        "the model server answered 400 (invalid_value, parameter messages[0].role, request req_1)"
    )


@pytest.mark.parametrize("body", ["", "<html>502</html>", "[1]", "null", '{"error": "x"}', '{"error": [1]}'])
@pytest.mark.parametrize("status", [400, 429, 502])
def test_a_body_of_any_shape(status: int, body: str) -> None:
    response = httpx2.Response(status, text=body, request=REQUEST)
    error = openai.OpenAI(api_key="k")._make_status_error_from_response(response)
    assert Dialect().revised(error) is None
    assert str(status) in ours(error).message


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7.0),
        ({"retry-after": format_datetime(datetime.fromtimestamp(NOW + 30, tz=UTC), usegmt=True)}, 30.0),
        ({"retry-after": format_datetime(datetime.fromtimestamp(NOW - 30, tz=UTC), usegmt=True)}, None),
        ({"retry-after": "Sun, 99 Nov 2026 08:49:37 GMT"}, None),
        ({"retry-after": "0"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "86400"}, 86400.0),
    ],
)
def test_how_long_the_server_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert ours(status_error(429, headers=headers)).retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("status", "code", "wish", "retryable"),
    [
        (429, None, "false", False),
        (503, None, "false", False),
        (400, None, "true", True),
        (400, "content_filter", "true", False),
        (429, "insufficient_quota", "true", False),
        (503, None, "maybe", True),
    ],
)
def test_the_server_may_say_whether_to_retry(
    status: int,
    code: str | None,
    wish: str,
    retryable: bool,  # noqa: FBT001
) -> None:
    assert ours(status_error(status, {"code": code}, {"x-should-retry": wish})).retryable is retryable


def connection_error(cause: BaseException) -> openai.APIConnectionError:
    error = openai.APIConnectionError(request=REQUEST)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("cause", "said", "retryable"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused", True),
        (httpx2.RemoteProtocolError("gone"), "RemoteProtocolError", True),
        (ssl.SSLCertVerificationError(1, "certificate verify failed"), "certificate verify failed", False),
        (httpx2.UnsupportedProtocol("no http://"), "UnsupportedProtocol", False),
        (httpx2.LocalProtocolError("Illegal header value b'Bearer sk-1'"), "LocalProtocolError", False),
    ],
)
def test_a_connection_error_says_where_and_why(
    cause: BaseException,
    said: str,
    retryable: bool,  # noqa: FBT001
) -> None:
    mapped = ours(connection_error(cause))
    assert type(mapped) is ModelConnectionError
    assert mapped.message == f"nothing came back from models.example:81: {said}"
    assert mapped.retryable is retryable


def test_a_connection_error_without_a_reason() -> None:
    assert "no reason given" in ours(openai.APIConnectionError(request=REQUEST)).message


EXPECTED: dict[str, type[ModelError]] = {
    "OpenAIError": ModelRequestError,
    "APIError": ModelResponseError,
    "APIResponseValidationError": ModelResponseError,
    "APIStatusError": ModelRequestError,
    "APIConnectionError": ModelConnectionError,
    "APITimeoutError": ModelTimeoutError,
    "BadRequestError": ModelRequestError,
    "AuthenticationError": ModelAuthError,
    "OAuthError": ModelAuthError,
    "PermissionDeniedError": ModelAuthError,
    "NotFoundError": ModelNotFoundError,
    "ConflictError": ModelServerError,
    "UnprocessableEntityError": ModelRequestError,
    "RateLimitError": ModelRateLimitError,
    "InternalServerError": ModelServerError,
    "LengthFinishReasonError": ModelResponseError,
    "ContentFilterFinishReasonError": ModelRefusedError,
    "SubjectTokenProviderError": ModelAuthError,
    "WebSocketConnectionClosedError": ModelConnectionError,
    "WebSocketQueueFullError": ModelConnectionError,
}
STATUSES = {"InternalServerError": 500, "APIStatusError": 418, "OAuthError": 400}


def subclasses(kind: type[Exception]) -> list[type[Exception]]:
    return [kind, *(each for child in kind.__subclasses__() for each in subclasses(child))]


def made(kind: type[Exception]) -> Exception:
    """An error of a class, whatever its constructor wants."""
    status = STATUSES.get(kind.__name__, getattr(kind, "status_code", 400))
    completion = openai.types.chat.ChatCompletion.construct(usage=None)
    values = {
        "message": PRIVATE,
        "request": REQUEST,
        "response": httpx2.Response(status, request=REQUEST),
        "body": {"message": PRIVATE},
        "completion": completion,
        "unsent_messages": [PRIVATE],
    }
    if kind.__init__ is Exception.__init__:
        return kind(PRIVATE)
    parameters = {name: each for name, each in inspect.signature(kind).parameters.items() if name in values}
    positional = [name for name, each in parameters.items() if each.kind is each.POSITIONAL_OR_KEYWORD]
    keyword = {name: values[name] for name in parameters if name not in positional}
    return kind(*(values[name] for name in positional), **keyword)


PUBLIC = [
    kind
    for kind in subclasses(openai.OpenAIError)
    if kind.__module__ in {"openai", "openai._exceptions"} and not kind.__name__.startswith("_")
]


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
def test_every_error_of_the_sdk_is_mapped(kind: type[Exception]) -> None:
    mapped = ours(made(kind))
    assert type(mapped) is EXPECTED[kind.__name__]
    assert "vase" not in str(mapped)


def test_the_walk_found_them_all() -> None:
    assert {kind.__name__ for kind in PUBLIC} == EXPECTED.keys()


def test_errors_from_below_the_sdk() -> None:
    assert type(ours(TimeoutError())) is ModelTimeoutError
    assert type(ours(json.JSONDecodeError("x", PRIVATE, 0))) is ModelResponseError
    assert type(ours(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"))) is ModelResponseError
    assert type(ours(UnicodeEncodeError("ascii", "sk-…", 3, 4, "bad"))) is ModelAuthError


@pytest.mark.parametrize("error", [TypeError("x"), ValueError("x"), KeyError("x"), RuntimeError("closed")])
def test_a_programmers_error_stays_his(error: Exception) -> None:
    assert model_error(error, now=NOW) is None


def test_ours_stay_as_they_are() -> None:
    error = ModelServerError("down")
    assert model_error(error, now=NOW) is error
