"""The command line run in this process, a shop's policy, and a server that speaks the chat API."""

from __future__ import annotations

import io
import json
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import pytest

import calmreply.replier
from calmreply import Classification, Complaint, Review, Signal
from calmreply.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Outcome(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


class WordReader:
    """Knows a few words: these tests stay the same whatever the real classifier learns."""

    def __init__(self, **_: Any) -> None:
        pass

    def classify(self, review: Review, *, order: object = None) -> Classification:
        words = set(review.text.lower().replace(",", " ").replace(".", " ").split())
        known = {"broken": Complaint.DAMAGED, "late": Complaint.LATE, "trễ": Complaint.LATE}
        found = [known[word] for word in sorted(words & known.keys())] or [Complaint.OTHER]
        return Classification(
            complaint=found[0],
            complaints=tuple(found),
            signals=frozenset({Signal.AT_RISK} if "burned" in words else ()),
            language="vi" if "trễ" in words else "en",
            confidence=0.1 if "hmm" in words else 0.99,
            evidence=tuple(sorted(words & known.keys())),
        )


@pytest.fixture(autouse=True)
def _word_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calmreply.replier, "LocalClassifier", WordReader)


class Run(Protocol):
    def __call__(self, *arguments: object, stdin: str | bytes | None = None) -> Outcome: ...


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run one command in an empty folder, without an embedded model."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALMREPLY_MODEL_DIR", str(tmp_path / "no-model"))

    def call(*arguments: object, stdin: str | bytes | None = None) -> Outcome:
        if stdin is not None:
            data = stdin.encode() if isinstance(stdin, str) else stdin
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="ascii"))
        code = main([str(one) for one in arguments])
        return Outcome(code, *capsys.readouterr())

    return call


SHOP = """
name = "Riverbend Pots"
signature = "Mai, Riverbend Pots"
languages = ["en"]

[[channels]]
kind = "email"
value = "help@riverbend.example"

[escalation]
role = "our owner"
within = "24 hours"

[remedies.damaged]
action = "replacement"
within = "3 days"
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.toml"
    path.write_text(SHOP, "utf-8")
    return path


@dataclass
class ChatServer:
    """Answers every chat completion with the same status and text, and keeps what it was sent."""

    url: str
    status: int = 200
    text: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def chat_server() -> Iterator[ChatServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.requests.append(json.loads(body))
            choice = {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": state.text},
            }
            usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
            answer = {"id": "1", "object": "chat.completion", "created": 0, "model": "stand-in"}
            answer |= (
                {"choices": [choice], "usage": usage} if state.status == 200 else {"error": {"message": "no"}}
            )
            data = json.dumps(answer).encode()
            self.send_response(state.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state = ChatServer(f"http://127.0.0.1:{server.server_port}/v1")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        server.shutdown()
        thread.join()
