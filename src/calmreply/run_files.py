"""The files of a run: one row a review appended to OUT, what it was made with, and what failed, beside it.

Every row is one write of one whole line, so that `kill -9` costs at most what was under way. A line that
broke off is put aside when the run goes on.
"""

from __future__ import annotations

import json
import os
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, Self

from calmreply.errors import InputError
from calmreply.key_table import KeyTable, digest
from calmreply.row_writer import json_line
from calmreply.run_header import changes

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RunFiles", "locked", "unwritable", "write_whole"]

# A power cut costs at most so many seconds of replies; a killed process costs none.
_SYNC_SECONDS = 5.0
_REMEMBERED = 200
_ENDINGS = {".jsonl", ".ndjson"}


class RunFiles:
    """OUT and the files beside it, for one run at a time; a context manager.

    Of `answers.jsonl` these are `answers.header.json`, `answers.failed.jsonl`, `answers.broken.jsonl` and a
    hidden lock.

    Attributes:
        recent: the last 200 rows there are, oldest first.
        unreadable: lines inside OUT that are no rows of a run; they stay where they are.
        has_broken_off: whether the last line was broken off and put aside.

    Raises:
        InputError: OUT is no JSON lines file.
    """

    def __init__(self, target: str | Path) -> None:
        self.path = Path(target)
        if self.path.suffix.lower() not in _ENDINGS or (self.path.exists() and not self.path.is_file()):
            raise InputError(
                f"a run cannot go on from {str(target)!r}", hint="name a file for it that ends in .jsonl"
            )
        self.recent: deque[dict[str, Any]] = deque(maxlen=_REMEMBERED)
        self.unreadable = 0
        self.has_broken_off = False
        self._answered = KeyTable()
        self._out: IO[bytes] | None = None
        self._failed: IO[bytes] | None = None
        self._synced = time.monotonic()
        self._lock: Any = None

    @property
    def header_path(self) -> Path:
        """What the run was made with."""
        return self._beside(".header.json")

    @property
    def failed_path(self) -> Path:
        """The rows that failed when the run was last begun, each with its reason."""
        return self._beside(".failed.jsonl")

    @property
    def broken_path(self) -> Path:
        """Lines that broke off."""
        return self._beside(".broken.jsonl")

    def read(self) -> None:
        """Learn what is answered; nothing is written."""
        if self.path.exists():
            with self.path.open("rb") as file:
                for line in file:
                    self._learn(line)

    def begin(self, header: Mapping[str, Any], *, anyway: bool = False) -> None:
        """Learn what is answered, mend the end of OUT, and open it for more.

        Raises:
            InputError: another run is at it; it was made with something else, or nobody knows with what, and
                not `anyway`; it cannot be written.
        """
        self._lock = locked(self.path.with_name(f".{self.path.name}.lock"), self.path)
        if self.path.exists() and self.path.stat().st_size and not anyway:
            self._compare(header)
        try:
            self._mend()
            self.read()
            write_whole(self.header_path, json.dumps(header, indent=2) + "\n")
            self.failed_path.unlink(missing_ok=True)
            self._out = self.path.open("ab", buffering=0)
        except OSError as error:
            raise unwritable(self.path, error) from None

    def state(self, name: str, content: str) -> Literal["new", "answered", "edited"]:
        """Whether a review is answered, by its id and the hash of what it says."""
        known = self._answered[digest(name)]
        if known is None:
            return "new"
        return "answered" if known == digest(content) else "edited"

    def write(self, row: Mapping[str, Any]) -> None:
        """Append a row; it has an `id` and the review's `hash`.

        Raises:
            InputError: the disk is full, or OUT cannot be written; no part of the row is left in it.
        """
        if self._out is not None:
            _append(self._out, self.path, row)
            if time.monotonic() - self._synced > _SYNC_SECONDS:
                self._sync()

    def write_failed(self, row: Mapping[str, Any]) -> None:
        """Append a row that failed to the file beside OUT, which is there only if one did."""
        try:
            self._failed = self._failed or self.failed_path.open("ab", buffering=0)
        except OSError as error:
            raise unwritable(self.failed_path, error) from None
        _append(self._failed, self.failed_path, row)

    def close(self) -> None:
        """See that every row is on the disk, and let others at the files."""
        try:
            if self._out is not None:
                self._sync()
                if not self._out.tell():  # nothing to go on from
                    self.path.unlink(missing_ok=True)
                    self.header_path.unlink(missing_ok=True)
        finally:
            for file in (self._out, self._failed):
                if file is not None:
                    file.close()
            self._answered.close()
            if self._lock is not None:
                self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _beside(self, ending: str) -> Path:
        return self.path.with_name(self.path.stem + ending)

    def _compare(self, header: Mapping[str, Any]) -> None:
        try:
            before = json.loads(self.header_path.read_bytes())
        except (OSError, ValueError):
            before = None
        if not isinstance(before, dict):
            raise InputError(
                f"nothing says what {str(self.path)!r} was made with: {self.header_path.name} is missing",
                hint="name another file with -o, or say --anyway to go on in this one",
            )
        if changed := changes(before, header):
            raise InputError(
                f"{str(self.path)!r} was made with another {', '.join(changed)}",
                hint="name another file with -o, or say --anyway to go on in this one",
            )

    def _mend(self) -> None:
        """Give the last line its end, or put it aside where it is no row."""
        if not self.path.exists():
            return
        with self.path.open("r+b") as file:
            start = _last_line(file)
            line = file.read()
            if not line or (line.endswith(b"\n") and _row(line) is not None):
                return
            if _row(line) is not None:
                file.write(b"\n")
                return
            with self.broken_path.open("ab") as aside:
                aside.write(line.rstrip(b"\n") + b"\n")
            file.truncate(start)
            self.has_broken_off = True

    def _learn(self, line: bytes) -> None:
        row = _row(line)
        if row is None:
            self.unreadable += bool(line.strip())
            return
        self._answered[digest(row["id"])] = digest(row["hash"])
        self.recent.append(row)

    def _sync(self) -> None:
        if self._out is not None:
            try:
                os.fsync(self._out.fileno())
            except OSError as error:
                raise unwritable(self.path, error) from None
        self._synced = time.monotonic()


def locked(lock_path: Path, path: Path) -> Any:
    """Hold a file, or a folder, against every other run until `release()`.

    Raises:
        InputError: another run holds it, or the lock cannot be written.
    """
    from filelock import FileLock, Timeout

    if not lock_path.parent.is_dir():  # a lock would make it
        raise InputError(
            f"cannot write {str(path)!r}: there is no folder", hint="name a file in a folder that exists"
        )
    lock = FileLock(lock_path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(
            f"another run is writing {str(path)!r}", hint="wait for it, or name another file with -o"
        ) from None
    except OSError as error:
        raise unwritable(path, error) from None
    return lock


def _row(line: bytes) -> dict[str, Any] | None:
    """A line as a row of a run; None where it is none."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    is_row = isinstance(row, dict) and isinstance(row.get("id"), str) and isinstance(row.get("hash"), str)
    return row if is_row else None


def _last_line(file: IO[bytes], step: int = 1 << 16) -> int:
    """Where the last line begins, whether it has an end or not; the file stands there afterwards."""
    end = file.seek(0, os.SEEK_END)
    at, tail = end, b""
    while at > 0 and b"\n" not in tail[:-1]:
        at = max(0, at - step)
        file.seek(at)
        tail = file.read(end - at)
        step *= 2
    start = at + tail.rfind(b"\n", 0, len(tail) - 1) + 1 if tail else 0
    file.seek(start)
    return start


def _append(file: IO[bytes], path: Path, row: Mapping[str, Any]) -> None:
    data = json_line(row).encode()
    start = file.seek(0, os.SEEK_END)
    try:
        written = file.write(data)
        while written < len(data):
            written += file.write(data[written:])
    except OSError as error:
        with suppress(OSError):
            file.truncate(start)
        raise unwritable(path, error) from None


def write_whole(path: Path, text: str) -> None:
    """Write a small file, which is there as a whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def unwritable(path: Path, error: OSError) -> InputError:
    """What to say of a file that the system does not let us write."""
    return InputError(
        f"cannot write {str(path)!r}: {error.strerror or type(error).__name__}",
        hint="what is answered is kept: mend that and run the same command again",
    )
