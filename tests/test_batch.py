"""Batches from one end to the other, over real HTTP: every review has one reply, or its reason, once."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import openai
import pytest
from batch_stand_in import answer_line, batch_stand_in, draft, error_line, status_line
from fakes import FixedClassifier, ceramics

from calmreply import InputError, ModelNotFoundError, ModelServerError, Prices, Replier, Settings
from calmreply.batch import collect_batch, export_batch, submit_batch
from calmreply.batch_files import BatchFolder, PartLimits, RequestWriter
from calmreply.model import OpenAIModel
from calmreply.run import RunOptions
from calmreply.transport import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from batch_stand_in import BatchStandIn

    from calmreply.batch import BatchSummary

CLOCK = Clock(sleep=lambda _: None, random=lambda: 0.0)
BAD = "Hello Anna. It was the courier's fault, you should have packed it better. Whatever."


def number_of(request: dict[str, Any]) -> int:
    """The review's number, which stands in its text."""
    return next(
        int(message["content"].split("number ")[1].split(".")[0])
        for message in reversed(request["body"]["messages"])
        if "number " in message["content"]
    )


def good(request: dict[str, Any]) -> dict[str, Any]:
    return answer_line(request["custom_id"], draft(number_of(request)))


def bad(request: dict[str, Any]) -> dict[str, Any]:
    return answer_line(request["custom_id"], BAD)


class Bench:
    """A shop, a file of reviews, a folder and a server."""

    def __init__(self, path: Path) -> None:
        self.input = path / "in.jsonl"
        self.folder = path / "batch"
        self.says: Callable[[dict[str, Any]], dict[str, Any] | None] = good
        self.asked: list[dict[str, Any]] = []
        self.server: BatchStandIn = None  # type: ignore[assignment]
        self.client: openai.OpenAI = None  # type: ignore[assignment]
        self.classifier = FixedClassifier()
        self.settings = Settings()
        self.limits = PartLimits()

    def say(self, request: dict[str, Any]) -> dict[str, Any] | None:
        self.asked.append(request)
        return self.says(request)

    def reviews(self, count: int) -> None:
        rows = [
            {
                "id": f"r{at}",
                "text": f"The mug arrived cracked in two, number {at}.",
                "author": "Anna",
                "kept": at,
            }
            for at in range(count)
        ]
        self.input.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def replier(self) -> Replier:
        model = OpenAIModel(self.client, "m", settings=self.settings)
        return Replier(ceramics(), model, settings=self.settings, classifier=self.classifier)

    def export(self, **options: Any) -> BatchSummary:
        run = RunOptions(**options)
        return export_batch(self.replier(), self.input, self.folder, options=run, limits=self.limits)

    def submit(self) -> list[Any]:
        return submit_batch(self.folder, self.client, clock=CLOCK)

    def collect(self, **options: Any) -> BatchSummary:
        return collect_batch(
            self.replier(), self.folder, client=self.client, clock=CLOCK, **{"wait": True, **options}
        )

    def by_hand(self, *paths: Path, **options: Any) -> BatchSummary:
        return collect_batch(self.replier(), self.folder, given=paths, **options)

    def rounds(self, most: int = 10) -> BatchSummary:
        """Submit and collect until nothing waits."""
        summary = self.collect()
        for _ in range(most):
            if not summary.waiting:
                return summary
            self.submit()
            summary = self.collect()
        raise AssertionError("the rounds have no end")

    def rows(self, name: str = "replies.jsonl") -> list[dict[str, Any]]:
        path = self.folder / name
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def requests(self, name: str = "requests-1-001.jsonl") -> list[dict[str, Any]]:
        return self.rows(name)

    def answer_by_hand(self, path: Path, name: str = "requests-1-001.jsonl") -> Path:
        lines = [self.say(request) for request in self.requests(name)]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines if line is not None))
        return path


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    with batch_stand_in(bench.say) as server, openai.OpenAI(api_key="k", base_url=server.url) as client:
        bench.server, bench.client = server, client
        bench.reviews(6)
        yield bench


def test_every_review_is_answered_by_its_own_draft(bench: Bench) -> None:
    assert bench.export().asked == 6
    assert [part.name for part in bench.submit()] == ["1-001"]
    summary = bench.collect()
    assert (summary.reviews, summary.tally.replies, summary.waiting) == (6, 6, 0)
    rows = bench.rows()
    assert {row["id"]: row["reply"] for row in rows} == {f"r{at}": draft(at) for at in range(6)}
    assert {row["source"] for row in rows} == {"model"}
    assert rows[0]["kept"] == 0
    assert (rows[0]["requests"], rows[0]["prompt_tokens"], rows[0]["completion_tokens"]) == (1, 100, 50)


def test_a_request_is_what_the_chat_api_and_vllm_take(bench: Bench) -> None:
    bench.export()
    request = bench.requests()[0]
    assert (request["method"], request["url"]) == ("POST", "/v1/chat/completions")
    assert request["body"]["model"] == "m"
    assert request["body"]["max_tokens"] == bench.settings.max_reply_tokens
    assert request["body"]["messages"][0]["role"] == "system"
    assert len(request["custom_id"]) <= 64


def test_every_step_done_twice_changes_nothing(bench: Bench) -> None:
    bench.export()
    before = {path.name: path.read_bytes() for path in bench.folder.iterdir()}
    assert bench.export().asked == 0
    assert {path.name: path.read_bytes() for path in bench.folder.iterdir()} == before
    bench.submit()
    assert bench.submit() == []
    assert len(bench.server.batches) == 1
    bench.collect()
    rows = bench.rows()
    again = bench.collect()
    assert (again.kept, again.tally.replies, again.asked) == (6, 0, 0)
    assert bench.rows() == rows
    assert bench.submit() == []


def test_collecting_too_early_waits_and_asks_nothing_again(bench: Bench) -> None:
    bench.export()
    bench.submit()
    summary = bench.collect(wait=False)
    assert (summary.waiting, summary.asked, summary.tally.replies) == (6, 0, 0)
    assert [part.status for part in summary.parts] == ["in_progress"]


def test_reviews_for_no_model_are_answered_at_export(bench: Bench) -> None:
    bench.classifier = FixedClassifier(signals=["at_risk"])
    summary = bench.export()
    assert (summary.tally.replies, summary.asked, summary.waiting) == (6, 0, 0)
    assert {row["source"] for row in bench.rows()} == {"template"}
    assert bench.submit() == []
    assert bench.collect().kept == 6


def test_an_unsure_reading_is_never_asked_about(bench: Bench) -> None:
    bench.classifier = FixedClassifier(confidence=0.2)
    bench.export()
    bench.submit()
    bench.rounds()
    assert bench.asked
    assert not any("confidence" in request["body"]["messages"][0]["content"] for request in bench.asked)
    assert {row["confidence"] for row in bench.rows()} == {0.2}


def test_what_expired_failed_or_is_missing_is_asked_again(bench: Bench) -> None:
    def first_round(request: dict[str, Any]) -> dict[str, Any] | None:
        return {
            0: error_line(request["custom_id"]),
            1: status_line(request["custom_id"], 500),
            2: None,
            3: status_line(request["custom_id"], 429, code="rate_limit_exceeded"),
        }.get(number_of(request), good(request))

    bench.says, bench.server.endings = first_round, ["expired"]
    bench.export()
    bench.submit()
    summary = bench.collect()
    assert (summary.tally.replies, summary.waiting, summary.asked) == (2, 4, 4)
    assert sorted(map(number_of, bench.requests("requests-2-001.jsonl"))) == [0, 1, 2, 3]
    bench.says = good
    assert bench.rounds().kept == 2
    assert Counter(row["id"] for row in bench.rows()) == {f"r{at}": 1 for at in range(6)}


def test_a_draft_that_breaks_rules_is_repaired_in_the_next_round(bench: Bench) -> None:
    bench.says = bad
    bench.export()
    bench.submit()
    assert bench.collect().asked == 6
    repair = bench.requests("requests-2-001.jsonl")[0]["body"]["messages"]
    assert [message["role"] for message in repair[-2:]] == ["assistant", "user"]
    bench.says = good
    bench.rounds()
    row = bench.rows()[0]
    assert (row["source"], row["attempts"], row["requests"]) == ("model", 2, 2)


def test_when_the_rounds_are_used_up_a_template_answers(bench: Bench) -> None:
    bench.says = bad
    bench.export()
    summary = bench.rounds()
    assert summary.tally.replies == 6
    assert {row["source"] for row in bench.rows()} == {"template"}
    assert len(bench.server.batches) == bench.settings.max_attempts


def test_a_server_that_never_answers_is_asked_so_often_and_no_more(bench: Bench) -> None:
    bench.says = lambda _: None
    bench.settings = Settings(transport_attempts=3)
    bench.export()
    bench.rounds()
    assert len(bench.server.batches) == 3
    assert {row["source"] for row in bench.rows()} == {"template"}


def test_what_the_filter_refused_gets_a_template(bench: Bench) -> None:
    bench.says = lambda request: status_line(request["custom_id"], 400, code="content_filter")
    bench.export()
    assert bench.rounds().tally.replies == 6
    assert len(bench.server.batches) == 1
    assert {row["source"] for row in bench.rows()} == {"template"}


def test_what_is_refused_for_good_fails_with_its_reason_until_asked_again(bench: Bench) -> None:
    bench.says = lambda request: status_line(request["custom_id"], 404, code="model_not_found")
    bench.export()
    bench.submit()
    summary = bench.collect()
    assert (summary.tally.failed, summary.waiting) == (6, 0)
    failed = bench.rows("replies.failed.jsonl")
    assert {row["code"] for row in failed} == {"model_not_found"}
    assert sorted(row["id"] for row in failed) == [f"r{at}" for at in range(6)]
    assert bench.collect(again=True).asked == 6
    bench.says = good
    bench.submit()
    assert bench.collect().tally.replies == 6
    assert not bench.rows("replies.failed.jsonl")


def test_a_parameter_the_server_does_not_take_is_left_out_of_the_next_round(bench: Bench) -> None:
    def says(request: dict[str, Any]) -> dict[str, Any]:
        if "temperature" in request["body"]:
            code = {"code": "unsupported_value", "param": "temperature", "message": "it is unsupported"}
            return status_line(request["custom_id"], 400, **code)
        return good(request)

    bench.says = says
    bench.export()
    assert bench.rounds().tally.replies == 6
    assert len(bench.server.batches) == 2


def test_a_batch_refused_as_a_whole_is_put_back_and_submitted_again(bench: Bench) -> None:
    bench.server.endings = ["failed"]
    bench.export()
    bench.submit()
    summary = bench.collect()
    assert (summary.waiting, summary.asked) == (6, 0)
    assert summary.parts[0].status == "failed (token_limit_exceeded)"
    assert len(bench.submit()) == 1
    assert bench.collect().tally.replies == 6


def test_a_cancelled_batch_keeps_what_it_answered(bench: Bench) -> None:
    bench.says = lambda request: good(request) if number_of(request) < 2 else None
    bench.server.endings = ["cancelled"]
    bench.export()
    bench.submit()
    summary = bench.collect()
    assert (summary.tally.replies, summary.asked) == (2, 4)


def test_twice_the_same_line_and_a_broken_last_one_change_nothing(bench: Bench) -> None:
    bench.server.output = lambda content: content + content + b'{"custom_id": "broken o'
    bench.export()
    bench.submit()
    summary = bench.collect()
    assert (summary.tally.replies, summary.unreadable) == (6, 1)
    assert len(bench.rows()) == 6


def test_large_exports_are_split_and_joined(bench: Bench) -> None:
    bench.limits = PartLimits(rows=4)
    summary = bench.export()
    assert [part.rows for part in summary.parts] == [4, 2]
    assert len(bench.submit()) == 2
    assert bench.collect().tally.replies == 6


def test_one_part_waits_for_the_other_before_a_round_ends(bench: Bench, tmp_path: Path) -> None:
    bench.limits = PartLimits(rows=3)
    bench.says = lambda request: good(request) if number_of(request) else bad(request)
    bench.export()
    first = bench.by_hand(bench.answer_by_hand(tmp_path / "one.jsonl"))
    assert (first.tally.replies, first.waiting, first.asked) == (2, 4, 0)
    second = bench.by_hand(bench.answer_by_hand(tmp_path / "two.jsonl", "requests-1-002.jsonl"))
    assert (second.kept, second.tally.replies, second.waiting, second.asked) == (2, 3, 1, 1)


def test_files_given_by_hand_twice_are_taken_once(bench: Bench, tmp_path: Path) -> None:
    bench.export()
    output = bench.answer_by_hand(tmp_path / "out.jsonl")
    assert bench.by_hand(output, output).tally.replies == 6
    assert bench.by_hand(output).kept == 6
    assert len(list(bench.folder.glob("given-*.jsonl"))) == 1


def test_errors_as_vllm_writes_them_are_understood(bench: Bench, tmp_path: Path) -> None:
    def says(request: dict[str, Any]) -> dict[str, Any]:
        inner = {"message": "maximum context length", "type": "BadRequestError", "code": 400}
        response = {"status_code": 400, "request_id": "r", "body": None}
        return {"id": "x", "custom_id": request["custom_id"], "response": response, "error": {"error": inner}}

    bench.says = says
    bench.export()
    assert bench.by_hand(bench.answer_by_hand(tmp_path / "out.jsonl")).tally.failed == 6
    assert "max_review_tokens" in bench.rows("replies.failed.jsonl")[0]["hint"]


def test_all_replies_go_to_another_file_as_a_whole(bench: Bench, tmp_path: Path) -> None:
    bench.export()
    bench.submit()
    bench.collect(target=tmp_path / "all.jsonl")
    assert (tmp_path / "all.jsonl").read_bytes() == (bench.folder / "replies.jsonl").read_bytes()
    bench.collect(target=tmp_path / "all.csv")
    assert len((tmp_path / "all.csv").read_text().splitlines()) == 7


def test_a_batch_costs_its_share_of_the_prices(bench: Bench) -> None:
    bench.settings = Settings(prices={"m": Prices(prompt=10_000, completion=20_000, batch=0.5)})
    bench.export()
    bench.submit()
    assert bench.collect().tally.usage.cost == pytest.approx(6 * (100 * 0.005 + 50 * 0.01))


def test_a_batch_made_before_the_answer_was_lost_is_found(bench: Bench) -> None:
    bench.limits = PartLimits(rows=2)
    bench.server.troubles = [("POST /v1/batches", "lost")]
    bench.export()
    bench.submit()
    assert len(bench.server.batches) == 3
    assert len({batch["input_file_id"] for batch in bench.server.batches.values()}) == 3
    assert bench.collect().tally.replies == 6


def test_a_submit_killed_before_the_id_was_written_down_makes_no_second_batch(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.limits = PartLimits(rows=2)
    bench.export()
    bench.submit()
    with BatchFolder(bench.folder) as folder:
        for part in folder.known.parts:
            part.batch_id = None
        folder.save()
    assert [part.batch_id for part in bench.submit()] == ["batch-0", "batch-1", "batch-2"]
    assert len(bench.server.batches) == 3


def test_a_server_in_trouble_is_asked_again_and_then_told_of(bench: Bench) -> None:
    bench.export()
    bench.server.troubles = [("POST /v1/files", "503"), ("POST /v1/batches", "500")]
    bench.submit()
    assert len(bench.server.batches) == 1
    bench.server.troubles = [("GET /v1/files", "500")]
    assert bench.collect().tally.replies == 6
    bench.server.troubles = [("GET /v1/batches", "500")] * 4
    with BatchFolder(bench.folder) as folder:
        folder.known.parts[0].is_done = False
        folder.save()
    with pytest.raises(ModelServerError):
        bench.collect()


class Killed(BaseException):
    """Stands for kill -9: nothing catches it."""


@pytest.mark.parametrize("at", range(4))
def test_a_collect_killed_anywhere_is_done_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    bench.says = lambda request: good(request) if number_of(request) % 2 else None
    bench.export()
    bench.submit()
    written, write, save = Counter[str](), RequestWriter.write, BatchFolder.save

    def killed_write(self: RequestWriter, *arguments: Any) -> None:
        written["requests"] += 1
        if at < 3 and written["requests"] > at:
            raise Killed
        write(self, *arguments)

    def killed_save(self: BatchFolder) -> None:
        written["saves"] += 1
        if at == 3 and written["saves"] > 2:
            raise Killed
        save(self)

    with monkeypatch.context() as patched:
        patched.setattr(RequestWriter, "write", killed_write)
        patched.setattr(BatchFolder, "save", killed_save)
        with pytest.raises(Killed):
            bench.collect()
    bench.says = good
    bench.rounds()
    assert Counter(row["id"] for row in bench.rows()) == {f"r{at}": 1 for at in range(6)}


def test_an_export_killed_in_the_middle_goes_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(RequestWriter, "write", killed)
        with pytest.raises(Killed):
            bench.export()
    text = (bench.folder / "reviews.jsonl").read_bytes()
    (bench.folder / "reviews.jsonl").write_bytes(text[:-30])  # the last row broke off
    assert bench.export().asked == 6
    assert len(bench.rows("reviews.jsonl")) == 6


def test_requests_of_a_killed_step_are_not_left_behind(bench: Bench) -> None:
    bench.folder.mkdir()
    (bench.folder / "requests-1-007.jsonl").write_text("{}\n")
    bench.export()
    assert [path.name for path in bench.folder.glob("requests-*")] == ["requests-1-001.jsonl"]


def test_other_reviews_are_refused(bench: Bench) -> None:
    bench.export()
    bench.reviews(7)
    with pytest.raises(InputError, match="other reviews"):
        bench.export()


def test_another_shop_is_refused(bench: Bench) -> None:
    bench.export()
    model = OpenAIModel(bench.client, "m")
    other = Replier(ceramics(name="Another"), model, classifier=bench.classifier)
    with pytest.raises(InputError, match="another shop"):
        collect_batch(other, bench.folder)
    with pytest.raises(InputError, match="another shop"):
        export_batch(other, bench.input, bench.folder)


def test_a_limit_takes_the_first_rows_and_the_same_again(bench: Bench) -> None:
    assert bench.export(limit=4).asked == 4
    assert bench.export(limit=4).reviews == 4


def test_bad_rows_are_listed_with_their_reason(bench: Bench) -> None:
    bench.input.write_text(bench.input.read_text() + '{"id": "bad"}\n')
    summary = bench.export()
    assert (summary.read.bad, summary.reviews) == (1, 6)
    assert [row["row"] for row in bench.rows("reviews.failed.jsonl")] == [7]


def test_no_rows_are_an_error(bench: Bench) -> None:
    bench.input.write_text("\n")
    with pytest.raises(InputError, match="no rows"):
        bench.export()


def test_a_batch_needs_a_named_model_and_a_sync_client(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name of a model"):
        export_batch(Replier(ceramics(), False), bench.input, tmp_path / "x")  # noqa: FBT003
    with pytest.raises(InputError, match="AsyncOpenAI"):
        submit_batch(tmp_path, openai.AsyncOpenAI(api_key="k"))  # type: ignore[arg-type]


@pytest.mark.parametrize("manifest", [None, "{", "[]"])
def test_a_folder_of_no_batch_says_so(bench: Bench, tmp_path: Path, manifest: str | None) -> None:
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(InputError, match="manifest"):
        submit_batch(tmp_path, bench.client)
    with pytest.raises(InputError, match="no folder"):
        submit_batch(tmp_path / "nowhere", bench.client)


def test_two_programs_at_one_folder_are_refused(bench: Bench) -> None:
    bench.export()
    with BatchFolder(bench.folder), pytest.raises(InputError, match="another run"):
        bench.submit()


@pytest.mark.parametrize("line", ["not JSON", "[]", '{"id": "r1", "hash": "h"}', '{"review": {"stars": 9}}'])
def test_reviews_that_somebody_changed_are_an_error(bench: Bench, line: str) -> None:
    bench.export()
    with (bench.folder / "reviews.jsonl").open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(InputError, match=r"reviews\.jsonl"):
        bench.by_hand()


def test_a_server_without_batches_is_told_of_with_a_way_out(bench: Bench) -> None:
    bench.export()
    client = openai.OpenAI(api_key="k", base_url=f"{bench.server.url}/elsewhere")
    with client, pytest.raises(ModelNotFoundError) as caught:
        submit_batch(bench.folder, client, clock=CLOCK)
    assert "run-batch" in caught.value.hint
