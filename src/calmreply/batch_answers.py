"""What batches answered: output and error files of any number of rounds, joined by custom_id.

Files may overlap, come in any order and break off; a line that says nothing is counted and left out.
"""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from dataclasses import replace
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Self

from calmreply.errors import ModelError, ModelResponseError, ModelServerError
from calmreply.key_table import KeyTable, digest
from calmreply.model import ModelAnswer
from calmreply.run_files import unwritable
from calmreply.wire import Dialect, model_error, protocol_word, read_answer, read_tokens

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Answers", "CustomId", "History", "read_line"]

_CUSTOM_ID = re.compile(r"([0-9a-f]{32})\.([1-9]\d{0,5})\.([1-9]\d{0,5})\.(\d{1,6})")
# Nobody is asked there: an SDK's error needs some request.
_NOWHERE = "http://127.0.0.1/v1/chat/completions"
# What a line is worth, where several have one custom_id.
_FAILED, _FINAL, _ANSWERED = range(3)


class CustomId(NamedTuple):
    """The name of a request: of which review and draft it is, and where it was written to.

    Attributes:
        key: 32 hexadecimal digits that stand for the review.
        draft: which draft is wanted, from 1.
        round: the round it was exported in, from 1.
        part: the file of that round, from 1.
    """

    key: str
    draft: int
    round: int
    part: int

    def __str__(self) -> str:
        return f"{self.key}.{self.draft}.{self.round}.{self.part:03d}"

    @classmethod
    def read(cls, value: object) -> CustomId | None:
        """Read one back; None where it is none of ours."""
        found = _CUSTOM_ID.fullmatch(value) if isinstance(value, str) else None
        return cls(found[1], *(int(found[place]) for place in (2, 3, 4))) if found else None


class History(NamedTuple):
    """What a model said to the requests of one review.

    `answers` go into the flow one after the other; `failure` is why the next one is not there, as far as a
    line says so.
    """

    answers: list[ModelAnswer | ModelError]
    failure: ModelError | None


class Answers:
    """The lines of all files by custom_id; only their places are in memory. A context manager.

    Of two lines for one draft an answer counts more than a refusal, and that more than a failure; of two
    alike the first counts.

    Args:
        dialect: how the server wanted the parameters of the first round.
        model: the model's name, where an answer does not say it.

    Attributes:
        unreadable: lines that are no JSON object with a custom_id, such as one that broke off.
    """

    def __init__(self, dialect: Dialect, model: str | None = None) -> None:
        self.unreadable = 0
        self._model = model
        self._dialects = [dialect]
        self._table = KeyTable()
        self._files: list[IO[bytes]] = []
        self._stack = ExitStack()
        self._stack.enter_context(self._table)

    @property
    def dialect(self) -> Dialect:
        """How the server wants the parameters, going by its complaints so far."""
        return self._dialects[-1]

    def add(self, path: Path) -> set[tuple[int, int]]:
        """Take the lines of a file in.

        Returns:
            The rounds and parts that its lines belong to.

        Raises:
            InputError: it cannot be read.
        """
        try:
            file = self._stack.enter_context(path.open("rb"))
        except OSError as error:
            raise unwritable(path, error) from None
        self._files.append(file)
        parts: set[tuple[int, int]] = set()
        start = 0
        for line in file:
            name = self._take(line, f"{len(self._files) - 1}:{start}:{len(line)}")
            if name is not None:
                parts.add((name.round, name.part))
            start += len(line)
        return parts

    def history(self, key: str, *, again: bool = False) -> History:
        """What is known of a review; with `again`, what a server refused for good is no answer."""
        answers: list[ModelAnswer | ModelError] = []
        while True:
            worth, told = self._told(key, len(answers) + 1)
            if told is None or worth == _FAILED or (again and worth == _FINAL):
                return History(answers, told if isinstance(told, ModelError) else None)
            answers.append(told)

    def close(self) -> None:
        """Close the files; a second time does nothing."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take(self, line: bytes, place: str) -> CustomId | None:
        item = _object(line)
        name = CustomId.read(item.get("custom_id")) if item is not None else None
        if item is None or name is None:
            self.unreadable += bool(line.strip())
            return None
        worth, known = self._worth(item), digest(f"{name.key}.{name.draft}")
        before: bytes | None = self._table[known]
        if before is None or worth > int(before.partition(b":")[0]):
            self._table[known] = f"{worth}:{place}".encode()
        return name

    def _told(self, key: str, draft: int) -> tuple[int, ModelAnswer | ModelError | None]:
        found: bytes | None = self._table[digest(f"{key}.{draft}")]
        if found is None:
            return _FAILED, None
        worth, number, start, length = map(int, found.split(b":"))
        self._files[number].seek(start)
        item = _object(self._files[number].read(length))
        told = read_line(item) if item is not None else None
        if isinstance(told, ModelAnswer) and told.model is None:
            told = replace(told, model=self._model)
        return worth, told

    def _worth(self, item: dict[str, Any]) -> int:
        told = read_line(item)
        if isinstance(told, ModelAnswer):
            return _ANSWERED
        return _FAILED if told.retryable or self._complains(item) else _FINAL

    def _complains(self, item: dict[str, Any]) -> bool:
        """Whether a line is about a parameter that the next round can do without; it is learnt from."""
        raised = _status_error(item)
        for dialect in reversed(self._dialects):
            revised = dialect.revised(raised) if raised is not None else None
            if revised is not None:
                if dialect == self.dialect:
                    self._dialects.append(revised)
                return True
        return False


def read_line(item: dict[str, Any]) -> ModelAnswer | ModelError:
    """What a line of an output or error file says: an answer, or why there is none."""
    response = item.get("response")
    status, body = _status(item), response.get("body") if isinstance(response, dict) else None
    if status == HTTPStatus.OK and isinstance(body, dict) and not item.get("error"):
        try:
            answer = read_answer(body)
        except ModelResponseError as error:
            return error
        prompt, completion, cached = read_tokens(body)
        return replace(answer, prompt_tokens=prompt, completion_tokens=completion, cached_tokens=cached)
    raised = _status_error(item)
    failure = model_error(raised, now=0.0) if raised is not None else None
    code = protocol_word(_said(item).get("code"))
    return failure or ModelServerError(f"the batch gave no answer{f' ({code})' if code else ''}")


def _status(item: dict[str, Any]) -> int | None:
    response = item.get("response")
    status = response.get("status_code") if isinstance(response, dict) else None
    return status if isinstance(status, int) and not isinstance(status, bool) else None


def _said(item: dict[str, Any]) -> dict[str, Any]:
    """The error inside a line: in the response's body, or beside the response, as vLLM has it."""
    response = item.get("response")
    for holder in (response.get("body") if isinstance(response, dict) else None, item.get("error")):
        if isinstance(holder, dict):
            inner = holder.get("error")
            return inner if isinstance(inner, dict) else holder
    return {}


def _status_error(item: dict[str, Any]) -> Exception | None:
    """The error that the SDK would raise, had the request not gone in a batch; None where none was sent."""
    status = _status(item)
    if status is None or not HTTPStatus.BAD_REQUEST <= status <= 599:  # noqa: PLR2004 - the last there is
        return None
    import httpx2
    import openai

    kinds: dict[int, type[openai.APIStatusError]] = {
        HTTPStatus.BAD_REQUEST: openai.BadRequestError,
        HTTPStatus.UNPROCESSABLE_ENTITY: openai.UnprocessableEntityError,
    }
    said = _said(item)
    response = httpx2.Response(status, request=httpx2.Request("POST", _NOWHERE))
    kind = kinds.get(status, openai.APIStatusError)
    return kind(str(said.get("message", "")), response=response, body=said)


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        item = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return item if isinstance(item, dict) else None
