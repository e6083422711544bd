"""The one codec for server-sent events: bytes in, frames out; frames in, bytes out.

Source: WHATWG HTML, section 9.2 "Server-sent events". Rules: lines end with LF, CRLF or CR and with nothing else (U+2028 and its
kin are text, which is why no text-level line splitter is ever used on a stream); a blank line dispatches; one space after the colon is
dropped.

Decoding is incremental and works on bytes, so any split of the input gives the same frames. A CR at the end of a read waits for what
follows.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from antiphon.core.errors import UpstreamInvalid

MAX_FRAME: Final = 8 * 1024 * 1024


class Frame(NamedTuple):
    """data: the data lines joined by LF, still bytes (whoever reads JSON decodes them anyway). event is '' when absent.

    id: the last one seen in the stream, in this frame or before it, as the specification has it; '' when there was none.
    """

    data: bytes
    event: str = ""
    id: str = ""


class Decoder:
    """Splits a byte stream into frames. `feed` any cut of it; `close` gives an unterminated last frame its due.

    Comments, `retry:` and unknown fields are dropped, as are frames without a data line. Raises UpstreamInvalid when a line, or the data
    lines of one frame together, outgrow `limit` bytes (line ends included).
    """

    __slots__ = ("_data", "_event", "_id", "_limit", "_rest", "_size", "_started")

    def __init__(self, limit: int = MAX_FRAME) -> None:
        self._rest = bytearray()  # an unfinished line: its pieces are gathered without being looked at again
        self._data: list[bytes] = []
        self._event = ""
        self._id = ""
        self._size = 0
        self._limit = limit
        self._started = False

    def feed(self, chunk: bytes) -> list[Frame]:
        """Frames completed by this chunk, often none."""
        if not self._started:
            self._rest += chunk
            if len(self._rest) < 3 and b"\xef\xbb\xbf".startswith(self._rest):
                return []
            chunk, self._rest, self._started = bytes(self._rest.removeprefix(b"\xef\xbb\xbf")), bytearray(), True
        frame = self._whole(chunk)
        if frame is not None:
            return [frame]
        frames: list[Frame] = []
        held_return = self._rest.endswith(b"\r")
        self._rest += chunk
        if held_return or b"\n" in chunk or b"\r" in chunk:
            self._split(frames)
        if len(self._rest) > self._limit:
            raise _too_large()
        return frames

    def _split(self, frames: list[Frame]) -> None:
        """Take every finished line out of what is there."""
        buffer = bytes(self._rest)
        held = b""
        if b"\r" in buffer:
            if buffer.endswith(b"\r"):
                buffer, held = buffer[:-1], b"\r"
            buffer = buffer.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = buffer.split(b"\n")
        self._rest = bytearray(rest + held)
        for line in lines:
            self._line(line, frames)

    def _whole(self, chunk: bytes) -> Frame | None:
        """The common case: the chunk is exactly one frame of one data line."""
        if self._rest or self._data or not chunk.startswith(b"data: ") or chunk.find(b"\n") != len(chunk) - 2 or b"\r" in chunk:
            return None
        if not chunk.endswith(b"\n\n") or self._event or len(chunk) > self._limit:
            return None
        return Frame(chunk[6:-2], "", self._id)

    def _line(self, line: bytes, frames: list[Frame]) -> None:
        if not line:
            if self._data:
                frames.append(Frame(b"\n".join(self._data), self._event, self._id))
            self._data, self._event, self._size = [], "", 0
            return
        if len(line) >= self._limit:
            raise _too_large()
        name, _, value = line.partition(b":")
        if value.startswith(b" "):
            value = value[1:]
        if name == b"data":
            self._data.append(value)
            self._size += len(line) + 1
            if self._size > self._limit:
                raise _too_large()
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")
        elif name == b"id" and b"\0" not in value:
            self._id = value.decode("utf-8", "replace")

    def close(self) -> list[Frame]:
        """The last frame of a stream that ended without its blank line; lenient, because model servers do that."""
        frames: list[Frame] = []
        if self._rest:
            self._line(bytes(self._rest.removesuffix(b"\r")), frames)
            self._rest.clear()
        self._line(b"", frames)
        return frames


def _too_large() -> UpstreamInvalid:
    return UpstreamInvalid("The model's server sent an event that is too large.")


def encode(data: bytes, event: str = "", id: str = "") -> bytes:
    """One frame. data may hold newlines (each becomes a data line); event and id must not.

    Raises ValueError on a line break in event or id: that would forge another frame.
    """
    head = b""
    if event:
        head += b"event: " + _single(event) + b"\n"
    if id:
        head += b"id: " + _single(id) + b"\n"
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return head + b"data: " + data.replace(b"\n", b"\ndata: ") + b"\n\n"


def _single(value: str) -> bytes:
    if "\n" in value or "\r" in value or "\0" in value:
        raise ValueError("line break in an event name or id")
    return value.encode()


def comment(text: str) -> bytes:
    """A comment frame: a heartbeat that parsers must ignore.

    Raises ValueError for a line break, and for a text that begins with `ping`, which one client reads as the end.
    """
    if text.startswith("ping"):
        raise ValueError("a comment that begins with ping")
    return b": " + _single(text) + b"\n\n"
