"""Answers a file of reviews: resumable, bounded, one row out for each row in that could be answered.

`run_file` is what `calmreply run` does, for notebooks and programs; `estimate_file` says beforehand what it
would take.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from pydantic import ValidationError

from calmreply.errors import BudgetExceededError, CalmReplyError, InputError
from calmreply.key_table import KeyTable, digest
from calmreply.outcome import Tally
from calmreply.plan import Plan
from calmreply.repetition import RecentReplies
from calmreply.review import Review
from calmreply.row_writer import refuse_same_file
from calmreply.run_files import RunFiles
from calmreply.run_header import header_of
from calmreply.tables import BadRow, read_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    from calmreply.outcome import Outcome
    from calmreply.replier import Replier
    from calmreply.reply import Reply
    from calmreply.row_writer import Format
    from calmreply.tables import Row

__all__ = [
    "Job",
    "RunOptions",
    "RunSummary",
    "jobs_of",
    "recent_of",
    "reply_row",
    "run_file",
    "write_outcome",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOptions:
    """How a file is gone through.

    Attributes:
        concurrency: reviews under way at once.
        limit: the most reviews to answer now; the next run goes on behind them.
        max_stars: reviews with more stars are skipped; those without stars are not.
        replied: answer reviews too that already have a reply in the input.
        anyway: go on in an OUT that was made with another shop, settings, prompts, cues, model or address.
        platform: where the replies are posted; else the review's, else the shop's.
        format: the input's format, where its ending does not tell: "jsonl" or "csv".
        mapping: the column of a field, where its heading is not a known one.
    """

    concurrency: int = 16
    limit: int | None = None
    max_stars: int | None = None
    replied: bool = False
    anyway: bool = False
    platform: str | None = None
    format: Format | None = None
    mapping: Mapping[str, str] | None = None


class Job(NamedTuple):
    """A review to be answered, with its row: its id, the hash of what it says, whether an answer is there."""

    row: Row
    id: str
    hash: str
    review: Review
    is_edited: bool


@dataclass(kw_only=True)
class RunSummary:
    """The count of every row of the input, and what the answers took.

    Where the whole input was read, rows = kept + skipped + bad + the tally's replies and failures.

    Attributes:
        rows: rows read; a run that stops early reads no further than it answers.
        kept: answered by an earlier run and not edited since.
        skipped: with more stars than wanted, or a reply already, by the reason.
        bad: rows that hold no readable review.
        edited: of the rows to be answered, those answered before they were edited.
        to_answer: how many rows there are to answer; None where the input cannot be counted beforehand.
        tally: what became of the reviews that were begun.
        unreadable: lines in OUT that are no rows.
        has_broken_off: whether the end of OUT was broken off and put aside.
        seconds: how long it took.
    """

    rows: int = 0
    kept: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    bad: int = 0
    edited: int = 0
    to_answer: int | None = None
    tally: Tally = field(default_factory=Tally)
    unreadable: int = 0
    has_broken_off: bool = False
    seconds: float = 0.0

    @property
    def left(self) -> int | None:
        """Rows neither answered nor failed: the budget or the limit came first. None where nobody knows."""
        if self.to_answer is None:
            return None
        return max(0, self.to_answer - self.tally.replies - self.tally.failed)


def run_file(
    replier: Replier,
    source: str | Path,
    target: str | Path,
    *,
    options: RunOptions | None = None,
    progress: Callable[[RunSummary], object] | None = None,
) -> RunSummary:
    """Answer the reviews of a file; run again, it goes on where it ended.

    Args:
        replier: answers; its settings hold the budget.
        source: reviews as JSON lines, CSV or Parquet, or "-" for standard input.
        target: OUT, JSON lines: a row for each answered review. An edited review gets a further row, marked
            `edited`; the later one counts. Failed and bad rows go to `.failed.jsonl` beside it.
        options: what to answer, and how many at a time.
        progress: called with the summary so far after each review.

    Returns:
        The count of everything.

    Raises:
        InputError: the input cannot be read or has no rows; OUT cannot be written, is in use by another run,
            or was made with something else. What is answered by then is kept.
    """
    options = options or RunOptions()
    refuse_same_file(source, Path(target))
    began = time.monotonic()
    with RunFiles(target) as files:
        files.begin(header_of(replier, options.platform), anyway=options.anyway)
        summary = RunSummary(unreadable=files.unreadable, has_broken_off=files.has_broken_off)
        if str(source) != "-":
            summary.to_answer = _counted(source, files, options)
        try:
            _answer(replier, source, files, options, summary, progress)
        finally:
            summary.seconds = time.monotonic() - began
    if not summary.rows:
        raise InputError(f"there are no rows in {str(source)!r}", hint="each row is a review")
    return summary


def jobs_of(
    source: str | Path, files: RunFiles, options: RunOptions, summary: RunSummary
) -> Generator[Job | BadRow]:
    """The rows that are to be answered, and those that cannot be read; all of them counted."""
    rows = cast("Generator[Row | BadRow]", read_rows(source, format=options.format, mapping=options.mapping))
    with closing(rows), KeyTable() as unnamed:
        for row in rows:
            summary.rows += 1
            if isinstance(row, BadRow):
                summary.bad += 1
                yield row
                continue
            reason = _reason_to_skip(row, options)
            if reason is not None:
                summary.skipped[reason] += 1
                continue
            job = _job(row, files, unnamed)
            if job is None:
                summary.kept += 1
            else:
                summary.edited += job.is_edited
                yield job


def reply_row(reply: Reply) -> dict[str, Any]:
    """A reply as one flat row; only the plan is nested, so that `calmreply check` can read it."""
    return {
        "reply": reply.text,
        "publishable": reply.publishable,
        "needs_human": reply.needs_human,
        "reasons": list(reply.reasons),
        "language": reply.language,
        "complaint": str(reply.classification.complaint),
        "confidence": round(reply.classification.confidence, 4),
        "source": str(reply.source),
        "model_share": round(reply.model_share, 4),
        "template": reply.template,
        "warnings": [one.rule for one in reply.warnings],
        "notes": list(reply.notes),
        "attempts": len(reply.attempts),
        **reply.usage.model_dump(),
        "plan": reply.plan.model_dump(mode="json", exclude_defaults=True),
    }


def _answer(
    replier: Replier,
    source: str | Path,
    files: RunFiles,
    options: RunOptions,
    summary: RunSummary,
    progress: Callable[[RunSummary], object] | None,
) -> None:
    under_way: dict[int, Job] = {}
    with closing(jobs_of(source, files, options, summary)) as jobs:
        reviews = _begun(jobs, files, options.limit, under_way)
        recent = recent_of(files)
        with replier.run_many(
            reviews, concurrency=options.concurrency, platform=options.platform, recent=recent
        ) as run:
            summary.tally = run.tally
            for outcome in run:
                write_outcome(files, under_way.pop(outcome.number), outcome)
                if progress is not None:
                    progress(summary)


def _begun(
    jobs: Iterator[Job | BadRow], files: RunFiles, limit: int | None, under_way: dict[int, Job]
) -> Iterator[Review]:
    """The reviews to answer, each put down as under way; bad rows are told of on the way."""
    number = 0
    while limit is None or number < limit:
        job = next(jobs, None)
        if job is None:
            return
        if isinstance(job, BadRow):
            files.write_failed({"row": job.number, "code": "bad_row", "reason": job.reason})
        else:
            under_way[number] = job
            number += 1
            yield job.review


def write_outcome(files: RunFiles, job: Job, outcome: Outcome) -> None:
    """Append an answered review to OUT, or a failed one to the file beside it."""
    head = {"id": job.id, "hash": job.hash, "row": job.row.number}
    if outcome.reply is None:
        if not isinstance(outcome.error, BudgetExceededError):  # that one is left for the next run
            files.write_failed({**head, **_failure(outcome.error)})
        return
    row = {**head, **({"edited": True} if job.is_edited else {}), **reply_row(outcome.reply)}
    for column, value in job.row.extra.items():
        # A column of the same name as one of ours is kept beside it.
        row[f"input_{column}" if column in row else column] = value
    files.write(row)


def _failure(error: BaseException | None) -> dict[str, Any]:
    """An error as part of a row. What is not ours may quote the review: only its name is told."""
    if not isinstance(error, CalmReplyError):
        return {"code": "unexpected", "reason": f"failed unexpectedly ({type(error).__name__})"}
    usage = error.usage.model_dump() if error.usage is not None else {}
    return {"code": error.code, "reason": error.message, "hint": error.hint, **usage}


def _counted(source: str | Path, files: RunFiles, options: RunOptions) -> int:
    with closing(jobs_of(source, files, options, RunSummary())) as jobs:
        return sum(isinstance(job, Job) for job in jobs)


def _reason_to_skip(row: Row, options: RunOptions) -> str | None:
    stars = row.values.get("stars")
    if options.max_stars is not None and stars is not None and stars > options.max_stars:
        return "stars"
    return "replied" if row.values.get("reply") and not options.replied else None


def _job(row: Row, files: RunFiles, unnamed: KeyTable) -> Job | None:
    """What is to be done about a row; None where it is answered."""
    review = Review.model_validate(
        {key: value for key, value in row.values.items() if key not in {"reply", "plan"}}
    )
    said = json.dumps(review.model_dump(exclude={"id"}), sort_keys=True)
    content = hashlib.sha256(said.encode()).hexdigest()[:32]
    name = row.values["id"]
    if not row.is_named:
        # Named by what it says, so that a row added above it changes nothing; the same words twice are two.
        times = unnamed.count(digest(content))
        name = f"review-{content[:16]}" if times == 1 else f"review-{content[:16]}-{times}"
        review = review.model_copy(update={"id": name})
    state = files.state(name, content)
    return None if state == "answered" else Job(row, name, content, review, is_edited=state == "edited")


def recent_of(files: RunFiles) -> RecentReplies:
    """The last replies of OUT, which the next ones must not repeat."""
    recent = RecentReplies()
    for row in files.recent:
        with suppress(ValidationError):  # a row that somebody has edited is nothing to go by
            recent.add(str(row.get("reply", "")), Plan.model_validate(row.get("plan")))
    return recent
