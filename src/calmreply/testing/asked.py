"""What a model can read in a request: the language, the plan's lines, the review; and a plain reply to it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from calmreply.classifier.language import detect_language
from calmreply.languages import language_codes
from calmreply.prompt_files import read_prompts
from calmreply.testing.vocabulary import Vocabulary, load_vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from calmreply.model import ModelRequest

__all__ = ["Asked"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A request as a model sees it.

    Attributes:
        language: the code of the language the instructions are in.
        instructions: the system prompt and everything a user turn says, as sent.
        review: the review's text; empty where none is found.
        lines: what the plan's lines say, by the variable of `plan.md` they stand for.
        is_retry: whether an earlier draft is being complained about.
    """

    language: str
    instructions: str
    review: str
    lines: dict[str, str]
    is_retry: bool

    @classmethod
    def of(cls, request: ModelRequest) -> Asked:
        """Read a request of a shop with any policy and, as far as it keeps the labels, any prompts."""
        system = " ".join(one.content for one in request.messages if one.role == "system")
        turns = [one.content for one in request.messages if one.role == "user"]
        detected = detect_language(system)
        language = detected if detected in language_codes() else language_codes()[0]
        found = [(turn, text) for turn in turns if (text := _review_in(turn)) is not None]
        asked, review = found[-1] if found else ("", "")
        return cls(
            language=language,
            instructions="\n".join((system, asked, *turns[-1:])),
            review=review,
            lines=dict(_plan_lines(asked, language)),
            is_retry=bool(turns) and turns[-1] != asked,
        )

    @property
    def vocabulary(self) -> Vocabulary:
        """The words that bad models use in this language."""
        return load_vocabulary(self.language)

    def plain_reply(self) -> list[str]:
        """The sentences of a plain reply, mostly the plan's own words: what a dutiful model writes."""
        lines, words = self.lines, self.vocabulary
        opening = lines.get("opening", words.opening).rstrip(" .!")
        if "question" in lines:
            return [f"{opening}.", words.unmatched, lines["question"]]
        problem = lines.get("problem", words.order)
        understanding = lines.get("understanding", words.understanding).rstrip(" .")
        written = [f"{opening} {words.about} {problem}.", f"{understanding}."]
        written += [lines[key] for key in ("remedy", "invitation") if key in lines]
        return written


def _review_in(turn: str) -> str | None:
    """The text of the first JSON object in a turn that has one."""
    decoder = json.JSONDecoder()
    for brace in re.finditer(r"^\{", turn, re.MULTILINE):
        try:
            found: Any = decoder.raw_decode(turn, brace.start())[0]
        except ValueError:
            continue
        if isinstance(found, dict) and isinstance(found.get("text"), str):
            return str(found["text"])
    return None


def _plan_lines(turn: str, language: str) -> Iterator[tuple[str, str]]:
    labels = _labels(language)
    for line in turn.splitlines():
        label, colon, value = line.partition(": ")
        if colon and label in labels and value.strip():
            yield labels[label], value.strip()


@lru_cache(maxsize=8)
def _labels(language: str) -> dict[str, str]:
    """The variable behind each labelled line of the bundled `plan.md`."""
    lines = chain(read_prompts(language, None).plan.source.splitlines())
    found = (re.fullmatch(r"([^{}:]+): \{(\w+)\}", line.strip()) for line in lines)
    return {match[1]: match[2] for match in found if match}
