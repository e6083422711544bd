"""One run on its way to one client, with nothing real at either end: for tests of what lies between (api/stream.py)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from math import inf
from typing import NoReturn

from antiphon.api.http import Message
from antiphon.api.stream import Stream, Streams, collect, pump
from antiphon.chat.ports import Batches
from antiphon.core.actor import ANONYMOUS
from antiphon.core.events import Event, TextDelta
from antiphon.core.fold import Answer
from antiphon.dialects.base import Dialect
from antiphon.runs.log import Run
from antiphon.runs.recorder import Record, record

BEAT = b": beat\n\n"


class Tagged:
    """Says the names of the events."""

    def events(self, batch: Sequence[Event]) -> bytes:
        return b"".join(frame(event) for event in batch)


def _never(*_: object) -> NoReturn:
    raise AssertionError("nothing between a run and its client asks for this")


TAGGED = Dialect(name="tagged", heartbeat=BEAT, max_write=1 << 20, decode=_never, renderer=_never, whole=_never, error=_never)


def frame(event: Event) -> bytes:
    return f"data: {event.text if isinstance(event, TextDelta) else type(event).__name__}\n\n".encode()


class Client:
    """The other end of a connection. While `reads` is not set it takes nothing; `leave` ends it."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.reads = asyncio.Event()
        self.reads.set()
        self._left = asyncio.Event()
        self._grown = asyncio.Event()

    async def send(self, message: Message) -> None:
        self.messages.append(message)
        self._grown.set()
        await self.reads.wait()

    async def receive(self) -> Message:
        await self._left.wait()
        return {"type": "http.disconnect"}

    def leave(self) -> None:
        self._left.set()

    async def until(self, sign: bytes) -> None:
        """Wait for these bytes to have been sent."""
        while sign not in self.body:
            self._grown.clear()
            await asyncio.wait_for(self._grown.wait(), 10)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages)

    @property
    def complete(self) -> bool:
        """A well-formed response: one head, then bodies, the last of which is the only one without more."""
        kinds = [message["type"] for message in self.messages]
        more = [message.get("more_body", False) for message in self.messages[1:]]
        return kinds == ["http.response.start"] + ["http.response.body"] * len(more) and more[-1:] == [False] and all(more[:-1])


class Show:
    """One run on its way to one client: `say` a batch, `fail`, or let it hang."""

    def __init__(self, *, eager: bool = False, streams: Streams | None = None, dialect: Dialect = TAGGED, silence: float = inf) -> None:
        self.client = Client()
        self.run = Run("run_1", ANONYMOUS, "tagged", 0)
        self.streams = Streams() if streams is None else streams
        self.records: list[Record] = []
        self.closed = False
        self.stream: Stream | None = None
        self._dialect = dialect
        self._eager, self._silence = eager, silence
        self._queue: asyncio.Queue[Sequence[Event]] = asyncio.Queue()

    async def _turn(self) -> Batches:
        try:
            while not self.run.ended:
                yield await self._queue.get()
        finally:
            self.closed = True

    def _begin(self) -> Batches:
        self.stream = Stream(self._dialect, self.run, self.client.send, [(b"x-request-id", b"1")], self._silence)
        return record(self.run, self._turn(), self.records.append, lambda _: None)

    async def _pump(self) -> None:
        batches = self._begin()
        assert self.stream is not None
        await pump(self.streams, self.stream, self.run, Tagged(), batches, self.client.receive, eager=self._eager)

    async def _collect(self) -> Answer:
        batches = self._begin()
        assert self.stream is not None
        return await collect(self.streams, self.stream, self.run, batches, self.client.receive)

    async def settled(self) -> None:
        for _ in range(12):  # as often as a batch is handed on between tasks, and more
            await asyncio.sleep(0)

    async def pumped(self, *batches: Sequence[Event]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._pump())
        await self.say(*batches)
        return task

    async def collected(self, *batches: Sequence[Event]) -> asyncio.Task[Answer]:
        task = asyncio.create_task(self._collect())
        await self.say(*batches)
        return task

    async def say(self, *batches: Sequence[Event]) -> None:
        for batch in batches:
            self._queue.put_nowait(batch)
            await self.settled()

    @property
    def live(self) -> Stream:
        assert self.stream is not None
        return self.stream

    @property
    def outcome(self) -> str:
        """How it ended, recorded once, with nothing left behind."""
        assert self.closed
        assert len(self.streams) == 0
        (made,) = self.records
        return made.outcome
