from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from fakes import GOOD, REVIEW, FixedClassifier, ceramics

from calmreply import (
    InputError,
    ModelAuthError,
    ModelServerError,
    Plan,
    Remedy,
    Replier,
    Review,
    Settings,
    check,
)
from calmreply.cli import main as command_line
from calmreply.languages import language_codes
from calmreply.model import ModelAnswer
from calmreply.plan import Action
from calmreply.review import Complaint
from calmreply.testing import AsyncScriptedModel, ScriptedModel
from evals import side_by_side
from evals.plain import PlainWriter, plain_prompt
from evals.shops import shop_for
from evals.side_by_side import (
    Case,
    Score,
    added,
    calmreply,
    drawn,
    drawn_before,
    plain,
    score,
    table,
    written,
)

if TYPE_CHECKING:
    from pathlib import Path

    from calmreply import Shop
    from calmreply.errors import ModelError

SETTINGS = Settings()
PLAN = Plan(
    complaint="damaged",
    remedy=Remedy(action=Action.REPLACEMENT, within="24 hours"),
    channel={"kind": "hotline", "value": "0909 123 456"},
    contacts=("0909 123 456",),
    name="Anna",
)
FIVE_DOLLARS = {"value": "$5", "within": "3 days"}
TWENTY_THOUSAND = {"value": "20K", "within": "3 ngày"}
CASE = Case(review=REVIEW, plan=PLAN)


def plain_writer(*script: str | ModelAnswer | ModelError) -> tuple[PlainWriter, ScriptedModel]:
    model = ScriptedModel(script)
    return PlainWriter(ceramics(), model, SETTINGS, language="en"), model


def asked_of(shop: Shop, language: str, review: Review = REVIEW) -> str:
    """What the plain prompt asks in a shop's name about a damaged item."""
    with Replier(shop, client=False, classifier=FixedClassifier(language=language)) as replier:
        plan = replier.plan(review)
    writer = PlainWriter(shop, ScriptedModel(), SETTINGS, language=language)
    return "\n".join(one.content for one in writer.request(review, plan).messages)


@pytest.mark.parametrize("language", language_codes())
def test_the_plain_prompt_holds_shop_contact_review_and_offer(language: str) -> None:
    shop = shop_for(language)
    asked = asked_of(shop, language)
    offer = {"en": "a replacement within 24 hours; keep the", "vi": "đổi món mới trong 24 giờ; không cần"}[
        language
    ]
    for told in (shop.name, shop.channels[0].value, REVIEW.text, "Anna Smith", offer):
        assert told in asked


@pytest.mark.parametrize("language", language_codes())
def test_the_examples_of_the_plain_prompt_keep_every_rule(language: str) -> None:
    shop = shop_for(language)
    channel = shop.channels[0]
    for example in plain_prompt(language)["examples"]:
        remedy = {
            "damaged": Remedy(action=Action.REPLACEMENT, within={"en": "12 hours", "vi": "12 giờ"}[language]),
            "late": Remedy(action=Action.VOUCHER, **{"en": FIVE_DOLLARS, "vi": TWENTY_THOUSAND}[language]),
        }[example["complaint"]]
        plan = Plan(
            complaint=example["complaint"],
            remedy=remedy,
            channel=channel,
            contacts=(channel.value,),
            language=language,
        )
        reply = example["reply"].format(contact=f"{channel.kind} {channel.value}")
        assert not [one for one in check(reply, plan, Review(text=example["text"])) if one.is_error]


def test_braces_in_a_review_are_only_text() -> None:
    assert "{offer} {" in asked_of(ceramics(), "en", Review(text="Broken {offer} {"))


def test_the_plain_prompt_has_words_for_every_complaint_and_remedy() -> None:
    worth = {Action.PARTIAL_REFUND, Action.VOUCHER}
    for language in language_codes():
        writer = PlainWriter(ceramics(), ScriptedModel(), SETTINGS, language=language)
        for action in Action:
            remedy = Remedy(action=action, value="10%" if action in worth else None, within="24h")
            for complaint in Complaint:
                plan = PLAN.model_copy(update={"complaint": complaint, "remedy": remedy})
                said = writer.request(REVIEW, plan).messages[-1].content
                assert ("10%" in said) == (action in worth)
                assert "24h" in said


def test_private_data_leaves_masked_here_too() -> None:
    writer, model = plain_writer("Sorry.")
    writer.write(Review(text="Cracked mug, write to anna.reed@example.com"), PLAN)
    assert "anna.reed" not in model.requests[0].messages[-1].content


def test_a_language_without_a_plain_prompt_is_named() -> None:
    with pytest.raises(InputError, match="'fr'"):
        PlainWriter(ceramics(), ScriptedModel(), SETTINGS, language="fr")


def test_the_plain_prompt_asks_no_async_model() -> None:
    writer = PlainWriter(ceramics(), AsyncScriptedModel(["Sorry."]), SETTINGS, language="en")
    with pytest.raises(InputError, match="sync"):
        writer.write(REVIEW, PLAN)


def test_what_the_plain_prompt_gives_is_taken_as_it_comes() -> None:
    writer, _ = plain_writer("Reply: no refund, ever!!")
    (row,) = written([CASE], plain(writer, SETTINGS), "plain")
    assert (row["id"], row["reply"], row["by"], row["requests"]) == (
        "r1",
        "Reply: no refund, ever!!",
        "plain",
        1,
    )
    assert row["publishable"] is True


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (ModelServerError("down"), "model_server"),
        (ModelAnswer(text=None, refusal="no"), "refused"),
        (ModelAnswer(text=" "), "empty"),
    ],
)
def test_where_the_model_fails_there_is_no_reply_and_the_row_says_why(
    step: ModelAnswer | ModelServerError, error: str
) -> None:
    writer, _ = plain_writer(step)
    (row,) = written([CASE], plain(writer, SETTINGS), "plain")
    assert row["error"] == error
    assert not str(row["reply"]).strip()


def test_a_wrong_key_stops_the_run() -> None:
    writer, _ = plain_writer(ModelAuthError("401"))
    with pytest.raises(ModelAuthError):
        list(written([CASE], plain(writer, SETTINGS), "plain"))


def test_calmreply_writes_rows_of_the_same_shape() -> None:
    writer, _ = plain_writer(GOOD)
    (base,) = written([CASE], plain(writer, SETTINGS), "plain")
    with Replier(ceramics(), client=False) as replier:
        (row,) = written([CASE], calmreply(replier), "templates")
    assert row.keys() == base.keys()


def file_of(path: Path, *replies: str, by: str = "plain") -> Path:
    rows = [
        {"id": f"r{number}", "text": REVIEW.text, "author": REVIEW.author, "reply": reply}
        | {"plan": PLAN.model_dump(mode="json"), "by": by, "requests": 1, "seconds": 2.5}
        for number, reply in enumerate(replies)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_replies_are_scored_by_the_rules_of_check(tmp_path: Path) -> None:
    bad = "We are sorry. It was the courier's fault."
    found = score(file_of(tmp_path / "plain.jsonl", GOOD, bad, ""))
    expected = {one.rule for one in check(bad, PLAN, REVIEW) if one.is_error}
    assert found.kept == {"r0": True, "r1": False, "r2": False}
    assert found.broken == Counter([*expected, "no reply"])
    assert (found.by, found.costs["seconds"]) == ("plain", 7.5)


def test_rules_can_be_left_out_of_the_score(tmp_path: Path) -> None:
    path = file_of(tmp_path / "plain.jsonl", f"{GOOD} We will also refund you in full.")
    assert set(score(path).broken) == {"promise"}
    assert score(path, ignored=["promise"]).clean == 1


def test_the_files_are_what_check_reads(tmp_path: Path) -> None:
    path = file_of(tmp_path / "plain.jsonl", GOOD)
    assert command_line(["check", str(path), "-o", str(tmp_path / "out.jsonl")]) == 0


def test_a_row_without_a_plan_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"id": "1", "text": "Bad.", "reply": "Sorry."}\n', encoding="utf-8")
    with pytest.raises(InputError, match="row 1"):
        score(path)


def scored(by: str, kept: str) -> Score:
    return Score(by=by, kept={str(at): one == "+" for at, one in enumerate(kept)}, broken=Counter(), costs={})


def test_what_is_added_is_counted_over_pairs() -> None:
    plus = added(scored("plain", "+---------"), scored("calmreply", "-+++++++++"))
    assert plus.pairs == 10
    # nine gained, one lost: 0.8 ± 1.96 · √(10 - 64 / 10) / 10
    assert [plus.share, plus.low, plus.high] == pytest.approx([0.8, 0.428, 1.0], abs=0.001)


def test_what_is_added_needs_the_same_reviews() -> None:
    other = Score(by="calmreply", kept={"x": True}, broken=Counter(), costs={})
    with pytest.raises(InputError, match="no review in common"):
        added(scored("plain", "+"), other)


def test_the_table_has_a_column_a_file(tmp_path: Path) -> None:
    one = score(file_of(tmp_path / "a.jsonl", GOOD, ""))
    other = score(file_of(tmp_path / "b.jsonl", GOOD, GOOD, by="calmreply"))
    lines = table([one, other]).splitlines()
    assert lines[0] == "|  | plain | calmreply |"
    assert "| 50% (1; " in lines[3]
    assert "| break `no reply` | 1 |  |" in lines


@pytest.mark.parametrize("language", language_codes())
def test_the_same_reviews_are_drawn_every_time_and_none_at_risk(language: str) -> None:
    reviews, reader = drawn(language, data=None, count=20, seed=3)
    again, _ = drawn(language, data=None, count=20, seed=3)
    assert reviews == again
    assert len({one.id for one in reviews}) == 20
    assert not any(reader.classify(one).at_risk for one in reviews)


def test_the_reviews_of_a_file_are_taken_again_with_their_complaints(tmp_path: Path) -> None:
    path = file_of(tmp_path / "plain.jsonl", GOOD, "")
    reviews, reader = drawn_before(path, "en")
    assert [(one.id, one.text, one.author) for one in reviews] == [
        (name, REVIEW.text, REVIEW.author) for name in ("r0", "r1")
    ]
    assert reader.classify(reviews[0]).complaint == PLAN.complaint


def test_a_data_folder_without_the_reviews_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"reviews_en\.jsonl"):
        drawn("en", data=tmp_path, count=1, seed=1)


def test_templates_are_written_and_scored_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "templates.jsonl"
    side_by_side.main(["write", "--by", "templates", "--language", "vi", "--n", "5", "--out", str(path)])
    results = tmp_path / "RESULTS.md"
    again = tmp_path / "again.jsonl"
    side_by_side.main(
        ["write", "--by", "templates", "--language", "vi", "--like", str(path), "--out", str(again)]
    )
    side_by_side.main(["score", str(path), str(again), "--results", str(results), "--block", "vi"])
    out = capsys.readouterr().out
    assert "| keep every rule | 100% (5; " in out
    assert "templates adds +0%" in out
    assert f"<!-- begin vi -->\n{out}<!-- end vi -->" in results.read_text("utf-8")
