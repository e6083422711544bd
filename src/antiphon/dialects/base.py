"""What a dialect is: a pair of pure functions with a few declared habits.

`decode` reads a request into an Ask or raises a CallerError; a Renderer turns batches of events into bytes; `error` says a failure before
the first byte. No I/O, no clock, no randomness: ids and times are arguments. A renderer is given every event of a run, in order, and must
match the union exhaustively; what a dialect cannot say is listed in its README.

A new dialect is a folder with `decode.py`, `render.py`, `dialect.py` (its habits), `README.md` and a row in the api room's table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import Literal, Protocol

import msgspec

from antiphon.core.errors import AntiphonError
from antiphon.core.events import Event
from antiphon.core.fold import Answer
from antiphon.core.request import ChatRequest

SSE = "text/event-stream"
JSON = "application/json"


class Head(msgspec.Struct, frozen=True):
    """A request without its body. headers have lower-case names; path is below the root path; query keeps the last of repeated names."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


class Ask(msgspec.Struct, frozen=True):
    """One decoded request.

    stream: answer as a stream. options: what the dialect's own renderer needs to remember of the request (include_usage, ...).
    on_behalf_of: the end user named by a program, for metering. site, session: the Q&A widget's tokenSlug and sessionId.
    """

    request: ChatRequest
    stream: bool
    options: Mapping[str, object] = {}
    on_behalf_of: str | None = None
    site: str | None = None
    session: str | None = None


class Reply(msgspec.Struct, frozen=True):
    """A whole answer: status, body and extra headers."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


def retry_after(error: AntiphonError) -> tuple[tuple[str, str], ...]:
    """The header that says when to try again, if that is known."""
    return () if error.retry_after is None else (("retry-after", str(ceil(error.retry_after))),)


class Renderer(Protocol):
    """Renders one run. `events` is called with each batch (one upstream read) and returns the bytes to write, b'' for nothing.

    RunStart comes first and RunEnd last, always; an ErrorEvent may precede RunEnd.
    """

    def events(self, batch: Sequence[Event]) -> bytes: ...


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """name: as in settings. heartbeat: bytes sent after `heartbeat_seconds` of silence, None for never.

    on_disconnect: stop ends the upstream call when the reader leaves; detach lets the run go on.
    stream_type: the exact Content-Type of a stream. eager: a stream begins at once and tells every failure inside it; otherwise a failure
    before the first word is an HTTP status. max_write: bytes that one write may hold (writes are cut between frames only).

    decode: a request. renderer: for one stream. whole: an answer that is not streamed. error: a failure before the first byte.
    """

    name: str
    heartbeat: bytes | None
    decode: Callable[[Head, bytes], Ask]
    renderer: Callable[[Ask], Renderer]
    whole: Callable[[Ask, Answer], Reply]
    error: Callable[[AntiphonError], Reply]
    on_disconnect: Literal["stop", "detach"] = "stop"
    stream_type: str = SSE
    eager: bool = False
    max_write: int = 65_536
