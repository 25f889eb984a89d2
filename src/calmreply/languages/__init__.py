"""A language is data: its word lists, spellings, numbers and cues, loaded on first use."""

from __future__ import annotations

import re
import tomllib
from functools import cached_property, lru_cache
from importlib import resources
from itertools import chain
from typing import TYPE_CHECKING, Any

from calmreply.cues import Cue, CueGroup, CueIndex, compile_cue, fold
from calmreply.errors import InputError
from calmreply.languages.spelling import Speller

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.resources.abc import Traversable

__all__ = ["Language", "language_codes", "load_language"]


_LETTERS = re.compile(r"[^\W\d_]+")


def language_codes() -> tuple[str, ...]:
    """The codes of the languages calmreply checks and writes."""
    return _codes()


@lru_cache(maxsize=1)
def _codes() -> tuple[str, ...]:
    root = resources.files(__name__)
    return tuple(sorted(entry.name for entry in root.iterdir() if (entry / "language.toml").is_file()))


@lru_cache(maxsize=32)
def load_language(code: str) -> Language:
    """The language of that code.

    Raises:
        InputError: calmreply has no such language.
    """
    if code not in _codes():
        raise InputError(
            f"there is no language {code!r}", hint=f"calmreply has: {', '.join(language_codes())}"
        )
    return Language(code, resources.files(__name__) / code)


class Language:
    """One language's data.

    `data` is `language.toml` as parsed; `word_lists` are its `[words]`, usable as `{name}` in cues.
    """

    def __init__(self, code: str, folder: Traversable) -> None:
        self.code = code
        self._folder = folder
        self.data: dict[str, Any] = tomllib.loads((folder / "language.toml").read_text("utf-8"))
        self.folds: bool = self.data.get("folds", False)
        self.word_lists: dict[str, list[str]] = self.data.get("words", {})
        self.expansions: dict[str, tuple[str, ...]] = {
            short: tuple(full.split()) for short, full in self.data.get("expand", {}).items()
        }
        self.endings: dict[str, str] = self.data.get("endings", {})
        self.abbreviations = frozenset(self.data.get("abbreviations", ()))
        self.function_words = frozenset(self.data.get("function_words", ()))

    @cached_property
    def cue_data(self) -> dict[str, dict[str, Any]]:
        """Every cue group as written, by name: `cues`, `unless`, `match`, `no_match`, `reviews_only`."""
        groups: dict[str, dict[str, Any]] = {}
        files = sorted(
            (entry for entry in (self._folder / "cues").iterdir() if entry.name.endswith(".toml")),
            key=lambda entry: entry.name,
        )
        for file in files:
            groups.update(tomllib.loads(file.read_text("utf-8")))
        return groups

    def cue_group(self, name: str, extra: Iterable[str] = ()) -> CueGroup:
        """The cue group of that name; empty where the language has none. `extra` are a shop's own."""
        return _compiled(self, name, tuple(extra))

    def compile(self, pattern: str) -> Cue:
        """One cue of this language."""
        return compile_cue(pattern, self.word_lists, folds=self.folds, common=self._common_words)

    @cached_property
    def _common_words(self) -> frozenset[str]:
        return self.function_words

    @cached_property
    def cue_index(self) -> CueIndex:
        """Every cue group about replies, by the words that its cues need."""
        return CueIndex(
            self.cue_group(name) for name, group in self.cue_data.items() if not group.get("reviews_only")
        )

    @cached_property
    def speller(self) -> Speller:
        """Puts typing errors in long words right, towards the words of the cues."""
        return Speller(
            (
                pattern
                for group in self.cue_data.values()
                if not group.get("reviews_only")  # what customers write says nothing of a reply's typos
                for pattern in group.get("cues", ())
            ),
            (*self.data.get("known", ()), *self._listed_words()),
            longest_first=self.data.get("typo_length", 0),
        )

    def _listed_words(self) -> set[str]:
        """Words of the word lists and the `unless` patterns: right as they stand, never a correction."""
        patterns = chain(
            chain.from_iterable(self.word_lists.values()),
            chain.from_iterable(group.get("unless", ()) for group in self.cue_data.values()),
        )
        return {word for pattern in patterns for word in _LETTERS.findall(pattern)}

    @cached_property
    def chat_spellings(self) -> frozenset[str]:
        """Short spellings that customers type and a shop does not: no contractions, no loan words."""
        kept = frozenset(self.data.get("loan_words", ()))
        return frozenset(short for short in self.expansions if short.isalpha()) - kept

    def folded(self, text: str) -> str:
        """The text without marks, where the language folds them; else the text itself."""
        return fold(text) if self.folds else text

    def __repr__(self) -> str:
        return f"Language({self.code!r})"


@lru_cache(maxsize=4096)
def _compiled(language: Language, name: str, extra: tuple[str, ...]) -> CueGroup:
    group = language.cue_data.get(name, {})
    return CueGroup(
        name,
        tuple(map(language.compile, (*group.get("cues", ()), *extra))),
        tuple(map(language.compile, group.get("unless", ()))),
    )
