"""A scriptable OpenAI-compatible upstream on a real socket, which misbehaves on command and remembers what it saw.

    async with FakeUpstream() as upstream:
        upstream.plan(say("Hello"), FAULTS["rate-limited"].reply)      # the next two chats; afterwards by model name, else `default`
        ...                                                            # base URL: upstream.url + "/v1"
        upstream.chats[-1].json["messages"]                            # what was asked, with which headers
        await upstream.wait_left()                                     # the client closed before its reply had ended

Any name in FAULTS or BENIGN (replies.py) is also a model of this server, so that a server under test in another process can be sent to a
fault by the model it asks for; `python -m tests.support.upstream PORT` serves them on their own.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from tests.support.connection import Connection, Reply, Request
from tests.support.replies import BENIGN, FAULTS, body, error, say


@dataclass
class FakeUpstream:
    """The server. models: replies by model name. default: for any other name. strict_stream_options: 400 when a request carries them."""

    port: int = 0
    models: dict[str, Reply] = field(default_factory=dict)
    default: Reply = field(default_factory=say)
    strict_stream_options: bool = False
    requests: list[Request] = field(default_factory=list)
    connections: set[Connection] = field(default_factory=set)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    _plan: deque[Reply] = field(default_factory=deque)
    _server: asyncio.Server | None = None

    def __post_init__(self) -> None:
        built_in = {name: fault.reply for name, fault in FAULTS.items()} | {name: odd.reply for name, odd in BENIGN.items()}
        self.models = built_in | self.models

    async def __aenter__(self) -> Self:
        self._server = await asyncio.get_running_loop().create_server(lambda: Connection(self), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Close the port and every connection, as a server that died."""
        if self._server is not None:
            self._server.close()
            for connection in list(self.connections):
                connection.transport.abort()
            await self._server.wait_closed()
            self._server = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def chats(self) -> list[Request]:
        return [request for request in self.requests if request.path.endswith("/chat/completions")]

    @property
    def left(self) -> int:
        """Requests whose client closed before the reply had ended."""
        return sum(request.left for request in self.requests)

    def plan(self, *replies: Reply) -> None:
        """Answer the next chats with these, one each."""
        self._plan.extend(replies)

    def clear_plan(self) -> None:
        """Drop what was planned and not asked for."""
        self._plan.clear()

    async def wait_for(self, condition: Callable[[], bool], within: float = 10.0) -> None:
        """Return once `condition` holds; it is looked at whenever a request comes or a client leaves. TimeoutError after `within` s."""
        async with asyncio.timeout(within):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    async def wait_left(self, count: int = 1, within: float = 10.0) -> None:
        await self.wait_for(lambda: self.left >= count, within)

    async def wait_chats(self, count: int = 1, within: float = 10.0) -> None:
        await self.wait_for(lambda: len(self.chats) >= count, within)

    def route(self, request: Request) -> Reply:
        path = request.path.partition("?")[0]
        if path.endswith("/chat/completions"):
            return self._chat(request)
        if path.endswith("/models"):
            return body(
                {
                    "object": "list",
                    "data": [{"id": name, "object": "model", "created": 1, "owned_by": "test"} for name in ["m", *self.models]],
                }
            )
        if path.endswith("/embeddings"):
            return body(_embeddings(request.json))
        return error(404, "not_found")

    def _chat(self, request: Request) -> Reply:
        if self.strict_stream_options and "stream_options" in request.json:
            return error(400, "unknown field stream_options")
        if self._plan:
            return self._plan.popleft()
        return self.models.get(request.json.get("model"), self.default)


def _embeddings(asked: dict[str, Any]) -> dict[str, Any]:
    """Unit-free vectors of 8 numbers, the same for the same text."""
    texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
    vectors = [[byte / 127.5 - 1 for byte in hashlib.sha256(text.encode()).digest()[:8]] for text in texts]
    rows = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)]
    return {"object": "list", "data": rows, "model": asked.get("model"), "usage": {"prompt_tokens": len(texts), "total_tokens": len(texts)}}


def closed_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


async def _serve(port: int) -> None:
    async with FakeUpstream(port) as upstream:
        print(f"{upstream.url}/v1", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
