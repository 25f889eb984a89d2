"""A stand-in for a server's files and batches endpoints, over real HTTP, under the tests' control."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


__all__ = ["BatchStandIn", "answer_line", "batch_stand_in", "draft", "error_line", "status_line"]

_THANKS = (
    "thank you for telling us about the cracked mug.",
    "we are grateful that you wrote to us about the mug.",
    "thank you for letting us know how the mug arrived.",
)
_SORRY = (
    "We are sorry it reached you in two pieces.",
    "We apologise that your parcel held a cracked mug.",
    "Please accept our apologies for the crack in it.",
)
_FEELING = (
    "It is disappointing to open a parcel and find that.",
    "We understand how annoying a cracked mug is.",
    "Nobody wants to unpack a mug like that.",
)
_REST = (
    "We will send you a replacement within 24 hours. "
    "Please call our hotline 0909 123 456 so that we can arrange it."
)


def draft(number: int) -> str:
    """A good draft for the cracked mug; two of 27 have at most two sentences in common."""
    parts = (_THANKS[number % 3], _SORRY[number // 3 % 3], _FEELING[number // 9 % 3])
    return f"Hello Anna, {' '.join(parts)} {_REST}"


def answer_line(custom_id: str, text: str, **fields: Any) -> dict[str, Any]:
    """A line of an output file."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": "stop",
        **fields,
    }
    usage = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
    body = {
        "id": "c",
        "object": "chat.completion",
        "model": "m-2026-01-01",
        "choices": [choice],
        "usage": usage,
    }
    return {
        "id": f"batch_req_{custom_id}",
        "custom_id": custom_id,
        "response": {"status_code": 200, "request_id": "r", "body": body},
        "error": None,
    }


def status_line(custom_id: str, status: int, **error: Any) -> dict[str, Any]:
    """A line for a request that the server answered with an error."""
    body = {"error": {"message": "no", "type": None, "param": None, "code": None, **error}}
    response = {"status_code": status, "request_id": "r", "body": body}
    return {"id": "x", "custom_id": custom_id, "response": response, "error": None}


def error_line(custom_id: str, code: str = "batch_expired") -> dict[str, Any]:
    """A line for a request that was never run."""
    return {"id": "x", "custom_id": custom_id, "response": None, "error": {"code": code, "message": "no"}}


class BatchStandIn:
    """The server. `says` makes a line of each request, None where it leaves it out.

    Attributes:
        endings: what becomes of the next batches, "completed" where nothing is said.
        troubles: (method and path's beginning, trouble) for the next such calls: "500", or "lost": done, but
            the answer is an error.
        output: changes the bytes of an output file before they are served.
    """

    def __init__(self, says: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
        self.says = says
        self.endings: list[str] = []
        self.troubles: list[tuple[str, str]] = []
        self.output: Callable[[bytes], bytes] = lambda content: content
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.url = ""

    def handle(
        self, call: str, body: bytes, content_type: str, query: dict[str, list[str]]
    ) -> tuple[int, Any]:
        """A status and an object, or the bytes of a file."""
        self.calls.append(call)
        trouble = next((one for one in self.troubles if call.startswith(one[0])), None)
        if trouble is not None:
            self.troubles.remove(trouble)
            if trouble[1] != "lost":
                return int(trouble[1]), {"error": {"message": "no", "code": None}}
        status, answer = self._handled(call, body, content_type, query)
        return (500, {"error": {"message": "no"}}) if trouble is not None else (status, answer)

    def _handled(
        self, call: str, body: bytes, content_type: str, query: dict[str, list[str]]
    ) -> tuple[int, Any]:
        method, path = call.split(" ")
        match [method, *path.strip("/").split("/")[1:]]:
            case ["POST", "files"]:
                return 200, self._uploaded(body, content_type)
            case ["GET", "files", file_id, "content"]:
                return 200, self.files[file_id]
            case ["POST", "batches"]:
                return 200, self._created(json.loads(body))
            case ["GET", "batches"]:
                return 200, self._page(query)
            case ["GET", "batches", batch_id]:
                return 200, self._moved(self.batches[batch_id])
        return 404, {"error": {"message": "no such address", "code": None}}

    def _uploaded(self, body: bytes, content_type: str) -> dict[str, Any]:
        head = f"Content-Type: {content_type}\r\n\r\n".encode()
        form = BytesParser(policy=HTTP).parsebytes(head + body)
        parts = {part.get_param("name", header="content-disposition"): part for part in form.iter_parts()}
        assert parts["purpose"].get_content().strip() == "batch"
        content = parts["file"].get_payload(decode=True)
        assert isinstance(content, bytes)
        file_id = self._kept(content)
        return {
            "id": file_id, "object": "file", "bytes": len(content), "created_at": 1, "filename": "f",
            "purpose": "batch", "status": "processed",
        }  # fmt: skip

    def _kept(self, content: bytes) -> str:
        file_id = f"file-{len(self.files)}"
        self.files[file_id] = content
        return file_id

    def _created(self, wanted: dict[str, Any]) -> dict[str, Any]:
        assert wanted["endpoint"] == "/v1/chat/completions"
        assert wanted["completion_window"] == "24h"
        batch_id = f"batch-{len(self.batches)}"
        self.batches[batch_id] = {
            **wanted, "id": batch_id, "object": "batch", "created_at": 1, "status": "validating",
            "output_file_id": None, "error_file_id": None, "errors": None,
        }  # fmt: skip
        return self.batches[batch_id]

    def _page(self, query: dict[str, list[str]]) -> dict[str, Any]:
        """Two a page, so that whoever looks for one has to turn it."""
        newest = list(reversed(self.batches.values()))
        after = query.get("after", [None])[0]
        start = next((at + 1 for at, one in enumerate(newest) if one["id"] == after), 0)
        page = newest[start : start + 2]
        return {"object": "list", "data": page, "has_more": start + 2 < len(newest)}

    def _moved(self, batch: dict[str, Any]) -> dict[str, Any]:
        """The batch one state further each time it is asked for."""
        if batch["status"] == "validating":
            batch["status"] = "in_progress"
        elif batch["status"] == "in_progress":
            batch["status"] = self.endings.pop(0) if self.endings else "completed"
            if batch["status"] == "failed":
                batch["errors"] = {
                    "object": "list",
                    "data": [{"code": "token_limit_exceeded", "message": "no"}],
                }
            else:
                self._end(batch)
        return batch

    def _end(self, batch: dict[str, Any]) -> None:
        requests = [json.loads(line) for line in self.files[batch["input_file_id"]].splitlines()]
        assert len({request["custom_id"] for request in requests}) == len(requests)
        lines = [line for line in map(self.says, requests) if line is not None]
        good = [line for line in lines if (line["response"] or {}).get("status_code") == 200]
        bad = [line for line in lines if line not in good]
        for name, some in (("output_file_id", reversed(good)), ("error_file_id", bad)):
            content = b"".join(json.dumps(line).encode() + b"\n" for line in some)
            if content:
                batch[name] = self._kept(self.output(content) if name == "output_file_id" else content)


@contextmanager
def batch_stand_in(says: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Iterator[BatchStandIn]:
    """Serve it on the loopback address for as long as the block lasts."""
    stand_in = BatchStandIn(says)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])))

        def _answer(self, body: bytes) -> None:
            address = urlsplit(self.path)
            call = f"{self.command} {address.path}"
            kind = self.headers.get("Content-Type", "")
            status, answer = stand_in.handle(call, body, kind, parse_qs(address.query))
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header(
                "Content-Type",
                "application/octet-stream" if isinstance(answer, bytes) else "application/json",
            )
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    stand_in.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield stand_in
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
