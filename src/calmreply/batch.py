"""Replies by batches: requests go to files, a server answers them within a day at half price, rounds follow.

    export ─▶ requests ─▶ submit (or vLLM's run-batch) ─▶ collect ─▶ replies
                 ▲                                           │
                 └── next round: expired, failed, missing, to be repaired

A review's way is the flow's own, gone again from the start with all answers there are: `reply_flow` asks, the
files answer, and what it asks beyond them is the next round's request. So every step may be done again.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from calmreply.batch_answers import Answers
from calmreply.batch_files import BatchFolder, Manifest, Part, PartLimits, RequestWriter, rows_of
from calmreply.batch_server import BatchServer
from calmreply.errors import InputError, ModelServerError
from calmreply.key_table import digest
from calmreply.model import ModelAnswer, ModelRequest, OpenAIModel, usage_of
from calmreply.outcome import Outcome, Tally
from calmreply.reply import Reply, Usage
from calmreply.review import Review
from calmreply.row_writer import refuse_same_file, write_rows
from calmreply.run import Job, RunOptions, RunSummary, jobs_of, recent_of, write_outcome
from calmreply.run_files import RunFiles
from calmreply.run_header import changes, header_of
from calmreply.settings import Settings
from calmreply.tables import BadRow, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from openai import OpenAI

    from calmreply.errors import ModelError
    from calmreply.repetition import RecentReplies
    from calmreply.replier import Replier
    from calmreply.transport import Clock

__all__ = ["BatchSummary", "collect_batch", "export_batch", "submit_batch"]

_POLL_SECONDS = 60.0


@dataclass(kw_only=True)
class BatchSummary:
    """How a batch stands: reviews = kept + waiting + the tally's replies and failures.

    Attributes:
        read: the count of the input's rows, after an export.
        reviews: the reviews of the batch.
        kept: answered before.
        tally: what was answered and what failed now.
        waiting: reviews whose next draft is asked for and not there yet.
        asked: requests written now, for the next round.
        unreadable: lines of output files that are none.
        parts: the files of the last round.
    """

    read: RunSummary = field(default_factory=RunSummary)
    reviews: int = 0
    kept: int = 0
    tally: Tally = field(default_factory=Tally)
    waiting: int = 0
    asked: int = 0
    unreadable: int = 0
    parts: list[Part] = field(default_factory=list)


def export_batch(
    replier: Replier,
    source: str | Path,
    folder: str | Path,
    *,
    options: RunOptions | None = None,
    limits: PartLimits | None = None,
) -> BatchSummary:
    """Put a file's reviews into a batch's folder and write the requests for their first drafts.

    Reviews that need no model (at risk, praise, nothing to go on, a language nobody can check) are answered
    by templates at once; no model is asked to read a review.

    Args:
        replier: its model is an `OpenAIModel` with a name; nothing is sent to it.
        source: reviews, as `run_file` takes them.
        folder: made where it is not there. Run again on the same input, it changes nothing.
        options: which rows are taken.
        limits: how much a file of requests may hold.

    Raises:
        InputError: the input cannot be read or has no rows; the replier has no such model; the folder holds
            another export.
    """
    options = options or RunOptions()
    model = _model_of(replier)
    with BatchFolder(folder, create=True) as batch:
        header = header_of(replier, options.platform)
        summary = BatchSummary()
        _take_in(source, batch, header, options, summary.read)
        if batch.manifest is None:
            batch.manifest = Manifest(header=header, limits=limits or PartLimits())
        _Pass(replier, model, batch, summary).go()
    return summary


def submit_batch(
    folder: str | Path, client: OpenAI, *, settings: Settings | None = None, clock: Clock | None = None
) -> list[Part]:
    """Upload the requests of the last round and make their batches; run again, none is made twice.

    Returns:
        The parts submitted now.

    Raises:
        InputError: nothing was exported there.
        ModelError: the server does not take them.
    """
    server = BatchServer(client, settings or Settings(), clock)
    with BatchFolder(folder) as batch:
        return server.submit(batch)


def collect_batch(
    replier: Replier,
    folder: str | Path,
    *,
    client: OpenAI | None = None,
    given: Iterable[str | Path] = (),
    target: str | Path | None = None,
    again: bool = False,
    wait: bool = False,
    clock: Clock | None = None,
) -> BatchSummary:
    """Make replies of what the batches answered, and write the next round's requests once a round has ended.

    A draft that breaks a rule is mended, or else asked for again in the next round; so is what expired,
    failed or is missing, as often as `Settings.transport_attempts` allows. Then a template answers.

    Args:
        replier: the one of the export, or one made alike.
        folder: the batch's folder; replies are in its `replies.jsonl`.
        client: asked for the batches that were submitted; None asks nobody.
        given: output and error files of batches run by hand. A part that one of them holds a line of counts
            as ended.
        target: a further file that all replies are written to, .jsonl or .csv, as a whole.
        again: ask again too for what the server refused for good, once that is mended.
        wait: stay until every batch that was submitted has ended.
        clock: time and sleep, for tests.

    Raises:
        InputError: nothing was exported there; the replier is made of something else; a file cannot be read.
        ModelError: the server does not answer. What is done by then is kept.
    """
    model = _model_of(replier)
    with BatchFolder(folder) as batch:
        if target is not None:
            refuse_same_file(batch.replies_path, Path(target))
        _compare(batch, replier)
        for path in given:
            batch.keep(path)
        if client is not None:
            server = BatchServer(client, replier.settings, clock)
            server.wait(batch, poll_seconds=_POLL_SECONDS) if wait else server.fetch(batch)
        summary = BatchSummary()
        _Pass(replier, model, batch, summary, again=again).go()
        if target is not None:
            with write_rows(target) as writer:
                for row in rows_of(batch.replies_path):
                    writer.write(row)
    return summary


def _model_of(replier: Replier) -> OpenAIModel:
    model = replier.model
    if not isinstance(model, OpenAIModel) or model.name is None:
        raise InputError(
            "a batch needs the name of a model",
            hint="give --model, or Replier(shop, client, model=…) an openai client",
        )
    return model


def _compare(batch: BatchFolder, replier: Replier) -> None:
    before = batch.known.header
    changed = changes(before, header_of(replier, before.get("platform")))
    if changed:
        raise InputError(
            f"{str(batch.path)!r} was exported with another {', '.join(changed)}",
            hint="give the same --shop, model and settings, or export to another folder",
        )


def _take_in(
    source: str | Path, batch: BatchFolder, header: dict[str, Any], options: RunOptions, summary: RunSummary
) -> None:
    """Write the reviews down, each once; what the folder holds already is kept."""
    if batch.manifest is not None and (changed := changes(batch.manifest.header, header)):
        raise _other_export(batch, f" with another {', '.join(changed)}")
    with RunFiles(batch.reviews_path) as files:
        files.begin(header, anyway=True)
        taken = 0
        for job in jobs_of(source, files, options, summary):
            if isinstance(job, BadRow):
                files.write_failed({"row": job.number, "code": "bad_row", "reason": job.reason})
                continue
            if options.limit is not None and summary.kept + taken >= options.limit:
                break
            if batch.manifest is not None or job.is_edited:
                raise _other_export(batch, " of other reviews")
            review = job.review.model_dump(exclude_none=True)
            row = {"id": job.id, "hash": job.hash, "row": job.row.number}
            files.write({**row, "review": review, "extra": job.row.extra})
            taken += 1
    if not summary.rows:
        raise InputError(f"there are no rows in {str(source)!r}", hint="each row is a review")


def _other_export(batch: BatchFolder, what: str) -> InputError:
    return InputError(
        f"{str(batch.path)!r} holds an export{what}", hint="collect that one, and export to another folder"
    )


class _Pass:
    """One go through all reviews of a folder, with all answers there are."""

    def __init__(
        self,
        replier: Replier,
        model: OpenAIModel,
        batch: BatchFolder,
        summary: BatchSummary,
        *,
        again: bool = False,
    ) -> None:
        self._replier = replier
        self._model = model
        self._batch = batch
        self._summary = summary
        self._again = again
        self._settings = replier.settings.in_batches()
        self._platform: str | None = batch.known.header.get("platform")

    def go(self) -> None:
        """Write what can be answered; once the round has ended, write the next one's requests."""
        batch, manifest, summary = self._batch, self._batch.known, self._summary
        with ExitStack() as stack:
            answers = stack.enter_context(Answers(self._model.dialect, self._model.name))
            for path in batch.answer_paths():
                answers.add(path)
            self._end_parts({place for path in batch.given_paths for place in answers.add(path)})
            replies = stack.enter_context(RunFiles(batch.replies_path))
            replies.begin(manifest.header, anyway=True)
            requests = None
            if manifest.is_round_done:
                requests = stack.enter_context(RequestWriter(batch, len(manifest.rounds) + 1))
            recent = recent_of(replies)
            for job in self._jobs(replies):
                self._answer(job, answers, replies, requests, recent)
            summary.unreadable = answers.unreadable
        if requests is not None:
            summary.asked = sum(part.rows for part in requests.parts)
            if requests.parts:
                manifest.rounds.append(requests.parts)
            batch.save()
        summary.parts = manifest.parts

    def _end_parts(self, places: set[tuple[int, int]]) -> None:
        for part in self._batch.known.parts:
            if (part.round, part.number) in places and not part.is_done:
                part.is_done, part.status = True, "given"
                self._batch.save()

    def _jobs(self, replies: RunFiles) -> Iterator[Job]:
        """The reviews that have no reply yet."""
        for row in rows_of(self._batch.reviews_path):
            self._summary.reviews += 1
            job = _job(row, self._batch.reviews_path)
            if replies.state(job.id, job.hash) == "answered":
                self._summary.kept += 1
            else:
                yield job

    def _answer(
        self,
        job: Job,
        answers: Answers,
        replies: RunFiles,
        requests: RequestWriter | None,
        recent: RecentReplies,
    ) -> None:
        key = digest(f"{job.id}\n{job.hash}").hex()
        known, failure = answers.history(key, again=self._again)
        if requests is None and not known:
            self._summary.waiting += 1
            return
        if requests is not None and self._is_over(len(known)):
            known.append(failure or ModelServerError("no answer came in any round"))
        result = self._result(job.review, known, recent)
        if isinstance(result, ModelRequest):
            self._summary.waiting += 1
            if requests is not None:
                body = self._model.body(result, answers.dialect)
                requests.write(key, len(known) + 1, body)
            return
        reply, error = (result, None) if isinstance(result, Reply) else (None, result)
        outcome = Outcome(job.row.number, job.review, reply, error)
        self._summary.tally.count(outcome)
        write_outcome(replies, job, outcome)

    def _is_over(self, answered: int) -> bool:
        """Whether the next draft was asked for so often in vain that it is asked for no more.

        A review that has no reply stands in every round, so each brought an answer or a failure.
        """
        rounds = len(self._batch.known.rounds)
        return not self._again and rounds - answered >= self._settings.transport_attempts

    def _result(
        self, review: Review, known: list[ModelAnswer | ModelError], recent: RecentReplies
    ) -> Reply | ModelRequest | Exception:
        try:
            result = self._replier.replayed(
                review, known, platform=self._platform, settings=self._settings, recent=recent
            )
        except Exception as error:  # noqa: BLE001 - one review must not cost the others
            return error
        if isinstance(result, ModelRequest):
            return result
        # Every answer was paid for, also one that the reply could do without.
        drafts = (answer for answer in known if isinstance(answer, ModelAnswer))
        usage = Usage.total(usage_of(draft, self._settings) for draft in drafts)
        return result.model_copy(update={"usage": usage})


def _job(row: dict[str, Any], path: Path) -> Job:
    """A row of the folder's reviews, as it was taken in.

    Raises:
        InputError: somebody has changed it.
    """
    try:
        review = Review.model_validate(row["review"])
        return Job(Row(row["row"], {}, row["extra"]), row["id"], row["hash"], review, is_edited=False)
    except (KeyError, TypeError, ValidationError):
        raise InputError(
            f"a line of {str(path)!r} is no review", hint="put the file back as it was"
        ) from None
