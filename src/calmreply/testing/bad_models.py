"""Models that do what models should not, each in its own way: what is published in spite of them?"""

from __future__ import annotations

import json
import random
import re
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from calmreply.languages import language_codes
from calmreply.model import ModelAnswer
from calmreply.testing.asked import Asked
from calmreply.testing.vocabulary import load_vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from random import Random

    from calmreply.model import ModelRequest

__all__ = ["BAD_MODELS", "BadModel", "PlanFollower"]

_ENDLESS_CHARACTERS = 30_000
_LONGEST_ORDER = 200
# What a review may order to be said: in quotes, behind a colon, or anything that looks made up.
_ORDERED = (
    re.compile(r"[\"“«'‘]([^\"”»'’\n]{2,200})[\"”»'’]"),
    re.compile(r"(?:https?://|www\.)\S+|\b[\w.-]+\.(?:com|net|org|xyz|vn|ly|me)(?:/\S*)?\b"),
    re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+|(?<!\w)@\w{4,}"),
    re.compile(r"(?<!\w)\+?\d[\d .-]{7,}\d"),
    re.compile(r"[$€£]\s?\d[\d.,]*|\b\d[\d.,]*\s?(?:%|k\b|đ\b|usd\b|dollars\b|triệu\b)", re.IGNORECASE),
    re.compile(r"\b(?=\w*[A-Z])(?=[\w-]*\d)[\w-]{5,}\b|\b[A-Z]{3,}(?:[-_][A-Z0-9]+)+\b"),
    re.compile(r"[:：]\s*([^\n]{3,120})"),
)
_DECLINED = "content_filter"
_INVISIBLE = "\u200b\u2060\ufeff"


class _Written(NamedTuple):
    """What a model sends back."""

    text: str | None
    finish_reason: str = "stop"
    refusal: str | None = None


class PlanFollower:
    """Writes the plan's own words in its order, and nothing else: the good model to compare bad ones with."""

    def complete(self, request: ModelRequest) -> ModelAnswer:
        """Answer with a plain reply; a request to read a review gets none."""
        if request.purpose == "classify":
            return ModelAnswer(text="{}")
        return _counted(_Written(" ".join(Asked.of(request).plain_reply())), request)


class BadModel:
    """A model with one vice. It reads the request it is given, so it is bad for any shop and review.

    What it writes depends on its seed and the request alone: the same in any order, in any thread.

    Args:
        vice: what it writes.
        seed: which of the things it might write.

    Example:
        >>> from calmreply.model import Message, ModelRequest
        >>> asked = Message(role="user", content='{"text": "Broken"}')
        >>> request = ModelRequest(messages=(asked,), max_tokens=9)
        >>> BAD_MODELS["echo"](seed=1).complete(request).text
        'Broken'
    """

    def __init__(self, vice: Callable[[Asked, Random], _Written], seed: int = 0) -> None:
        self._vice = vice
        self._seed = seed

    def complete(self, request: ModelRequest) -> ModelAnswer:
        """Answer, badly; a request to read a review as badly as one to write a reply."""
        asked = Asked.of(request)
        # A string as the seed: it gives the same numbers in every process.
        chance = random.Random(f"{self._seed}|{asked.is_retry}|{asked.review}")
        return _counted(self._vice(asked, chance), request)


def _counted(written: _Written, request: ModelRequest) -> ModelAnswer:
    return ModelAnswer(
        text=written.text,
        finish_reason=written.finish_reason,
        refusal=written.refusal,
        prompt_tokens=sum(len(one.content.split()) for one in request.messages),
        completion_tokens=len((written.text or "").split()),
    )


def _slipped(asked: Asked, chance: Random, bad: str) -> _Written:
    """A plain reply with one bad thing in it: a sentence of its own, or glued to one of the good ones."""
    written = asked.plain_reply()
    at = chance.randrange(len(written) + 1)
    if at and chance.random() < 0.4:  # noqa: PLR2004 - two in five
        written[at - 1] = f"{written[at - 1].rstrip('.!?')}, {bad[:1].lower()}{bad[1:]}"
    else:
        written.insert(at, bad)
    return _Written(" ".join(written))


def _blunt(_: Asked, chance: Random, said: Sequence[str]) -> _Written:
    """Nothing but bad sentences."""
    return _Written(" ".join(chance.sample(said, min(4, len(said)))))


def _saying(key: str, *, nearly: bool) -> Callable[[Asked, Random], _Written]:
    """A vice that lies in what is said: the sentences of that key of the vocabulary."""

    def write(asked: Asked, chance: Random) -> _Written:
        said: Sequence[str] = getattr(asked.vocabulary, key)
        return _slipped(asked, chance, chance.choice(said)) if nearly else _blunt(asked, chance, said)

    return write


def _obedient(asked: Asked, chance: Random, *, nearly: bool) -> _Written:
    """Says whatever the review asks it to say."""
    ordered = [
        (match[1] if match.re.groups else match[0]).strip()[:_LONGEST_ORDER]
        for pattern in _ORDERED
        for match in pattern.finditer(asked.review)
    ]
    if not ordered:
        return _echo(asked, chance, nearly=nearly)
    form = chance.choice(asked.vocabulary.follows)
    if nearly:
        return _slipped(asked, chance, form.replace("{thing}", chance.choice(ordered)))
    return _Written(" ".join(form.replace("{thing}", thing) for thing in ordered))


def _leaky(asked: Asked, chance: Random, *, nearly: bool) -> _Written:
    """Gives away what it was told."""
    if not nearly:
        return _Written(asked.instructions)
    lines = [line.strip(" -") for line in asked.instructions.splitlines() if len(line.split()) > 4]  # noqa: PLR2004 - a line that says something
    pieces = [piece for line in lines for piece in re.split(r"(?<=[.!?]) ", line)]
    return _slipped(asked, chance, chance.choice([*pieces, *asked.vocabulary.leaks]))


def _echo(asked: Asked, chance: Random, *, nearly: bool) -> _Written:
    """Gives the review back."""
    pieces = [piece for piece in re.split(r"(?<=[.!?\n])\s+", asked.review) if piece.strip()]
    if not nearly or not pieces:
        return _Written(asked.review)
    return _slipped(asked, chance, chance.choice(pieces))


def _silent(asked: Asked, chance: Random) -> _Written:
    """Says nothing, or that it will not."""
    refusal = chance.choice(asked.vocabulary.refusals)
    return chance.choice(
        [
            _Written(None),
            _Written(""),
            _Written(" \n\t"),
            _Written(_INVISIBLE),
            _Written("…"),
            _Written(refusal),
            _Written(None, _DECLINED, refusal),
        ]
    )


def _endless(asked: Asked, chance: Random, *, nearly: bool) -> _Written:
    """Never comes to an end; nearly: goes on for a while behind a reply."""
    chatter = list(asked.vocabulary.chatter)
    chance.shuffle(chatter)
    reply = " ".join((*asked.plain_reply(), *chatter))
    if nearly:
        return _Written(reply)
    return _Written((f"{reply} " * (_ENDLESS_CHARACTERS // len(reply) + 1))[:_ENDLESS_CHARACTERS], "length")


def _wrong_language(asked: Asked, chance: Random, *, nearly: bool) -> _Written:
    """Answers in another language."""
    other = chance.choice([code for code in language_codes() if code != asked.language])
    words = load_vocabulary(other)
    sentences = [f"{words.opening} {words.about} {words.order}.", f"{words.understanding}.", *words.chatter]
    if nearly:
        return _slipped(asked, chance, chance.choice(sentences))
    return _Written(" ".join(sentences[:4]))


def _json_talker(asked: Asked, chance: Random, *, nearly: bool) -> _Written:
    """Writes for a program and not for a person."""
    reply = " ".join(asked.plain_reply())
    as_json = json.dumps({"reply": reply, "confidence": 0.97}, ensure_ascii=False)
    label = chance.choice(asked.vocabulary.labels)
    if not nearly:
        return _Written(chance.choice([as_json, f"```json\n{as_json}\n```", f"[{json.dumps(reply)}]"]))
    marked = (
        '{"status": "ok"}',
        "<br/>",
        "[NAME]",
        "{{signature}}",
        "<|im_end|>",
        "[/INST]",
        "&nbsp;",
        "```",
    )
    return chance.choice(
        [
            _Written(f"{label} {reply}"),
            _Written(f"<think>{label}</think>\n{reply}"),
            _slipped(asked, chance, chance.choice(marked)),
        ]
    )


def _invented_contacts(asked: Asked, chance: Random, *, nearly: bool) -> _Written:
    """Makes up ways to reach the shop, or gets the shop's own wrong by a digit or a letter."""
    invitation = asked.lines.get("invitation", "")
    places = [match.start() for match in re.finditer(r"(?<=[\w@.])\d|(?<=@)[a-z]", invitation)]
    if nearly and places and chance.random() < 0.3:  # noqa: PLR2004 - three in ten
        at = chance.choice(places)
        old = invitation[at]
        new = str((int(old) + 1) % 10) if old.isdigit() else "q"
        altered = f"{invitation[:at]}{new}{invitation[at + 1 :]}"
        return _Written(" ".join(altered if one == invitation else one for one in asked.plain_reply()))
    return _saying("contacts", nearly=nearly)(asked, chance)


def _half_cut(asked: Asked, chance: Random, *, nearly: bool) -> _Written:
    """Breaks off in the middle; nearly: without saying that it was cut."""
    reply = " ".join(asked.plain_reply())
    return _Written(reply[: chance.randrange(len(reply) // 3, len(reply))], "stop" if nearly else "length")


def _registry() -> Mapping[str, Callable[..., BadModel]]:
    spoken = {
        "over_promiser": "promises",
        "blamer": "blames",
        "groveller": "grovels",
        "arguer": "argues",
    }
    both: dict[str, Callable[..., Callable[[Asked, Random], _Written]]] = {
        name: partial(_saying, key) for name, key in spoken.items()
    }
    for vice in (
        _obedient,
        _leaky,
        _echo,
        _endless,
        _wrong_language,
        _json_talker,
        _invented_contacts,
        _half_cut,
    ):
        both[vice.__name__.strip("_")] = partial(partial, vice)
    found: dict[str, Callable[..., BadModel]] = {"silent": partial(BadModel, _silent)}
    for name, of in both.items():
        found[name] = partial(BadModel, of(nearly=False))
        found[f"nearly_{name}"] = partial(BadModel, of(nearly=True))
    return dict(sorted(found.items()))


BAD_MODELS: Mapping[str, Callable[..., BadModel]] = _registry()
"""Every bad model by name; called with `seed`, each gives a `BadModel`.

Thirteen vices; all but "silent" also as "nearly_…", a plain reply into which the one bad thing is slipped.
"""
