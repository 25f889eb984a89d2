"""`calmreply demo`: every review shown and answered, whoever writes, whatever fails."""

from __future__ import annotations

import itertools
import re
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest

from calmreply.classifier import LocalClassifier
from calmreply.cli import demo
from calmreply.cli.demo import demo_cases, demo_shop
from calmreply.errors import DiskSpaceError, EmbeddedModelError, ModelFetchError
from calmreply.replier import Replier
from calmreply.testing import ScriptedModel

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.conftest import Outcome, Run

COUNT = len(demo_cases())
READ_AS = {
    "damaged": "damaged",
    "mistaken": "mistaken",
    "injected": "not_as_described",
    "late": "late",
    "abusive": "quality",
}


def sources(outcome: Outcome) -> dict[str, int]:
    last = outcome.out.splitlines()[-1]
    found = re.fullmatch(r"sources: model (\d+), mended (\d+), template (\d+)", last)
    assert found, last
    return dict(zip(("model", "mended", "template"), map(int, found.groups()), strict=True))


@pytest.fixture
def extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The `local` extra seems to be installed."""
    monkeypatch.setattr(demo, "find_spec", lambda _: True)


@pytest.fixture
def fetches(monkeypatch: pytest.MonkeyPatch, extra: None) -> Callable[[Exception | None], None]:
    """Fetching the model ends so; after it, a scripted model that writes nonsense is there."""

    def set_up(failure: Exception | None) -> None:
        def fetch_model(*, progress: Callable[[int, int, str], None]) -> None:
            progress(1, 2, "fetching")
            if failure is not None:
                raise failure
            monkeypatch.setattr(Replier, "_embedded", lambda _: Closable(["nonsense"] * 99))

        monkeypatch.setattr("calmreply.fetch.fetch_model", fetch_model)

    return set_up


class Closable(ScriptedModel):
    def close(self) -> None:
        pass


def test_the_reviews_are_several_in_both_languages_and_lie_together_by_shop() -> None:
    cases = demo_cases()
    ids = [case.review.id for case in cases]
    assert len(set(ids)) == len(ids) >= 6
    shops = [name for name, _ in itertools.groupby(cases, key=lambda case: case.shop)]
    assert shops == ["ceramics", "fashion"]
    assert {demo_shop(name).languages[0] for name in shops} == {"en", "vi"}


def test_templates_alone(run: Run) -> None:
    outcome = run("demo", "--no-model")
    assert outcome.code == 0
    assert outcome.err == ""
    assert sources(outcome) == {"model": 0, "mended": 0, "template": COUNT}
    for case in demo_cases():
        assert case.shows.split(":")[0] in outcome.out
    for label in ("review", "read", "plan", "reply", "source", "checks"):
        assert len(re.findall(rf"^{label} ", outcome.out, re.MULTILINE)) == COUNT
    assert "broken:" not in outcome.out
    assert "\x1b" not in outcome.out


def test_it_fits_eighty_columns(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    lines = unicodedata.normalize("NFC", run("demo", "--no-model").out).splitlines()
    assert max(map(len, lines)) <= 80


def test_each_review_is_read_as_it_is_meant() -> None:
    for case in demo_cases():
        shop = demo_shop(case.shop)
        classifier = LocalClassifier(languages=shop.languages, catalogue=shop.catalogue)
        with Replier(shop, client=False, classifier=classifier) as replier:
            reply = replier.reply(case.review)
        read, kind = reply.classification, str(case.review.id).removeprefix("demo-")
        assert str(read.complaint) == READ_AS.get(kind, read.complaint), kind
        assert read.at_risk == (kind == "injury"), kind
        assert not [reason for reason in reply.reasons if reason.startswith("rule:")], kind
        assert kind != "abusive" or {"hostile", "unreasonable_demand"} <= read.signals
        assert not re.search(r"1,000|\$500|5 triệu|free-money", reply.text)


def test_without_the_extra_it_says_the_command(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "find_spec", lambda _: None)
    outcome = run("demo")
    assert outcome.code == 0
    assert 'pip install "calmreply[local]"' in outcome.out
    assert sources(outcome)["template"] == COUNT


def test_it_does_not_fetch_when_told_so(run: Run, extra: None) -> None:
    outcome = run("demo", "--no-fetch")
    assert outcome.code == 0
    assert "calmreply model fetch" in outcome.out
    assert sources(outcome)["template"] == COUNT


def test_the_first_reply_is_there_before_the_fetch_and_comes_again(
    run: Run, fetches: Callable[[Exception | None], None]
) -> None:
    fetches(None)
    outcome = run("demo")
    assert outcome.code == 0
    before, after = outcome.out.split("is on its way", 1)
    assert len(re.findall(r"^reply ", before, re.MULTILINE)) == 1
    assert len(re.findall(r"^reply ", after, re.MULTILINE)) == COUNT
    assert sum(sources(outcome).values()) == COUNT


@pytest.mark.parametrize(
    "failure", [ModelFetchError("no source", hint="try again"), DiskSpaceError("no room", hint="free some")]
)
def test_a_fetch_that_fails_leaves_the_templates(
    run: Run, fetches: Callable[[Exception | None], None], failure: EmbeddedModelError
) -> None:
    fetches(failure)
    outcome = run("demo")
    assert outcome.code == 0
    assert f"calmreply: {failure.message}\n  hint: {failure.hint}" in outcome.err
    assert "could not be fetched" in outcome.out
    assert sources(outcome)["template"] == COUNT
    assert len(re.findall(r"^reply ", outcome.out, re.MULTILINE)) == COUNT


@pytest.mark.parametrize("colour", ["", "1"])
def test_a_model_that_is_here_writes(run: Run, monkeypatch: pytest.MonkeyPatch, colour: str) -> None:
    monkeypatch.setenv("FORCE_COLOR", colour)  # set, the output counts as a terminal
    models: list[Closable] = []

    def embedded(_: object) -> Closable:
        models.append(Closable(["nonsense"] * 99))
        return models[-1]

    monkeypatch.setattr("calmreply.local.embedded_model_available", lambda: True)
    monkeypatch.setattr(Replier, "_embedded", embedded)
    outcome = run("demo")
    assert outcome.code == 0
    assert len(models) == 2
    assert all(model.requests for model in models)
    assert sum(sources(outcome).values()) == COUNT


def test_a_model_that_breaks_down_leaves_the_templates(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = Replier.reply, []

    def reply(self: Replier, *args: Any) -> Any:
        calls.append(args)
        if len(calls) == 2:
            raise EmbeddedModelError("the embedded model did not start")
        return real(self, *args)

    monkeypatch.setattr("calmreply.local.embedded_model_available", lambda: True)
    monkeypatch.setattr(Replier, "_embedded", lambda _: None)
    monkeypatch.setattr(Replier, "reply", reply)
    outcome = run("demo")
    assert outcome.code == 0
    assert "did not start" in outcome.err
    assert "the templates go on" in outcome.out
    assert sum(sources(outcome).values()) == COUNT
