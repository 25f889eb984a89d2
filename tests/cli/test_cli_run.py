"""`calmreply run`, in this process and as a process of its own that is killed, doubled and starved of disk."""

from __future__ import annotations

import functools
import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from stand_in import stand_in

from calmreply.cli.run_progress import RunProgress
from calmreply.outcome import Tally
from calmreply.reply import Source, Usage
from calmreply.run import RunSummary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cli.conftest import ChatServer, Run

REVIEWS = "id,text,author,stars\n1,The mug arrived broken,Anna,1\n2,late,Ben,3\n"


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    path = tmp_path / "in.csv"
    path.write_text(REVIEWS, "utf-8")
    return path


def test_a_file_is_answered_and_counted(run: Run, reviews: Path, shop: Path, tmp_path: Path) -> None:
    outcome = run("run", reviews, "-o", "out.jsonl", "--no-model", "--shop", shop)
    assert outcome.code == 0
    assert outcome.err == ""
    assert "answered:        2 (template 100%)\n" in outcome.out
    assert [row["id"] for row in rows_of(tmp_path / "out.jsonl")] == ["1", "2"]
    again = run("run", reviews, "-o", "out.jsonl", "--no-model", "--shop", shop)
    assert again.code == 0
    assert "kept:            2\n" in again.out


def test_a_bad_row_is_told_in_the_exit_code(run: Run, reviews: Path, tmp_path: Path) -> None:
    reviews.write_text(REVIEWS + "2,twice,Ben,1\n", "utf-8")
    outcome = run("run", reviews, "-o", "out.jsonl", "--no-model")
    assert outcome.code == 3
    assert "bad rows:        1\n" in outcome.out
    assert rows_of(tmp_path / "out.failed.jsonl")[0]["reason"] == "the same id as row 2 (line 4)"


def test_a_model_writes_and_what_it_took_is_told(run: Run, reviews: Path, chat_server: ChatServer) -> None:
    chat_server.text = "nonsense"
    model = ("--base-url", chat_server.url, "--model", "m", "--prices", "1,2")
    outcome = run("run", reviews, "-o", "out.jsonl", *model, "--max-stars", "2")
    assert outcome.code == 0
    assert "skipped:         1 for their stars\n" in outcome.out
    assert f"took:            {len(chat_server.requests)} requests · " in outcome.out
    assert "cost 0.00" in outcome.out


def test_a_budget_that_ends_is_told_and_gone_on_with(
    run: Run, reviews: Path, chat_server: ChatServer
) -> None:
    model = ("--base-url", chat_server.url, "--model", "m", "--concurrency", 1)
    outcome = run("run", reviews, "-o", "out.jsonl", *model, "--max-requests", 1, "--max-tokens", 9**9)
    assert outcome.code == 2
    assert "left:            2\n" in outcome.out
    assert "a budget of 1" in outcome.err
    assert run("run", reviews, "-o", "out.jsonl", *model).code == 0


def test_a_wrong_key_answers_nothing(
    run: Run, reviews: Path, chat_server: ChatServer, tmp_path: Path
) -> None:
    chat_server.status = 401
    outcome = run("run", reviews, "-o", "out.jsonl", "--base-url", chat_server.url, "--model", "m")
    assert outcome.code == 2
    assert "failed:          2 (model_auth 2)\n" in outcome.out
    assert {row["code"] for row in rows_of(tmp_path / "out.failed.jsonl")} == {"model_auth"}


def test_a_dry_run_calls_nothing_and_writes_nothing(
    run: Run, reviews: Path, shop: Path, chat_server: ChatServer, tmp_path: Path
) -> None:
    model = ("--base-url", chat_server.url, "--model", "m", "--prices", "1000,1000,1")
    before = set(tmp_path.iterdir())
    outcome = run("run", reviews, "-o", "out.jsonl", "--shop", shop, *model, "--dry-run")
    assert outcome.code == 0
    assert chat_server.requests == []
    assert set(tmp_path.iterdir()) == before
    lines = dict(line.split(":", 1) for line in outcome.out.splitlines())
    assert lines["rows"].strip() == "2, 2 to answer, 0 answered before, 0 skipped, 0 bad"
    assert lines["calls"].strip() == "2 to 4"
    least, most = (float(part.replace(",", "")) for part in lines["tokens"].split(" to "))
    assert 500 < least < most
    assert [float(part) for part in lines["cost"].split(" to ")] == pytest.approx(
        [least / 1000, most / 1000], abs=0.01
    )
    unpriced = run("run", reviews, "-o", "out.jsonl", "--no-model", "--dry-run")
    assert "calls:           0 to 0\n" in unpriced.out
    assert "cost:            unknown: name --prices\n" in unpriced.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "needs a file"),
        (["-o", "out.csv"], "ends in .jsonl"),
        (["-o", "out.jsonl", "--limit", "0"], "no number from 1 on"),
        (["-o", "out.jsonl", "--prices", "1"], "IN,OUT"),
        (["-o", "out.jsonl", "--prices", "1,-1"], "no amount"),
        (["-o", "out.jsonl", "--max-cost", "1"], "--prices"),
        (["-o", "out.jsonl", "--platform", "nowhere"], "nowhere"),
        (["-o", "nowhere/out.jsonl", "--no-model"], "cannot write"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_done(
    run: Run, reviews: Path, arguments: list[str], said: str
) -> None:
    outcome = run("run", reviews, *arguments)
    assert outcome.code == 2
    assert said in outcome.err


def test_the_line_on_the_way_tells_rate_sources_failures_tokens_money_and_time_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    progress = RunProgress()
    assert progress.line() == "nothing is answered yet"
    usage = Usage(requests=9, prompt_tokens=1000, completion_tokens=234, cost=1.5)
    sources = Counter({Source.MODEL: 3, Source.TEMPLATE: 1})
    tally = Tally(replies=4, failed=1, sources=sources, usage=usage)
    progress(RunSummary(to_answer=1205, tally=tally))
    now[0] = 2.0
    assert progress.line() == (
        "5 of 1,205 · 2.5/s · model 75%, template 25% · 1 failed · 9 requests · 1,234 tokens · cost 1.50 · "
        "8 min left"
    )


COUNT = 60


@pytest.fixture
def many(tmp_path: Path) -> Path:
    path = tmp_path / "many.jsonl"
    rows = ({"id": f"r{at}", "text": f"The mug arrived cracked, number {at}."} for at in range(COUNT))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture
def server() -> Iterator[Any]:
    with stand_in(seconds=0.05) as each:
        yield each


def command(source: Path, url: str, *more: str) -> list[str]:
    out = str(source.with_name("out.jsonl"))
    model = ["--base-url", url, "--model", "m", "--concurrency", "3"]
    return [sys.executable, "-m", "calmreply", "run", str(source), "-o", out, *model, *more]


def begun(arguments: list[str], preexec_fn: Any = None) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(arguments, stdout=pipe, stderr=pipe, text=True, preexec_fn=preexec_fn)  # noqa: S603, PLW1509 - our own


def until(path: Path, lines: int, process: subprocess.Popen[str]) -> None:
    while process.poll() is None and (path.read_bytes().count(b"\n") if path.exists() else 0) < lines:
        time.sleep(0.01)


def test_kill_9_at_any_moment_loses_nothing_and_doubles_nothing(many: Path, server: Any) -> None:
    chance, out = random.Random(5), many.with_name("out.jsonl")
    for kept in (chance.randrange(1, 12), chance.randrange(12, 30), chance.randrange(30, 45)):
        process = begun(command(many, server.url))
        until(out, kept, process)
        time.sleep(chance.random() / 10)
        process.kill()
        process.communicate()
    process = begun(command(many, server.url))
    said, _ = process.communicate()
    assert process.returncode == 0
    assert f"rows:            {COUNT}\n" in said
    assert Counter(row["id"] for row in rows_of(out)) == Counter(f"r{at}" for at in range(COUNT))


def test_a_second_run_on_the_same_file_is_refused_and_the_first_ends_well(many: Path, server: Any) -> None:
    first = begun(command(many, server.url))
    until(many.with_name("out.jsonl"), 1, first)
    server.is_paused = True
    second = begun(command(many, server.url))
    _, said = second.communicate()
    server.is_paused = False
    first.communicate()
    assert second.returncode == 2
    assert "another run is writing" in said
    assert first.returncode == 0
    assert len(rows_of(many.with_name("out.jsonl"))) == COUNT


def test_ctrl_c_ends_it_at_once_and_says_how_to_go_on(many: Path, server: Any) -> None:
    # Where these tests run in the background, Ctrl-C is ignored, and so it would be here.
    heeds = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = begun(command(many, server.url), preexec_fn=heeds)
    until(many.with_name("out.jsonl"), 3, process)
    process.send_signal(signal.SIGINT)
    server.is_paused = True
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "run the same command again to go on" in said
    assert "Traceback" not in said
    assert 3 <= len(rows_of(many.with_name("out.jsonl"))) < COUNT


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of a file")
def test_a_full_disk_stops_it_leaves_whole_rows_and_is_gone_on_from(many: Path, server: Any) -> None:
    import resource

    out = many.with_name("out.jsonl")
    process = begun(
        command(many, server.url),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
    )
    _, said = process.communicate()
    assert process.returncode == 2
    assert "cannot write" in said
    assert "run the same command again" in said
    assert out.stat().st_size <= 20_000
    kept = rows_of(out)
    assert 1 < len(kept) < COUNT
    process = begun(command(many, server.url))
    process.communicate()
    assert process.returncode == 0
    assert Counter(row["id"] for row in rows_of(out)) == Counter(f"r{at}" for at in range(COUNT))
