"""What comes out: a reply as data, the attempts behind it and what they cost."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from calmreply.errors import UnpublishableError
from calmreply.plan import Plan
from calmreply.review import Classification
from calmreply.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Attempt", "Reply", "Source", "Usage"]


class Source(StrEnum):
    """Who wrote the sentences of a reply."""

    MODEL = "model"
    MENDED = "mended"
    TEMPLATE = "template"


class Usage(BaseModel):
    """What model calls cost, summed over every try, failed ones included.

    `requests` counts HTTP requests; tokens are the server's own count, 0 where it sent none.
    `cost` is in the currency of the caller's price table and None where no price is known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cost: float | None = None

    @property
    def total_tokens(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Usage) -> Usage:
        known = [cost for cost in (self.cost, other.cost) if cost is not None]
        return Usage(
            requests=self.requests + other.requests,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            cost=sum(known) if known else None,
        )

    @classmethod
    def total(cls, usages: Iterable[Usage]) -> Usage:
        """The sum of any number of usages."""
        return sum(usages, cls())


class Attempt(BaseModel):
    """One try at a reply by the model.

    Attributes:
        draft: the text as the model sent it; empty where nothing came.
        violations: the rules the draft breaks.
        finish_reason: the server's word for why the model stopped.
        error: the code of the error that ended the try, where one did.
        usage: what the try cost.
        seconds: wall-clock time of the try, transport retries included.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    draft: str = ""
    violations: tuple[Violation, ...] = ()
    finish_reason: str | None = None
    error: str | None = None
    usage: Usage = Usage()
    seconds: float = 0.0


class Reply(BaseModel):
    """A public reply, or the plain word that a person is needed.

    `publishable` is true when no rule is broken and no person has to look first;
    `needs_human` says a person must approve, and `reasons` why.
    The text keeps every rule either way. `model_share` is the share of its sentences
    that the model wrote, 0 to 1; `notes` say what a person should know of what the model was shown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    publishable: bool
    needs_human: bool = False
    reasons: tuple[str, ...] = ()
    language: str
    classification: Classification
    plan: Plan
    source: Source
    model_share: float = Field(default=0.0, ge=0.0, le=1.0)
    template: str | None = None
    warnings: tuple[Violation, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    usage: Usage = Usage()
    notes: tuple[str, ...] = ()

    def raise_for_human(self) -> Reply:
        """Return the reply itself, or raise `UnpublishableError` if a person must see it first."""
        if self.publishable:
            return self
        raise UnpublishableError(
            f"this reply needs a person: {', '.join(self.reasons) or 'a rule is broken'}",
            hint="show it to the person in charge before it is posted",
            usage=self.usage,
        )
