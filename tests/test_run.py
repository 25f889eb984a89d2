"""A file of reviews in, one row a review out; what may happen to the files between two runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from fakes import GOOD, FixedClassifier, ceramics, quick_flow
from pyarrow import parquet

import calmreply
import calmreply.crew
from calmreply import Budget, InputError, ModelAuthError, ModelRequest, Plan, Replier, Settings, check
from calmreply.run import RunOptions, RunSummary, run_file
from calmreply.run_files import RunFiles

if TYPE_CHECKING:
    from pathlib import Path


class Model:
    """Answers well, but for reviews that hold a word; keeps what it was asked."""

    name = "scripted"

    def __init__(self, fails_on: str = "no such word") -> None:
        self.fails_on = fails_on
        self.asked: list[str] = []

    def complete(self, request: ModelRequest) -> Any:
        text = request.messages[-1].content
        self.asked.append(text)
        if self.fails_on in text:
            raise ModelAuthError("wrong key", hint="mend it")
        return calmreply.ModelAnswer(text=GOOD, prompt_tokens=100, completion_tokens=50)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calmreply.crew, "reply_flow", quick_flow)


class Case:
    """An input, an output and how the one is made from the other."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.source, self.target = folder, folder / "in.jsonl", folder / "out.jsonl"
        self.model = Model()

    def has(self, *rows: dict[str, Any]) -> None:
        self.source.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")

    def run(self, *, shop: Any = None, settings: Settings | None = None, **options: Any) -> RunSummary:
        shop = shop or ceramics()
        with Replier(shop, self.model, classifier=FixedClassifier(), settings=settings) as each:
            return run_file(each, self.source, self.target, options=RunOptions(**options))

    def rows(self, ending: str = ".jsonl") -> list[dict[str, Any]]:
        path = self.folder / f"out{ending}"
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


A, B, C = (
    {"id": name, "text": f"The mug {name} arrived cracked in two.", "author": "Anna Smith", "branch": "north"}
    for name in "abc"
)


def test_each_review_gets_a_row_with_the_columns_it_came_with(case: Case) -> None:
    case.has(A, B)
    summary = case.run()
    assert (summary.rows, summary.tally.replies, summary.left) == (2, 2, 0)
    assert sorted(row["id"] for row in case.rows()) == ["a", "b"]
    for row in case.rows():
        assert (row["reply"], row["source"], row["branch"], row["requests"]) == (GOOD, "model", "north", 1)
    assert case.rows(".failed.jsonl") == []


def test_a_row_can_be_checked_by_its_plan(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    case.has(A)
    with Replier(ceramics(), client=False) as each:
        run_file(each, case.source, case.target)
    [row] = case.rows()
    assert not [
        one for one in check(row["reply"], Plan.model_validate(row["plan"]), A["text"]) if one.is_error
    ]


def test_run_again_it_asks_for_nothing_that_is_answered(case: Case) -> None:
    case.has(A, B)
    case.run()
    case.has(A, B, C)
    summary = case.run()
    assert (summary.kept, summary.tally.replies) == (2, 1)
    assert len(case.model.asked) == 3


def test_an_edited_review_is_done_again_and_its_later_row_says_so(case: Case) -> None:
    case.has(A, B)
    case.run()
    case.has(A, {**B, "text": "The mug b arrived cracked, and late."})
    summary = case.run()
    assert (summary.kept, summary.edited, summary.tally.replies) == (1, 1, 1)
    assert [row["id"] for row in case.rows() if row.get("edited")] == ["b"]
    assert case.run().kept == 2


def test_what_failed_is_told_and_done_again(case: Case) -> None:
    case.model.fails_on = "mug b"
    case.has(A, B, C)
    summary = case.run()
    assert (summary.tally.replies, summary.tally.failed) == (2, 1)
    [failed] = case.rows(".failed.jsonl")
    assert (failed["id"], failed["row"], failed["code"], failed["reason"]) == (
        "b",
        2,
        "model_auth",
        "wrong key",
    )
    assert "cracked" not in json.dumps(failed)
    case.model.fails_on = "no such word"
    assert case.run().tally.replies == 1
    assert case.rows(".failed.jsonl") == []
    assert sorted(row["id"] for row in case.rows()) == ["a", "b", "c"]


def test_an_unexpected_error_is_told_by_its_name_alone(case: Case) -> None:
    class Leaky:
        def complete(self, request: ModelRequest) -> Any:
            raise ValueError(request.messages[-1].content)

    case.model = Leaky()  # type: ignore[assignment]
    case.has(A)
    case.run()
    assert [row["reason"] for row in case.rows(".failed.jsonl")] == ["failed unexpectedly (ValueError)"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"shop": ceramics(name="Another")}, "shop"),
        ({"settings": Settings(temperature=0.9)}, "settings"),
        ({"platform": "tiki"}, "platform"),
    ],
)
def test_a_run_made_with_something_else_is_refused_unless_asked(
    case: Case, change: dict[str, Any], named: str
) -> None:
    case.has(A)
    case.run()
    case.has(A, B)
    with pytest.raises(InputError, match=f"another {named}$|another {named} "):
        case.run(**change)
    assert len(case.rows()) == 1
    assert case.run(**change, anyway=True).kept == 1
    assert case.run(**change).kept == 2


def test_another_model_is_something_else(case: Case) -> None:
    case.has(A)
    case.run()
    case.model.name = "other"
    with pytest.raises(InputError, match="another model"):
        case.run()


def test_another_version_and_a_larger_budget_are_not(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    case.has(A, B)
    case.run(settings=Settings(budget=Budget(requests=1)), concurrency=1)
    monkeypatch.setattr(calmreply, "__version__", "9.9.9")
    assert case.run(settings=Settings(timeout_seconds=9)).kept == 1


def test_a_file_of_somebody_else_is_not_written_to(case: Case) -> None:
    case.has(A)
    case.target.write_text("my diary\n", "utf-8")
    with pytest.raises(InputError, match=r"out\.header\.json is missing"):
        case.run()
    assert case.target.read_text("utf-8") == "my diary\n"


def test_a_broken_last_line_is_put_aside_and_done_again(case: Case) -> None:
    case.has(A, B)
    case.run(concurrency=1)
    whole = case.target.read_bytes()
    case.target.write_bytes(whole[:-30])
    summary = case.run()
    assert summary.has_broken_off
    assert (summary.kept, summary.tally.replies) == (1, 1)
    assert [row["id"] for row in case.rows()] == ["a", "b"]
    assert (case.folder / "out.broken.jsonl").read_bytes().startswith(b'{"id": "b"')


def test_a_last_line_that_lacks_only_its_end_is_kept(case: Case) -> None:
    case.has(A, B)
    case.run()
    case.target.write_bytes(case.target.read_bytes()[:-1])
    summary = case.run()
    assert (summary.kept, summary.has_broken_off) == (2, False)
    assert len(case.rows()) == 2


def test_lines_inside_that_are_no_rows_are_counted_and_left(case: Case) -> None:
    case.has(A)
    case.run()
    case.target.write_bytes(b"\0\0\0\n[1]\n\n" + case.target.read_bytes())
    summary = case.run()
    assert (summary.unreadable, summary.kept) == (2, 1)


def test_two_runs_on_one_file_are_one_too_many(case: Case) -> None:
    case.has(A)
    with RunFiles(case.target) as files:
        files.begin({})
        with pytest.raises(InputError, match="another run"):
            case.run()
    assert case.run().tally.replies == 1


def test_of_two_rows_with_one_id_the_second_is_told_of(case: Case) -> None:
    case.has(A, {**A, "text": "Something else"}, B)
    summary = case.run()
    assert (summary.bad, summary.tally.replies) == (1, 2)
    assert case.rows(".failed.jsonl") == [
        {"row": 2, "code": "bad_row", "reason": "the same id as row 1 (line 2)"}
    ]


def test_rows_without_an_id_are_known_by_what_they_say(case: Case) -> None:
    bad = {"text": "bad"}
    case.has(bad, A, bad)
    assert case.run().tally.replies == 3
    names = [row["id"] for row in case.rows()]
    assert len(set(names)) == 3
    case.has({"text": "new on top"}, bad, bad, A)
    summary = case.run()
    assert (summary.kept, summary.tally.replies) == (3, 1)


def test_invalid_utf_8_costs_its_own_row(case: Case) -> None:
    case.source.write_bytes(b'{"id": "x", "text": "caf\xe9"}\n' + json.dumps(A).encode() + b"\n")
    summary = case.run()
    assert (summary.bad, summary.tally.replies) == (1, 1)
    assert "UTF-8" in case.rows(".failed.jsonl")[0]["reason"]


def test_a_row_of_10_mb_is_a_row_like_any_other(case: Case) -> None:
    case.has({**A, "note": "n" * 10_000_000}, B)
    assert case.run().tally.replies == 2
    assert sorted(len(row.get("note", "")) for row in case.rows()) == [0, 10_000_000]
    assert case.run().kept == 2


def test_a_review_of_10_mb_is_told_of_and_holds_nobody_up(case: Case) -> None:
    case.has({**A, "text": "The mug arrived cracked. " * 400_000}, B)
    summary = case.run()
    assert (summary.tally.replies, summary.tally.errors) == (1, {"input": 1})
    assert "10,000,000 characters" in case.rows(".failed.jsonl")[0]["reason"]


def test_a_limit_answers_so_many_and_the_next_run_goes_on_behind_them(case: Case) -> None:
    case.has(A, B, C)
    assert case.run(limit=2).left == 1
    assert [row["id"] for row in case.rows()] == ["a", "b"]
    summary = case.run(limit=2)
    assert (summary.kept, summary.tally.replies, summary.left) == (2, 1, 0)


def test_stars_and_replies_that_are_there_are_reasons_to_skip(case: Case) -> None:
    case.has({**A, "stars": 4}, {**B, "reply": "Thanks!"}, C)
    summary = case.run(max_stars=3)
    assert (summary.skipped, summary.tally.replies) == ({"stars": 1, "replied": 1}, 1)
    assert case.run(replied=True).tally.replies == 2


def test_the_end_of_the_budget_leaves_the_rest_for_the_next_run(case: Case) -> None:
    case.has(*({**A, "id": str(number)} for number in range(20)))
    summary = case.run(settings=Settings(budget=Budget(requests=5)), concurrency=2)
    assert (summary.tally.replies, summary.left, summary.tally.failed) == (5, 15, 0)
    assert case.rows(".failed.jsonl") == []
    assert case.run().tally.replies == 15


@pytest.mark.parametrize("content", ["", "\n\n", "[]"])
def test_no_rows_are_an_error_and_leave_nothing(case: Case, content: str) -> None:
    case.source.write_text(content, "utf-8")
    with pytest.raises(InputError, match="no rows"):
        case.run()
    assert not case.target.exists()
    assert not (case.folder / "out.header.json").exists()


@pytest.mark.parametrize("name", ["out.csv", "out", "."])
def test_a_run_writes_json_lines_to_a_file(case: Case, name: str) -> None:
    case.has(A)
    case.target = case.folder / name
    with pytest.raises(InputError, match=r"\.jsonl"):
        case.run()


def test_the_input_is_never_written_over(case: Case) -> None:
    case.has(A)
    case.target = case.source
    with pytest.raises(InputError, match="input itself"):
        case.run()


def test_parquet_comes_in_with_its_types(case: Case) -> None:
    case.source = case.folder / "in.parquet"
    moments = pa.array([0, None], pa.timestamp("s"))
    columns = {"id": [7, 8], "text": ["Cracked", "Late"], "stars": [1.0, None], "at": moments}
    parquet.write_table(pa.table(columns), case.source)
    assert case.run().tally.replies == 2
    assert [(row["id"], row["at"]) for row in case.rows()] == [("7", "1970-01-01T00:00:00"), ("8", None)]


def test_a_damaged_parquet_file_is_told_of(case: Case) -> None:
    case.source = case.folder / "in.parquet"
    case.source.write_bytes(b"PAR1 and nothing else")
    with pytest.raises(InputError, match="Parquet"):
        case.run()


def test_the_prompt_is_told_how_the_last_replies_began(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    case.has(A)
    case.run()
    case.has(A, B)
    case.run(limit=1)
    began = "with these words, so use others: "
    assert began not in case.model.asked[0]
    assert f"{began}thank you for telling us about the" in case.model.asked[1]
