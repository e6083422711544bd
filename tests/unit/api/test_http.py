from __future__ import annotations

from typing import Any

import pytest

from antiphon.api.http import ClientGone, Message, encode_headers, head_of, read_body, send_reply
from antiphon.core.errors import BadRequest, TooLarge
from antiphon.dialects.base import Head, Reply

pytestmark = pytest.mark.anyio


def scope(query: bytes = b"", headers: list[tuple[bytes, bytes]] | None = None, path: str = "/v1/ask") -> dict[str, Any]:
    return {"type": "http", "method": "POST", "path": path, "query_string": query, "headers": headers or []}


def test_a_head_is_read() -> None:
    head = head_of(scope(b"q=a%20b&q=c&empty=&ti%E1%BA%BFng=vi%E1%BB%87t", [(b"host", b"x"), (b"x-name", b"caf\xe9")]))
    assert head == Head("POST", "/v1/ask", {"q": "c", "empty": "", "tiếng": "việt"}, {"host": "x", "x-name": "café"})


def test_a_repeated_header_is_a_list() -> None:
    head = head_of(scope(headers=[(b"x-forwarded-for", b"6.6.6.6"), (b"accept", b"*/*"), (b"x-forwarded-for", b"10.0.0.1")]))
    assert head.headers == {"x-forwarded-for": "6.6.6.6, 10.0.0.1", "accept": "*/*"}


@pytest.mark.parametrize("query", [b"q=%ff", b"q=\xff", b"q=%ED%A0%80", b"q=%00", b"%00=q", b"&".join([b"q=1"] * 101)])
def test_a_query_that_cannot_be_read_is_refused(query: bytes) -> None:
    with pytest.raises(BadRequest):
        head_of(scope(query))


def test_a_path_with_nul_is_refused() -> None:
    with pytest.raises(BadRequest):
        head_of(scope(path="/api/chat-history/a\0b"))


class Body:
    """A request body in pieces; None stands for a client that leaves."""

    def __init__(self, *parts: bytes | None) -> None:
        self._parts = list(parts)

    @property
    def left(self) -> int:
        return len(self._parts)

    async def receive(self) -> Message:
        part = self._parts.pop(0)
        if part is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": part, "more_body": bool(self._parts)}


def head(**headers: str) -> Head:
    return Head("POST", "/", {}, {name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize("parts", [[b""], [b"abc"], [b"ab", b"", b"c"], [b"0123456789"]])
async def test_a_body_is_read_whole(parts: list[bytes]) -> None:
    assert await read_body(head(), Body(*parts).receive, 10) == b"".join(parts)


async def test_a_message_without_fields_is_an_empty_body() -> None:
    async def receive() -> Message:
        return {"type": "http.request"}

    assert await read_body(head(), receive, 10) == b""


async def test_a_body_that_is_too_large_is_refused_before_it_is_read() -> None:
    body = Body(b"x")
    with pytest.raises(TooLarge):
        await read_body(head(content_length="11"), body.receive, 10)
    assert body.left == 1


@pytest.mark.parametrize("declared", ["", "3", "-1", "²", "abc"])
async def test_a_body_that_is_larger_than_it_says_is_refused_on_the_way(declared: str) -> None:
    body = Body(b"12345", b"678901", b"never read")
    with pytest.raises(TooLarge):
        await read_body(head(content_length=declared), body.receive, 10)
    assert body.left == 1


async def test_a_client_that_leaves_while_it_sends() -> None:
    with pytest.raises(ClientGone):
        await read_body(head(), Body(b"half", None, b"").receive, 10)


async def replied(reply: Reply, extra: list[tuple[bytes, bytes]] | None = None) -> tuple[Message, Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await send_reply(send, reply, extra)
    start, body = sent
    return start, body


async def test_a_reply_is_one_head_and_one_body() -> None:
    start, body = await replied(Reply(404, b"{}", headers=(("X-Reason", "né"),)), [(b"x-request-id", b"1")])
    assert start == {
        "type": "http.response.start",
        "status": 404,
        "headers": [(b"content-length", b"2"), (b"content-type", b"application/json"), (b"x-reason", b"n\xe9"), (b"x-request-id", b"1")],
    }
    assert body == {"type": "http.response.body", "body": b"{}"}


@pytest.mark.parametrize(("status", "typed"), [(204, False), (304, False), (200, True)])
async def test_a_reply_without_a_body(status: int, typed: bool) -> None:
    start, _ = await replied(Reply(status, b""))
    assert (b"content-type" in dict(start["headers"])) == typed


def test_headers_are_latin_and_lower_case() -> None:
    assert encode_headers([("X-Title", "你")]) == [(b"x-title", b"?")]
