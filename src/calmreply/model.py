"""The way to a language model: one request, one answer, the OpenAI chat API behind it."""

from __future__ import annotations

import ipaddress
import os
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from calmreply.errors import InputError, ModelNotFoundError
from calmreply.reply import Usage
from calmreply.settings import Settings
from calmreply.transport import Clock, Transport
from calmreply.wire import Dialect, read_answer, read_tokens

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from openai import AsyncOpenAI, OpenAI, Timeout

__all__ = [
    "Message",
    "Model",
    "ModelAnswer",
    "ModelRequest",
    "OpenAIModel",
    "is_local",
    "model_from_environment",
    "ready_model",
    "usage_of",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One chat message."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelRequest:
    """What a model is asked: messages, a cap on the answer in tokens, and what it is for."""

    messages: tuple[Message, ...]
    max_tokens: int
    purpose: Literal["write", "classify"] = "write"


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelAnswer:
    """What came back. `text` is None where the model sent no text (a refusal, a tool call, nothing).

    Tokens are the server's own count, 0 where it sent none; `requests` counts HTTP requests,
    retries included.
    """

    text: str | None
    finish_reason: str | None = "stop"
    refusal: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    requests: int = 1
    model: str | None = None


@runtime_checkable
class Model(Protocol):
    """Anything that answers a request: the one method may be a plain or an async one.

    It raises a `ModelError` when no answer came.
    """

    def complete(self, request: ModelRequest) -> ModelAnswer | Awaitable[ModelAnswer]:
        """Answer one request."""
        ...


class OpenAIModel:
    """A model behind an `openai.OpenAI` or `openai.AsyncOpenAI` client of the caller's.

    Safe across threads and tasks. The SDK's own retries are off: calmreply's transport retries, waits and
    gives up as the settings say. What a server does not take (`temperature`, `max_tokens`) is left out or
    renamed after its first complaint, and remembered.

    Args:
        client: the client; it stays the caller's to close unless `owns_client`.
        model: the model's name; None takes `CALMREPLY_MODEL`, or else the only model the server offers.
        settings: tries, times, temperature and prices.
        clock: time and chance, for tests.
        owns_client: whether `close` and `aclose` close the client too.
    """

    def __init__(
        self,
        client: OpenAI | AsyncOpenAI,
        model: str | None = None,
        *,
        settings: Settings | None = None,
        clock: Clock | None = None,
        owns_client: bool = False,
    ) -> None:
        from openai import AsyncOpenAI

        self.settings = settings or Settings()
        self.name = model or _environment("CALMREPLY_MODEL")
        self.is_async = isinstance(client, AsyncOpenAI)
        self.owns_client = owns_client
        self._given_client = client
        self._client: Any = client.with_options(max_retries=0, timeout=self.settings.timeout_seconds)
        self._transport = Transport(self.settings, clock)
        # OpenAI's own host takes the new name from every model, others may know only the old one.
        is_openai = self.host == "api.openai.com" or self.host.endswith(".api.openai.com")
        self._dialect = Dialect(cap="max_completion_tokens" if is_openai else "max_tokens")

    def __repr__(self) -> str:
        return f"OpenAIModel({self.name!r}, host={self.host!r})"

    @property
    def host(self) -> str:
        """The host the client talks to, without port, path or credentials."""
        return str(self._client.base_url.host)

    @property
    def address(self) -> str:
        """The base URL without credentials, query and last slash."""
        return str(self._client.base_url.copy_with(userinfo=b"", query=None, fragment=None)).rstrip("/")

    @property
    def is_local(self) -> bool:
        """Whether that host is this machine itself."""
        return _is_loopback(self.host)

    @property
    def held_seconds(self) -> float:
        """For how long the server wants no calls, as it last said; 0 where it takes them."""
        return self._transport.gate.seconds_left

    @property
    def dialect(self) -> Dialect:
        """How the server wants the parameters, as far as it is known."""
        return self._dialect

    def body(self, request: ModelRequest, dialect: Dialect | None = None) -> dict[str, Any]:
        """A request as the chat API takes it, in the server's dialect or another."""
        return {
            "model": self.name,
            "messages": [
                {"role": each.role, "content": _sendable(each.content)} for each in request.messages
            ],
            **(dialect or self._dialect).parameters(request.max_tokens, self.settings.temperature),
        }

    def complete(self, request: ModelRequest) -> ModelAnswer | Awaitable[ModelAnswer]:
        """Answer one request; over an `AsyncOpenAI` client, return an awaitable of the answer.

        Raises:
            ModelError: no answer came; `usage` counts every HTTP request made.
        """
        exchange = _Exchange(self, request)
        return self._transport.arun(exchange) if self.is_async else self._transport.run(exchange)

    def close(self) -> None:
        """Close the client if it is ours.

        Raises:
            InputError: the client is an async one, which only `aclose` can close.
        """
        if not self.owns_client:
            return
        if self.is_async:
            raise InputError("an async client cannot be closed from here", hint="await aclose()")
        self._given_client.close()

    async def aclose(self) -> None:
        """Close the client if it is ours, sync or async."""
        if not self.owns_client:
            return
        closing = self._given_client.close()
        if closing is not None:
            await closing


class _Exchange:
    """One request through one OpenAIModel: its HTTP calls, and what they cost together."""

    def __init__(self, model: OpenAIModel, request: ModelRequest) -> None:
        self._model = model
        self._request = request
        self._dialect = model._dialect  # noqa: SLF001 - two halves of one thing
        # requests, prompt, completion and cached tokens: plain numbers, for this runs on every call
        self._spent = [0, 0, 0, 0]

    def calls(self) -> Generator[Callable[[Timeout], Any], Any, ModelAnswer]:
        if self._model.name is None:
            self._model.name = _only_name((yield self._ask_for_names))
        completion = yield self._ask_for_completion
        for place, tokens in enumerate(read_tokens(completion), start=1):
            self._spent[place] += tokens
        answer = read_answer(completion)
        requests, prompt, completed, cached = self._spent
        return replace(
            answer,
            model=answer.model or self._model.name,
            requests=requests,
            prompt_tokens=prompt,
            completion_tokens=completed,
            cached_tokens=cached,
        )

    def revise(self, error: Exception) -> bool:
        revised = self._dialect.revised(error)
        if revised is None:
            return False
        learnt = self._model._dialect  # noqa: SLF001
        # Another thread may have learnt something since: its word is tried before our own is added.
        self._dialect = revised if learnt == self._dialect else learnt
        self._model._dialect = self._dialect  # noqa: SLF001
        return True

    def usage(self) -> Usage:
        requests, prompt, completed, cached = self._spent
        usage = Usage(
            requests=requests, prompt_tokens=prompt, completion_tokens=completed, cached_tokens=cached
        )
        return self._model.settings.priced(usage, self._model.name)

    def _ask_for_names(self, timeout: Timeout) -> object:
        self._spent[0] += 1
        pages: object = self._model._client.models.list(timeout=timeout)  # noqa: SLF001
        return pages

    def _ask_for_completion(self, timeout: Timeout) -> object:
        self._spent[0] += 1
        completion: object = self._model._client.chat.completions.create(  # noqa: SLF001
            timeout=timeout, **self._model.body(self._request, self._dialect)
        )
        return completion


def usage_of(answer: ModelAnswer, settings: Settings) -> Usage:
    """What an answer cost, priced by the settings' table."""
    usage = Usage(
        requests=answer.requests,
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=answer.completion_tokens,
        cached_tokens=answer.cached_tokens,
    )
    return settings.priced(usage, answer.model)


def ready_model(client: object, model: str | None = None, settings: Settings | None = None) -> Model:
    """A `Model` from what a caller hands in: an OpenAI client, an async one, or a `Model` already.

    Raises:
        InputError: it is none of these, or a model's name came with something that has its own.
    """
    # Nobody can hold a client of a package that is not imported, and importing it takes half a second.
    openai = sys.modules.get("openai")
    if openai is not None and isinstance(client, openai.OpenAI | openai.AsyncOpenAI):
        return OpenAIModel(client, model, settings=settings)
    if isinstance(client, type):
        raise InputError(
            f"client is the class {client.__name__}", hint=f"pass an object: {client.__name__}(…)"
        )
    if not isinstance(client, Model):
        raise InputError(
            f"client is a {type(client).__name__}, which cannot answer",
            hint="pass an openai.OpenAI, an openai.AsyncOpenAI or an object with a method complete(request)",
        )
    if model is not None:
        raise InputError(
            f"model={model!r} names a model, but client is a {type(client).__name__} with its own",
            hint="pass model= only with an openai client",
        )
    return client


def model_from_environment(
    settings: Settings | None = None, *, use_async: bool = False
) -> OpenAIModel | None:
    """The model that `CALMREPLY_MODEL` names, or None where it names none.

    It is asked through `OPENAI_BASE_URL` with `OPENAI_API_KEY`; with a base URL the key may be left out.
    The client belongs to the model: `close()` it, or `aclose()` with `use_async`.

    Raises:
        InputError: there is neither a key nor a base URL.
    """
    name, key, base_url = map(_environment, ("CALMREPLY_MODEL", "OPENAI_API_KEY", "OPENAI_BASE_URL"))
    if name is None:
        return None
    if key is None and base_url is None:
        raise InputError(
            f"CALMREPLY_MODEL names {name!r}, but nothing says where it is",
            hint="set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own",
        )
    import openai

    maker = openai.AsyncOpenAI if use_async else openai.OpenAI
    # The SDK wants some key even for servers that want none.
    client = maker(api_key=key or "none", base_url=base_url)
    return OpenAIModel(client, name, settings=settings, owns_client=True)


def is_local(model: object) -> bool:
    """Whether a model runs on this machine, so that nothing sent to it leaves; False where nobody knows."""
    return getattr(model, "is_local", False) is True


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _environment(name: str) -> str | None:
    return os.environ.get(name, "").strip() or None


def _sendable(text: str) -> str:
    # Half a character from a broken export would end in an encoding error far from here.
    return text.encode("utf-8", "replace").decode("utf-8")


def _only_name(page: object) -> str:
    """The one model a server offers."""
    listed = getattr(page, "data", None)
    names = [model.id for model in listed if isinstance(getattr(model, "id", None), str)] if listed else []
    if len(names) == 1:
        return str(names[0])
    some = f"; it offers {', '.join(names[:5])}{' …' if len(names) > 5 else ''}" if names else ""  # noqa: PLR2004
    raise ModelNotFoundError(
        f"no model is named, and the server offers {len(names)}",
        hint=f"pass model=… or set CALMREPLY_MODEL{some}",
    )
