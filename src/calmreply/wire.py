"""What goes over the wire: how a server wants its parameters, what it answers, and its errors as ours.

Nothing a server says in free text gets into an error: servers quote the prompt, and the prompt quotes the
review. Status, code, parameter and request id do, where they look like words of a protocol.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal, TypeVar

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

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from openai import APIConnectionError, APIStatusError, OpenAIError

    from calmreply.model import ModelAnswer

__all__ = ["Dialect", "model_error", "protocol_word", "read_answer", "read_tokens"]

Failure = TypeVar("Failure", bound=ModelError)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one server wants the parameters that servers differ in; learnt from its errors, once each."""

    cap: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    is_cap_renamed: bool = False
    sends_temperature: bool = True

    def parameters(self, max_tokens: int, temperature: float | None) -> dict[str, Any]:
        """The parameters in this dialect."""
        sent: dict[str, Any] = {self.cap: max_tokens}
        if temperature is not None and self.sends_temperature:
            sent["temperature"] = temperature
        return sent

    def revised(self, error: Exception) -> Dialect | None:
        """The dialect that avoids this error; None if the error is about something else."""
        openai = sys.modules.get("openai")
        if openai is None or not isinstance(error, openai.BadRequestError | openai.UnprocessableEntityError):
            return None
        unsupported = _unsupported_parameter(error, (self.cap, "temperature"))
        if unsupported == "temperature" and self.sends_temperature:
            return replace(self, sends_temperature=False)
        if unsupported == self.cap and not self.is_cap_renamed:
            is_old = self.cap == "max_tokens"
            return replace(self, cap="max_completion_tokens" if is_old else "max_tokens", is_cap_renamed=True)
        return None


_UNSUPPORTED = re.compile(
    r"unsupported|not support|unrecognized|unknown|unexpected|not permitted|deprecated", re.IGNORECASE
)


def _unsupported_parameter(error: APIStatusError, sent: tuple[str, ...]) -> str | None:
    """Which of the parameters sent the server does not take; its words are read here and go no further."""
    listed = _field(error.body, "detail")
    if isinstance(listed, list):
        return next((name for item in listed if (name := _forbidden_field(item)) in sent), None)
    said = f"{error.code} {error.message}"
    if not _UNSUPPORTED.search(said):
        return None
    if error.param in sent:
        return error.param
    # Servers that name no parameter say it in words, the wrong one before the one to use instead.
    places = {name: found.start() for name in sent if (found := re.search(rf"\b{name}\b", said))}
    return min(places, key=lambda name: places[name], default=None)


def _forbidden_field(item: object) -> str | None:
    """The field that an entry of pydantic's error list forbids; servers built on it answer with that list."""
    location = _field(item, "loc")
    is_forbidden = _field(item, "type") == "extra_forbidden" and isinstance(location, list) and location
    return _string(location[-1]) if is_forbidden else None


def read_answer(completion: object) -> ModelAnswer:
    """Read what the SDK made of a 200, trusting nothing of its shape; the tokens are for `read_tokens`.

    Raises:
        ModelResponseError: a web page, an error in disguise, or no choice in it.
    """
    from calmreply.model import ModelAnswer

    if isinstance(completion, str):
        raise _final(ModelResponseError("the server answered with text that is no JSON", hint=_CHECK_ADDRESS))
    choices = _field(completion, "choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = _field(choice, "message")
    if message is None:
        raise _empty_answer(completion)
    return ModelAnswer(
        text=_text(_field(message, "content")),
        finish_reason=_string(_field(choice, "finish_reason")),
        refusal=_string(_field(message, "refusal")),
        model=_string(_field(completion, "model")),
    )


def read_tokens(completion: object) -> tuple[int, int, int]:
    """Prompt, completion and cached tokens as the server counted them, 0 where it did not."""
    usage = _field(completion, "usage")
    cached = _field(_field(usage, "prompt_tokens_details"), "cached_tokens")
    return _count(_field(usage, "prompt_tokens")), _count(_field(usage, "completion_tokens")), _count(cached)


def _empty_answer(completion: object) -> ModelResponseError:
    error = _field(completion, "error")
    if not error:
        return ModelResponseError("the server answered 200 with no choice in it")
    said = protocol_word(_field(error, "code")) or protocol_word(_field(error, "type"))
    failure = ModelResponseError(f"the server answered 200 with an error in it{_in_brackets(said)}")
    # Gateways pass on the status of the server behind them this way.
    is_lasting = re.fullmatch(r"4\d\d", said) and said not in {"408", "409", "429"}
    return _final(failure) if is_lasting else failure


def _field(value: object, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else getattr(value, name, None)


def _string(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _count(value: object) -> int:
    if not isinstance(value, int | float) or isinstance(value, bool) or not isfinite(value):
        return 0
    return max(0, int(value))


def _text(content: object) -> str | None:
    """Content as one text: it may be null, a text, or parts of which some are text."""
    if isinstance(content, list):
        parts = [_field(part, "text") for part in content if _field(part, "type") in {"text", "output_text"}]
        texts = [part for part in parts if isinstance(part, str)]
        return "".join(texts) if texts else None
    return content if isinstance(content, str) else None


def model_error(error: Exception, *, now: float) -> ModelError | None:
    """Our error for anything a call to a model may raise; None for a programmer's error.

    Args:
        error: from the SDK, or already ours.
        now: seconds since the epoch, for a Retry-After that is a date.
    """
    if isinstance(error, ModelError):
        return error
    openai = sys.modules.get("openai")
    if openai is not None and isinstance(error, openai.APIStatusError):
        return _status_error(error, now)
    if openai is not None and isinstance(error, openai.APIConnectionError):
        is_timeout = isinstance(error, openai.APITimeoutError)
        return _described(error) if is_timeout else _connection_error(error)
    if openai is not None and isinstance(error, openai.OpenAIError):
        return _described(error) or _client_error(error)
    return _described(error)


_SLOW = "raise Settings(timeout_seconds=…, deadline_seconds=…), or ask for fewer tokens"
_CHECK_KEY = "check OPENAI_API_KEY, also for stray line ends and dots"
_CHECK_IDENTITY = "check the workload identity the client was made with"
_CHECK_ADDRESS = "check the model's name, and the base URL: it often has to end in /v1"

# By the name of a class or of the nearest of its bases.
_ERRORS: dict[str, tuple[type[ModelError], str, str]] = {
    "APITimeoutError": (ModelTimeoutError, "the model took longer than it may", _SLOW),
    "APIResponseValidationError": (ModelResponseError, "the server's answer is no chat completion", ""),
    "APIError": (ModelResponseError, "the server reports an error", ""),
    "LengthFinishReasonError": (ModelResponseError, "the server stopped in the middle of its answer", ""),
    "ContentFilterFinishReasonError": (ModelRefusedError, "the server's content filter stopped it", ""),
    "OAuthError": (ModelAuthError, "the identity provider gave no token", _CHECK_IDENTITY),
    "SubjectTokenProviderError": (ModelAuthError, "the identity provider gave no token", _CHECK_IDENTITY),
    "WebSocketConnectionClosedError": (ModelConnectionError, "the connection broke off", ""),
    "WebSocketQueueFullError": (ModelConnectionError, "the connection is jammed", ""),
    "JSONDecodeError": (ModelResponseError, "the server answered 200 with broken JSON", _CHECK_ADDRESS),
    "UnicodeDecodeError": (ModelResponseError, "the server answered 200 with broken JSON", _CHECK_ADDRESS),
    # The prompt is always encodable, so this is a header.
    "UnicodeEncodeError": (ModelAuthError, "the API key has a letter no header can carry", _CHECK_KEY),
    "TimeoutError": (ModelTimeoutError, "the model took longer than it may", _SLOW),
}


def _described(error: Exception) -> ModelError | None:
    known = next((_ERRORS[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in _ERRORS), None)
    if known is None:
        return None
    kind, message, hint = known
    return kind(message, hint=hint)


def _client_error(error: OpenAIError) -> ModelError:
    return ModelRequestError(
        f"the openai client did not send the request ({type(error).__name__})",
        hint="check how the client was made: its key, identity and base URL",
    )


# Wrong the next time too: a base URL without https://, a line end in the key, a certificate.
_LASTING_CAUSES = {
    "UnsupportedProtocol": "the base URL has to begin with http:// or https://",
    "LocalProtocolError": _CHECK_KEY,
    "SSLCertVerificationError": "the server's certificate is not trusted here",
}


def _connection_error(error: APIConnectionError) -> ModelConnectionError:
    causes = list(_causes(error))
    url = error.request.url
    system = next((cause.strerror for cause in causes if isinstance(cause, OSError) and cause.strerror), "")
    reason = system or (type(causes[0]).__name__ if causes else "no reason given")
    where = f"{url.host or 'the model server'}{f':{url.port}' if url.port else ''}"
    hints = (_LASTING_CAUSES.get(type(cause).__name__) for cause in causes)
    lasting = next((hint for hint in hints if hint), None)
    failure = ModelConnectionError(
        f"nothing came back from {where}: {reason}",
        hint=lasting or "check that the server runs and can be reached",
    )
    return _final(failure) if lasting else failure


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause = error.__cause__ or error.__context__
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


_TOO_LONG_CODES = {"context_length_exceeded", "exceed_context_size_error", "string_above_max_length"}
_SPENT_CODES = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
_REFUSED_CODES = {
    "content_filter",
    "content_policy_violation",
    "invalid_prompt",
    "moderation_blocked",
    "ResponsibleAIPolicyViolation",
}
_TOO_LONG = re.compile(
    r"context (?:length|size|window)|maximum context|prompt is too long|too many tokens|input length",
    re.IGNORECASE,
)
_REFUSED = re.compile(r"content management policy|content[ _]filter", re.IGNORECASE)
_BY_STATUS: dict[int, tuple[type[ModelError], str]] = {
    HTTPStatus.UNAUTHORIZED: (ModelAuthError, _CHECK_KEY),
    HTTPStatus.PAYMENT_REQUIRED: (ModelRateLimitError, "the quota is spent: see the account's billing page"),
    HTTPStatus.FORBIDDEN: (ModelAuthError, "the key may not use this model, or not from here"),
    HTTPStatus.NOT_FOUND: (ModelNotFoundError, _CHECK_ADDRESS),
    HTTPStatus.REQUEST_TIMEOUT: (ModelTimeoutError, _SLOW),
    HTTPStatus.CONFLICT: (ModelServerError, ""),
    HTTPStatus.TOO_MANY_REQUESTS: (ModelRateLimitError, "send less at once, or wait"),
}


def _status_error(error: APIStatusError, now: float) -> ModelError:
    status, codes, headers = error.status_code, _codes(error), error.response.headers
    kind, hint = _kind_of_status(error, codes)
    failure = kind(
        f"the model server answered {status}{_details(error)}",
        hint=hint,
        retry_after_seconds=_retry_after(headers, now),
    )
    wish = headers.get("x-should-retry")
    is_spent = status == HTTPStatus.PAYMENT_REQUIRED or bool(codes & _SPENT_CODES)
    if is_spent or wish == "false":
        return _final(failure)
    if wish == "true" and kind is not ModelRefusedError:
        _set_retryable(failure, is_retryable=True)
    return failure


def _kind_of_status(error: APIStatusError, codes: set[str]) -> tuple[type[ModelError], str]:
    status = error.status_code
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ModelServerError, ""
    if codes & _REFUSED_CODES or _REFUSED.search(error.message):
        return ModelRefusedError, "the server's content filter refused the request"
    is_too_long = codes & _TOO_LONG_CODES or _TOO_LONG.search(error.message)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE or (status not in _BY_STATUS and is_too_long):
        return ModelRequestError, "the prompt is too long for it: lower Settings(max_review_tokens=…)"
    if codes & _SPENT_CODES:
        return _BY_STATUS[HTTPStatus.PAYMENT_REQUIRED]
    kind = _described(error)  # a subclass with a meaning of its own, whatever its status
    if kind is not None and not isinstance(kind, ModelResponseError):
        return type(kind), kind.hint
    return _BY_STATUS.get(
        status, (ModelRequestError, _CHECK_ADDRESS if status < HTTPStatus.BAD_REQUEST else "")
    )


def _codes(error: APIStatusError) -> set[str]:
    """Every word for what went wrong, wherever servers put it."""
    values = (error.code, _field(error.body, "type"), _field(_field(error.body, "innererror"), "code"))
    return {value for value in values if isinstance(value, str)}


def _details(error: APIStatusError) -> str:
    code = protocol_word(error.code) or protocol_word(error.type)
    parameter, request = protocol_word(error.param), protocol_word(error.request_id)
    words = (code, f"parameter {parameter}" if parameter else "", f"request {request}" if request else "")
    return _in_brackets(", ".join(word for word in words if word))


def _in_brackets(words: str) -> str:
    return f" ({words})" if words else ""


_PROTOCOL_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:\[\]-]{0,63}")


def protocol_word(value: object) -> str:
    """A server's word, where it looks like one of a protocol and so quotes nobody; else ""."""
    said = str(value) if isinstance(value, str | int) else ""
    return said if _PROTOCOL_WORD.fullmatch(said) else ""


def _retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds the server asks to wait; None where it does not say, or names a time gone by."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) * unit
        except ValueError:
            seconds = _seconds_until(value, now)
        if isfinite(seconds) and seconds > 0:
            return seconds
    return None


def _seconds_until(date: str, now: float) -> float:
    try:
        return parsedate_to_datetime(date).timestamp() - now
    except (TypeError, ValueError, OverflowError):
        return 0.0


def _final(failure: Failure) -> Failure:
    _set_retryable(failure, is_retryable=False)
    return failure


def _set_retryable(failure: ModelError, *, is_retryable: bool) -> None:
    # `retryable` belongs to the class; here one error of it is told apart from the others.
    vars(failure)["retryable"] = is_retryable
