"""The command `calmreply`: its subcommands, and what every one of them does about errors and exit codes."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from typing import TYPE_CHECKING, NoReturn

import calmreply
from calmreply.cli import batch, check, classify, demo, model, reply, run
from calmreply.cli.output import tell_error
from calmreply.errors import CalmReplyError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

_NOTHING_DONE = 2
_INTERRUPTED = 130  # what a shell reports for a program ended by Ctrl-C
_NOBODY_READS = 141  # and for one whose reader went away

_EPILOG = """\
exit codes: 0 fine, 1 findings, 2 nothing done (bad arguments, no rows), 3 finished with bad rows
models: CALMREPLY_MODEL with OPENAI_API_KEY or OPENAI_BASE_URL; else the embedded one (`calmreply model`)
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; errors of the user's making never show a traceback.

    Args:
        argv: the arguments without the program's name; those of the process if None.

    Returns:
        0 fine, 1 findings, 2 nothing done, 3 finished with bad rows, 130 interrupted, 141 nobody reads.
    """
    _write_utf8()
    try:
        arguments = _parser().parse_args(argv)
        code = int(arguments.func(arguments))
        sys.stdout.flush()
    except SystemExit as end:  # --help and --version
        return end.code if isinstance(end.code, int) else 0
    except CalmReplyError as error:
        return _failed(error)
    except BrokenPipeError:
        _drop_output()
        return _NOBODY_READS
    except OSError as error:  # a full disk, a folder that went away
        return _failed(InputError(f"{error.strerror or type(error).__name__}"))
    except KeyboardInterrupt:
        return _INTERRUPTED
    return code


class _Parser(argparse.ArgumentParser):
    """Reports bad arguments like every other error."""

    def error(self, message: str) -> NoReturn:
        raise InputError(message, hint=f"`{self.prog} --help` shows how")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="calmreply",
        description="Public replies to 1-star reviews that keep every rule, or say that a person is needed.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"calmreply {calmreply.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in (reply, run, batch, classify, check, demo, model):
        module.add_parser(commands)
    return parser


def _failed(error: CalmReplyError) -> int:
    try:
        tell_error(error)
    except BrokenPipeError:
        _drop_output()
    return _NOTHING_DONE


def _write_utf8() -> None:
    """Whatever the locale says: a Vietnamese reply must come out whole."""
    for stream, errors in ((sys.stdout, "replace"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors)


def _drop_output() -> None:
    """Let what is still buffered go nowhere, or the interpreter complains at its end."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            target = stream.fileno()
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, target)
            os.close(nowhere)
