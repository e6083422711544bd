"""The few pieces of raw ASGI that the hot routes need: a request's head, its bounded body, a reply.

Source: ASGI specification 3.0, HTTP and WebSocket message format 2.3.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from antiphon.core.errors import BadRequest, TooLarge
from antiphon.dialects.base import Head, Reply

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]


class ClientGone(Exception):
    """The caller left before it could be answered."""


def head_of(scope: Scope) -> Head:
    """The head, with the values of a repeated header joined by commas. Raises BadRequest for a query that is not UTF-8, and for NUL."""
    try:
        query = dict(parse_qsl(scope["query_string"].decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100))
    except (UnicodeDecodeError, ValueError):
        raise BadRequest("The query string cannot be read.") from None
    if "\0" in scope["path"] or any("\0" in text for pair in query.items() for text in pair):
        raise BadRequest("The address holds a NUL character.")
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Head(scope["method"], scope["path"], query, headers)


async def read_body(head: Head, receive: Receive, limit: int) -> bytes:
    """The whole body, refused as soon as it is known to be over `limit` bytes. Raises TooLarge, ClientGone."""
    declared = head.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise TooLarge(f"The request is larger than {limit // 1024 // 1024} MiB.")
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise TooLarge(f"The request is larger than {limit // 1024 // 1024} MiB.")
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts) if len(parts) > 1 else parts[0]


def encode_headers(pairs: Iterable[tuple[str, str]]) -> Headers:
    return [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in pairs]


async def send_reply(send: Send, reply: Reply, extra: Headers | None = None) -> None:
    """A whole answer in one go."""
    headers: Headers = [(b"content-length", str(len(reply.body)).encode())]
    if reply.body or reply.status not in (204, 304):
        headers.append((b"content-type", reply.content_type.encode()))
    headers += encode_headers(reply.headers)
    if extra:
        headers += extra
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
