"""What every command does alike: version, bad arguments, Ctrl-C, broken pipes, encodings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import calmreply
import calmreply.cli
from calmreply.cli import main, reply

if TYPE_CHECKING:
    from cli.conftest import Run


ROW = '{"id": "%d", "text": "The mug arrived broken.", "reply": "Whatever."}\n'


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "calmreply", *arguments]


def test_version(run: Run) -> None:
    assert run("--version") == (0, f"calmreply {calmreply.__version__}\n", "")


def test_help_names_every_command_and_the_exit_codes(run: Run) -> None:
    outcome = run("--help")
    assert outcome.code == 0
    assert all(name in outcome.out for name in ("reply", "classify", "check", "demo", "model", "exit codes"))


@pytest.mark.parametrize(
    "arguments",
    [[], ["dance"], ["reply", "--loud"], ["check"], ["classify", "--format", "xml", "in.csv"], ["demo", "x"]],
)
def test_bad_arguments_do_nothing_and_say_where_help_is(run: Run, arguments: list[str]) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("calmreply: ")
    assert "--help` shows how" in err
    assert "Traceback" not in err


def test_ctrl_c_ends_it_quietly(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(reply, "run", interrupted)
    assert run("reply", "x") == (130, "", "")


def test_a_broken_pipe_is_told_to_nobody(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> int:
        raise BrokenPipeError

    monkeypatch.setattr(reply, "run", broken)
    assert run("reply", "x") == (141, "", "")


def test_nobody_to_tell_an_error_to(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(calmreply.cli, "tell_error", broken)
    assert run("dance") == (2, "", "")


def test_a_full_disk_is_no_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(reply, "run", full)
    assert run("reply", "x") == (2, "", "calmreply: No space left on device\n")


def test_our_own_mistakes_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(_: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(reply, "run", wrong)
    with pytest.raises(ZeroDivisionError):
        main(["reply", "x"])


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text("".join(ROW % number for number in range(2000)), "utf-8")
    with (tmp_path / "err").open("wb") as err:
        process = subprocess.Popen(  # noqa: S603 - ourselves
            command("check", "in.jsonl"), cwd=tmp_path, stdout=subprocess.PIPE, stderr=err, env=environment()
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        process.stdout.close()
        assert process.wait() == 141
    assert first.startswith(b'{"id": "0"')
    said = (tmp_path / "err").read_text("utf-8")
    assert "Traceback" not in said
    assert "BrokenPipe" not in said


def test_output_is_utf8_whatever_the_locale(tmp_path: Path) -> None:
    done = subprocess.run(  # noqa: S603 - ourselves
        command("reply", "--no-model", "--author", "Nguyễn Thị Lan"),
        input="Hàng giao trễ cả tuần, quá thất vọng.".encode(),
        cwd=tmp_path,
        capture_output=True,
        check=False,
        env=environment() | {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )
    assert done.returncode in {0, 1}
    assert any(letter in done.stdout.decode("utf-8") for letter in "ảạơưđ")


def environment() -> dict[str, str]:
    return {
        **os.environ,
        "CALMREPLY_MODEL_DIR": "no-model",
        "PYTHONPATH": str(Path(calmreply.__file__).parents[1]),  # from another folder too
    }
