"""Row by row through a file: a bad row is reported with its number and the rest goes on."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from calmreply.cli.output import tell_bad_row
from calmreply.errors import CalmReplyError, InputError
from calmreply.tables import BadRow, read_rows, write_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    from calmreply.cli.options import Files
    from calmreply.tables import Row

__all__ = ["Tally", "process", "review_values"]

_BAD_ROWS = 3


@dataclass(slots=True)
class Tally:
    """How many rows were done, bad, and done with findings."""

    done: int = 0
    bad: int = 0
    found: int = 0

    @property
    def exit_code(self) -> int:
        """3 with bad rows, whatever else was found: the answer is not complete; 1 with findings; else 0."""
        return _BAD_ROWS if self.bad else min(self.found, 1)


def process(files: Files, work: Callable[[Row], Mapping[str, object]], *, writes: bool = True) -> Tally:
    """Do the same work on every row and write what it gives.

    Args:
        files: where rows come from and go to.
        work: makes an output row; raises `InputError` for a row that cannot be worked on.
        writes: False where the output rows are wanted by nobody.

    Raises:
        InputError: a file cannot be read or written, or there are no rows; no output file is left then.
    """
    tally = Tally()
    reading = cast(
        "Generator[Row | BadRow]",
        read_rows(files.source, format=files.source_format, mapping=files.mapping),
    )
    # Closed here, not whenever it is collected: by then standard input may be gone.
    with contextlib.closing(reading) as rows, _writer(files, writes=writes) as write:
        for row in rows:
            result = row if isinstance(row, BadRow) else _worked(row, work)
            if isinstance(result, BadRow):
                tally.bad += 1
                tell_bad_row(result.number, result.reason)
            else:
                tally.done += 1
                write(result)
        if not tally.done + tally.bad:
            raise InputError(f"there are no rows in {files.source!r}", hint="each row is a review")
    return tally


def review_values(row: Row) -> dict[str, Any]:
    """Of a row's values, those that make a `Review`."""
    return {key: value for key, value in row.values.items() if key not in {"reply", "plan"}}


def _worked(row: Row, work: Callable[[Row], Mapping[str, object]]) -> Mapping[str, object] | BadRow:
    try:
        return work(row)
    except InputError as error:
        return BadRow(row.number, str(error))
    except (CalmReplyError, OSError):
        raise  # a wrong key, a broken pipe: no other row would fare better
    except Exception as error:  # noqa: BLE001 - one row must not cost the other ten thousand
        return BadRow(row.number, f"failed unexpectedly ({type(error).__name__}); please report it")


@contextlib.contextmanager
def _writer(files: Files, *, writes: bool) -> Iterator[Callable[[Mapping[str, object]], None]]:
    if not writes:
        yield lambda _: None
        return
    with write_rows(files.target or "-", source=files.source, format=files.target_format) as writer:
        yield writer.write
