"""The replies given lately, so that the next one does not read like one of them.

The rule `repetition` of the guidelines: it keeps state, so it is no part of `check`. A run over many reviews
keeps the state; a single reply has none.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from typing import TYPE_CHECKING, NamedTuple

from calmreply.analysis import analyse
from calmreply.violation import Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from calmreply.analysis import Token
    from calmreply.plan import Plan

__all__ = ["NEARLY_THE_SAME", "RecentReplies", "repetition"]

NEARLY_THE_SAME = 0.8
"""From this likeness on two replies are nearly the same.

Of 299 labelled English replies by people and models none is that like an earlier one (99 % stay below 0.4),
of replies from one template nearly all are.
"""

_SIZE = 200
_RUN_WORDS = 3
_OPENING_WORDS = 7
_MOST_OPENINGS = 3
_START_WORDS = 5
_GREETING_WORDS = 5


def repetition() -> Violation:
    """The warning on a reply that is nearly the same as an earlier one."""
    return Violation(
        rule="repetition",
        severity=Severity.WARNING,
        message="It is nearly the same as a reply given to another customer.",
        hint="Say it in other words and in sentences of another build.",
    )


class _Earlier(NamedTuple):
    key: tuple[str, frozenset[int]]  # language and runs of words
    opening: str


class RecentReplies:
    """The last replies of one shop, by their words; safe across threads.

    Names, and sentences that carry what a plan fixes (contact, value, time, role, signature), do not count.

    Args:
        size: how many replies are remembered; 0 remembers none, which switches `repetition` off.
    """

    def __init__(self, size: int = _SIZE) -> None:
        self._lock = threading.Lock()
        self._size = size
        self._earlier: deque[_Earlier] = deque()
        self._said: Counter[tuple[str, frozenset[int]]] = Counter()

    def has_said(self, text: str, plan: Plan) -> bool:
        """Whether one of them is the same word for word in what counts."""
        runs = _runs(text, plan) if self._said else frozenset()
        return bool(runs) and (plan.language, runs) in self._said

    def likeness(self, text: str, plan: Plan) -> float:
        """How much of a reply stands in the one earlier reply most like it.

        Returns:
            The share of its runs of three words, 0 to 1.
        """
        runs = _runs(text, plan) if self._said else frozenset()
        if not runs:
            return 0.0
        with self._lock:
            said = list(self._said)
        return max((len(runs & one) for language, one in said if language == plan.language), default=0) / len(
            runs
        )

    def openings(self, language: str, *, unlike: str = "") -> tuple[str, ...]:
        """The first words of the last replies in a language, newest first, without any name.

        Those that begin like `unlike`, which the next one is to begin with, are left out.
        """
        with self._lock:
            found = [one.opening for one in reversed(self._earlier) if one.key[0] == language]
        begun = unlike.casefold()
        others = (one for one in found if " ".join(one.casefold().split()[:_START_WORDS]) not in begun)
        return tuple(dict.fromkeys(others))[:_MOST_OPENINGS]

    def add(self, text: str, plan: Plan) -> None:
        """Remember a reply, and forget the oldest where there are too many."""
        if self._size <= 0:
            return
        one = _Earlier((plan.language, _runs(text, plan)), _opening(text, plan))
        with self._lock:
            self._earlier.append(one)
            self._said[one.key] += 1
            if len(self._earlier) > self._size:
                oldest = self._earlier.popleft().key
                self._said[oldest] -= 1
                if not self._said[oldest]:
                    del self._said[oldest]


def _runs(text: str, plan: Plan) -> frozenset[int]:
    """Every three words on end of the sentences that are free, each as a number."""
    found: set[int] = set()
    for words in _free_sentences(text, plan):
        forms = [word.form for word in words]
        found.update(map(hash, zip(*(forms[start:] for start in range(_RUN_WORDS)), strict=False)))
    return frozenset(found)


def _opening(text: str, plan: Plan) -> str:
    """The first words of the first free sentence; a number among them may be somebody's."""
    first = next(_free_sentences(text, plan), [])[:_OPENING_WORDS]
    words = [text[word.start : word.end] for word in first]
    return "" if any(any(map(str.isdigit, word)) for word in words) else " ".join(words)


def _free_sentences(text: str, plan: Plan) -> Iterator[list[Token]]:
    """The words of each sentence that carries nothing fixed, without the customer's name."""
    fixed = [one.casefold() for one in _fixed(plan)]
    own = set(plan.name.casefold().split()) if plan.name else set()
    for sentence in analyse(text, plan.language).sentences:
        said = text[sentence.start : sentence.end].casefold()
        words = [word for word in sentence.tokens if word.form[:1].isalnum()]
        if not any(one in said for one in fixed):
            yield _without_greeting([word.form for word in words], words, own)


def _fixed(plan: Plan) -> Iterator[str]:
    """What the shop's policy says word for word in every such reply."""
    for remedy in (plan.remedy, plan.private_remedy):
        if remedy is not None:
            yield from (one for one in (remedy.value, remedy.within) if one)
    if plan.channel is not None and plan.channel.value:
        yield plan.channel.value
    yield from (one for one in (plan.role, plan.signature) if one)


def _without_greeting(forms: list[str], words: list[Token], own: set[str]) -> list[Token]:
    """The words after the customer's name, where the sentence begins with a greeting of them."""
    named = [at for at, form in enumerate(forms[:_GREETING_WORDS]) if form in own]
    return words[named[-1] + 1 :] if named else words
