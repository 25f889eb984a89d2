"""The prompt files that people edit: read, checked for their variables, and filled."""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from calmreply.errors import PromptError
from calmreply.prompts_folder import prompt_file
from calmreply.review import Complaint, Review, Signal
from calmreply.slots import SlotText
from calmreply.voices import voice_slots
from calmreply.wording import known_slots

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = [
    "EXAMPLE_KINDS",
    "OPENING_KINDS",
    "Example",
    "LanguagePrompts",
    "PromptText",
    "read_classify_text",
    "read_prompts",
]

OPENING_KINDS = ("remedy", "question", "praise")
"""The kinds of first words."""

EXAMPLE_KINDS = ("remedy", "question", "checked", "praise")
"""What an example shows: a complaint put right, a question (no order looked up, or none found), praise."""

_VARIABLE = re.compile(r"\{([^{}\"\n:]*)\}")

# What each file may use, and what it cannot do without.
_SYSTEM = ({"shop", "voice"}, {"voice"})
_PLAN_NEEDS = {"problem", "remedy", "question", "invitation", "form", "review"}
_PLAN = (
    _PLAN_NEEDS
    | {"opening", "understanding", "extra", "guidance", "facts", "never", "name", "signature", "recent"},
    _PLAN_NEEDS,
)
_REPAIR = ({"draft", "problems", "form"}, {"problems"})
_CLASSIFY = ({"review"}, {"review"})

_SIGNALS = tuple(str(signal) for signal in Signal if signal is not Signal.AT_RISK)
_STARTS = {
    "opening": OPENING_KINDS,
    "understanding": tuple(str(one) for one in Complaint if one not in {Complaint.MISTAKEN, Complaint.OTHER}),
}
_FORM_VARIABLES = {"limit", "unit", "sentences"}
_NOTES = (
    "vague",
    "loose",
    "strict",
    "unchecked",
    "checked",
    "no_name",
    "no_remedy",
    "no_channel",
    "no_names",
    "no_money",
    "no_carrier",
)


class PromptText:
    """A text with `{variables}`. A line that uses a variable with nothing to say is left out.

    Braces that hold a quotation mark or a colon are no variable, so that JSON may stand in the text.

    Args:
        source: the text as it stands in the file.
        known: the variables it may use.
        required: those it must use.
        where: the file, for the error.

    Raises:
        PromptError: a variable is unknown or missing; names file and variable.
    """

    __slots__ = ("source", "variables")

    def __init__(
        self, source: str, known: Iterable[str] = (), required: Iterable[str] = (), *, where: str
    ) -> None:
        self.source = source.strip()
        self.variables = frozenset(found.strip() for found in _VARIABLE.findall(self.source))
        known = sorted(known)
        for name in sorted(self.variables.difference(known)):
            close = difflib.get_close_matches(name, known, n=1)
            listed = ", ".join(f"{{{one}}}" for one in known) or "none here"
            raise PromptError(
                f"{where}: there is no variable {{{name}}}",
                hint=f"do you mean {{{close[0]}}}?" if close else f"variables are {listed}",
            )
        for name in sorted(set(required) - self.variables):
            raise PromptError(
                f"{where}: the variable {{{name}}} is missing", hint="put it back where it belongs"
            )

    def filled(self, values: Mapping[str, str | None]) -> str:
        """The text with its variables filled. A value is put in as it is, whatever braces it holds."""
        lines = []
        for line in self.source.split("\n"):
            names = [name.strip() for name in _VARIABLE.findall(line)]
            if all(values.get(name) for name in names):
                lines.append(_VARIABLE.sub(lambda found: values[found.group(1).strip()] or "", line))
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"PromptText({self.source[:40]!r})"


class _ExampleRow(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1)
    shows: str
    brief: bool = False
    complaint: Complaint
    signals: frozenset[Signal] = frozenset()
    review: Review
    reply: str = Field(min_length=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """A review and a reply to it, with slots where the shop's own policy and voice come in."""

    id: str
    shows: str
    is_brief: bool
    complaint: Complaint
    signals: frozenset[Signal]
    review: Review
    reply: SlotText


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LanguagePrompts:
    """The prompt files of one language.

    `guidance` is by section and key: "complaint.late". `starts` are beginnings of sentences to choose from:
    "opening.praise", "understanding.late".
    """

    system: PromptText
    plan: PromptText
    repair: PromptText
    guidance: Mapping[str, PromptText] = field(repr=False)
    starts: Mapping[str, tuple[SlotText, ...]] = field(repr=False)
    examples: tuple[Example, ...] = field(repr=False)


@lru_cache(maxsize=32)
def read_prompts(language: str, own: Path | None = None) -> LanguagePrompts:
    """Read a language's prompt files; a shop's own folder overrides files by their relative name.

    Raises:
        PromptError: a file cannot be read, or a variable or key in it is unknown or missing.
    """
    return LanguagePrompts(
        system=_prompt_text(f"{language}/system.md", own, *_SYSTEM),
        plan=_prompt_text(f"{language}/plan.md", own, *_PLAN),
        repair=_prompt_text(f"{language}/repair.md", own, *_REPAIR),
        guidance=_guidance(language, own),
        starts=_starts(language, own),
        examples=_examples(language, own),
    )


@lru_cache(maxsize=32)
def read_classify_text(own: Path | None = None) -> PromptText:
    """The prompt that has a model read a review; one for all languages.

    Raises:
        PromptError: as `read_prompts`.
    """
    return _prompt_text("classify.md", own, *_CLASSIFY)


def _prompt_text(relative: str, own: Path | None, known: set[str], required: set[str]) -> PromptText:
    file = prompt_file(relative, own)
    return PromptText(_read(file), known, required, where=str(file))


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(f"{file}: {error}", hint="save the file as UTF-8 text") from None


def _table(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_read(file))
    except tomllib.TOMLDecodeError as error:
        raise PromptError(f"{file}: {error}", hint="mend the TOML at that place") from None


def _guidance(language: str, own: Path | None) -> dict[str, PromptText]:
    file = prompt_file(f"{language}/guidance.toml", own)
    table = _table(file)
    words = voice_slots(language)
    wanted: dict[str, tuple[tuple[str, ...], Iterable[str]]] = {
        "complaint": (tuple(str(one) for one in Complaint), ()),
        "signal": (_SIGNALS, ()),
        "voice": (("warm", "formal"), words),
        "form": (("usual", "sentences", "limit", "plain"), _FORM_VARIABLES),
        "note": (_NOTES, ()),
    }
    if unknown := set(table) - {*wanted, *_STARTS}:
        raise PromptError(
            f"{file}: there is no section {min(unknown)!r}", hint=f"use {', '.join((*wanted, *_STARTS))}"
        )
    texts = {}
    for section, (keys, known) in wanted.items():
        rows = _rows(table, section, keys, file)
        for key in keys:
            where = f"{file}: {section}.{key}"
            if not isinstance(rows[key], str):
                raise PromptError(f"{where} is no text", hint='write it as "…"')
            texts[f"{section}.{key}"] = PromptText(rows[key], known, where=where)
    return texts


def _starts(language: str, own: Path | None) -> dict[str, tuple[SlotText, ...]]:
    file = prompt_file(f"{language}/guidance.toml", own)
    table, slots = _table(file), voice_slots(language)
    starts = {}
    for section, keys in _STARTS.items():
        for key, value in _rows(table, section, keys, file).items():
            where = f"{file}: {section}.{key}"
            if (
                not isinstance(value, list)
                or not value
                or not all(isinstance(one, str) and one for one in value)
            ):
                raise PromptError(f"{where} is no list of texts", hint='write it as ["…", "…"]')
            starts[f"{section}.{key}"] = tuple(SlotText(one, slots, where) for one in value)
    return starts


def _rows(table: dict[str, Any], section: str, keys: tuple[str, ...], file: Path) -> dict[str, Any]:
    """A section that has exactly the keys it must have."""
    rows: dict[str, Any] = table.get(section, {})
    for key in sorted(set(rows) ^ set(keys)):
        what = "there is no key" if key in rows else "missing the key"
        raise PromptError(f"{file}: {what} {section}.{key}", hint=f"keys are {', '.join(keys)}")
    return rows


def _examples(language: str, own: Path | None) -> tuple[Example, ...]:
    file = prompt_file(f"{language}/examples.toml", own)
    rows = _table(file).get("example", [])
    examples = tuple(
        _example(row, number, file, known_slots(language) | set(_STARTS))
        for number, row in enumerate(rows, 1)
    )
    for kind in EXAMPLE_KINDS:
        if not any(one.shows == kind for one in examples):
            raise PromptError(f"{file}: no example shows {kind!r}", hint=f'write one with shows = "{kind}"')
    return examples


def _example(row: Any, number: int, file: Path, slots: frozenset[str]) -> Example:
    where = f"{file}: example {row.get('id', number) if isinstance(row, dict) else number!r}"
    try:
        read = _ExampleRow.model_validate(row)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "example"
        raise PromptError(f"{where}: {key}: {first['msg']}", hint="mend that key") from None
    if read.shows not in EXAMPLE_KINDS:
        raise PromptError(f"{where}: shows {read.shows!r}", hint=f"one of {', '.join(EXAMPLE_KINDS)}")
    return Example(
        id=read.id,
        shows=read.shows,
        is_brief=read.brief,
        complaint=read.complaint,
        signals=read.signals,
        review=read.review,
        reply=SlotText(" ".join(read.reply.split()), slots, where),
    )
