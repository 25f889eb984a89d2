"""The rules of the guidelines (section 4): a registry of pure functions of (reply text, plan, review)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

from calmreply.acts import ACT_CUES
from calmreply.analysis import Hit, analyse
from calmreply.body import body_of
from calmreply.contacts import Contact, contact_keys, find_contacts
from calmreply.foreign import Stretch, foreign_stretches
from calmreply.violation import Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from calmreply.analysis import Analysis, Sentence
    from calmreply.plan import Plan
    from calmreply.review import Review

__all__ = ["Case", "Finding", "Rule", "all_rules", "rule"]

# Rooms that hold rules; each registers its own on import. The order is the order of the guidelines.
_ROOMS = ("form", "formula", "specific", "offers", "tone", "contact", "law", "notices")
_RULES: dict[str, Rule] = {}


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule function yields: what is wrong and where; the registry adds name, severity and hint.

    `rule` is set only where a function reports under another rule's name, `hint` where the rule's
    own does not fit. `start` and `end` index the text as given; None where something is missing.
    """

    message: str
    start: int | None = None
    end: int | None = None
    hint: str | None = None
    rule: str | None = None


class Case:
    """A reply to be checked: its analysis, the plan and the review's analysis, each made once."""

    def __init__(self, text: str, plan: Plan, review: Review) -> None:
        self.text = text
        self.plan = plan
        self.review = review

    @cached_property
    def analysis(self) -> Analysis:
        """The reply, read in the plan's language."""
        return analyse(self.text, self.plan.language)

    @cached_property
    def review_analysis(self) -> Analysis:
        """The review, read in the plan's language; sentences in another keep their own."""
        return analyse(self.review.text, self.plan.language)

    @cached_property
    def body(self) -> tuple[Sentence, ...]:
        """The sentences that count: without a bare greeting line, a sign-off and the signature."""
        return body_of(self.analysis, (self.plan.signature, self.plan.shop_name))

    @cached_property
    def contacts(self) -> tuple[Contact, ...]:
        """The contacts in the cleaned reply; offsets index `analysis.clean`."""
        return find_contacts(self.analysis.clean)

    @cached_property
    def shop_contacts(self) -> frozenset[str]:
        """The keys of every contact that is the shop's own: channel, contacts, signature, name, facts."""
        plan = self.plan
        channel = plan.channel.value if plan.channel else ""
        own = (channel, plan.signature, plan.shop_name, *plan.contacts, *plan.facts)
        return frozenset(key for line in own if line for key in contact_keys(line))

    @cached_property
    def foreign(self) -> tuple[Stretch, ...]:
        """Stretches of a clause or more that are not in the plan's language."""
        return tuple(foreign_stretches(self.analysis, self.analysis.sentences))

    @cached_property
    def is_unreadable(self) -> bool:
        """Whether a part of the reply is in a language that has no cues: what is missing may stand there."""
        return any(not stretch.is_readable for stretch in self.foreign)

    def hits(self, name: str) -> tuple[Hit, ...]:
        """Cues of that name in the reply, the shop's own included."""
        return self.analysis.hits(name, self.plan.cues.get(name, ()))

    def acting(self, act: str) -> tuple[Hit, ...]:
        """Where the reply does an act; the shop's own cues for it count wherever they stand."""
        own = tuple(cue for name in ACT_CUES[act] for cue in self.plan.cues.get(name, ()))
        return self.analysis.acting(act, own)

    def quote(self, hit: Hit) -> str:
        """The words of the reply that a hit covers."""
        return self.text[hit.start : hit.end]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its function, its usual severity, whether a shop may soften it, and where it comes from."""

    name: str
    function: Callable[[Case], Iterable[Finding]]
    severity: Severity
    can_soften: bool
    hint: str
    source: str
    summary: str

    def violations(self, case: Case) -> Iterator[Violation]:
        """The rule's violations in one case, with the severity the plan's shop has set."""
        severity = self.severity_for(case.plan)
        if severity is None:
            return
        for finding in self.function(case):
            yield Violation(
                rule=finding.rule or self.name,
                severity=severity,
                message=finding.message,
                hint=self.hint if finding.hint is None else finding.hint,
                start=finding.start,
                end=finding.end,
            )

    def severity_for(self, plan: Plan) -> Severity | None:
        """How the rule weighs under a plan; None where the shop has switched it off."""
        wanted = plan.severities.get(self.name) if self.can_soften else None
        if wanted == "off":
            return None
        return Severity(wanted) if wanted else self.severity


def rule(
    name: str, *, hint: str, source: str, severity: Severity = Severity.ERROR, can_soften: bool = True
) -> Callable[[Callable[[Case], Iterable[Finding]]], Callable[[Case], Iterable[Finding]]]:
    """Register a function as the rule of that name. The first line of its docstring is the summary."""

    def register(function: Callable[[Case], Iterable[Finding]]) -> Callable[[Case], Iterable[Finding]]:
        summary = (function.__doc__ or "").strip().partition("\n")[0]
        _RULES[name] = Rule(name, function, severity, can_soften, hint, source, summary)
        return function

    return register


def all_rules() -> dict[str, Rule]:
    """Every rule by name, in the order of the guidelines."""
    for room in _ROOMS:
        import_module(f"{__name__}.{room}")
    return _RULES
