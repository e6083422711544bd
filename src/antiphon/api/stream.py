"""From batches of events to bytes on a connection: the pump.

What runs per chunk is one render, one send and one time stamp. Everything else is done once a second for all streams by a single ticker:
heartbeats after silence, and giving up on readers that take nothing for `STALL_SECONDS`. A stream has one extra task, asleep until its
client leaves.

A dialect that answers failures by status waits for the first word of the answer (or the first heartbeat) before it sends its headers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from math import inf
from typing import Final, Literal

from antiphon.api.http import ClientGone, Headers, Receive, Send
from antiphon.chat.ports import Batches
from antiphon.core.errors import AntiphonError, Unavailable
from antiphon.core.events import ErrorEvent, Event, Passages, RunEnd, RunStart, Status
from antiphon.core.fold import Answer
from antiphon.dialects.base import Dialect, Renderer
from antiphon.runs.log import Run

STALL_SECONDS: Final = 30.0
_PREPARING: Final = (RunStart, Status, Passages)

Cut = Literal["gone", "stopped", "shutdown"]


class Stream:
    """One response being written. `cut` says why its task was cancelled, None while all is well. `over`: nothing more may be sent."""

    __slots__ = (
        "_beat",
        "_cancelled",
        "_clock",
        "_headers",
        "_held",
        "_limit",
        "_run",
        "_send",
        "cut",
        "idle_since",
        "open",
        "over",
        "sending_since",
        "silence",
        "task",
    )

    def __init__(self, dialect: Dialect, run: Run, send: Send, headers: Headers, silence: float) -> None:
        self._send = send
        self._headers = [(b"content-type", dialect.stream_type.encode()), *_STREAM_HEADERS, *headers]
        self._beat = dialect.heartbeat
        self._limit = dialect.max_write
        self._held: list[bytes] = []
        self._run = run
        self._clock: Callable[[], float] = asyncio.get_running_loop().time
        task = asyncio.current_task()
        assert task is not None, "a stream is written inside a task"
        self.task = task
        self.cut: Cut | None = None
        self.open = False
        self.over = False
        self._cancelled = False
        self.silence = silence
        self.idle_since = self._clock()
        self.sending_since = 0.0

    def hold(self, data: bytes) -> None:
        """Keep bytes back until the response is begun."""
        self._held.append(data)

    async def begin(self) -> None:
        """Send the headers and what was held back."""
        if self.open:
            return
        self.open = True
        self.sending_since = self._clock()
        await self._send({"type": "http.response.start", "status": 200, "headers": self._headers})
        self.sending_since = 0.0
        await self.write(b"".join(self._held))

    async def write(self, data: bytes) -> None:
        """Send whole frames; never more than the dialect's largest write at once."""
        if not data:
            return
        self.idle_since = self.sending_since = self._clock()
        if len(data) <= self._limit:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})
        else:
            for piece in _pieces(data, self._limit):
                self.sending_since = self._clock()
                await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        self.sending_since = 0.0

    async def end(self) -> None:
        self.over = True
        await self._send({"type": "http.response.body", "body": b""})

    async def beat(self) -> None:
        """Begin a response that is still waiting, and break the silence."""
        if self.over:
            return
        await self.begin()
        if self._beat is not None:
            await self.write(self._beat)

    def due(self, now: float) -> bool:
        return self._beat is not None and not self.sending_since and now - self.idle_since >= self.silence

    def stalled(self, now: float) -> bool:
        return self.sending_since > 0 and now - self.sending_since > STALL_SECONDS

    def stop(self, cut: Cut) -> None:
        """End this stream now, for the reason given; the first reason stands, but a client that has left need not be told another."""
        if self.cut is None or (cut == "gone" and self.cut != "gone"):
            self.cut = cut
            if cut == "shutdown":
                self._run.outcome_if_cut = "interrupted"
            self._cancelled = True
            self.task.cancel()

    def forgive(self) -> None:
        """Called when the task was cancelled: a cancellation that we asked for goes no further; anybody else's is raised again."""
        ours, self._cancelled = self._cancelled, False
        if not ours or self.task.uncancel():
            raise asyncio.CancelledError


_STREAM_HEADERS: Final[Headers] = [(b"cache-control", b"no-cache, no-transform"), (b"x-accel-buffering", b"no")]


def _pieces(data: bytes, limit: int) -> list[bytes]:
    """Cut at frame borders, so that no frame is split between two writes."""
    pieces: list[bytes] = []
    start = 0
    while len(data) - start > limit:
        border = data.rfind(b"\n\n", start, start + limit)
        if border < 0:
            border = data.find(b"\n\n", start)
        if border < 0:
            break
        stop = border + 2
        pieces.append(data[start:stop])
        start = stop
    pieces.append(data[start:])
    return [piece for piece in pieces if piece]


class Streams:
    """All open streams of this process, and their one ticker. tick: seconds between its rounds."""

    def __init__(self, tick: float = 1.0) -> None:
        self._tick_seconds = tick
        self._open: set[Stream] = set()
        self._ticker: asyncio.Task[None] | None = None
        self._beats: set[asyncio.Task[None]] = set()
        self.closing = False

    def __len__(self) -> int:
        return len(self._open)

    def add(self, stream: Stream) -> None:
        if self.closing:
            raise _shutting_down()
        self._open.add(stream)
        if self._ticker is None or self._ticker.done():
            self._ticker = asyncio.create_task(self._tick(), name="stream ticker")

    def remove(self, stream: Stream) -> None:
        self._open.discard(stream)

    async def _tick(self) -> None:
        clock = asyncio.get_running_loop().time
        while self._open:
            await asyncio.sleep(self._tick_seconds)
            now = clock()
            for stream in list(self._open):
                if stream.stalled(now):
                    stream.stop("gone")
                elif stream.due(now):
                    task = asyncio.create_task(stream.beat())
                    self._beats.add(task)
                    task.add_done_callback(self._beats.discard)

    async def close(self, grace: float = 5.0) -> None:
        """Tell every reader that the server goes away, and wait until they have been told."""
        self.closing = True
        tasks = [stream.task for stream in self._open]
        for stream in list(self._open):
            stream.stop("shutdown")
        if tasks:
            await asyncio.wait(tasks, timeout=grace)


async def pump(streams: Streams, stream: Stream, run: Run, renderer: Renderer, batches: Batches, receive: Receive, *, eager: bool) -> None:
    """Write one run to one client, to its end.

    eager: headers go out at once and failures are told inside the stream. Otherwise a failure before the first word is raised as an
    AntiphonError, for the caller to answer by status. Raises ClientGone when the client left before anything was sent.
    """
    try:
        async with _attended(streams, stream, run, receive):
            seen = 0
            last: Event | None = None
            try:
                async with aclosing(batches):
                    if eager:
                        await stream.begin()
                    async for batch in batches:
                        begun = stream.open or await _open(stream, batch)
                        data = renderer.events(batch)
                        if batch:
                            seen, last = seen + len(batch), batch[-1]
                        if not begun:
                            stream.hold(data)
                        elif data:
                            await stream.write(data)
            except asyncio.CancelledError:
                stream.forgive()
                await _say_cut(stream, renderer, run.events[seen:] or _ending(last))
            if stream.cut != "gone":
                await stream.begin()
                await stream.end()
    except asyncio.CancelledError:  # the client left, or took nothing, while it was told
        stream.forgive()
    if stream.cut == "gone" and not stream.open:
        raise ClientGone


async def collect(streams: Streams, stream: Stream, run: Run, batches: Batches, receive: Receive) -> Answer:
    """Let one run go to its end without writing, and return what it came to; a stopped run returns its text so far.

    Raises the failure of a run that failed, and ClientGone when the client left.
    """
    stream.silence = inf  # a whole answer has no room for a sign of life
    try:
        async with _attended(streams, stream, run, receive), aclosing(batches):
            async for _ in batches:
                pass
    except asyncio.CancelledError:
        stream.forgive()
        if stream.cut == "gone":
            raise ClientGone from None
        if stream.cut == "shutdown":
            raise _shutting_down() from None
    answer = run.answer()
    if answer.error is not None:
        raise answer.error.as_error()
    return answer


@asynccontextmanager
async def _attended(streams: Streams, stream: Stream, run: Run, receive: Receive) -> AsyncIterator[None]:
    """While inside, the run can be stopped and a leaving client is noticed."""
    streams.add(stream)
    run.on_stop(lambda: stream.stop("stopped"))
    watch = asyncio.create_task(_watch(receive, stream))
    try:
        yield
    finally:
        watch.cancel()
        streams.remove(stream)


async def _open(stream: Stream, batch: Sequence[Event]) -> bool:
    """Begin the response if this batch is the first word of the answer; False if it is to be held back. Raises the failure it may be."""
    if (failure := _failure(batch)) is not None:
        raise failure
    if isinstance(batch[-1], _PREPARING):
        return False
    await stream.begin()
    return True


def _failure(batch: Sequence[Event]) -> AntiphonError | None:
    return next((event.as_error() for event in batch if type(event) is ErrorEvent), None)


def _shutting_down() -> Unavailable:
    return Unavailable("The server is shutting down. Ask again in a moment.", code="shutting_down", retry_after=5)


def _ending(last: Event | None) -> list[Event]:
    """How a reader of somebody else's run is told that it ends for him: by this, unless he has seen its end."""
    return [] if isinstance(last, RunEnd) else [RunEnd("interrupted")]


async def _say_cut(stream: Stream, renderer: Renderer, unseen: Sequence[Event]) -> None:
    """Tell the client how its run was cut. unseen: what the log holds beyond what was rendered, nothing if it had ended by itself."""
    if stream.cut == "gone" or not unseen:
        return
    if stream.cut == "shutdown":
        if not stream.open:
            raise _shutting_down()
        unseen = [*unseen[:-1], ErrorEvent.of(_shutting_down()), unseen[-1]]
    await stream.begin()
    await stream.write(renderer.events(unseen))


async def _watch(receive: Receive, stream: Stream) -> None:
    with suppress(OSError):
        while (await receive())["type"] != "http.disconnect":
            pass
    stream.stop("gone")
