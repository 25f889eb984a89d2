"""Thousands of reviews past a server that fails in every way: each is answered or told of, once."""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx2
import openai
import pytest
from fakes import FixedClassifier, ceramics
from stand_in import FAULTS, stand_in

from calmreply import OpenAIModel, Replier, Review, Settings, Source
from calmreply.run import RunOptions, run_file
from calmreply.transport import Clock

if TYPE_CHECKING:
    from pathlib import Path

# The full number in CI; on a desk a tenth shows the same in seconds.
COUNT = 5_000 if os.environ.get("CI") else 500
# Waits and deadlines pass so many times faster than they say.
HASTE = 50
# What a template does not answer for: the caller must mend it.
LASTING = {"model_not_found"}


class Detour(httpx2.AsyncBaseTransport):
    """Sends some requests by TLS to the port that speaks none."""

    def __init__(self, share: float, chance: random.Random) -> None:
        self._way, self._share, self._chance = httpx2.AsyncHTTPTransport(), share, chance

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self._chance.random() < self._share:
            request.url = request.url.copy_with(scheme="https")
        return await self._way.handle_async_request(request)

    async def aclose(self) -> None:
        await self._way.aclose()


def hasty() -> Clock:
    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / HASTE)

    chance = random.Random(2)
    return Clock(monotonic=lambda: time.monotonic() * HASTE, async_sleep=sleep, random=chance.random)


def replier_at(url: str, *, tls_share: float = 0.0, timeout_seconds: float = 1.0) -> Replier:
    settings = Settings(timeout_seconds=timeout_seconds, deadline_seconds=3000, max_attempts=1)
    http_client = httpx2.AsyncClient(transport=Detour(tls_share, random.Random(3)))
    client = openai.AsyncOpenAI(api_key="k", base_url=url, http_client=http_client)
    model = OpenAIModel(client, "m", settings=settings, clock=hasty(), owns_client=True)
    return Replier(ceramics(), model, settings=settings, classifier=FixedClassifier(), owns_client=True)


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def written(path: Path, count: int) -> Path:
    text = "The mug arrived cracked in two, number"
    rows = ({"id": f"r{at}", "text": f"{text} {at}.", "author": "Anna Smith"} for at in range(count))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


@pytest.mark.parametrize("fault", [*FAULTS, "tls"])
def test_a_server_that_does_nothing_else_leaves_every_review_accounted_for(fault: str) -> None:
    reviews = [Review(text="The mug arrived cracked.", id=str(at)) for at in range(3)]
    # Longer than connecting may take: a TLS handshake that is cancelled from outside leaks its socket in httpx2.
    tls = {"tls_share": 1.0, "timeout_seconds": 10.0} if fault == "tls" else {}
    with stand_in(lambda _: fault) as server, replier_at(server.url, **tls) as each:
        outcomes = list(each.run_many(reviews))
    assert sorted(one.number for one in outcomes) == [0, 1, 2]
    for one in outcomes:
        assert (one.reply is None) == (fault == "wrong_name")
        assert one.reply is None or one.reply.publishable


def test_a_mix_of_all_faults_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    chance = random.Random(1)

    def plays(_: dict[str, Any]) -> str | None:
        # Half of all calls go wrong; a hang costs ten seconds each, so there are few.
        fault = chance.choice(FAULTS) if chance.random() < 0.5 else None
        return "reset" if fault == "hang" and chance.random() < 0.8 else fault

    source, target = written(tmp_path / "in.jsonl", COUNT), tmp_path / "out.jsonl"
    with stand_in(plays) as server, replier_at(server.url, tls_share=0.03, timeout_seconds=10) as each:
        first = run_file(each, source, target, options=RunOptions(concurrency=100))
        failed = rows_of(tmp_path / "out.failed.jsonl")
        server.plays = lambda _: None
        second = run_file(each, source, target, options=RunOptions(concurrency=100))
    assert first.tally.replies + first.tally.failed == COUNT
    assert {row["code"] for row in failed} == LASTING
    assert all(row["reason"] for row in failed)
    assert len({row["id"] for row in failed}) == len(failed) == first.tally.failed > 0
    assert (second.kept, second.tally.replies, second.tally.failed) == (first.tally.replies, len(failed), 0)
    answers = Counter(row["id"] for row in rows_of(target))
    assert answers == Counter(f"r{at}" for at in range(COUNT))
    assert {row["source"] for row in rows_of(target)} == set(Source)


def test_a_wrong_model_name_stops_the_run_and_leaves_the_rest(tmp_path: Path) -> None:
    source, target = written(tmp_path / "in.jsonl", 200), tmp_path / "out.jsonl"
    with stand_in(lambda _: "wrong_name") as server, replier_at(server.url) as each:
        summary = run_file(each, source, target, options=RunOptions(concurrency=5))
    assert summary.tally.stopped is not None
    assert 20 <= summary.tally.failed <= 25
    assert summary.left == 200 - summary.tally.failed
    assert not target.exists()
