"""A stand-in for a chat server over real HTTP, which answers well or fails in every way that servers do."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from fakes import GOOD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FAULTS = (
    "limited",
    "limited_for_a_while",
    "error_500",
    "error_503",
    "reset",
    "half_a_body",
    "wrong_json",
    "slow_drip",
    "hang",
    "error_inside",
    "cut_off",
    "filtered",
    "no_choices",
    "wrong_name",
    "slow",
)
"""What a stand-in can do wrong; the client does the TLS fault (`https` to this port)."""


class StandIn:
    """The server: `plays` chooses what to do with each request, None for a good answer."""

    def __init__(self, plays: Callable[[dict[str, Any]], str | None], seconds: float, text: str) -> None:
        self.plays, self.seconds, self.text = plays, seconds, text
        self.url = ""
        self.asked: list[str] = []
        self.under_way = self.most = 0
        self.is_paused = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # Cancelled is what hangs at the end: asyncio would log it.
            with suppress(ConnectionError, EOFError, asyncio.LimitOverrunError, asyncio.CancelledError):
                while await self._answered(reader, writer):
                    pass
        finally:
            writer.close()

    async def _answered(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; whether another may follow on the connection."""
        first = await reader.readexactly(1)
        if first == b"\x16":  # the client wants to speak TLS
            return False
        head = (first + await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0]) if b"content-length" in head else 0
        request = json.loads(await reader.readexactly(length))
        self.asked.append(request["messages"][-1]["content"])
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(self.seconds)
            while self.is_paused:  # noqa: ASYNC110 - set from another thread
                await asyncio.sleep(0.01)
            return await self._played(self.plays(request), writer)
        finally:
            self.under_way -= 1

    async def _played(self, play: str | None, writer: asyncio.StreamWriter) -> bool:
        if play == "reset":
            writer.transport.abort()
            return False
        if play == "hang":
            await asyncio.sleep(30)
            return False
        if play == "slow":
            await asyncio.sleep(0.1)
        status, headers, body = self._response(play)
        if play == "half_a_body":
            writer.write(_head(status, len(body), headers) + body[: len(body) // 2])
            await writer.drain()
            return False
        writer.write(_head(status, len(body), headers))
        for at in range(0, len(body), 40) if play == "slow_drip" else ():
            writer.write(body[at : at + 40])
            await writer.drain()
            await asyncio.sleep(0.1)
        writer.write(b"" if play == "slow_drip" else body)
        await writer.drain()
        return True

    def _response(self, play: str | None) -> tuple[int, dict[str, str], bytes]:
        error = {"error": {"message": "no", "code": "no"}}
        statuses = {"limited": 429, "limited_for_a_while": 429, "error_500": 500, "error_503": 503}
        if play in statuses:
            wait = {"retry-after": "0.2"} if play == "limited_for_a_while" else {}
            return statuses[play], wait, json.dumps(error).encode()
        if play == "wrong_name":
            return 404, {}, json.dumps({"error": {"code": "model_not_found"}}).encode()
        if play == "wrong_json":
            return 200, {}, b'{"choices": [{"message": {"content": "Thank'
        if play == "error_inside":
            return 200, {}, json.dumps(error).encode()
        return 200, {}, json.dumps(self._completion(play)).encode()

    def _completion(self, play: str | None) -> dict[str, Any]:
        reason = {"cut_off": "length", "filtered": "content_filter"}.get(play or "", "stop")
        text = {"cut_off": self.text[:-20], "filtered": None}.get(play or "", self.text)
        choice = {"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": text}}
        return {
            "id": "1",
            "object": "chat.completion",
            "created": 0,
            "model": "stand-in",
            "choices": [] if play == "no_choices" else [choice],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        }


def _head(status: int, length: int, headers: dict[str, str]) -> bytes:
    fields = {"content-type": "application/json", "content-length": str(length), **headers}
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode()


@contextmanager
def stand_in(
    plays: Callable[[dict[str, Any]], str | None] = lambda _: None, *, seconds: float = 0.0, text: str = GOOD
) -> Iterator[StandIn]:
    """A stand-in in a thread of its own; gone with its connections when the block ends."""
    server, begun, loop = StandIn(plays, seconds, text), threading.Event(), asyncio.new_event_loop()

    async def main() -> None:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, backlog=500)
        server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
        begun.set()
        with suppress(asyncio.CancelledError):
            await listening.serve_forever()

    def run() -> None:
        task = loop.create_task(main())
        loop.run_forever()
        tasks = {task, *asyncio.all_tasks(loop)}
        for one in tasks:
            one.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(asyncio.sleep(0.01))  # connections are closed in the loop's next rounds
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    begun.wait()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
