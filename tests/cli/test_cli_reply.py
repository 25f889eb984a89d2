"""`calmreply reply`: the reply on standard output, everything else beside it."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING

import pytest

from calmreply.cli.options import client_of
from calmreply.errors import EmbeddedModelError
from calmreply.replier import Replier

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import ChatServer, Run

TEXT = "Both mugs arrived broken, the handles had snapped off. I am so disappointed."
GOOD = (
    "Thank you for telling us about your mugs. I am truly sorry that both arrived broken with the handles "
    "snapped off, and I understand how disappointing that is. We will send you new mugs within 3 days. "
    "Please write to us at help@riverbend.example so that we can arrange it."
)


def test_the_reply_alone_is_on_stdout(run: Run, shop: Path) -> None:
    code, out, err = run("reply", TEXT, "--author", "Anna Reed", "--stars", "1", "--shop", shop, "--no-model")
    assert code == 0
    assert "Anna" in out
    assert "help@riverbend.example" in out
    assert "within 3 days" in out or "3 days" in out
    lines = dict(line.split(":", 1) for line in err.splitlines() if line)
    assert lines["read"].split()[0] == "damaged"
    assert "replacement within 3 days" in lines["plan"]
    assert "help@riverbend.example" in lines["plan"]
    assert lines["source"].strip().startswith("template ")
    assert "every rule kept" in lines["checks"]
    assert "person" not in lines


@pytest.mark.parametrize("arguments", [["-"], []])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_review_can_come_from_stdin(run: Run, shop: Path, arguments: list[str], encoding: str) -> None:
    outcome = run(
        "reply", *arguments, "--shop", shop, "--no-model", "--json", stdin=f"{TEXT} “ê”\n".encode(encoding)
    )
    assert outcome.code == 0
    assert json.loads(outcome.out)["plan"]["complaint"] == "damaged"


def test_stdin_that_is_no_text(run: Run) -> None:
    code, out, err = run("reply", stdin=b"caf\xe9 \xff")
    assert (code, out) == (2, "")
    assert "no UTF-8" in err


def test_a_person_at_the_keyboard_is_told_what_to_do(
    run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyboard = io.StringIO(TEXT)
    monkeypatch.setattr(keyboard, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", keyboard)
    outcome = run("reply", "--shop", shop, "--no-model")
    assert outcome.code == 0
    assert outcome.err.startswith("calmreply: type or paste the review")


def test_json_is_the_whole_reply(run: Run, shop: Path) -> None:
    outcome = run("reply", TEXT, "--shop", shop, "--no-model", "--json", "--platform", "google_play")
    data = json.loads(outcome.out)
    assert data["publishable"] is True
    assert data["source"] == "template"
    assert data["plan"]["platform"] == "google_play"
    assert len(data["text"]) <= 350
    assert data["usage"]["requests"] == 0
    assert {"classification", "attempts", "warnings", "needs_human", "reasons"} <= data.keys()
    assert outcome.err == ""


def test_without_a_shop_it_says_for_whom_it_speaks(run: Run) -> None:
    outcome = run("reply", TEXT, "--no-model")
    assert outcome.code == 0
    assert outcome.err.startswith("calmreply: no --shop: ")


def test_a_reply_that_needs_a_person_is_a_finding(run: Run, shop: Path) -> None:
    text = "The handle broke off and the boiling tea burned my hand. I had to go to the hospital."
    outcome = run("reply", text, "--shop", shop, "--no-model")
    assert outcome.code == 1
    assert outcome.out
    assert "needs a person first: at_risk" in outcome.err


def test_stars_without_text_are_a_review(run: Run, shop: Path) -> None:
    outcome = run("reply", "", "--stars", "1", "--shop", shop, "--no-model", "--json")
    assert json.loads(outcome.out)["plan"]["complaint"] == "other"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([""], "there is no review"),
        (["x", "--stars", "9"], "--stars '9' is no rating"),
        (["x", "--platform", "mars"], "there is no platform 'mars'"),
        (["x", "--shop", "nowhere.toml"], "nowhere.toml"),
        (["x", "--no-model", "--model", "m"], "--no-model goes with neither"),
        (["x", "--model", "m"], "nothing says where it is"),
        (["x", "--base-url", "localhost:80"], "is no address"),
    ],
)
def test_bad_arguments_are_said_in_one_line(run: Run, arguments: list[str], said: str) -> None:
    code, out, err = run("reply", *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert "hint: " in err
    assert "Traceback" not in err


def test_a_model_behind_an_address(run: Run, shop: Path, chat_server: ChatServer) -> None:
    chat_server.text = GOOD
    outcome = run(
        "reply", TEXT, "--shop", shop, "--base-url", chat_server.url, "--model", "stand-in", "--json"
    )
    data = json.loads(outcome.out)
    assert data["source"] in {"model", "mended"}
    assert data["usage"]["requests"] == len(chat_server.requests) == len(data["attempts"])
    assert chat_server.requests[0]["model"] == "stand-in"


def test_a_bad_draft_is_told_in_the_summary(run: Run, shop: Path, chat_server: ChatServer) -> None:
    chat_server.text = "Reply: [Name], pay us."
    outcome = run("reply", TEXT, "--shop", shop, "--base-url", chat_server.url, "--model", "stand-in")
    assert outcome.code == 0
    assert "pay us" not in outcome.out
    assert "a draft broke: " in outcome.err


def test_a_wrong_key_is_no_reply(run: Run, shop: Path, chat_server: ChatServer) -> None:
    chat_server.status = 401
    code, out, err = run("reply", TEXT, "--shop", shop, "--base-url", chat_server.url, "--model", "stand-in")
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    assert err.startswith("calmreply: ")


def test_an_embedded_model_that_does_not_start_leaves_a_template(
    run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Replier.reply

    def reply(self: Replier, *args: object, **options: object) -> object:
        if not chosen:
            chosen.append(True)
            raise EmbeddedModelError("the embedded model did not start", hint="free memory")
        return real(self, *args, **options)  # type: ignore[arg-type]

    chosen: list[bool] = []
    monkeypatch.setattr(Replier, "reply", reply)
    outcome = run("reply", TEXT, "--shop", shop)
    assert outcome.code == 0
    assert outcome.out
    assert "did not start\n  hint: free memory" in outcome.err


def test_no_options_leave_the_choice_to_the_replier() -> None:
    from argparse import Namespace

    with client_of(Namespace(model=None, base_url=None, no_model=False)) as client:
        assert client is None
    with client_of(Namespace(model=None, base_url=None, no_model=True)) as client:
        assert client is False
