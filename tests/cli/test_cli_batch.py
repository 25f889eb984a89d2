"""`calmreply batch`: what the three steps print, write and end with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from batch_stand_in import answer_line, batch_stand_in, status_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from batch_stand_in import BatchStandIn
    from cli.conftest import Run

BAD = "It was the courier's fault."


def bad(request: dict[str, Any]) -> dict[str, Any]:
    return answer_line(request["custom_id"], BAD)


@pytest.fixture
def server() -> Iterator[BatchStandIn]:
    with batch_stand_in(bad) as server:
        yield server


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    path = tmp_path / "reviews.csv"
    path.write_text("id,text\na,The mug arrived broken.\nb,The parcel came late.\nc,I got burned.\n")
    return path


def export(run: Run, reviews: Path, server: BatchStandIn) -> str:
    folder = str(reviews.parent / "batch")
    outcome = run("batch", "export", reviews, "-o", folder, "--model", "m", "--base-url", server.url)
    assert outcome.code == 0, outcome.err
    return folder


def test_three_steps_from_reviews_to_replies(run: Run, reviews: Path, server: BatchStandIn) -> None:
    folder = export(run, reviews, server)
    submitted = run("batch", "submit", folder)
    assert submitted.out == "1-001: 2 requests, batch-0, validating\n"
    waiting = run("batch", "collect", folder)
    assert waiting.code == 1
    assert "waiting:         2" in waiting.out
    assert "in_progress" in waiting.out
    second = run("batch", "collect", folder)
    assert second.code == 1
    assert "submit the next 2 requests" in second.err
    run("batch", "submit", folder)
    run("batch", "collect", folder)
    out = reviews.parent / "replies.jsonl"
    last = run("batch", "collect", folder, "-o", out, "--prices", "10,20", "--batch-share", "0.5")
    assert last.code == 0
    assert "cost" in last.out
    assert {json.loads(line)["id"] for line in out.read_text().splitlines()} == {"a", "b", "c"}


def test_export_answers_at_once_what_goes_to_no_model(run: Run, reviews: Path, server: BatchStandIn) -> None:
    folder = reviews.parent / "batch"
    outcome = run("batch", "export", reviews, "-o", folder, "--model", "m", "--base-url", server.url)
    assert "answered:        1 (template 100%)" in outcome.out
    assert "3 rows: 3 taken, 0 skipped, 0 bad" in outcome.err
    assert f"calmreply batch submit {folder}" in outcome.err
    assert not server.calls


def test_submit_twice_submits_once(run: Run, reviews: Path, server: BatchStandIn) -> None:
    folder = export(run, reviews, server)
    run("batch", "submit", folder)
    assert "nothing to submit" in run("batch", "submit", folder).err
    assert len(server.batches) == 1


def test_files_answered_by_hand_need_no_server(run: Run, reviews: Path, tmp_path: Path) -> None:
    folder = tmp_path / "batch"
    run("batch", "export", reviews, "-o", folder, "--model", "m")
    requests = [json.loads(line) for line in (folder / "requests-1-001.jsonl").read_text().splitlines()]
    output, errors = tmp_path / "out.jsonl", tmp_path / "errors.jsonl"
    output.write_text(json.dumps(bad(requests[0])) + "\n")
    errors.write_text(json.dumps(status_line(requests[1]["custom_id"], 404)) + "\n")
    outcome = run("batch", "collect", folder, "--output-file", output, "--errors-file", errors)
    assert outcome.code == 1
    assert "failed:          1 (model_not_found 1)" in outcome.out
    assert "submit the next 1 requests" in outcome.err


def test_failed_reviews_end_with_3(run: Run, reviews: Path, server: BatchStandIn) -> None:
    server.says = lambda request: status_line(request["custom_id"], 404)
    folder = export(run, reviews, server)
    run("batch", "submit", folder)
    assert run("batch", "collect", folder, "--base-url", server.url).code == 1
    outcome = run("batch", "collect", folder)
    assert outcome.code == 3
    assert "2 (model_not_found 2)" in outcome.out


def test_bad_rows_end_with_3(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"id": "a", "text": "It is broken."}\n{"id": "b"}\n')
    assert run("batch", "export", path, "-o", tmp_path / "batch", "--model", "m").code == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["export", "{in}", "--model", "m"], "a batch needs a folder"),
        (["export", "{in}", "-o", "{dir}/batch"], "name of a model"),
        (["export", "{in}", "-o", "{dir}/batch", "--model", "m", "--platform", "x"], "platform"),
        (["export", "{in}", "-o", "{in}", "--model", "m"], "cannot write"),
        (["submit", "{dir}/nowhere"], "no folder"),
        (["collect", "{dir}"], "no manifest"),
        (["collect", "{dir}", "--prices", "x"], "no manifest"),
        ([], "STEP"),
    ],
)
def test_what_is_wrong_is_said(
    run: Run, reviews: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    filled = [one.format(**{"in": reviews, "dir": tmp_path}) for one in arguments]
    outcome = run("batch", *filled)
    assert outcome.code == 2
    assert said in outcome.err
    assert "Traceback" not in outcome.err


def test_another_shop_at_collect_is_refused(
    run: Run, reviews: Path, server: BatchStandIn, shop: Path
) -> None:
    folder = export(run, reviews, server)
    outcome = run("batch", "collect", folder, "--shop", shop)
    assert outcome.code == 2
    assert "was exported with another" in outcome.err
    assert "shop" in outcome.err
