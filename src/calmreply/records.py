"""From a file, whatever its encoding and format, to records: cells under their headings, or what is wrong."""

from __future__ import annotations

import codecs
import csv
import io
import json
import math
import re
import sys
from collections import deque
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain, count, repeat
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Self, cast

from calmreply.errors import InputError
from calmreply.headings import HeadingPath, Wanted, columns_of, folded

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

__all__ = [
    "LONE",
    "LOOKAHEAD_ROWS",
    "Lines",
    "Record",
    "csv_records",
    "json_decoder",
    "json_record",
    "json_records",
    "opened",
]


_NOT_TEXT = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x1f\x8b", b"%PDF")  # xlsx and zip, xls, gz, pdf


_SAVE = "save it as CSV (UTF-8) or JSON lines"


_CELL_CHARS = 1 << 26  # a longer cell is an opened quote that is never closed


LOOKAHEAD_ROWS = 100  # rows in which every needed column must have shown itself


LONE = re.compile("[\ud800-\udfff]")


_ENVELOPE = {
    "reviews",
    "data",
    "averageRating",
    "totalReviewCount",
    "nextPageToken",
    "links",
    "meta",
    "included",
}


class Record(NamedTuple):
    """One row as the file has it: its line (0: not known), and its cells or what is wrong with it."""

    line: int
    cells: dict[HeadingPath, Any] | None
    fault: str = ""


@contextmanager
def opened(source: str | Path | IO[str] | IO[bytes]) -> Iterator[Lines]:
    """The lines of a path, of standard input or of an open file, which stays open."""
    stream: Any = source
    if str(source) == "-":
        stream = getattr(sys.stdin, "buffer", sys.stdin)
    elif isinstance(source, str | Path):
        try:
            with Path(source).open("rb") as file, _lines(file) as lines:
                yield lines
        except OSError as error:
            raise InputError(
                f"cannot read {str(source)!r}: {error.strerror}",
                hint="name a file that is there and readable",
            ) from error
        return
    if isinstance(stream.read(0), str):
        yield Lines(stream)
        return
    with _lines(stream) as lines:
        yield lines


def csv_records(lines: Lines, wanted: Wanted) -> Generator[Record]:
    """Records of a table whose first row holds the headings."""
    csv.field_size_limit(max(csv.field_size_limit(), _CELL_CHARS))  # the process's own; only ever raised
    rows = _csv_rows(lines, _delimiter(lines, wanted))
    _, header = next(rows, (0, []))
    if isinstance(header, str) or LONE.search("".join(header)):
        raise InputError("the row of headings cannot be read as UTF-8 text", hint=_SAVE)
    headings: dict[HeadingPath, None] = {}
    for place, cell in enumerate(header, start=1):
        name = unguarded(cell.strip()) or f"column {place}"
        names = chain([name], (f"{name} ({twin})" for twin in count(2)))
        headings[next((free,) for free in names if (free,) not in headings)] = None
    for line, cells in rows:
        if isinstance(cells, str):
            yield Record(line, None, cells)
        elif LONE.search("".join(cells)):
            yield Record(line, None, f"not UTF-8; {_SAVE}")
        elif any(map(str.strip, cells[len(headings) :])):
            yield Record(
                line, None, f"{len(cells)} cells under {len(headings)} headings; quote text with commas"
            )
        else:
            filled = chain(map(unguarded, cells), repeat(""))
            yield Record(line, dict(zip(headings, filled, strict=False)))


def json_records(lines: Lines, wanted: Wanted) -> Generator[Record]:
    """Records of JSON lines or of a JSON document."""
    first = lines.peek()
    if first[:1] == "[" or first[-1:] in {"{", "["}:  # a list, or an object laid out over several lines
        yield from _document_records("".join(lines), wanted)
        return
    for line in lines:
        if LONE.search(line):
            yield Record(lines.number, None, f"not UTF-8; {_SAVE}")
        elif line.strip():
            try:
                value = json_decoder().decode(line.strip())
            except (ValueError, RecursionError) as error:
                yield Record(lines.number, None, _json_fault(error))
            else:
                yield from (json_record(lines.number, item, wanted) for item in _items(value))


class Lines:
    """Lines of text, some of which can be put back."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._ahead: deque[str] = deque()
        self.number = 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._ahead.popleft() if self._ahead else next(self._lines)
        self.number += 1
        return line.removeprefix("\ufeff") if self.number == 1 else line

    def put_back(self, lines: list[str]) -> None:
        """Let these lines be the next, in this order."""
        self._ahead.extendleft(reversed(lines))
        self.number -= len(lines)

    def peek(self) -> str:
        """The first line that is not blank, stripped; "" where there is none."""
        taken: list[str] = []
        for line in self:
            taken.append(line)
            if line.strip():
                break
        self.put_back(taken)
        return taken[-1].strip() if taken else ""


@contextmanager
def _lines(stream: Any) -> Iterator[Lines]:
    """Decoded lines of bytes; the stream stays open."""
    buffered = stream if hasattr(stream, "peek") else io.BufferedReader(stream)
    encoding, errors = _encoding(buffered.peek(4))
    text = io.TextIOWrapper(buffered, encoding=encoding, errors=errors, newline="")
    try:
        yield Lines(text)
    finally:
        text.detach()
        if buffered is not stream:
            buffered.detach()


def _encoding(head: bytes) -> tuple[str, str]:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", "replace"
    if head.startswith(_NOT_TEXT) or head.count(0) > len(head) // 8:
        raise InputError("this is no text: a workbook, an archive, or UTF-16 without its mark", hint=_SAVE)
    # Bytes that are no UTF-8 become lone surrogates, so that one bad row does not stop the file.
    return "utf-8", "surrogateescape"


def _csv_rows(lines: Lines, delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """Each row's first line and cells, or what is wrong with it; blank rows are left out."""
    while True:
        taken: list[str] = []
        start = lines.number + 1
        try:
            cells = next(csv.reader(_taking(lines, taken), delimiter=delimiter, strict=True), None)
        except csv.Error as error:
            lines.put_back(taken[1:])  # a stray quote costs its own line, not all that it swallowed
            yield start, f"broken CSV: {error}"
            continue
        if cells is None:
            return
        if any(map(str.strip, cells)):
            yield start, cells


def _taking(lines: Lines, taken: list[str]) -> Iterator[str]:
    for line in lines:
        taken.append(line)
        yield line


def _delimiter(lines: Lines, wanted: Wanted) -> str:
    """The separator that makes the most of the headings; a first line `sep=;`, as Excel has it, decides."""
    named = re.fullmatch(r'"?sep=([,;|\t])"?', lines.peek())
    head: list[str] = []
    quotes = 0
    for line in lines:
        head.append(line)
        quotes += line.count('"')
        if named and line.strip():
            return named[1]
        if (line.strip() and quotes % 2 == 0) or len(head) == LOOKAHEAD_ROWS:
            break
    lines.put_back(head)

    def sense(delimiter: str) -> tuple[int, int]:
        _, cells = next(_csv_rows(Lines(head), delimiter), (0, ""))
        if isinstance(cells, str):
            return -1, -1
        return len(columns_of(tuple((cell,) for cell in cells), wanted).paths), len(cells)

    return max((",", ";", "\t"), key=sense)


def _document_records(text: str, wanted: Wanted) -> Iterator[Record]:
    """The rows of a JSON document, or of several one after the other."""
    broken = LONE.search(text) is not None
    something = re.compile(r"\S")
    end = 0
    while found := something.search(text, end):
        place = found.start()
        try:
            value, end = json_decoder().raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            if text[:place].strip():
                yield Record(text.count("\n", 0, place) + 1, None, f"{_json_fault(error)}, from here on")
                return
            raise InputError(f"the file is {_json_fault(error)}", hint=_SAVE) from None
        for item in _items(value):
            if broken and LONE.search(json.dumps(item, ensure_ascii=False)):
                yield Record(0, None, f"not UTF-8; {_SAVE}")
            else:
                yield json_record(0, item, wanted)


@lru_cache(maxsize=1)
def json_decoder() -> json.JSONDecoder:
    """A decoder that forgives raw tabs in strings and yields only what can be written again."""

    # NaN and infinity are no JSON and could not be written again: nothing, and the text as it stands.
    def number(text: str) -> float | str:
        return float(text) if math.isfinite(float(text)) else text

    return json.JSONDecoder(parse_float=number, parse_constant=lambda _: None, strict=False)


def _json_fault(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error.msg.split(': ')[0]} (line {error.lineno}, column {error.colno})"
    return "not JSON that can be read: too deep, or a number too long"


def _items(value: object) -> list[object]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict) and value.keys() <= _ENVELOPE:
        for key in ("reviews", "data"):
            if isinstance(value.get(key), list):
                return cast("list[object]", value[key])
    return [value]


def json_record(line: int, item: object, wanted: Wanted) -> Record:
    """The row of a JSON object, with the fields of its objects as columns of their own, but for the plan."""
    if not isinstance(item, dict):
        return Record(line, None, "a JSON value that is no object")
    whole = {"plan", *(folded(column) for key, column in wanted if key == "plan")}
    cells: dict[HeadingPath, Any] = {}
    for key, value in item.items():
        if isinstance(value, dict) and value and folded(key) not in whole:
            cells |= {(key, inner): cell for inner, cell in value.items()}
        else:
            cells[(key,)] = value
    return Record(line, cells)


def unguarded(cell: str) -> str:
    return cell[1:] if re.match(r"'+[=+\-@\t\r]", cell) else cell
