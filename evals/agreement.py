"""How far a judge agrees with people, and whether that is enough to let it decide."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from calmreply.errors import CalmReplyError, InputError
from evals.judge_cases import QUESTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

__all__ = [
    "LEAST_KAPPA",
    "MOST_UNREAD",
    "Agreement",
    "JudgeRefusedError",
    "agreement",
    "kappa",
    "load",
    "require_gate",
    "save",
    "table",
]

LEAST_KAPPA = 0.6
"""Below it a judge is reported and decides nothing ("substantial" begins there: Landis and Koch 1977)."""

MOST_UNREAD = 0.05
"""The share of labelled cases that may have no verdict; who passes over the hard ones agrees easily."""

_RESAMPLES = 2000
_SEED = 0

Pair = tuple[bool, bool | None]
"""A label and the judge's verdict on the same reply; None is no verdict."""


class JudgeRefusedError(CalmReplyError):
    """The judge may not decide: it agrees too little with people, or nobody has measured how much."""

    code = "judge_refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """A judge's agreement with the labels on one question in one language.

    Attributes:
        model: the judge's model, as its server names it.
        prompt: the fingerprint of what it was asked.
        question: "sense", "natural" or "fit".
        language: of the replies.
        cases: labelled cases asked about.
        unread: of these, those without a verdict; they are in no other figure.
        same: verdicts equal to the label.
        missed: bad replies that it passed.
        alarms: good replies that it failed.
        kappa: Cohen's, -1 to 1; None where both sides give every case the same answer.
        low: lower end of the 95 % interval (percentile bootstrap over cases), None with kappa.
        high: upper end.
    """

    model: str
    prompt: str
    question: str
    language: str
    cases: int
    unread: int
    same: int
    missed: int
    alarms: int
    kappa: float | None
    low: float | None
    high: float | None

    @property
    def is_gate(self) -> bool:
        """Whether the judge may decide this question in this language."""
        is_read = self.unread <= MOST_UNREAD * self.cases
        return is_read and self.kappa is not None and self.kappa >= LEAST_KAPPA


_FILE = TypeAdapter(list[Agreement])


def kappa(pairs: Sequence[tuple[bool, bool]]) -> float | None:
    """Cohen's kappa of two yes-or-no readings; None where both give every case the same answer.

    >>> kappa([(True, True), (True, True), (False, False), (False, True)])
    0.5
    """
    if not pairs:
        return None
    total = len(pairs)
    first, second = (sum(pair[side] for pair in pairs) / total for side in (0, 1))
    by_chance = first * second + (1 - first) * (1 - second)
    if by_chance == 1:
        return None
    return (sum(one == other for one, other in pairs) / total - by_chance) / (1 - by_chance)


def agreement(pairs: Sequence[Pair], *, model: str, prompt: str, question: str, language: str) -> Agreement:
    """The agreement over labelled cases."""
    read = [(label, verdict) for label, verdict in pairs if verdict is not None]
    low, high = _interval(read)
    return Agreement(
        model=model,
        prompt=prompt,
        question=question,
        language=language,
        cases=len(pairs),
        unread=len(pairs) - len(read),
        same=sum(label == verdict for label, verdict in read),
        missed=sum(verdict and not label for label, verdict in read),
        alarms=sum(label and not verdict for label, verdict in read),
        kappa=kappa(read),
        low=low,
        high=high,
    )


def _interval(pairs: Sequence[tuple[bool, bool]]) -> tuple[float | None, float | None]:
    """The middle 95 % of kappa over resamples of the cases, with a fixed seed."""
    if kappa(pairs) is None:
        return None, None
    chance = random.Random(_SEED)
    resampled = (kappa(chance.choices(pairs, k=len(pairs))) for _ in range(_RESAMPLES))
    found = sorted(value for value in resampled if value is not None)
    return found[int(0.025 * len(found))], found[min(len(found) - 1, int(0.975 * len(found)))]


def require_gate(agreements: Iterable[Agreement], *, model: str, prompt: str, language: str) -> None:
    """Let a judge decide on replies in a language, or refuse.

    Raises:
        JudgeRefusedError: its agreement with labelled cases was not measured for this model and these
            questions, or it is below `LEAST_KAPPA` on one of them, or too often there was no verdict.
    """
    measured = [
        one for one in agreements if (one.model, one.prompt, one.language) == (model, prompt, language)
    ]
    if {one.question for one in measured} != set(QUESTIONS):
        raise JudgeRefusedError(
            f"how far {model!r} agrees with people on replies in {language!r} has not been measured "
            "on every question",
            hint="run `python -m evals.judge agree` with this model and these questions first",
        )
    weak = [one for one in measured if not one.is_gate]
    if weak:
        raise JudgeRefusedError(
            f"{model!r} agrees too little with people to decide: {'; '.join(map(_said, weak))}; "
            f"at least {LEAST_KAPPA} is wanted, with at most {MOST_UNREAD:.0%} unread",
            hint="report its verdicts without --gate, or judge with a better model",
        )


def table(agreements: Iterable[Agreement]) -> str:
    """A Markdown table, a row a question and language."""
    head = (
        "| language | question | cases | no verdict | same | bad passed | good failed | kappa (95 %) | gate |"
    )
    rows = [
        f"| {one.language} | {one.question} | {one.cases} | {one.unread} | {one.same} | {one.missed} "
        f"| {one.alarms} | {_kappa(one)} | {'yes' if one.is_gate else 'refused'} |"
        for one in agreements
    ]
    return "\n".join((head, f"|{'---|' * 9}", *rows))


def save(agreements: Iterable[Agreement], path: Path) -> None:
    """Write them as JSON, for `load`."""
    path.write_bytes(_FILE.dump_json(list(agreements), indent=2) + b"\n")


def load(path: Path) -> list[Agreement]:
    """Read what `save` wrote.

    Raises:
        InputError: the file is not there, or is none of `save`'s.
    """
    try:
        return _FILE.validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path.name!r} holds no agreement of a judge",
            hint="`python -m evals.judge agree --out` writes one",
        ) from error


def _kappa(one: Agreement) -> str:
    if one.kappa is None:
        return "none: one answer to all"
    value, low, high = (round(number or 0.0, 2) + 0.0 for number in (one.kappa, one.low, one.high))
    return f"{value:.2f} ({low:.2f} to {high:.2f})"  # and never -0.00


def _said(one: Agreement) -> str:
    value = "no kappa" if one.kappa is None else f"kappa {one.kappa:.2f}"
    return f"{one.question}: {value}, {one.unread} of {one.cases} without a verdict"
