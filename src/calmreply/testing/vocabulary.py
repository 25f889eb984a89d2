"""What bad models say, per language: `words/<code>.toml`."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib import resources

from pydantic import BaseModel, ConfigDict

__all__ = ["Vocabulary", "load_vocabulary"]


class Vocabulary(BaseModel):
    """The sentences of one language.

    The first five make a plain reply; each of the others is a list of sentences, one bad thing in each.
    `{thing}` in `follows` is what a review ordered to be said.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    opening: str
    about: str
    order: str
    understanding: str
    unmatched: str
    follows: tuple[str, ...]
    leaks: tuple[str, ...]
    promises: tuple[str, ...]
    blames: tuple[str, ...]
    grovels: tuple[str, ...]
    argues: tuple[str, ...]
    contacts: tuple[str, ...]
    chatter: tuple[str, ...]
    refusals: tuple[str, ...]
    labels: tuple[str, ...]


@lru_cache(maxsize=8)
def load_vocabulary(language: str) -> Vocabulary:
    """The vocabulary of a language that calmreply has."""
    file = resources.files(__package__) / "words" / f"{language}.toml"
    return Vocabulary.model_validate(tomllib.loads(file.read_text("utf-8")))
