"""Writing rows as JSON lines or CSV, whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import secrets
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, Self, TextIO, cast

from calmreply.errors import InputError
from calmreply.records import LONE

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Format", "RowWriter", "json_line", "refuse_same_file", "write_rows"]


Format = Literal["jsonl", "csv"]


_LINE_BREAKERS = re.compile("[\x85\u2028\u2029\ud800-\udfff]")


def write_rows(
    target: str | Path | TextIO,
    *,
    source: object = None,
    format: Format | None = None,  # noqa: A002 - the option's own name
) -> RowWriter:
    """Open `target` for rows: a path, "-" for standard output, or an open text file.

    Args:
        target: a path ends in .csv or .tsv for CSV; all else is JSON lines unless `format` says otherwise.
        source: what `read_rows` reads from, so that it is never written over.
        format: "jsonl" or "csv".

    Raises:
        InputError: `target` is the input itself, or cannot be written.
    """
    if isinstance(target, str | Path):
        refuse_same_file(source, Path(target))
        ending = Path(target).suffix.lower()
        kind: Format = format or ("csv" if ending in {".csv", ".tsv"} else "jsonl")
        return RowWriter(Path(target), kind=kind, delimiter="\t" if ending == ".tsv" else ",")
    return RowWriter(target, kind=format or "jsonl")


class RowWriter:
    """Writes rows, any number of keys each; a context manager (see `write_rows`).

    A file appears whole when the block ends, in place of an older one, and not at all if the block raises;
    a stream gets each JSON line at once. CSV has every column that any row had, so it is written when the
    block ends; nested values are JSON in it. A CSV cell of text that a spreadsheet would take for a formula
    (it begins with = + - @, a tab or a return, and is no plain number) gets an apostrophe in front, whoever
    wrote it; `read_rows` takes it off again. JSON lines are exact.
    """

    def __init__(self, target: Path | TextIO, *, kind: Format, delimiter: str = ",") -> None:
        self._delimiter = delimiter
        self._target = target
        self._stream, self._part, self._owned = _opened_target(target)
        self._columns: dict[str, None] = {}
        self._spool = tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n") if kind == "csv" else None  # noqa: SIM115 - closed on exit

    def __enter__(self) -> Self:
        return self

    def write(self, row: Mapping[str, object]) -> None:
        """Write one row: names and values that JSON can hold."""
        (self._spool or self._stream).write(json_line(row))
        if self._spool is not None:
            self._columns.update(dict.fromkeys(row))
        elif self._part is None:
            self._stream.flush()

    def __exit__(self, failed: object, *_: object) -> None:
        try:
            if self._spool is not None and not (failed and self._part):
                self._write_csv(self._spool)
            self._stream.flush()
            if self._part is not None and not failed:
                os.fsync(self._stream.fileno())
                self._stream.close()
                self._part.replace(cast("Path", self._target).resolve())
        finally:
            if self._spool is not None:
                self._spool.close()
            if self._owned:
                self._stream.close()
            if self._part is not None:
                self._part.unlink(missing_ok=True)

    def _write_csv(self, spool: IO[str]) -> None:
        spool.seek(0)
        sheet = csv.writer(self._stream, delimiter=self._delimiter)
        if self._columns:
            sheet.writerow(map(_cell, self._columns))
        for row in map(json.loads, spool):
            sheet.writerow(_cell(row.get(column)) for column in self._columns)


def json_line(row: Mapping[str, object]) -> str:
    """A row as one JSON line, its end included."""
    line = json.dumps(row, ensure_ascii=False)
    # Some programs end a line at these, and half a character is no UTF-8.
    return _LINE_BREAKERS.sub(lambda found: f"\\u{ord(found[0]):04x}", line) + "\n"


def refuse_same_file(source: object, target: Path) -> None:
    """Raise `InputError` where the target is the file that is read from."""
    origin: Any = sys.stdin if str(source) == "-" else source
    with suppress(OSError, ValueError, AttributeError):  # nothing there yet, or no file at all
        was = Path(origin).stat() if isinstance(origin, str | Path) else os.fstat(origin.fileno())
        if stat.S_ISREG(was.st_mode) and os.path.samestat(was, target.stat()):
            raise InputError(f"{str(target)!r} is the input itself", hint="name another file for the output")


def _opened_target(target: Path | TextIO) -> tuple[TextIO, Path | None, bool]:
    """The stream to write to, the file it fills until the rows are complete, whether it is ours to close."""
    if not isinstance(target, Path):
        return target, None, False
    if str(target) == "-":
        if isinstance(sys.stdout, io.TextIOWrapper):  # redirected, it may be anything but UTF-8
            sys.stdout.reconfigure(encoding="utf-8", newline="")
        return sys.stdout, None, False
    try:
        if target.exists() and not target.is_file():  # a pipe or a device cannot be replaced
            return target.open("w", encoding="utf-8", newline=""), None, True
        whole = target.resolve()
        part = whole.with_name(f".{whole.name}.{secrets.token_hex(4)}.part")
        stream = part.open("x", encoding="utf-8", newline="")
        if whole.exists():
            part.chmod(whole.stat().st_mode)
    except OSError as error:
        raise InputError(
            f"cannot write {str(target)!r}: {error.strerror}", hint="name a file in a folder that exists"
        ) from error
    return stream, part, True


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = LONE.sub("\ufffd", text)
    guarded = isinstance(value, str) and re.match(r"'*[=+\-@\t\r]", text)
    return f"'{text}" if guarded and not re.fullmatch(r"[+-]?\d+(?:[.,]\d+)*", text) else text
