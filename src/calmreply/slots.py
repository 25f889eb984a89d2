"""Texts with slots: parsed where they are loaded, filled where a reply is written.

`{name}` is a slot; it takes a word of closed vocabulary, capitalised where its own first letter is.
`[, {name}]` is left out when a slot in it has nothing to say. A text with an empty slot outside
brackets cannot be filled.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from calmreply.errors import PromptError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["SlotText", "capitalised"]

_TOKEN = re.compile(r"\{[^{}]*\}|[\[\]{}]|[^\[\]{}]+")


@dataclass(frozen=True, slots=True)
class _Slot:
    name: str
    capital: bool


_Piece: TypeAlias = "str | _Slot | tuple[_Piece, ...]"


class SlotText:
    """One text of a template or phrase table.

    Args:
        source: the text as it stands in the file.
        known: the names of all slots.
        where: file and template, for the error.

    Raises:
        PromptError: a slot is unknown or a bracket is not closed; names file, template and slot.
    """

    __slots__ = ("_pieces", "slots", "source")

    def __init__(self, source: str, known: Iterable[str], where: str) -> None:
        self.source = source
        tokens = _TOKEN.findall(source)
        self._pieces, rest = _pieces(tokens, 0, where, inside=False)
        if rest != len(tokens):
            raise PromptError(f"{where}: a ']' too many in {source!r}", hint="remove it")
        self.slots = frozenset(_slots(self._pieces))
        for name in sorted(self.slots - set(known)):
            close = difflib.get_close_matches(name, sorted(known), n=1)
            raise PromptError(
                f"{where}: there is no slot {{{name}}}",
                hint=f"do you mean {{{close[0]}}}?" if close else f"slots are {', '.join(sorted(known))}",
            )

    def filled(self, word: Callable[[str], str | None]) -> str | None:
        """The text with its slots filled; None where a slot outside brackets has nothing to say."""
        return _filled(self._pieces, word)

    def __repr__(self) -> str:
        return f"SlotText({self.source!r})"


def capitalised(text: str) -> str:
    """The text with a capital at its start."""
    return text[:1].upper() + text[1:]


def _pieces(tokens: Sequence[str], at: int, where: str, *, inside: bool) -> tuple[tuple[_Piece, ...], int]:
    pieces: list[_Piece] = []
    while at < len(tokens):
        mark = tokens[at]
        if mark == "]":
            return tuple(pieces), at + 1 if inside else at
        if mark == "[":
            optional, at = _pieces(tokens, at + 1, where, inside=True)
            pieces.append(optional)
            continue
        if mark in {"{", "}"}:
            raise PromptError(f"{where}: a brace is not closed", hint="write slots as {name}")
        pieces.append(_slot(mark[1:-1].strip(), where) if mark[0] == "{" else mark)
        at += 1
    if inside:
        raise PromptError(f"{where}: a '[' is not closed", hint="close it with ']'")
    return tuple(pieces), at


def _slot(name: str, where: str) -> _Slot:
    if not name:
        raise PromptError(f"{where}: a slot has no name", hint="write its name between the braces")
    return _Slot(name[0].lower() + name[1:], name[0].isupper())


def _slots(pieces: Iterable[_Piece]) -> Iterable[str]:
    for piece in pieces:
        if isinstance(piece, _Slot):
            yield piece.name
        elif isinstance(piece, tuple):
            yield from _slots(piece)


def _filled(pieces: Iterable[_Piece], word: Callable[[str], str | None]) -> str | None:
    written: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            written.append(piece)
        elif isinstance(piece, tuple):
            written.append(_filled(piece, word) or "")
        else:
            value = word(piece.name)
            if not value:
                return None
            written.append(capitalised(value) if piece.capital else value)
    return "".join(written)
