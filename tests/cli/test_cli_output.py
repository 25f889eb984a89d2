"""One line for each part of a reply."""

from __future__ import annotations

from typing import Any

from calmreply.cli.output import checks_line, human_line, plan_line, reading_line, reply_as_data, source_line
from calmreply.plan import Action, Channel, Plan, Remedy
from calmreply.reply import Attempt, Reply, Source
from calmreply.review import Classification, Complaint, Signal
from calmreply.violation import Severity, Violation

READING = Classification(
    complaint=Complaint.LATE,
    complaints=(Complaint.LATE, Complaint.SERVICE),
    signals=frozenset({Signal.THIRD_PARTY, Signal.HOSTILE}),
    details=(
        "broken:mug",
        "three_days_late",
    ),
    language="en",
    confidence=0.934,
)
PLAN = Plan(
    complaint=Complaint.LATE,
    remedy=Remedy(action=Action.PARTIAL_REFUND, value="10%", within="2 days", extras=("free shipping",)),
    private_remedy=Remedy(action=Action.GIFT),
    channel=Channel(kind="phone", value="123"),
    asks_order=True,
    name="Anna",
    platform="etsy",
)


def reply(**changes: Any) -> Reply:
    given = {"text": "t", "publishable": True, "language": "en", "classification": READING, "plan": PLAN}
    return Reply.model_validate(given | {"source": Source.MODEL, "model_share": 1.0} | changes)


def test_reading() -> None:
    assert (
        reading_line(READING)
        == "late + service · hostile · third_party · broken mug · three days late · en · 93% sure"
    )


def test_plan() -> None:
    assert plan_line(PLAN) == (
        "partial refund 10% within 2 days + free shipping · in private: gift · asks for the order number · "
        "phone 123 · to Anna · etsy"
    )
    assert plan_line(Plan(complaint=Complaint.OTHER)) == "no offer · no name"


def test_source() -> None:
    broken = (Violation(rule="thanks", message="m"), Violation(rule="thanks", message="n"))
    tries = (Attempt(draft="d", violations=broken), Attempt(error="model_timeout"))
    assert source_line(reply()) == "model"
    assert source_line(reply(source=Source.TEMPLATE, template="en/late-1")) == "template en/late-1"
    assert source_line(reply(source=Source.MENDED, model_share=0.75, attempts=tries)) == (
        "mended (75% by the model) · 2 tries · a draft broke: thanks · failed: model_timeout"
    )


def test_checks_and_person() -> None:
    warning = Violation(rule="invented", message="m", severity=Severity.WARNING)
    assert checks_line(reply()) == "every rule kept"
    assert checks_line(reply(warnings=(warning, warning))) == "every rule kept · warnings: invented"
    risky = reply(needs_human=True, reasons=("at_risk", "rule:length"), publishable=False)
    assert checks_line(risky) == "broken: length"
    assert human_line(risky) == "needs a person first: at_risk, rule:length"
    assert human_line(reply()) == ""


def test_data_is_stable() -> None:
    assert reply_as_data(reply())["classification"]["signals"] == ["hostile", "third_party"]
