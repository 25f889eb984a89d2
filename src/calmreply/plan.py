"""A plan fixes, before a word is written, everything the reply may say."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_serializer, field_validator

from calmreply.review import Complaint, Signal
from calmreply.violation import Severity

__all__ = ["Action", "Channel", "Plan", "Reason", "Remedy"]


class Action(StrEnum):
    """What a shop does to put a complaint right (section 2)."""

    REPLACEMENT = "replacement"
    REDELIVERY = "redelivery"
    REFUND = "refund"
    PARTIAL_REFUND = "partial_refund"
    VOUCHER = "voucher"
    GIFT = "gift"
    REPAIR = "repair"
    CALLBACK = "callback"
    INVESTIGATION = "investigation"


class Reason(StrEnum):
    """Why a person is needed (section 2)."""

    AT_RISK = "at_risk"
    LANGUAGE = "language"
    UNCERTAIN = "uncertain"


class Remedy(BaseModel):
    """What the plan offers: strings in the plan's language, as they may stand in the reply.

    `value` is money or a percentage ("300K", "10%"), `within` a duration ("24 hours");
    `extras` are offers on top, which may be left out but not changed. For a callback under
    `at_risk` the first extra is the role that gets in touch.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    action: Action
    value: str | None = None
    within: str | None = None
    extras: tuple[str, ...] = ()

    @field_validator("value", "within", mode="after")
    @classmethod
    def _none_for_blank(cls, value: str | None) -> str | None:
        return value if value and value.strip() else None

    @field_validator("extras", mode="before")
    @classmethod
    def _tuple_of_one(cls, value: Any) -> Any:
        if value is None:
            return ()
        return (value,) if isinstance(value, str) else value


class Channel(BaseModel):
    """A private way to reach the shop. `value` stands in the reply exactly as the shop wrote it."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)

    kind: str
    value: str = ""

    @field_validator("value", mode="before")
    @classmethod
    def _empty_for_none(cls, value: Any) -> Any:
        return "" if value is None else value


class Plan(BaseModel):
    """Everything the reply may say (section 2). Only `complaint` is required.

    `remedy` None: no remedy is required and any offer is a broken promise.
    `channel` None: no invitation is required. `facts` are what the shop really did or knows,
    in the plan's language; only these may be claimed. `details` are closed vocabulary found in
    the review. `severities` maps a rule's name to "error", "warning" or "off".
    `asks_order` says that the remedy waits for an order number, to be asked for in private.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    complaint: Complaint
    signals: frozenset[Signal] = frozenset()
    details: tuple[str, ...] = ()
    remedy: Remedy | None = None
    private_remedy: Remedy | None = None
    channel: Channel | None = None
    contacts: tuple[str, ...] = ()
    shop_name: str | None = None
    signature: str | None = None
    severities: dict[str, Severity | str] = Field(default_factory=dict)
    cues: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    facts: tuple[str, ...] = ()
    language: str = "en"
    platform: str = "generic"
    name: str | None = None
    role: str | None = None
    asks_order: bool = False
    needs_human: bool = False
    reasons: tuple[Reason, ...] = ()

    @field_validator("language", "platform", mode="before")
    @classmethod
    def _default_for_none(cls, value: Any, info: Any) -> Any:
        if value is None:
            return cls.model_fields[info.field_name].default
        return value.strip().casefold() if isinstance(value, str) else value

    @field_validator("signals", "details", "contacts", "facts", "reasons", mode="before")
    @classmethod
    def _empty_for_none(cls, value: Any) -> Any:
        if value is None:
            return ()
        return (value,) if isinstance(value, str) else value

    @field_validator("contacts", mode="before")
    @classmethod
    def _values_of_channels(cls, value: Any) -> Any:
        """A contact may be written as a channel is: {"kind": "phone", "value": "…"}."""
        if isinstance(value, dict | Channel):
            value = (value,)
        if not isinstance(value, list | tuple):
            return value
        channels = (Channel.model_validate(one) if isinstance(one, dict) else one for one in value)
        return tuple(one.value if isinstance(one, Channel) else one for one in channels)

    @field_validator("name", "role", "shop_name", "signature", mode="after")
    @classmethod
    def _none_for_blank(cls, value: str | None) -> str | None:
        return value.strip() if value and value.strip() else None

    @field_serializer("signals")
    def _sorted(self, signals: frozenset[Signal]) -> list[str]:
        return sorted(signals)

    @property
    def at_risk(self) -> bool:
        """Whether the reply may promise nothing but contact by a named role."""
        return Signal.AT_RISK in self.signals

    @property
    def is_question(self) -> bool:
        """Whether the next step is a check with the order number: mistaken and other."""
        return self.complaint in {Complaint.MISTAKEN, Complaint.OTHER} and not self.at_risk

    @property
    def needs_apology(self) -> bool:
        """Whether apology, acknowledgement and empathy are required at all."""
        return self.at_risk or not (self.is_question or Signal.PRAISE in self.signals)
