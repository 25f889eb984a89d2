"""A tape recorder for HTTP: what a server of the embedded model answered, recorded and played back offline.

A test that takes `recorded_server` plays the cassette of its own name, from `tests/cassettes/` or the folder in it
that its module names as `CASSETTES_OF`.

`make cassettes` records all of them again: it sets CALMREPLY_RECORD, and then each test talks to the server.
A request is matched by its path, model and message roles. Of what was sent only the beginnings are kept, so
that an edited prompt leaves the cassettes as they are; they change with the number of its messages.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import vcr
import yaml  # type: ignore[import-untyped]
from openai import AsyncOpenAI, OpenAI
from pytest_socket import disable_socket
from vcr.serialize import deserialize, serialize

from calmreply import Settings
from calmreply.local import MODEL_FILE, EmbeddedModel, embedded_model_available, model_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

CASSETTES = Path(__file__).with_name("cassettes")
# Read before the tests forget the machine's settings.
RECORDING = bool(os.environ.get("CALMREPLY_RECORD"))
DIRECTORY = model_directory()
# Where every recorded server is said to have listened.
ADDRESS = "http://127.0.0.1/v1"
NAME = MODEL_FILE.name.removesuffix(".gguf")

# One try each, so that a cassette that does not fit fails at once; a busy machine may take its time.
SETTINGS = Settings(
    temperature=0, max_attempts=1, transport_attempts=1, timeout_seconds=900, deadline_seconds=900
)


@dataclass(frozen=True)
class Server:
    """Where the recorded server is, or was."""

    base_url: str = ADDRESS
    api_key: str = "wanted-only-by-the-real-server"

    def client(self, **options: Any) -> OpenAI:
        return OpenAI(**{"base_url": self.base_url, "api_key": self.api_key, **options})

    def async_client(self, **options: Any) -> AsyncOpenAI:
        return AsyncOpenAI(**{"base_url": self.base_url, "api_key": self.api_key, **options})


def started(**options: Any) -> Iterator[Server]:
    if not RECORDING:
        yield Server()
        return
    if not embedded_model_available(DIRECTORY):
        pytest.fail("nothing to record: run `calmreply model fetch` first", pytrace=False)
    with EmbeddedModel(DIRECTORY, start_timeout_seconds=600, **options) as model:
        yield Server(model.base_url, model.api_key)


@pytest.fixture(scope="session")
def recorded_server() -> Iterator[Server]:
    yield from started()


@pytest.fixture(scope="session")
def small_server() -> Iterator[Server]:
    """A server with room for less than one of our prompts."""
    yield from started(context_tokens=512, slots=1)


@pytest.fixture(autouse=True)
def tape(request: pytest.FixtureRequest) -> Iterator[None]:
    """The cassette of this test, recorded or played; every recorded request must be made again."""
    if "recorded_server" not in request.fixturenames and "small_server" not in request.fixturenames:
        yield
        return
    if not RECORDING:
        disable_socket(allow_unix_socket=True)
    name = request.node.name.removeprefix("test_").replace("[", "-").rstrip("]")
    folder = CASSETTES / getattr(request.module, "CASSETTES_OF", "")
    with recorder().use_cassette(folder / f"{name}.yaml") as cassette:
        yield
    assert RECORDING or cassette.all_played, f"a recorded request was not made; {AGAIN}"


AGAIN = "if that is meant, run `make cassettes`"


def recorder() -> vcr.VCR:
    made = vcr.VCR(
        record_mode="all" if RECORDING else "none",
        before_record_request=plain_request,
        before_record_response=plain_response,
        # In playback it would cut a cassette down to what a failing test had asked for.
        drop_unused_requests=RECORDING,
    )
    made.register_matcher("asked", same_question)
    made.match_on = ("method", "path", "asked")
    made.register_persister(Files)
    return made


def same_question(one: Any, other: Any) -> None:
    asked, recorded = (
        (body.get("model"), [message["role"] for message in body.get("messages", ())])
        for body in (json.loads(each.body or b"{}") for each in (one, other))
    )
    assert asked == recorded


def plain_request(request: Any) -> Any:
    """A request without port, key and telling headers, and with only the beginning of every message."""
    request.uri = f"{ADDRESS.removesuffix('/v1')}{urlsplit(request.uri).path}"
    request.headers = {"content-type": "application/json"} if request.body else {}
    if request.body:
        body = json.loads(request.body)
        for message in body["messages"]:
            message["content"] = beginning(message["content"])
        request.body = json.dumps(body, ensure_ascii=False).encode()
    return request


def beginning(text: str, characters: int = 60) -> str:
    line = " ".join(text.split())
    return line if len(line) <= characters else f"{line[:characters].rstrip()} …"


def plain_response(response: dict[str, Any]) -> dict[str, Any]:
    """A response with nothing in it that is new every time: ids, times, speeds, connection headers."""
    body = json.loads(response["body"]["string"])
    if "id" in body:
        body["id"] = "chatcmpl-recorded"
    for each in (body, *body.get("data", ())):
        if "created" in each:
            each["created"] = 1_700_000_000
    if "timings" in body:
        body["timings"] = dict.fromkeys(body["timings"], 0)
    response["body"]["string"] = json.dumps(body, ensure_ascii=False).encode()
    response["headers"] = {
        name: values
        for name, values in response["headers"].items()
        if name.lower() in {"content-type", "server"}
    }
    return response


class Files:
    """Cassettes as UTF-8 files, with JSON bodies as YAML that people can read and compare."""

    @staticmethod
    def load_cassette(path: Path, serializer: object) -> Any:
        assert path.is_file() or RECORDING, f"there is no {path.name}; run `make cassettes`"
        return deserialize(path.read_text(encoding="utf-8"), Files) if path.is_file() else ([], [])

    @staticmethod
    def save_cassette(path: Path, content: dict[str, Any], serializer: object) -> None:
        path.write_text(serialize(content, Files), encoding="utf-8")

    @staticmethod
    def serialize(content: dict[str, Any]) -> str:
        for each in content["interactions"]:
            each["request"]["body"] = json.loads(each["request"]["body"] or "null")
            each["response"]["body"]["string"] = json.loads(each["response"]["body"]["string"])
        return str(yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=110))

    @staticmethod
    def deserialize(text: str) -> Any:
        content = yaml.safe_load(text)
        for each in content["interactions"]:
            body = each["request"]["body"]
            each["request"]["body"] = json.dumps(body) if body else None
            each["response"]["body"]["string"] = json.dumps(each["response"]["body"]["string"])
        return content


def recorded(folder: str = "") -> set[str]:
    """The tests that have a cassette in a folder."""
    return {path.stem.partition("-")[0] for path in (CASSETTES / folder).glob("*.yaml")}
