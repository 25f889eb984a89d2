"""What the commands say to people: notes and errors, and one line for each part of a reply."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from calmreply.reply import Source

if TYPE_CHECKING:
    from calmreply.errors import CalmReplyError
    from calmreply.plan import Plan, Remedy
    from calmreply.reply import Reply
    from calmreply.review import Classification

__all__ = [
    "checks_line",
    "human_line",
    "plan_line",
    "reading_line",
    "reply_as_data",
    "source_line",
    "tell",
    "tell_bad_row",
    "tell_error",
]


def tell(message: str) -> None:
    """Say something on standard error, where it is in no program's way."""
    print(f"calmreply: {message}", file=sys.stderr, flush=True)


def tell_error(error: CalmReplyError) -> None:
    """Say what went wrong in one line, and what to do about it in the next."""
    tell(" ".join(error.message.split()))
    if error.hint:
        print(f"  hint: {' '.join(error.hint.split())}", file=sys.stderr, flush=True)


def tell_bad_row(number: int, reason: str) -> None:
    """Say which row was left out, and why."""
    tell(f"row {number}: {reason}")


def reading_line(classification: Classification) -> str:
    """What was read in a review: complaints, signals, details, language, confidence."""
    others = [str(one) for one in classification.complaints if one != classification.complaint]
    parts = [" + ".join((str(classification.complaint), *others))]
    parts.extend(sorted(map(str, classification.signals)))
    parts.extend(one.replace("_", " ").replace(":", " ") for one in classification.details)
    parts.append(classification.language)
    parts.append(f"{classification.confidence:.0%} sure")
    return " · ".join(parts)


def plan_line(plan: Plan) -> str:
    """What the reply may say, in a line."""
    parts = [_remedy(plan.remedy)]
    if plan.private_remedy is not None:
        parts.append(f"in private: {_remedy(plan.private_remedy)}")
    if plan.asks_order:
        parts.append("asks for the order number")
    if plan.channel is not None:
        parts.append(f"{plan.channel.kind} {plan.channel.value}".strip())
    parts.append(f"to {plan.name}" if plan.name else "no name")
    if plan.platform != "generic":
        parts.append(plan.platform)
    return " · ".join(parts)


def source_line(reply: Reply) -> str:
    """Who wrote the reply, in how many tries, and what went wrong on the way."""
    who = {
        Source.MODEL: "model",
        Source.MENDED: f"mended ({reply.model_share:.0%} by the model)",
        Source.TEMPLATE: f"template {reply.template}" if reply.template else "template",
    }[reply.source]
    parts = [who]
    if reply.attempts:
        parts.append(_counted(len(reply.attempts), "try", "tries"))
    for attempt in reply.attempts:
        broken = dict.fromkeys(one.rule for one in attempt.violations)
        trouble = attempt.error or ", ".join(broken)
        if trouble:
            parts.append(f"{'failed' if attempt.error else 'a draft broke'}: {trouble}")
    return " · ".join(parts)


def checks_line(reply: Reply) -> str:
    """Whether the reply keeps the rules."""
    broken = [one.removeprefix("rule:") for one in reply.reasons if one.startswith("rule:")]
    said = f"broken: {', '.join(broken)}" if broken else "every rule kept"
    warnings = dict.fromkeys(one.rule for one in reply.warnings)
    return f"{said} · warnings: {', '.join(warnings)}" if warnings else said


def human_line(reply: Reply) -> str:
    """Why a person is needed; empty where none is."""
    return f"needs a person first: {', '.join(reply.reasons)}" if reply.needs_human else ""


def reply_as_data(reply: Reply) -> dict[str, Any]:
    """A reply as JSON can hold it; sets in a stable order."""
    data = reply.model_dump(mode="json")
    data["classification"]["signals"].sort()
    return data


def _remedy(remedy: Remedy | None) -> str:
    if remedy is None:
        return "no offer"
    words = [remedy.action.replace("_", " ")]
    if remedy.value:
        words.append(remedy.value)
    if remedy.within:
        words.append(f"within {remedy.within}")
    return " ".join((" ".join(words), *(f"+ {extra}" for extra in remedy.extras)))


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
