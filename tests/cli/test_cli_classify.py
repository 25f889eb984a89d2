"""`calmreply classify`: what each review says, and every other column with it."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import ChatServer, Run

OURS = ["id", "complaint", "complaints", "signals", "details", "language", "confidence", "evidence"]
REVIEWS = (
    "id;text;branch;language\n"
    "a;The mug arrived broken, in three pieces.;north;n/a\n"
    "b;Giao hàng trễ cả tuần, quá thất vọng;south;\n"
)

SURE_AND_UNSURE = '{"text": "late"}\n{"text": "hmm, not for me"}\n'


def test_rows_hold_the_reading_and_carry_unknown_columns(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(REVIEWS, "utf-8-sig")
    code, out, err = run("classify", "in.csv", "-o", "out.jsonl", "--no-model")
    assert (code, out, err) == (0, "", "")
    first, second = (json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines())
    assert list(first) == [*OURS, "branch", "input_language"]
    assert (first["id"], first["complaint"], first["language"]) == ("a", "damaged", "en")
    assert (first["branch"], first["input_language"]) == ("north", "n/a")
    assert (second["complaint"], second["language"]) == ("late", "vi")
    assert first["complaints"][0] == "damaged"
    assert 0 <= first["confidence"] <= 1
    assert all(quote in "The mug arrived broken, in three pieces." for quote in first["evidence"])


def test_csv_out_holds_lists_as_json(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(REVIEWS, "utf-8")
    assert run("classify", "in.csv", "-o", "out.csv", "--no-model").code == 0
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert json.loads(rows[0]["complaints"])[0] == "damaged"


def test_stdin_to_stdout_in_the_format_asked_for(run: Run) -> None:
    outcome = run("classify", "-", "--format", "csv", "--no-model", stdin=b"Opinion\nLate again\n")
    assert outcome.code == 2  # no known heading
    assert "--map text=COLUMN" in outcome.err
    outcome = run(
        "classify",
        "-",
        "--map",
        "text=Opinion",
        "--format",
        "csv",
        "--no-model",
        stdin="Opinion\nLate again\n",
    )
    assert outcome.code == 0
    assert outcome.out.splitlines()[0] == ",".join(OURS)


def test_bad_rows_are_numbered_and_the_rest_goes_on(run: Run) -> None:
    outcome = run("classify", "-", "--no-model", stdin='{"text": "late"}\n{oops\n{"text": "broken"}\n')
    assert outcome.code == 3
    assert len(outcome.rows) == 2
    assert outcome.err.startswith("calmreply: row 2: not JSON")


def test_no_rows_are_nothing_done_and_leave_no_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text("", "utf-8")
    outcome = run("classify", "in.jsonl", "-o", "out.jsonl", "--no-model")
    assert outcome.code == 2
    assert "there are no rows in 'in.jsonl'" in outcome.err
    assert not (tmp_path / "out.jsonl").exists()


def test_a_file_that_is_not_there(run: Run) -> None:
    outcome = run("classify", "nowhere.csv", "--no-model")
    assert outcome.code == 2
    assert outcome.err.startswith("calmreply: cannot read 'nowhere.csv'")


def test_a_model_is_asked_about_unsure_reviews_only(run: Run, chat_server: ChatServer) -> None:
    chat_server.text = "nonsense"
    outcome = run("classify", "-", "--base-url", chat_server.url, "--model", "m", stdin=SURE_AND_UNSURE)
    assert outcome.code == 0
    assert len(chat_server.requests) == 1
    assert outcome.rows[0]["id"].startswith("row-1-")


def test_a_wrong_key_stops_the_run(run: Run, chat_server: ChatServer) -> None:
    chat_server.status = 401
    reviews = "".join(json.dumps({"text": text}) + "\n" for text in ("hmm", "late", "hmm, well"))
    code, _, err = run("classify", "-", "--base-url", chat_server.url, "--model", "m", stdin=reviews)
    assert code == 2
    assert "row" not in err
    assert len(chat_server.requests) == 1
