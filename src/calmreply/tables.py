"""Reading and writing rows for the command line: JSON lines, JSON documents, CSV, and Parquet to read.

A row is a review. Headings of the usual exports are known; every other column is carried through.
"""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from calmreply.errors import InputError
from calmreply.headings import FIELDS, Columns, HeadingPath, Wanted, columns_of, plain
from calmreply.key_table import KeyTable, digest
from calmreply.parquet import ENDINGS, parquet_records
from calmreply.records import LONE, LOOKAHEAD_ROWS, Record, csv_records, json_decoder, json_records, opened
from calmreply.row_writer import Format, RowWriter, write_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["BadRow", "Format", "Row", "RowWriter", "parse_mapping", "parse_stars", "read_rows", "write_rows"]


_STARS = re.compile(r"(?:rated )?(\d)(?:[.,]0+)?(?: ?(?:/|out of|of|tren) ?5(?:[.,]0+)?)? ?(?:stars?|sao)?")


_STAR_WORDS = (("one", "mot"), ("two", "hai"), ("three", "ba"), ("four", "bon"), ("five", "nam"))


@dataclass(frozen=True, slots=True)
class Row:
    """A review that could be read.

    Attributes:
        number: the row's place, from 1; headings and blank rows are not counted.
        values: `id` and `text`, and of `author, stars, product, order_id, created_at, platform, reply,
            plan` those that are known. `stars` is 1 to 5, or None where it could not be understood
            (then the original stands in `extra`); `plan` is a dict; everything else is a string.
        extra: every other column under its own heading, as it came.
        is_named: whether the file gave the id; else it was made from the row's number and content.
    """

    number: int
    values: dict[str, Any] = field(repr=False)
    extra: dict[str, Any] = field(repr=False)
    is_named: bool = field(default=True, repr=False)


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that could not be read; `reason` quotes nothing of it."""

    number: int
    reason: str


def read_rows(
    source: str | Path | IO[str] | IO[bytes],
    *,
    format: Format | None = None,  # noqa: A002 - the option's own name
    mapping: Mapping[str, str] | None = None,
) -> Iterator[Row | BadRow]:
    """Read reviews one by one; a bad one is reported in its place and the rest goes on.

    Text is UTF-8 with or without byte-order mark, or UTF-16 with one. CSV may be separated by commas,
    semicolons or tabs. JSON is one object a line, or a whole document: a list of objects, or an object
    that holds one under `reviews` or `data` (which is read into memory at once; nothing else is).
    A path that ends in .parquet or .pq is a Parquet file.
    A row without an id gets one from its number and content ("row-3-1a2b3c").

    Args:
        source: a path, "-" for standard input, or an open file.
        format: "jsonl" or "csv"; None goes by the path's ending, else by the first character.
        mapping: the column of a field, where its heading is not a known one: {"text": "Opinion"}.

    Raises:
        InputError: nothing can be read, or no column holds the text. Raised as the first row is asked for.
    """
    wanted = tuple((mapping or {}).items())
    ending = Path(source).suffix.lower() if isinstance(source, str | Path) else ""
    with ExitStack() as stack:
        numbers = stack.enter_context(KeyTable())
        if isinstance(source, str | Path) and ending in ENDINGS and format is None:
            records = parquet_records(source, wanted)
            stack.callback(records.close)
        else:
            lines = stack.enter_context(opened(source))
            known = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl"}
            kind = format or known.get(ending) or ("jsonl" if lines.peek()[:1] in {"{", "["} else "csv")
            records = json_records(lines, wanted) if kind == "jsonl" else csv_records(lines, wanted)
        for number, record in enumerate(_with_needed_columns(records, wanted), start=1):
            yield _row(number, record, wanted, numbers)


def parse_mapping(options: Iterable[str]) -> dict[str, str]:
    """Read `--map` options, each `KEY=COLUMN`.

    Raises:
        InputError: an option has no `=`, or KEY is no field of a row.
    """
    mapping = {}
    for option in options:
        key, sign, column = (part.strip() for part in option.partition("="))
        if not (sign and column) or key not in FIELDS:
            raise InputError(
                f"--map {option!r} is not KEY=COLUMN", hint=f"KEY is one of {', '.join(sorted(FIELDS))}"
            )
        mapping[key] = column
    return mapping


def parse_stars(value: object) -> int | None:
    """Read a rating of 1 to 5 as the platforms write it; None where it is not one.

    >>> [parse_stars(stars) for stars in (1, "1.0", "ONE", "★★☆☆☆", "1/5", "2 sao", "2.5")]
    [1, 1, 1, 2, 1, 2, None]
    """
    if isinstance(value, bool) or value is None:
        return None
    text = " ".join(plain(str(value)).split())
    filled = re.fullmatch("([★⭐🌟]{1,5})[☆✩]{0,4}", re.sub("[\ufe0f\\s]", "", text))
    found = _STARS.fullmatch(text)
    word = re.sub(r" ?(?:stars?|sao)$", "", text)
    named = [number for number, words in enumerate(_STAR_WORDS, start=1) if word in words]
    stars = len(filled[1]) if filled else int(found[1]) if found else sum(named)
    return stars if 1 <= stars <= 5 else None  # noqa: PLR2004 - the scale


def _with_needed_columns(records: Iterator[Record], wanted: Wanted) -> Iterator[Record]:
    """The same records, once each column that is needed was seen in one of the first."""
    needed = {"text": "text", **dict(wanted)}
    held: list[Record] = []
    headings: dict[str, None] = {}
    for record in records:
        held.append(record)
        if record.cells is not None:
            columns = columns_of(tuple(record.cells), wanted)
            found = {*columns.paths, *(("text",) if _is_wordless(columns) else ())}
            needed = {key: column for key, column in needed.items() if key not in found}
            headings.update(dict.fromkeys(".".join(path)[:40] for path in record.cells))
        if not needed or len(held) == LOOKAHEAD_ROWS:
            break
    if needed and headings:
        key, column = next(iter(needed.items()))
        named = key in dict(wanted)
        there = ", ".join(map(repr, list(headings)[:40]))
        raise InputError(
            f"no column {column!r} for {key}" if named else "no column holds the text of the review",
            hint=f"name it with --map {key}=COLUMN; the columns are {there}",
        )
    return chain(held, records)


def _is_wordless(columns: Columns) -> bool:
    """Whether a row may lack its text: Google leaves the field out where the customer gave stars alone."""
    return columns.platform == "google_business"


class _CellError(ValueError):
    """A cell that cannot be what its column says; the message quotes nothing of it."""


def _row(number: int, record: Record, wanted: Wanted, numbers: KeyTable) -> Row | BadRow:
    where = f" (line {record.line})" if record.line else ""
    if record.cells is None:
        return BadRow(number, record.fault + where)
    try:
        values, extra = _values(record.cells, wanted)
    except _CellError as error:
        return BadRow(number, f"{error}{where}")
    is_named = "id" in values
    if not is_named:
        content = [
            values.get(key) for key in ("text", "author", "stars", "product", "order_id", "created_at")
        ]
        values["id"] = f"row-{number}-{hashlib.sha256(json.dumps(content).encode()).hexdigest()[:6]}"
    first = numbers.first(digest(values["id"]), number)
    if first != number:
        return BadRow(number, f"the same id as row {first}{where}")
    return Row(number, values, extra, is_named)


def _values(cells: dict[HeadingPath, Any], wanted: Wanted) -> tuple[dict[str, Any], dict[str, Any]]:
    columns = columns_of(tuple(cells), wanted)
    values = {key: _value(key, cells[path]) for key, path in columns.paths.items()}
    if "text" not in values:
        # A reply may be checked by its plan alone.
        if not _is_wordless(columns) and not (values.get("reply") and values.get("plan")):
            raise _CellError("no text")
        values["text"] = ""
    taken = set(columns.paths.values())
    stars = columns.paths.get("stars")
    if stars and values["stars"] is None and str(cells[stars] or "").strip():
        taken.remove(stars)
    else:
        stars = None
    if columns.platform:
        values["platform"] = values.get("platform") or columns.platform
    extra: dict[str, Any] = {}
    for path, cell in cells.items():
        if path not in taken:
            (extra if len(path) == 1 else extra.setdefault(path[0], {}))[path[-1]] = cell
    return {
        key: value for key, value in values.items() if value is not None or (key == "stars" and stars)
    }, extra


def _value(key: str, cell: object) -> object:
    if key == "stars":
        return parse_stars(cell)
    if key == "plan":
        return _plan(cell)
    if isinstance(cell, bool | list | dict):
        raise _CellError(f"{key} is no text")
    text = "" if cell is None else LONE.sub("\ufffd", str(cell))
    return text if key == "text" or (key == "reply" and text.strip()) else text.strip() or None


def _plan(cell: object) -> object:
    if isinstance(cell, str) and cell.strip():
        try:
            cell = json_decoder().decode(cell.strip())
        except (ValueError, RecursionError):
            raise _CellError("plan is no JSON object") from None
    if cell in (None, "") or (isinstance(cell, str) and not cell.strip()):
        return None
    if not isinstance(cell, dict):
        raise _CellError("plan is no JSON object")
    return cell
