"""Plain words: every rule has a reason, every quote stands in the reply, every line fits."""

from __future__ import annotations

from calmreply.cli.explain import REASONS, explanation
from calmreply.plan import Plan
from calmreply.review import Complaint
from calmreply.rules import all_rules
from calmreply.violation import Severity, Violation

PLAN = Plan(complaint=Complaint.LATE)


def test_every_rule_has_a_reason() -> None:
    assert set(all_rules()) <= set(REASONS)


def test_the_whole_sentence_is_quoted() -> None:
    reply = "Thank you. We will pay you $500 tomorrow. Bye."
    start = reply.index("$500")
    violation = Violation(
        rule="promise", message="promises money", hint="Leave it out.", start=start, end=start + 4
    )
    text = explanation("r1", reply, PLAN, [violation])
    assert text.splitlines()[:3] == [
        "r1: not publishable (1 error, 0 warnings)",
        "  1. promise (error)",
        "     says   “We will pay you $500 tomorrow.”",
    ]
    assert "     wrong  Promises money.\n" in text
    assert "     do     Leave it out.\n" in text


def test_something_missing_quotes_nothing() -> None:
    violation = Violation(rule="thanks", message="nobody is thanked", severity=Severity.WARNING)
    text = explanation("r1", "Whatever.", PLAN, [violation])
    assert "r1: publishable (0 errors, 1 warning)" in text
    assert "says" not in text


def test_lines_fit_and_long_quotes_are_cut() -> None:
    reply = "word " * 400 + "."
    violation = Violation(rule="no_such_rule", message="m", hint="h " * 90, start=0, end=len(reply))
    text = explanation("r1", reply, PLAN, [violation])
    assert max(map(len, text.splitlines())) <= 80
    assert " …”" in text


def test_an_end_beyond_the_text_is_survived() -> None:
    violation = Violation(rule="length", message="m", start=3, end=3)
    assert "Whatever" in explanation("r1", "Whatever.", PLAN, [violation])
    assert explanation("r1", "", PLAN, [violation])
