"""Judge and plain prompt over real HTTP, recorded from the embedded model and played back (see `tape`).

To them it is any server: an address, a key and a model's name, as a hosted one is.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from fakes import REVIEW, ceramics
from tape import NAME, SETTINGS, recorded

from calmreply import OpenAIModel, Replier
from evals.judge import Judge, measured
from evals.judge_cases import QUESTIONS, judge_cases
from evals.models import opened_model
from evals.plain import PlainWriter
from evals.side_by_side import Case, plain, written

if TYPE_CHECKING:
    import pytest
    from tape import Server

CASSETTES_OF = "evals"


def test_a_judge_on_labelled_cases(recorded_server: Server) -> None:
    with recorded_server.client() as client:
        judge = Judge(OpenAIModel(client, NAME, settings=SETTINGS), SETTINGS)
        for language in ("en", "vi"):
            (case,) = judge_cases(language)[1:2]
            found, (verdicts,) = measured(judge, [case])
            assert {one.model for one in found} == {NAME}
            assert list(verdicts) == list(QUESTIONS)
            for one in verdicts.values():
                assert (one.passed is None) == (one.trouble is not None)
                assert one.usage.requests == 1
                assert one.usage.completion_tokens > 0
    assert judge.spending.usage.requests == 6


def test_a_plain_prompt(recorded_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", recorded_server.api_key)
    options = argparse.Namespace(model=NAME, base_url=recorded_server.base_url, no_model=False)
    with opened_model(options, SETTINGS) as (model, settings), Replier(ceramics(), client=False) as replier:
        writer = PlainWriter(ceramics(), model, settings, language="en")
        (row,) = written([Case(review=REVIEW, plan=replier.plan(REVIEW))], plain(writer, settings), "plain")
    assert str(row["reply"]).strip()
    assert row["error"] is None
    assert row["requests"] == 1


def test_every_cassette_is_played() -> None:
    assert recorded(CASSETTES_OF) == {"a_judge_on_labelled_cases", "a_plain_prompt"}
