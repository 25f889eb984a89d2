"""A shop's own policy: who it is, how it speaks, and what it offers for each complaint."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from calmreply.analysis import Analysis
from calmreply.errors import InputError, PolicyError
from calmreply.languages import language_codes, load_language
from calmreply.plan import Action, Channel, Remedy
from calmreply.platform import channel_kind, find_platform
from calmreply.review import Complaint
from calmreply.rules import all_rules
from calmreply.values import Duration, Money, Percent, find_values, parse_value, render

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic_core import ErrorDetails

    from calmreply.values import Value

__all__ = ["Escalation", "LocalText", "Offer", "Shop", "Voice"]

LocalText = dict[str, str]
"""A text per language code. In a policy a plain string stands for the shop's first language."""

# Actions that give money or something of a price; another action has no value to name.
_PRICED = frozenset({Action.REFUND, Action.PARTIAL_REFUND, Action.VOUCHER, Action.GIFT})


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Voice(_Part):
    """How the shop speaks.

    `person`: "I" or "we" in English. `self_word` and `customer_word` are the Vietnamese pronouns:
    the shop's word for itself (shop, em, mình, chúng tôi …) and for the customer (bạn, anh/chị …).
    """

    formality: Literal["warm", "formal"] = "warm"
    person: Literal["I", "we"] = "we"
    self_word: str = Field(default="shop", alias="self", min_length=1)
    customer_word: str = Field(default="bạn", alias="customer", min_length=1)

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Offer(_Part):
    """What the shop does about one complaint, as its policy says it.

    `value` is money or a percentage and `within` a duration, in any language's spelling; both are
    rendered in the reply's language. `extras` are free text per language.
    `needs_order`: without a matched order the plan is a callback that asks for the number in private.
    """

    action: Action
    value: str | None = None
    within: str | None = None
    extras: tuple[LocalText, ...] = ()
    needs_order: bool = False

    @field_validator("value")
    @classmethod
    def _is_worth(cls, value: str | None) -> str | None:
        if value is None or any(isinstance(one, Money | Percent) for one in _readings(value)):
            return value
        raise ValueError(f"{value!r} is not money such as '300K' or '$15', nor a percentage such as '10%'")

    @field_validator("within")
    @classmethod
    def _is_time(cls, within: str | None) -> str | None:
        return None if within is None else _checked_time(within)

    @model_validator(mode="after")
    def _value_fits(self) -> Self:
        if self.value is not None and self.action not in _PRICED:
            raise ValueError(
                f"a value says nothing with {self.action}; remove it, or name what it is in extras"
            )
        return self

    def remedy(self, language: str) -> Remedy:
        """The offer in one language."""
        return Remedy(
            action=self.action,
            value=_rendered(self.value, language),
            within=_rendered(self.within, language),
            extras=tuple(extra[language] for extra in self.extras),
        )


def _default_role() -> LocalText:
    return {code: load_language(code).data["default_role"] for code in language_codes()}


class Escalation(_Part):
    """Who gets in touch in serious cases, and by when."""

    role: LocalText = Field(default_factory=_default_role)
    within: str = "24 hours"

    @field_validator("within")
    @classmethod
    def _is_time(cls, within: str) -> str:
        return _checked_time(within)

    def remedy(self, language: str) -> Remedy:
        """The callback promised where a person must take over; its first extra is the role."""
        return Remedy(
            action=Action.CALLBACK, within=_rendered(self.within, language), extras=(self.role[language],)
        )


class Shop(_Part):
    """A shop's policy. Only `name` is required; a complaint without a remedy gets a callback.

    The first of `languages` answers reviews in languages the shop does not serve.
    `rules` softens rules ("warning", "off") where that is allowed; `cues` adds cue patterns to a
    rule's own; `prompts` is a folder that overrides files of the bundled `prompts/`.
    """

    name: str = Field(min_length=1)
    signature: LocalText = Field(default_factory=dict)
    languages: tuple[str, ...] = Field(default_factory=language_codes)
    platform: str = "generic"
    voice: Voice = Voice()
    catalogue: str = ""
    channels: tuple[Channel, ...] = ()
    contacts: tuple[str, ...] = ()
    remedies: dict[Complaint, Offer] = Field(default_factory=dict)
    escalation: Escalation = Field(default_factory=Escalation)
    rules: dict[str, Literal["error", "warning", "off"]] = Field(default_factory=dict)
    cues: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    prompts: Path | None = None

    @classmethod
    def load(cls, path: str | Path) -> Shop:
        """Read a policy from a TOML file.

        Raises:
            PolicyError: the file cannot be read or a key in it is wrong; names file, key and fix.
        """
        file = Path(path)
        try:
            table = tomllib.loads(file.read_text("utf-8-sig"))
        except OSError as error:
            raise PolicyError(
                f"{file}: {error.strerror or error}", hint="give the path of a shop.toml"
            ) from None
        except UnicodeDecodeError:
            raise PolicyError(f"{file}: not UTF-8", hint="save the file as UTF-8") from None
        except tomllib.TOMLDecodeError as error:
            raise PolicyError(f"{file}: {error}", hint="mend the TOML at that place") from None
        if isinstance(table.get("prompts"), str):
            table["prompts"] = file.parent / table["prompts"]
        try:
            return cls.model_validate(table)
        except ValidationError as error:
            lines = dict.fromkeys(_explained(one) for one in error.errors())
            raise PolicyError(f"{file}: " + "; ".join(lines), hint="mend the keys named") from None

    @model_validator(mode="before")
    @classmethod
    def _local_texts(cls, data: Any) -> Any:
        """Let a plain string stand for the first language wherever free text is wanted."""
        if not isinstance(data, dict):
            return data
        data = dict(data)
        codes = data.get("languages") or language_codes()
        first = next(iter(codes), "") if isinstance(codes, list | tuple) else language_codes()[0]
        if isinstance(data.get("signature"), str):
            # A signature is a name: the same in every language unless the shop says otherwise.
            data["signature"] = dict.fromkeys(codes, data["signature"])
        escalation = data.get("escalation")
        if isinstance(escalation, dict) and isinstance(escalation.get("role"), str):
            data["escalation"] = {**escalation, "role": {first: escalation["role"]}}
        remedies = data.get("remedies")
        if isinstance(remedies, dict):
            data["remedies"] = {key: _local_extras(offer, first) for key, offer in remedies.items()}
        return data

    @field_validator("languages")
    @classmethod
    def _known_languages(cls, languages: tuple[str, ...]) -> tuple[str, ...]:
        if not languages:
            raise ValueError(f"name at least one of {', '.join(language_codes())}")
        for code in languages:
            if code not in language_codes():
                raise ValueError(f"calmreply has no language {code!r}; use {', '.join(language_codes())}")
        return tuple(dict.fromkeys(languages))

    @field_validator("platform")
    @classmethod
    def _known_platform(cls, name: str) -> str:
        try:
            return find_platform(name).name
        except InputError as error:
            raise ValueError(str(error)) from None

    @field_validator("channels", mode="before")
    @classmethod
    def _known_channel_keys(cls, channels: Any) -> Any:
        # A plan's channel takes any keys; in a policy a misspelt one would lose the contact in silence.
        for channel in channels if isinstance(channels, list | tuple) else ():
            for key in set(channel) - set(Channel.model_fields) if isinstance(channel, dict) else ():
                raise ValueError(f"there is no key {key!r}{_meant(key, Channel.model_fields)}")
        return channels

    @field_validator("channels")
    @classmethod
    def _reachable(cls, channels: tuple[Channel, ...]) -> tuple[Channel, ...]:
        for channel in channels:
            if problem := _channel_problem(channel):
                raise ValueError(problem)
        return channels

    @field_validator("remedies")
    @classmethod
    def _next_step_is_a_check(cls, remedies: dict[Complaint, Offer]) -> dict[Complaint, Offer]:
        for complaint in (Complaint.MISTAKEN, Complaint.OTHER):
            if complaint in remedies:
                raise ValueError(
                    f"{complaint} takes no remedy: the next step is a check with the order number; remove it"
                )
        return remedies

    @field_validator("rules")
    @classmethod
    def _softenable(cls, rules: dict[str, str]) -> dict[str, str]:
        known = all_rules()
        for name, severity in rules.items():
            if name not in known:
                raise ValueError(f"there is no rule {name!r}{_meant(name, known)}")
            if not known[name].can_soften and severity != "error":
                raise ValueError(f"the rule {name!r} cannot be softened or switched off; remove it")
        return rules

    @model_validator(mode="after")
    def _every_language_said(self) -> Self:
        for code in self.languages:
            if not self.escalation.role.get(code, "").strip():
                raise ValueError(f'escalation.role has no text for {code!r}: write role = {{ {code} = "…" }}')
            for complaint, offer in self.remedies.items():
                for at, extra in enumerate(offer.extras):
                    if not extra.get(code, "").strip():
                        raise ValueError(
                            f"remedies.{complaint}.extras[{at}] has no text for {code!r}: add it"
                        )
        return self

    def offer(self, complaint: Complaint) -> Offer:
        """The shop's offer for a complaint; a callback within the escalation's time where it set none."""
        return self.remedies.get(complaint) or Offer(action=Action.CALLBACK, within=self.escalation.within)

    def serves(self, language: str) -> bool:
        """Whether the shop answers in that language."""
        return language in self.languages


def _local_extras(offer: Any, first: str) -> Any:
    if not isinstance(offer, dict) or "extras" not in offer:
        return offer
    extras = offer["extras"]
    extras = [extras] if isinstance(extras, str | dict) else extras
    if not isinstance(extras, list | tuple):
        return offer
    return {**offer, "extras": [{first: one} if isinstance(one, str) else one for one in extras]}


def _channel_problem(channel: Channel) -> str | None:
    """What makes a channel no way to reach the shop; None where it is one."""
    kind = channel_kind(channel.kind)
    if not kind:
        return 'a channel has no kind; write kind = "phone", "zalo", "email", "chat" …'
    if kind != "chat" and not channel.value.strip():
        return f'the channel {channel.kind!r} has no value; write its number or address, or use kind = "chat"'
    if kind == "email" and "@" not in channel.value:
        return f"{channel.value!r} is no e-mail address"
    if kind in {"phone", "zalo", "whatsapp", "viber"} and not any(char.isdigit() for char in channel.value):
        return f"{channel.value!r} is no phone number"
    return None


def _readings(value: str) -> list[Value]:
    readings = (parse_value(value, code) for code in language_codes())
    return [reading for reading in readings if reading is not None]


def _checked_time(within: str) -> str:
    if any(isinstance(one, Duration) for one in _readings(within)):
        return within
    raise ValueError(f"{within!r} is not a duration such as '24 hours' or '3 ngày'")


def _rendered(value: str | None, language: str) -> str | None:
    """A value in a language: as the shop wrote it where that is how the language writes it."""
    if value is None:
        return None
    value = " ".join(value.split())
    reading = parse_value(value, language)
    if reading is None:
        raise InputError(f"{value!r} is no money, percentage or duration")
    return value if _is_native(value, reading, language) else render(reading, language)


def _is_native(value: str, reading: Value, language: str) -> bool:
    """Whether a value is written as in that language: "300K" is in each, "24 hours" in one."""
    found = find_values(Analysis(value, language))
    if len(found) != 1 or (found[0].start, found[0].end) != (0, len(value)):
        return False
    if not isinstance(reading, Duration):
        return True
    others = {word for code in language_codes() if code != language for word in _time_words(code)}
    return not set(value.casefold().split()) & (others - _time_words(language))


def _time_words(language: str) -> set[str]:
    """The words that a language writes durations with."""
    forms = load_language(language).data["values"]["render"]
    written = [
        *forms["named"].values(),
        *(form for one in forms.values() if isinstance(one, list) for form in one),
    ]
    return {word for form in written for word in form.casefold().split()} - {"{n}"}


def _explained(error: ErrorDetails) -> str:
    """One problem of a policy in plain words: the key, what is wrong and the fix."""
    loc = [str(part) for part in error["loc"] if part != "[key]"]
    key = ".".join(loc) or "policy"
    if error["type"] == "extra_forbidden":
        return f"{key}: no such key{_meant(loc[-1], _keys_beside(loc))}"
    if error["type"] == "missing":
        return f"{key}: missing; add it"
    return f"{key}: {error['msg'].removeprefix('Value error, ')}"


def _keys_beside(loc: list[str]) -> list[str]:
    """The keys that there are where a wrong one stands."""
    parents: dict[str, type[BaseModel]] = {"voice": Voice, "remedies": Offer, "escalation": Escalation}
    fields = (parents.get(loc[0], Shop) if len(loc) > 1 else Shop).model_fields
    return [field.alias or name for name, field in fields.items()]


def _meant(wrong: str, known: Iterable[str]) -> str:
    known = list(known)
    close = difflib.get_close_matches(wrong, known, n=1)
    return f"; do you mean {close[0]!r}?" if close else f"; use one of {', '.join(known)}"
