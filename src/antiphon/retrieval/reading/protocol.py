"""What parent and child say to each other over a pipe: a 4-byte big-endian length, then that many bytes of MessagePack."""

from __future__ import annotations

from typing import BinaryIO, Final

import msgspec

from antiphon.retrieval.draft import Draft
from antiphon.retrieval.extract.document import Extracted, Reason

MAX_FRAME: Final = 256 * 1024 * 1024


class Task(msgspec.Struct, frozen=True, array_like=True):
    """cpu_seconds: what this document may burn before the kernel ends the child."""

    data: bytes
    name: str
    media_type: str | None
    cpu_seconds: int


class Failure(msgspec.Struct, frozen=True, tag="failure"):
    reason: Reason
    message: str
    detail: str | None = None


class Success(msgspec.Struct, frozen=True, tag="success"):
    """passages: the document cut and tokenised, without vectors."""

    document: Extracted
    passages: tuple[Draft, ...]


Answer = Success | Failure

encoder = msgspec.msgpack.Encoder()
task_decoder = msgspec.msgpack.Decoder(Task)
answer_decoder: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


def send(stream: BinaryIO, payload: bytes) -> None:
    """Raises BrokenPipeError or OSError when the other side is gone."""
    stream.write(len(payload).to_bytes(4, "big") + payload)
    stream.flush()


def receive(stream: BinaryIO, limit: int = MAX_FRAME) -> bytes | None:
    """The next frame; None at the end of the stream, or when it breaks off or announces more than `limit` bytes."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    size = int.from_bytes(head, "big")
    if size > limit:
        return None
    body = stream.read(size)
    return body if len(body) == size else None
