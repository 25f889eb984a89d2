"""The review that came in, and what was read in it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_serializer, field_validator

from calmreply.errors import InputError

__all__ = ["Classification", "Complaint", "Review", "Signal", "as_review"]


class Complaint(StrEnum):
    """What went wrong, in the words of the guidelines (section 1)."""

    DAMAGED = "damaged"
    LATE = "late"
    NOT_AS_DESCRIBED = "not_as_described"
    QUALITY = "quality"
    SERVICE = "service"
    PRICING = "pricing"
    PAYMENT = "payment"
    MISTAKEN = "mistaken"
    OTHER = "other"


class Signal(StrEnum):
    """What a review carries beside its complaint (section 1)."""

    HOSTILE = "hostile"
    UNREASONABLE_DEMAND = "unreasonable_demand"
    THIRD_PARTY = "third_party"
    AT_RISK = "at_risk"
    PRAISE = "praise"


class Review(BaseModel):
    """A customer's review. Only `text` is required; it is data, never an instruction.

    `stars` runs from 1 to 5. `platform` is the name of a profile (see `Platform`) or None.
    Other fields of a row may be given; they are ignored here and carried by the command line.
    """

    model_config = ConfigDict(
        frozen=True, extra="ignore", str_strip_whitespace=False, coerce_numbers_to_str=True
    )

    text: str = Field(default="", repr=False)
    id: str | None = None
    author: str | None = Field(default=None, repr=False)
    stars: int | None = Field(default=None, ge=1, le=5, validation_alias=AliasChoices("stars", "rating"))
    product: str | None = None
    order_id: str | None = None
    created_at: str | None = None
    platform: str | None = None

    @field_validator("text", mode="before")
    @classmethod
    def _empty_for_none(cls, value: Any) -> Any:
        return "" if value is None else value

    @field_validator("author", "product", "order_id", "platform", "id", mode="after")
    @classmethod
    def _none_for_blank(cls, value: str | None) -> str | None:
        return value if value and value.strip() else None


def as_review(review: Review | str) -> Review:
    """The review; of a bare text one is made.

    Raises:
        InputError: it is neither.
    """
    if isinstance(review, Review):
        return review
    if isinstance(review, str):
        return Review(text=review)
    raise InputError(
        f"a review is a Review or a text, not {type(review).__name__}",
        hint="Review(text=…), or Review.model_validate of a mapping",
    )


class Classification(BaseModel):
    """What was read in a review.

    `complaints` holds the primary complaint first. `details` is closed vocabulary (see
    `calmreply.details`); `evidence` quotes the review verbatim; `confidence` is calibrated:
    the probability, 0 to 1, that the primary complaint is right.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    complaint: Complaint
    complaints: tuple[Complaint, ...] = ()
    signals: frozenset[Signal] = frozenset()
    details: tuple[str, ...] = ()
    language: str
    confidence: float = Field(default=1.0, ge=0.0, le=1.0)
    evidence: tuple[str, ...] = Field(default=(), repr=False)
    source: str = "local"

    @field_serializer("signals")
    def _sorted(self, signals: frozenset[Signal]) -> list[str]:
        return sorted(signals)

    @property
    def at_risk(self) -> bool:
        """Whether a person must approve whatever is said."""
        return Signal.AT_RISK in self.signals
