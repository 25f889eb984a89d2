"""Broken rules in plain words: the sentence, the rule, why it matters, what to do."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from calmreply.analysis import analyse
from calmreply.checks import errors_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from calmreply.plan import Plan
    from calmreply.violation import Violation

__all__ = ["REASONS", "explanation"]

_WIDTH = 80
_LONGEST_QUOTE = 300

REASONS = {
    "length": "Three to seven sentences are read to the end; more are skipped, or cut off by the platform.",
    "thanks": "A customer who wrote to you, even in anger, gave you a chance to put it right.",
    "apology": "Without an apology the rest reads as an excuse; with too many it reads as a show.",
    "opening": "Readers decide in the first sentences whether you have understood.",
    "acknowledgement": "A reply that would fit any complaint tells everyone that nobody read this one.",
    "empathy": "People want to hear that you see what it cost them, not only what went wrong.",
    "question": "Without the order number, or a word on what happened, you cannot help.",
    "remedy": "An apology alone solves nothing; other customers look for what you do about it.",
    "promise": "What you promise in public you owe, to this customer and to everyone who reads it.",
    "blame": "The customer bought from you: naming somebody else sounds like an excuse.",
    "argument": "Nobody wins a quarrel in public; readers side with the customer.",
    "channel": "The customer needs one clear way to reach you without the public looking on.",
    "contacts": "A wrong or foreign contact sends your customer to a stranger.",
    "privacy": "Personal data in public harms the customer and may break the law.",
    "solicitation": "Platforms and the law forbid trading help for a better review.",
    "liability": "A legal admission in public can be used against the shop; say what you will do instead.",
    "language": "The customer should be answered in the language of the review.",
    "residue": "A left-over placeholder or label shows that no person looked at the reply.",
    "addressee": "A wrong name is worse than none.",
    "platform": "The platform may hide or remove the reply.",
    "repetition": "The same words under every review look like a machine's.",
    "invented": "A check or a cause that never was is a lie that the customer can find out.",
    "stock_phrase": "Customers read stock phrases as contempt.",
    "see_you_again": "Hoping for the next order before this one is put right sounds like salesmanship.",
    "exclamation": "More than one exclamation mark does not sound calm.",
    "over_apology": "An apology for more than what went wrong admits what never happened.",
}
"""Why each rule matters, by its name."""


def explanation(name: str, reply: str, plan: Plan, violations: Sequence[Violation]) -> str:
    """What is wrong with one reply, as lines of at most 80 columns.

    Args:
        name: the row's id.
        reply: the reply's text.
        plan: the plan it was checked against.
        violations: what `check` found.
    """
    errors, warnings = len(errors_in(violations)), len(violations) - len(errors_in(violations))
    verdict = "not publishable" if errors else "publishable"
    lines = [f"{name}: {verdict} ({_counted(errors, 'error')}, {_counted(warnings, 'warning')})"]
    for number, violation in enumerate(violations, start=1):
        lines.append(f"  {number}. {violation.rule} ({violation.severity})")
        quote = _quoted(reply, plan.language, violation)
        parts = (
            ("says", quote),
            ("wrong", _as_sentence(violation.message)),
            ("why", REASONS.get(violation.rule, "")),
            ("do", violation.hint),
        )
        lines.extend(_laid_out(label, text) for label, text in parts if text)
    return "\n".join(lines) + "\n"


def _quoted(reply: str, language: str, violation: Violation) -> str:
    """The sentences a violation stands in; nothing where something is missing."""
    if violation.start is None or violation.end is None:
        return ""
    touched = [
        one
        for one in analyse(reply, language).sentences
        if one.start < max(violation.end, violation.start + 1) and violation.start < one.end
    ]
    start = min((one.start for one in touched), default=violation.start)
    end = max((one.end for one in touched), default=violation.end)
    quote = " ".join(reply[start:end].split())
    return f"“{textwrap.shorten(quote, _LONGEST_QUOTE, placeholder=' …')}”"


def _laid_out(label: str, text: str) -> str:
    lead = f"     {label:<7}"
    return textwrap.fill(
        " ".join(text.split()), _WIDTH, initial_indent=lead, subsequent_indent=" " * len(lead)
    )


def _as_sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
