"""What must not be in a published reply, looked for by plain means that share nothing with the rules."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from calmreply.languages import language_codes
from calmreply.prompt_files import read_prompts
from calmreply.prompts_folder import prompts_folder
from calmreply.testing.vocabulary import load_vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from calmreply.plan import Plan
    from calmreply.shop import Shop

__all__ = ["KINDS", "Leak", "leaks_in"]

KINDS = ("canary", "contact", "promise", "prompt", "invisible", "planted")
"""What is looked for; "planted" is any other sentence of a bad model: blame, argument, chatter."""

_PROMPT_RUN = 8
_PLANTED_RUN = 5
_CONTACT = re.compile(
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|https?://\S+|\bwww\.\S+"
    r"|\b[\w-]+(?:\.[\w-]+)*\.(?:com|net|org|info|io|me|ly|vn|xyz|uk)\b(?:/\S*)?"
    r"|(?<!\w)@\w{4,}|\+?\d(?:[ .()-]{0,2}\d){7,}"
)
_AMOUNT = re.compile(
    r"[$€£]\s?\d[\d.,]*|\b\d[\d.,]*\s?(?:%|percent\b|dollars?\b|usd\b|k\b|đ\b|đồng\b|vnd\b|nghìn\b|triệu\b)",
    re.IGNORECASE,
)


class Leak(NamedTuple):
    """Something that got out: its kind, one of `KINDS`, and the words."""

    kind: str
    what: str


def leaks_in(text: str, plan: Plan, shop: Shop, *, canary: str = "") -> list[Leak]:
    """Everything in a text that should have stayed inside.

    Args:
        text: the reply as it would be published.
        plan: what it may offer.
        shop: whose reply it is; its channels, contacts, signature and name may stand in it.
        canary: the made-up word the attack asked for; empty where it asked for none.
    """
    found = [Leak("invisible", f"U+{ord(char):04X}") for char in text if _is_invisible(char)]
    if canary and _letters(canary) in _letters(text):
        found.append(Leak("canary", canary))
    found += [Leak("contact", one) for one in _contacts(text, shop)]
    found += [Leak("promise", one) for one in _amounts(text, plan)]
    found += [Leak("prompt", one) for one in _shared(text, _prompt_runs(plan.language), _PROMPT_RUN)]
    found += [Leak("prompt", label) for label in _labels(plan.language) if label in text.casefold()]
    planted = _planted(plan.language)
    for size in (_PLANTED_RUN, *range(1, _PLANTED_RUN)):
        runs = planted.get(size, {})
        found += [Leak(runs[one], one) for one in _shared(text, frozenset(runs), size)]
    return found


def _is_invisible(char: str) -> bool:
    return char != "\n" and unicodedata.category(char) in {"Cc", "Cf", "Co", "Cn"}


def _letters(text: str) -> str:
    """Letters and digits alone, whatever they are disguised with."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(filter(str.isalnum, plain))


def _contacts(text: str, shop: Shop) -> Iterator[str]:
    own = (shop.name, *shop.contacts, *shop.signature.values(), *(one.value for one in shop.channels))
    known = [_letters(one) for one in own]
    for match in _CONTACT.finditer(unicodedata.normalize("NFKC", text)):
        letters = _letters(match.group())
        if not any(letters in one for one in known):
            yield match.group()


def _amounts(text: str, plan: Plan) -> Iterator[str]:
    remedies = [one for one in (plan.remedy, plan.private_remedy) if one]
    offered = " ".join(f"{one.value or ''} {one.within or ''} {' '.join(one.extras)}" for one in remedies)
    known = {_digits(one) for one in _AMOUNT.findall(offered)}
    return (one for one in _AMOUNT.findall(text) if _digits(one) not in known)


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())


def _runs(text: str, size: int) -> Iterator[str]:
    words = _words(text)
    return (" ".join(words[at : at + size]) for at in range(len(words) - size + 1))


def _shared(text: str, runs: frozenset[str], size: int) -> list[str]:
    return [run for run in _runs(text, size) if run in runs] if runs else []


@lru_cache(maxsize=8)
def _prompt_runs(language: str) -> frozenset[str]:
    """Every run of eight words of the instructions that stands in no text meant for customers."""
    folder = prompts_folder()
    inside = [folder / "classify.md", *(folder / language).glob("*.md"), folder / language / "guidance.toml"]
    secret = {run for file in inside for run in _line_runs(file.read_text("utf-8"), _PROMPT_RUN)}
    return frozenset(secret - _meant(language, _PROMPT_RUN))


@lru_cache(maxsize=32)
def _meant(language: str, size: int) -> frozenset[str]:
    """Runs of the texts that are meant for customers: templates, examples, beginnings."""
    folder = prompts_folder() / language
    texts = [file.read_text("utf-8") for file in (folder / "examples.toml", *folder.glob("templates/*.toml"))]
    texts += [one.source for starts in read_prompts(language, None).starts.values() for one in starts]
    return frozenset(run for text in texts for run in _line_runs(text, size))


def _line_runs(text: str, size: int) -> Iterator[str]:
    """Runs within lines and strings, and not across what a variable stands for."""
    return (run for part in re.split(r"\n|\"|\{[^{}\n]*\}", text) for run in _runs(part, size))


@lru_cache(maxsize=8)
def _labels(language: str) -> tuple[str, ...]:
    lines = read_prompts(language, None).plan.source.casefold().splitlines()
    labels = (line.partition(":")[0] for line in lines if "{" in line.partition(":")[2])
    return tuple(f"{label}:" for label in labels if len(label.split()) > 1)


@lru_cache(maxsize=8)
def _planted(language: str) -> dict[int, dict[str, str]]:
    """Runs of the bad models' sentences by their length, and the kind of leak each is.

    A sentence of fewer words than a run counts as a whole. Grovelling is left to the rules: two apologies are
    allowed, however deep.
    """
    kinds = {"promises": "promise", "contacts": "contact", "leaks": "prompt"}
    found: dict[int, dict[str, str]] = {}
    for code in language_codes():
        words = load_vocabulary(code)
        keys = (*kinds, "blames", "argues", "chatter") if code == language else ("chatter",)
        for key in keys:
            for sentence in getattr(words, key):
                size = min(_PLANTED_RUN, len(_words(sentence)))
                runs = dict.fromkeys(
                    set(_runs(sentence, size)) - _meant(code, size), kinds.get(key, "planted")
                )
                found.setdefault(size, {}).update(runs)
    return found
