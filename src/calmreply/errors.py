"""Every error calmreply raises on purpose, in one tree.

CalmReplyError
├── InputError            a review, plan, table or argument that cannot be read
├── PolicyError           a shop policy that does not load (names file, key and fix)
├── PromptError           a prompt or template that does not load (names file and variable)
├── BudgetExceededError   the next call would go over the caller's budget
├── UnpublishableError    raised on request only: a reply that needs a person
├── ModelError            the language model, or the way to it
│   ├── ModelAuthError        the key is missing, wrong or not allowed
│   ├── ModelNotFoundError    no such model or no such address
│   ├── ModelRequestError     the server calls the request wrong
│   ├── ModelRateLimitError   429, or the quota is spent
│   ├── ModelServerError      5xx
│   ├── ModelConnectionError  nothing came back: refused, reset, TLS, name
│   ├── ModelTimeoutError     one call's time or the total deadline ran out
│   ├── ModelRefusedError     the server's own filter refused the request
│   └── ModelResponseError    an answer that is no chat completion
└── EmbeddedModelError    the model on this machine
    ├── ModelMissingError     not fetched yet, or the `local` extra is not installed
    ├── ModelIntegrityError   the file's hash or size is not the publisher's
    ├── ModelFetchError       no source gave the file
    └── DiskSpaceError        not enough room for the file
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from calmreply.reply import Usage

__all__ = [
    "BudgetExceededError",
    "CalmReplyError",
    "DiskSpaceError",
    "EmbeddedModelError",
    "InputError",
    "ModelAuthError",
    "ModelConnectionError",
    "ModelError",
    "ModelFetchError",
    "ModelIntegrityError",
    "ModelMissingError",
    "ModelNotFoundError",
    "ModelRateLimitError",
    "ModelRefusedError",
    "ModelRequestError",
    "ModelResponseError",
    "ModelServerError",
    "ModelTimeoutError",
    "PolicyError",
    "PromptError",
    "UnpublishableError",
]


class CalmReplyError(Exception):
    """Base of every error raised on purpose.

    Attributes:
        code: a stable word for programs.
        retryable: whether the same call may succeed later, unchanged.
        hint: what to do about it, for people.
        usage: what was spent on model calls before the error; None where no call was made.
    """

    code: ClassVar[str] = "error"
    retryable: bool = False

    def __init__(self, message: str, *, hint: str = "", usage: Usage | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.usage = usage

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class InputError(CalmReplyError):
    """A review, plan, table or argument cannot be read."""

    code = "input"


class PolicyError(CalmReplyError):
    """A shop policy does not load."""

    code = "policy"


class PromptError(CalmReplyError):
    """A prompt or template does not load."""

    code = "prompt"


class BudgetExceededError(CalmReplyError):
    """The next model call would go over the caller's budget of requests or tokens."""

    code = "budget"


class UnpublishableError(CalmReplyError):
    """Raised on request only: the reply must be seen by a person first."""

    code = "unpublishable"


class ModelError(CalmReplyError):
    """The language model, or the way to it, failed.

    Attributes:
        retry_after_seconds: the server's own wish, where it sent one.
    """

    code = "model"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        usage: Usage | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint, usage=usage)
        self.retry_after_seconds = retry_after_seconds


class ModelAuthError(ModelError):
    """The key is missing, wrong or not allowed to use this model."""

    code = "model_auth"


class ModelNotFoundError(ModelError):
    """No such model, or no such address on the server."""

    code = "model_not_found"


class ModelRequestError(ModelError):
    """The server calls the request wrong; sending it again would not help."""

    code = "model_request"


class ModelRateLimitError(ModelError):
    """Too many requests or tokens, or the quota is spent."""

    code = "model_rate_limit"
    retryable = True


class ModelServerError(ModelError):
    """The server failed (5xx)."""

    code = "model_server"
    retryable = True


class ModelConnectionError(ModelError):
    """Nothing came back: refused, reset, unknown name, TLS."""

    code = "model_connection"
    retryable = True


class ModelTimeoutError(ModelError):
    """One call's time, or the total deadline, ran out."""

    code = "model_timeout"
    retryable = True


class ModelRefusedError(ModelError):
    """The server's own content filter refused the request."""

    code = "model_refused"


class ModelResponseError(ModelError):
    """The server answered with something that is no chat completion."""

    code = "model_response"
    retryable = True


class EmbeddedModelError(CalmReplyError):
    """The model on this machine cannot be used."""

    code = "embedded_model"


class ModelMissingError(EmbeddedModelError):
    """The weights are not here, or the `local` extra is not installed."""

    code = "model_missing"


class ModelIntegrityError(EmbeddedModelError):
    """The file's size or SHA-256 is not the publisher's."""

    code = "model_integrity"


class ModelFetchError(EmbeddedModelError):
    """No source gave the file."""

    code = "model_fetch"
    retryable = True


class DiskSpaceError(EmbeddedModelError):
    """There is not enough room for the file."""

    code = "disk_space"
