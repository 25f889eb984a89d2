"""The folder of a batch: its reviews, the requests of each round, and which of them are where.

    reviews.jsonl           the reviews, one a line; what could not be read is in reviews.failed.jsonl
    replies.jsonl           the replies there are, with the same files beside it as those of a run
    requests-1-001.jsonl    the first file of the first round; it is what a server, or vLLM, is given
    output-1-001.jsonl      what the server gave back, errors-1-001.jsonl beside it
    given-….jsonl           output and error files that were given by hand
    manifest.json           the rounds, with the ids of their files and batches

The manifest is written last in every step, so that a step that was broken off is done again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from calmreply.batch_answers import CustomId
from calmreply.errors import InputError
from calmreply.row_writer import json_line
from calmreply.run_files import locked, unwritable, write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["BatchFolder", "Manifest", "Part", "PartLimits", "RequestWriter", "rows_of"]

_ENDPOINT = "/v1/chat/completions"

Count = Annotated[int, Field(ge=1)]


class PartLimits(BaseModel):
    """How much one file of requests may hold: OpenAI takes 50,000 rows and 200 MB."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: Count = 50_000
    size_bytes: Count = 200_000_000


class Part(BaseModel):
    """One file of requests, and what became of it.

    Attributes:
        round: the round, from 1.
        number: its place among the files of the round, from 1.
        rows: how many requests it holds.
        file_id: the server's id of the uploaded file.
        batch_id: the server's id of the batch.
        status: the server's word for how the batch stands.
        is_done: whether no more answers will come; what has none by then is asked again.
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    round: Count
    number: Count
    rows: int
    file_id: str | None = None
    batch_id: str | None = None
    status: str | None = None
    is_done: bool = False

    @property
    def name(self) -> str:
        """What its files are called by: "1-001"."""
        return f"{self.round}-{self.number:03d}"


class Manifest(BaseModel):
    """What a batch was made with, and its rounds."""

    model_config = ConfigDict(extra="forbid")

    header: dict[str, Any]
    limits: PartLimits
    rounds: list[list[Part]] = []

    @property
    def parts(self) -> list[Part]:
        """The files of the last round."""
        return self.rounds[-1] if self.rounds else []

    @property
    def is_round_done(self) -> bool:
        """Whether no more answers will come in this round."""
        return all(part.is_done for part in self.parts)


class BatchFolder:
    """A batch's folder, for one program at a time; a context manager.

    Args:
        path: the folder.
        create: make it where it is not there.

    Raises:
        InputError: on entering: it is no batch's folder, or another program is at it.
    """

    def __init__(self, path: str | Path, *, create: bool = False) -> None:
        self.path = Path(path)
        self.manifest: Manifest | None = None
        self._create = create
        self._lock: Any = None

    @property
    def reviews_path(self) -> Path:
        """The reviews of the batch."""
        return self.path / "reviews.jsonl"

    @property
    def replies_path(self) -> Path:
        """The replies there are."""
        return self.path / "replies.jsonl"

    def requests_path(self, part: Part) -> Path:
        """The file of requests."""
        return self.path / f"requests-{part.name}.jsonl"

    def output_path(self, part: Part) -> Path:
        """Where its answers go."""
        return self.path / f"output-{part.name}.jsonl"

    def errors_path(self, part: Part) -> Path:
        """Where its errors go."""
        return self.path / f"errors-{part.name}.jsonl"

    @property
    def given_paths(self) -> list[Path]:
        """The files given by hand."""
        return sorted(self.path.glob("given-*.jsonl"))

    def answer_paths(self) -> Iterator[Path]:
        """The server's output and error files, in the order of rounds and parts."""
        for parts in self.known.rounds:
            for part in parts:
                for path in (self.output_path(part), self.errors_path(part)):
                    if path.exists():
                        yield path

    @property
    def known(self) -> Manifest:
        """The manifest.

        Raises:
            InputError: nothing was exported here.
        """
        if self.manifest is None:
            raise InputError(
                f"{str(self.path)!r} is no batch's folder: it has no manifest.json",
                hint="make one: calmreply batch export IN -o DIR",
            )
        return self.manifest

    def save(self) -> None:
        """Write the manifest.

        Raises:
            InputError: it cannot be written.
        """
        path = self.path / "manifest.json"
        try:
            write_whole(path, self.known.model_dump_json(indent=2) + "\n")
        except OSError as error:
            raise unwritable(path, error) from None

    def keep(self, path: str | Path) -> None:
        """Copy a file that was given by hand; the same file again changes nothing.

        Raises:
            InputError: it cannot be read or copied.
        """
        try:
            with Path(path).open("rb") as file:
                name = hashlib.file_digest(file, "sha256").hexdigest()[:32]
            target = self.path / f"given-{name}.jsonl"
            if not target.exists():
                part = target.with_suffix(".part")
                shutil.copyfile(path, part)
                part.replace(target)
        except OSError as error:
            raise InputError(
                f"cannot copy {str(path)!r}: {error.strerror or type(error).__name__}",
                hint="name an output or error file of this batch",
            ) from None

    def __enter__(self) -> Self:
        if self._create:
            try:
                self.path.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise unwritable(self.path, error) from None
        if not self.path.is_dir():
            raise InputError(
                f"there is no folder {str(self.path)!r}", hint="make one: calmreply batch export IN -o DIR"
            )
        self._lock = locked(self.path / ".lock", self.path)
        try:
            self.manifest = self._read()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def _read(self) -> Manifest | None:
        path = self.path / "manifest.json"
        try:
            return Manifest.model_validate_json(path.read_bytes()) if path.exists() else None
        except (OSError, ValidationError):
            raise InputError(
                f"{str(path)!r} cannot be read as a manifest", hint="export to another folder"
            ) from None


class RequestWriter:
    """Writes the requests of one round, as many files as they need; a context manager."""

    def __init__(self, folder: BatchFolder, round_number: int) -> None:
        self.parts: list[Part] = []
        self._folder = folder
        self._round = round_number
        self._limits = folder.known.limits
        self._file: IO[bytes] | None = None
        self._size = 0

    def write(self, key: str, draft: int, body: Mapping[str, Any]) -> None:
        """Append a request for a draft of a review.

        Raises:
            InputError: it is larger than a file may be, or cannot be written.
        """
        line = self._line(key, draft, body, max(1, len(self.parts)))
        is_full = not self.parts or self.parts[-1].rows >= self._limits.rows
        if is_full or self._size + len(line) > self._limits.size_bytes:
            line = self._line(key, draft, body, len(self.parts) + 1)
            if len(line) > self._limits.size_bytes:
                raise InputError(
                    f"a request of {len(line):,} bytes is larger than a file may be",
                    hint="lower Settings(max_review_tokens=…)",
                )
            self._begin()
        try:
            if self._file is not None:
                self._file.write(line)
        except OSError as error:
            raise unwritable(self._folder.path, error) from None
        self._size += len(line)
        self.parts[-1].rows += 1

    def close(self) -> None:
        """See that the file is on the disk."""
        file, self._file = self._file, None
        if file is None:
            return
        try:
            with file:
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise unwritable(self._folder.path, error) from None

    def __enter__(self) -> Self:
        for path in self._folder.path.glob(f"requests-{self._round}-*.jsonl"):  # of a step that broke off
            path.unlink(missing_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self) -> None:
        self.close()
        part = Part(round=self._round, number=len(self.parts) + 1, rows=0)
        path = self._folder.requests_path(part)
        try:
            self._file = path.open("wb")
        except OSError as error:
            raise unwritable(path, error) from None
        self._size = 0
        self.parts.append(part)

    def _line(self, key: str, draft: int, body: Mapping[str, Any], number: int) -> bytes:
        name = CustomId(key, draft, self._round, number)
        request = {"custom_id": str(name), "method": "POST", "url": _ENDPOINT, "body": body}
        return json_line(request).encode()


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a file of our own, one JSON object a line; none where it is not there.

    Raises:
        InputError: somebody has changed it.
    """
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield json.loads(line)
            except ValueError:
                raise InputError(
                    f"line {number} of {str(path)!r} is no JSON", hint="put the file back as it was"
                ) from None
