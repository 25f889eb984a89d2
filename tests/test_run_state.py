"""Runs killed, restarted, and meddled with in every order: nothing is lost, nothing is answered twice."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

from fakes import GOOD, FixedClassifier, ceramics, quick_flow
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from calmreply import ModelAnswer, ModelAuthError, ModelRequest, Replier
from calmreply.run import RunOptions, RunSummary, run_file


class Killed(BaseException):
    """The process ends here."""


class Model:
    def __init__(self) -> None:
        self.failing: set[str] = set()

    def complete(self, request: ModelRequest) -> ModelAnswer:
        text = request.messages[-1].content
        if text in self.failing:
            raise ModelAuthError("wrong key")
        return ModelAnswer(text=GOOD)


class Runs(RuleBasedStateMachine):
    """An input that grows and is edited, and runs over it that are killed after so many answers."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.source = Path(self.folder.name) / "in.jsonl"
        self.target = Path(self.folder.name) / "out.jsonl"
        self.model = Model()
        self.reviews: dict[str, str] = {}
        self.put_aside: list[str] = []
        self.patch = mock.patch("calmreply.crew.reply_flow", quick_flow)
        self.patch.start()

    @rule(count=st.integers(1, 6))
    def more_reviews_come(self, count: int) -> None:
        for _ in range(count):
            name = f"r{len(self.reviews)}"
            self.reviews[name] = f"{name} arrived cracked"

    @rule(data=st.data())
    def a_review_is_edited(self, data: st.DataObject) -> None:
        if self.reviews:
            name = data.draw(st.sampled_from(sorted(self.reviews)))
            self.reviews[name] += ", and late"

    @rule(data=st.data())
    def the_model_fails_for_some(self, data: st.DataObject) -> None:
        texts = sorted(self.reviews.values())
        self.model.failing = set(data.draw(st.lists(st.sampled_from(texts), max_size=5))) if texts else set()

    @rule(after=st.integers(0, 8), tail=st.integers(0, 200), concurrency=st.integers(1, 4))
    def a_run_is_killed(self, after: int, tail: int, concurrency: int) -> None:
        def dies(summary: RunSummary) -> None:
            if summary.tally.replies + summary.tally.failed > after:
                raise Killed

        try:
            self.run(concurrency, progress=dies)
        except Killed:
            self.cut(tail)

    @rule(concurrency=st.integers(1, 4))
    def a_run_ends(self, concurrency: int) -> None:
        summary = self.run(concurrency)
        if summary is None:
            return
        left = {name for name, text in self.reviews.items() if text in self.model.failing}
        answered = {name for name, text in self.reviews.items() if (name, text) in self.answers()}
        failed = {row["id"] for row in self.rows(self.target.with_name("out.failed.jsonl"))}
        assert failed <= left
        assert failed | answered == self.reviews.keys()
        assert summary.kept + summary.tally.replies + summary.tally.failed == len(self.reviews)

    @invariant()
    def no_review_is_answered_twice(self) -> None:
        hashes = [(row["id"], row["hash"]) for row in self.rows(self.target)]
        assert len(hashes) == len(set(hashes))

    def teardown(self) -> None:
        self.model.failing = set()
        self.a_run_ends(3)
        self.no_review_is_answered_twice()
        self.patch.stop()
        self.folder.cleanup()

    def run(self, concurrency: int, **options: Any) -> RunSummary | None:
        rows = ({"id": name, "text": text, "said": text} for name, text in self.reviews.items())
        self.source.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        if not self.reviews:
            return None
        with Replier(ceramics(), self.model, classifier=FixedClassifier()) as each:
            return run_file(
                each, self.source, self.target, options=RunOptions(concurrency=concurrency), **options
            )

    def cut(self, tail: int) -> None:
        """The last write of a killed process may have come to the disk in part: never more than its line."""
        if self.target.exists():
            data = self.target.read_bytes()
            last = len(data) - (data.rfind(b"\n", 0, len(data) - 1) + 1)
            self.target.write_bytes(data[: len(data) - min(tail, last)])

    def answers(self) -> set[tuple[str, str]]:
        return {(row["id"], row["said"]) for row in self.rows(self.target)}

    @staticmethod
    def rows(path: Path) -> list[dict[str, Any]]:
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        return [json.loads(line) for line in lines if line.endswith(b"}\n")]


TestRuns = Runs.TestCase
TestRuns.settings = settings(max_examples=30, stateful_step_count=15, deadline=None)
