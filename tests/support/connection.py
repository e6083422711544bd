"""One client connection of the fake upstream: reads requests one after the other and notices when the client leaves."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass
class Request:
    """One received request. left: the client closed the connection before the reply had ended."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    left: bool = False
    ended: bool = False

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def streaming(self) -> bool:
        return bool(self.body) and bool(self.json.get("stream"))


class Connection(asyncio.Protocol):
    """One client connection: reads requests one after the other, runs a reply for each, notices when the client leaves."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._buffer = b""
        self._task: asyncio.Task[None] | None = None
        self._request: Request | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        self._writable.set()
        if self._request is not None and not self._request.ended:
            self._request.left = True
            self._server.changed.set()
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._task is None:
            self._next()

    def _next(self) -> None:
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return
        method, path, _ = first.split(" ", 2)
        self._buffer = rest[length:]
        self._request = Request(method, path, headers, rest[:length])
        self._server.requests.append(self._request)
        self._server.changed.set()
        self._task = asyncio.get_running_loop().create_task(self._answer(self._request))

    async def _answer(self, request: Request) -> None:
        await self._server.route(request)(self, request)
        request.ended = True
        self._task = None
        if not self.transport.is_closing():
            self._next()

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} Status", *(f"{name}: {value}" for name, value in headers.items())]
        self.transport.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")

    async def chunk(self, data: bytes) -> None:
        """One HTTP chunk, one write."""
        self.transport.write(b"%x\r\n%b\r\n" % (len(data), data))
        await self._writable.wait()

    def end(self) -> None:
        self.transport.write(b"0\r\n\r\n")

    def close(self) -> None:
        """An orderly FIN wherever the stream stands."""
        self._done()
        self.transport.close()

    def reset(self) -> None:
        """RST: what was sent and not yet read is lost to the client."""
        self._done()
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def _done(self) -> None:
        if self._request is not None:
            self._request.ended = True


Reply = Callable[[Connection, Request], Awaitable[None]]


class Server(Protocol):
    """What a connection needs of its server. changed: set whenever a request came or a client left."""

    connections: set[Connection]
    requests: list[Request]
    changed: asyncio.Event

    def route(self, request: Request) -> Reply: ...
