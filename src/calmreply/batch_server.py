"""Batches on a server: the files and batches endpoints of the OpenAI API, each step safe to do again."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

from calmreply.errors import InputError, ModelNotFoundError
from calmreply.reply import Usage
from calmreply.transport import Clock, Transport
from calmreply.wire import protocol_word

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from openai import OpenAI, Timeout

    from calmreply.batch_files import BatchFolder, Part
    from calmreply.settings import Settings

__all__ = ["BatchServer"]

_ENDED = {"completed", "failed", "expired", "cancelled"}
# A file of 200 MB over a slow line.
_TRANSFER = {"timeout_seconds": 600.0, "deadline_seconds": 3600.0}


class BatchServer:
    """The server's side of a batch's folder.

    Args:
        client: an `openai.OpenAI`; it stays the caller's to close.
        settings: how often a call is tried.
        clock: time and chance, for tests.

    Raises:
        InputError: the client is another one.
    """

    def __init__(self, client: OpenAI, settings: Settings, clock: Clock | None = None) -> None:
        import openai

        if not isinstance(client, openai.OpenAI):
            raise InputError(
                f"client is a {type(client).__name__}", hint="batches take an openai.OpenAI client"
            )
        self._client = client.with_options(max_retries=0)
        self._clock = clock or Clock()
        self._transport = Transport(settings.model_copy(update=_TRANSFER), self._clock)

    def submit(self, folder: BatchFolder) -> list[Part]:
        """Upload each file of the last round and make a batch of it, once, however often this is called.

        The file's id is written down before its batch is asked for; where it is not known whether the
        server made the batch, its list of batches is looked through first.

        Returns:
            The parts whose batches were made now.

        Raises:
            ModelError: the server does not take it; what is submitted by then is written down.
        """
        made = []
        for part in folder.known.parts:
            if part.is_done or part.batch_id is not None:
                continue
            is_known = part.file_id is not None
            if part.file_id is None:
                part.file_id = str(self._call(_Upload(self._client, folder.requests_path(part))).id)
                folder.save()
            batch = self._call(_Creation(self._client, part, is_doubtful=is_known))
            part.batch_id, part.status = str(batch.id), _status(batch)
            folder.save()
            made.append(part)
        return made

    def fetch(self, folder: BatchFolder) -> None:
        """Ask how each batch of the last round stands and fetch what has ended.

        A batch that the server refused as a whole (too many tokens in its queue, a file it cannot read) ran
        nothing: its part is put back, for `submit` to send it again.

        Raises:
            ModelError: the server does not answer; what is fetched by then is kept.
        """
        for part in folder.known.parts:
            if part.is_done or part.batch_id is None:
                continue
            batch = self._call(_Call(partial(self._batch, str(part.batch_id))))
            part.status = _status(batch)
            files = {
                folder.output_path(part): batch.output_file_id,
                folder.errors_path(part): batch.error_file_id,
            }
            if part.status == "failed" and not any(files.values()):
                part.status = f"failed{_reasons(batch)}"
                part.file_id = part.batch_id = None
            elif part.status in _ENDED:
                for path, file_id in files.items():
                    if file_id is not None:
                        self._call(_Download(self._client, file_id, path))
                part.is_done = True
            folder.save()

    def wait(self, folder: BatchFolder, *, poll_seconds: float) -> None:
        """Fetch until every batch that was submitted has ended; the window is 24 hours."""
        self.fetch(folder)
        while any(part.batch_id is not None and not part.is_done for part in folder.known.parts):
            self._clock.sleep(poll_seconds)
            self.fetch(folder)

    def _batch(self, batch_id: str, timeout: Timeout) -> object:
        return self._client.batches.retrieve(batch_id, timeout=timeout)

    def _call(self, call: _Call) -> Any:
        try:
            return self._transport.run(call)
        except ModelNotFoundError as error:
            message = error.message
        raise ModelNotFoundError(
            message,
            hint="check the base URL; where a server has no batches, give the requests to vLLM's run-batch",
        )


class _Call:
    """One step, as the transport makes it; it costs nothing and has no parameters to do without."""

    def __init__(self, call: Callable[[Timeout], Any]) -> None:
        self._make = call

    def calls(self) -> Generator[Callable[[Timeout], Any], Any, Any]:
        return (yield self._make)

    def revise(self, _: Exception) -> bool:
        return False

    def usage(self) -> Usage:
        return Usage()


class _Upload(_Call):
    """A file of requests sent; if it is sent twice, the server forgets the first after a while."""

    def __init__(self, client: OpenAI, path: Path) -> None:
        super().__init__(self._upload)
        self._client = client
        self._path = path

    def _upload(self, timeout: Timeout) -> object:
        with self._path.open("rb") as file:
            return self._client.files.create(file=(self._path.name, file), purpose="batch", timeout=timeout)


class _Creation(_Call):
    """A batch made of an uploaded file, unless there is one already."""

    def __init__(self, client: OpenAI, part: Part, *, is_doubtful: bool) -> None:
        super().__init__(self._create)
        self._client = client
        self._part = part
        self._is_doubtful = is_doubtful

    def calls(self) -> Generator[Callable[[Timeout], Any], Any, Any]:
        found = (yield self._find) if self._is_doubtful else None
        self._is_doubtful = True
        return found if found is not None else (yield self._create)

    def _find(self, timeout: Timeout) -> object:
        batches = self._client.batches.list(limit=100, timeout=timeout)
        return next((batch for batch in batches if batch.input_file_id == self._part.file_id), None)

    def _create(self, timeout: Timeout) -> object:
        return self._client.batches.create(
            completion_window="24h",
            endpoint="/v1/chat/completions",
            input_file_id=str(self._part.file_id),
            metadata={"calmreply": self._part.name},
            timeout=timeout,
        )


class _Download(_Call):
    """A file of the server's, there as a whole or not at all."""

    def __init__(self, client: OpenAI, file_id: str, path: Path) -> None:
        super().__init__(self._download)
        self._client = client
        self._file_id = file_id
        self._path = path

    def _download(self, timeout: Timeout) -> None:
        import httpx2
        import openai

        part = self._path.with_suffix(".part")
        answer = self._client.files.with_streaming_response.content(self._file_id, timeout=timeout)
        with answer as response, part.open("wb") as file:
            try:
                for chunk in response.iter_bytes():
                    file.write(chunk)
            except httpx2.TransportError as error:  # the SDK minds only what comes before the body
                raise openai.APIConnectionError(request=error.request) from error
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)


def _status(batch: Any) -> str:
    return protocol_word(batch.status) or "unknown"


def _reasons(batch: Any) -> str:
    """The codes of a batch's errors; their words may quote a request."""
    listed = getattr(batch.errors, "data", None) or []
    codes = dict.fromkeys(protocol_word(error.code) for error in listed)
    named = ", ".join(filter(None, codes))
    return f" ({named})" if named else ""
