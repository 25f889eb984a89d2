"""The files of the response template library, read and checked: templates, phrases, sentences."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from calmreply.errors import PromptError
from calmreply.prompts_folder import prompt_file
from calmreply.review import Complaint, Signal
from calmreply.slots import SlotText
from calmreply.wording import known_slots

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["CONDITIONS", "KINDS", "Template", "Texts", "read_texts"]

KINDS = (*Complaint, Signal.AT_RISK, Signal.PRAISE)
"""The files of templates: one per complaint, and two for reviews that are answered in another way."""

CONDITIONS = frozenset(
    (
        *(str(signal) for signal in Signal),
        "warm",
        "formal",
        "checked",
        "unchecked",
        "vague",
        "detailed",
        "asks_order",
    )
)
"""What a template's `when` may ask for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """One reply with slots, a sentence or more on each line. A line with nothing to say is left out.

    `is_brief` marks the compact forms for platforms with a narrow limit; `is_own` those of the shop's folder.
    """

    id: str
    file: str
    lines: tuple[SlotText, ...]
    when: frozenset[str] = frozenset()
    is_brief: bool = False
    is_own: bool = False

    @property
    def weight(self) -> int:
        """How many signals it is made for: the more, the better it fits where they are there."""
        return len(self.when & {str(signal) for signal in Signal})


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Texts:
    """One language's texts. `phrases` are tables of wordings by dotted name: "remedy.voucher.money"."""

    templates: Mapping[str, tuple[Template, ...]]
    phrases: Mapping[str, tuple[SlotText, ...]]
    by: Mapping[str, str]
    by_openings: tuple[str, ...]
    extra_starts: Mapping[str, tuple[str, ...]]
    role_starts: frozenset[str]
    role_prefix: str


@lru_cache(maxsize=32)
def read_texts(language: str, own: Path | None = None) -> Texts:
    """Read the template files of a language; a shop's own folder overrides files by their relative name.

    Raises:
        PromptError: a file cannot be read, or something in it is wrong; names file, template and slot.
    """
    templates: dict[str, tuple[Template, ...]] = {}
    phrases: dict[str, tuple[SlotText, ...]] = {}
    known = known_slots(language)
    for kind in KINDS:
        file = f"{language}/templates/{kind}.toml"
        table = _table(file, own)
        problem = table.pop("problem", [])
        phrases[f"problem.{kind}"] = tuple(SlotText(one, known, file) for one in problem)
        templates[kind] = _templates(table, file, known, is_own=_is_own(file, own))
    file = f"{language}/templates/phrases.toml"
    table = _table(file, own)
    grammar: dict[str, Any] = table.pop("grammar", {})
    starts = {name: tuple(extra.pop("starts", ())) for name, extra in table.get("extra", {}).items()}
    by = {name: text for name, text in table.get("by", {}).items() if isinstance(text, str)}
    for key, wordings in _flat(table):
        phrases[key] = tuple(SlotText(one, known, f"{file}: {key}") for one in wordings)
    file = f"{language}/templates/sentences.toml"
    for key, wordings in _flat(_table(file, own)):
        phrases[f"sentence.{key}"] = tuple(SlotText(one, known, f"{file}: {key}") for one in wordings)
    return Texts(
        templates=templates,
        phrases=phrases,
        by=by,
        by_openings=tuple(sorted(grammar.get("by_openings", ()), key=len, reverse=True)),
        extra_starts={name: tuple(f"{one} " for one in words) for name, words in starts.items() if words},
        role_starts=frozenset(grammar.get("role_starts", ())),
        role_prefix=grammar.get("role_prefix", ""),
    )


def _is_own(file: str, own: Path | None) -> bool:
    return own is not None and (own / file).is_file()


def _table(file: str, own: Path | None) -> dict[str, Any]:
    path = prompt_file(file, own)
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(f"{path}: {error}", hint="save the file as UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise PromptError(f"{path}: {error}", hint="mend the TOML at that place") from None


def _templates(
    table: dict[str, Any], file: str, known: frozenset[str], *, is_own: bool
) -> tuple[Template, ...]:
    unknown = set(table) - {"template", "compact"}
    if unknown:
        raise PromptError(
            f"{file}: there is no key {min(unknown)!r}", hint="use problem, [[template]], [[compact]]"
        )
    found = [
        _template(row, file, known, is_brief=is_brief, is_own=is_own, number=number)
        for section, is_brief in (("template", False), ("compact", True))
        for number, row in enumerate(table.get(section, ()), 1)
    ]
    ids = [one.id for one in found]
    if twice := next((one for one in ids if ids.count(one) > 1), None):
        raise PromptError(f"{file}: two templates are called {twice!r}", hint="give each its own id")
    if not any(one.is_brief for one in found):
        raise PromptError(
            f"{file}: there is no [[compact]] template", hint="write a short form of 350 characters"
        )
    return tuple(found)


def _template(
    row: dict[str, Any], file: str, known: frozenset[str], *, is_brief: bool, is_own: bool, number: int
) -> Template:
    name = row.get("id")
    where = f"{file}: template {name or number!r}"
    if not isinstance(name, str) or not isinstance(row.get("text"), str):
        raise PromptError(f"{where}: needs an id and a text", hint='write id = "…" and text = """…"""')
    if unknown := set(row) - {"id", "text", "when"}:
        raise PromptError(f"{where}: there is no key {min(unknown)!r}", hint="use id, when, text")
    when = frozenset(row.get("when", ()))
    if foreign := when - CONDITIONS:
        raise PromptError(
            f"{where}: there is no condition {min(foreign)!r}", hint=f"use {', '.join(sorted(CONDITIONS))}"
        )
    lines = tuple(SlotText(line.strip(), known, where) for line in row["text"].splitlines() if line.strip())
    if not lines:
        raise PromptError(f"{where}: the text is empty", hint="write at least three sentences")
    return Template(id=name, file=file, lines=lines, when=when, is_brief=is_brief, is_own=is_own)


def _flat(table: dict[str, Any], prefix: str = "") -> list[tuple[str, list[str]]]:
    """Dotted names to lists of wordings; a single text is a list of one."""
    found: list[tuple[str, list[str]]] = []
    for key, value in table.items():
        if isinstance(value, dict):
            found += _flat(value, f"{prefix}{key}.")
        else:
            found.append((prefix + key, [value] if isinstance(value, str) else list(value)))
    return found
