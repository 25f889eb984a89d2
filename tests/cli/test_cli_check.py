"""`calmreply check`: replies written by anyone, judged row by row."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import calmreply.checks

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Run

GOOD = (
    "Thank you for telling us about your mug. I am truly sorry that it arrived broken in three pieces, and I "
    "understand how disappointing that is. We will send you a new mug within 3 days. Please write to us at "
    "help@riverbend.example so that we can arrange it."
)
PLAN: dict[str, Any] = {
    "complaint": "damaged",
    "remedy": {"action": "replacement", "value": None, "within": "3 days", "extras": []},
    "channel": {"kind": "email", "value": "help@riverbend.example"},
    "language": "en",
    "platform": "generic",
    "name": None,
    "signals": [],
    "mood": "grim",
}


def row(reply: str | None, plan: dict[str, Any] | None = None, **more: Any) -> str:
    review = {"text": "The mug arrived broken, in three pieces.", "author": "Anna Reed", "stars": 1}
    data = {"id": "r1", "review": review, "reply": reply, **({"plan": plan} if plan else {}), **more}
    return json.dumps(data) + "\n"


def test_a_good_reply_keeps_every_rule(run: Run) -> None:
    outcome = run("check", "-", stdin=row(GOOD, PLAN, extra="is not carried"))
    assert outcome.rows == [{"id": "r1", "publishable": True, "violations": []}]
    assert outcome.code == 0
    assert outcome.err == "calmreply: 1 reply checked: 1 publishable, 0 not\n"


def test_a_bad_reply_is_a_finding(run: Run) -> None:
    bad = GOOD.replace("a new mug", "a new mug and pay you $500")
    outcome = run("check", "-", stdin=row(bad, PLAN))
    [found] = outcome.rows
    assert outcome.code == 1
    assert found["publishable"] is False
    promise = next(one for one in found["violations"] if one["rule"] == "promise")
    assert list(promise) == ["rule", "severity", "message", "hint", "start", "end"]
    assert promise["severity"] == "error"
    assert "$500" in bad[promise["start"] : promise["end"]] or promise["end"] > bad.index("$500")


def test_the_plan_is_made_from_the_shop(run: Run, shop: Path) -> None:
    outcome = run("check", "-", "--shop", shop, stdin=row(GOOD))
    assert outcome.rows[0]["publishable"] is True
    assert "neither a plan nor" not in outcome.err


def test_without_plan_and_shop_nothing_is_owed_and_nothing_may_be_promised(run: Run) -> None:
    harmless = (
        "Thank you for telling us about your mug. I am truly sorry that it arrived broken in three pieces. "
        "I understand how disappointing that is."
    )
    outcome = run("check", "-", stdin=row(harmless) + row(GOOD, id="r2"))
    assert outcome.code == 1
    assert [one["publishable"] for one in outcome.rows] == [True, False]
    rules = {one["rule"] for one in outcome.rows[1]["violations"]}
    assert {"promise", "contacts"} <= rules
    assert outcome.err.count("neither a plan nor --shop") == 1


def test_at_risk_keeps_the_promised_contact_even_without_a_shop(run: Run) -> None:
    review = {"text": "The handle broke and the boiling tea burned my hand, I was in hospital.", "stars": 1}
    outcome = run("check", "-", stdin=row("Thank you for telling us. We are so sorry. Bye.", review=review))
    assert "remedy" in {one["rule"] for one in outcome.rows[0]["violations"]}


def test_a_plan_in_a_csv_cell(run: Run, tmp_path: Path) -> None:
    import csv

    with (tmp_path / "in.csv").open("w", encoding="utf-8", newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow(["id", "review_text", "author", "stars", "reply", "plan"])
        sheet.writerow(["a", "The mug arrived broken, in three pieces.", "", "1", GOOD, json.dumps(PLAN)])
    assert run("check", "in.csv", "-o", "out.csv").code == 0
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == [{"id": "a", "publishable": "true", "violations": "[]"}]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (row(None, PLAN), "no reply (a column `reply` holds it"),
        (row(GOOD, {"complaint": "sadness"}), "plan: complaint: "),
        (row(GOOD, {"complaint": "late", "remedy": {"action": "magic"}}), "plan: remedy.action: "),
        (row(GOOD, {"complaint": "late", "platform": "mars"}), "there is no platform 'mars'"),
        (row(GOOD, {"complaint": "late", "language": "xx"}), "xx"),
        ("{oops\n", "not JSON"),
    ],
)
def test_a_bad_row_is_said_and_the_rest_goes_on(run: Run, bad: str, said: str) -> None:
    outcome = run("check", "-", stdin=bad + row(GOOD, PLAN, id="r2"))
    assert outcome.code == 3
    assert [one["id"] for one in outcome.rows] == ["r2"]
    assert f"row 1: {said}" in outcome.err or ("row 1: " in outcome.err and said in outcome.err)
    assert "1 bad row" in outcome.err
    assert "broken in three" not in outcome.err


def test_a_row_that_breaks_the_program_costs_only_itself(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    real = calmreply.checks.check

    def check(text: str, *rest: Any) -> Any:
        if text == "boom":
            raise ZeroDivisionError("secret text")
        return real(text, *rest)

    monkeypatch.setattr(calmreply.checks, "check", check)
    outcome = run("check", "-", stdin=row("boom", PLAN) + row(GOOD, PLAN, id="r2"))
    assert outcome.code == 3
    assert len(outcome.rows) == 1
    assert "row 1: failed unexpectedly (ZeroDivisionError)" in outcome.err
    assert "secret" not in outcome.err


def test_explained_on_stdout(run: Run) -> None:
    outcome = run(
        "check", "-", "--explain", stdin=row("Dear [Name], whatever.", PLAN) + row(GOOD, PLAN, id="r2")
    )
    assert outcome.code == 1
    assert outcome.out.startswith("r1: not publishable (")
    assert "r2: publishable (0 errors, 0 warnings)" in outcome.out
    assert "“Dear [Name], whatever.”" in outcome.out
    assert '"violations"' not in outcome.out


@pytest.mark.parametrize("target", ["-", "out.jsonl"])
def test_explained_beside_the_rows(run: Run, target: str) -> None:
    outcome = run("check", "-", "-o", target, "--explain", stdin=row("Whatever.", PLAN))
    assert outcome.code == 1
    assert "r1: not publishable" in outcome.err
    assert outcome.out.startswith('{"id"') if target == "-" else outcome.out == ""


def test_zero_rows(run: Run) -> None:
    assert run("check", "-", stdin="").code == 2


def test_the_input_is_never_written_over(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(row(GOOD, PLAN), "utf-8")
    assert run("check", "in.jsonl", "-o", "in.jsonl").code == 2
    assert (tmp_path / "in.jsonl").read_text("utf-8") == row(GOOD, PLAN)
