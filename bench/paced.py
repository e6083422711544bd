"""A model's server that speaks at a steady pace, to measure what stands between it and a client.

A question that holds `pace 100x20` is answered with 100 chunks, one each 20 ms, the first FIRST_MS after the request. Each chunk's text is
a mark `<sequence:time>`: its number and the moment it was sent in microseconds of the machine's monotonic clock, which every process of
the machine shares. Dialects carry text unaltered, so a client finds the marks whatever stands around them.

    python -m bench.paced PORT
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from typing import Final, cast

import uvloop

FIRST_MS: Final = 5
MARK: Final = re.compile(rb"<(\d+):(\d+)>")
_PACE: Final = re.compile(rb"pace (\d+)x(\d+)")
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)

_HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_RECORD: Final = b'"id":"chatcmpl-paced","object":"chat.completion.chunk","created":1700000000,"model":"paced"'
_OPEN: Final = b"data: {" + _RECORD + b',"choices":[{"index":0,"delta":{"content":"'
_CLOSE: Final = b'"},"finish_reason":null}]}\n\n'
_END: Final = (
    b"data: {" + _RECORD + b',"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":10,"completion_tokens":100,"total_tokens":110}}\n\ndata: [DONE]\n\n'
)
_MODELS: Final = b'{"object":"list","data":[{"id":"paced","object":"model","created":1700000000,"owned_by":"bench"}]}'


class Paced(asyncio.Protocol):
    """One connection, one answer at a time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._received = b""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is not registered as one

    def connection_lost(self, error: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end]
            length = _LENGTH.search(head)
            stop = end + 4 + (int(length[1]) if length else 0)
            if len(self._received) < stop:
                return
            body, self._received = self._received[end + 4 : stop], self._received[stop:]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET"):
            self._transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(_MODELS) + _MODELS
            )
            return
        found = _PACE.findall(body)
        self._count, pause = map(int, found[-1]) if found else (1, 0)
        self._pause = pause / 1000
        self._sent = 0
        self._next = self._loop.time() + FIRST_MS / 1000
        self._transport.write(_HEAD)
        self._timer = self._loop.call_at(self._next, self._say)

    def _say(self) -> None:
        """The next chunk; one that comes late does not delay those after it."""
        mark = b"<%d:%d>" % (self._sent, time.monotonic_ns() // 1000)
        self._transport.write(_chunk(_OPEN + mark + _CLOSE))
        self._sent += 1
        if self._sent == self._count:
            self._transport.write(_chunk(_END) + b"0\r\n\r\n")
            self._timer = None
            return
        self._next += self._pause
        self._timer = self._loop.call_at(self._next, self._say)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Paced, "127.0.0.1", port, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
