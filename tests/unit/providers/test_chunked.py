"""Bytes in at one end of a connection's protocol, body out at the other, with no socket between: every split can be tried."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.providers.chunked import StreamingHandler
from antiphon.providers.transport import Call, Transport
from tests.support.connection import Connection, Request
from tests.support.upstream import FakeUpstream

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
WHOLE = HEAD + b"5\r\nHello\r\n7;name=value\r\n, world\r\nA \r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"
BLOCKS = 1000
BODY = b"Hello, world0123456789"


class Taken:
    """What came of a response. ours: by our own way. reusable: whether another request could follow on the connection."""

    def __init__(self) -> None:
        self.body = b""
        self.error: BaseException | None = None
        self.ours = False
        self.reusable = False


async def receive(pieces: Sequence[bytes], *, lose: bool = False) -> Taken:
    """Feed these reads; lose: then the connection goes away."""
    handler = StreamingHandler(asyncio.get_running_loop())
    handler.set_response_params(read_until_eof=True)
    for piece in pieces:
        handler.data_received(piece)
    body = handler.body
    if lose:
        handler.connection_lost(None)
    taken = Taken()
    try:
        _, payload = await handler.read()
        taken.ours = body is not None
        read = payload.readany if body is None else body.read
        async with asyncio.timeout(5):
            while data := await read():
                taken.body += data
        taken.reusable = not handler.should_close
    except (aiohttp.ClientError, aiohttp.http_exceptions.HttpProcessingError) as error:
        taken.error = error
    return taken


def run(pieces: Sequence[bytes], *, lose: bool = False) -> Taken:
    return asyncio.run(receive(pieces, lose=lose))


def test_every_split_gives_the_same_body() -> None:
    async def every() -> list[Taken]:
        return [await receive([WHOLE[:place], WHOLE[place:]]) for place in range(1, len(WHOLE))]

    for taken in asyncio.run(every()):
        assert (taken.body, taken.error, taken.ours, taken.reusable) == (BODY, None, True, True)


def test_byte_by_byte() -> None:
    taken = run([WHOLE[place : place + 1] for place in range(len(WHOLE))])
    assert (taken.body, taken.ours, taken.reusable) == (BODY, True, True)


@settings(max_examples=50)
@given(st.lists(st.binary(min_size=1, max_size=400), max_size=8), st.data())
def test_any_chunks_in_any_reads(chunks: list[bytes], data: st.DataObject) -> None:
    wire = HEAD + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=6)))
    pieces = [wire[start:end] for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
    taken = run([piece for piece in pieces if piece])
    assert (taken.body, taken.error) == (b"".join(chunks), None)


def test_what_came_before_the_connection_was_lost_is_read_first() -> None:
    end = WHOLE.index(b"0\r\nTrailer")
    for place in range(len(HEAD), end):
        taken = run([WHOLE[:place]], lose=True)
        assert BODY.startswith(taken.body)
        assert isinstance(taken.error, aiohttp.ClientPayloadError)
    assert run([WHOLE[:end]], lose=True).body == BODY


def test_a_head_that_is_cut_is_no_response() -> None:
    assert run([HEAD[:40]], lose=True).error is not None


@pytest.mark.parametrize(
    "bad",
    [
        b"5\r\nHello!!\r\n0\r\n\r\n",
        b"5\r\nHello\rX0\r\n\r\n",
        b"\r\nHello",
        b"zz\r\n",
        b"-5\r\nHello\r\n",
        b"0x5\r\nHello\r\n",
        b"5_0\r\nHello\r\n",
        b" 5\r\nHello\r\n",
        b"1234567890abcdef\r\n",
        b"5" * 5000,
    ],
)
def test_what_is_no_chunk_is_an_error(bad: bytes) -> None:
    taken = run([HEAD, bad])
    assert isinstance(taken.error, aiohttp.ClientPayloadError)
    assert not taken.reusable


def test_more_than_the_answer_ends_the_connection() -> None:
    taken = run([WHOLE + b"HTTP/1.1 200 OK\r\n"])
    assert (taken.body, taken.reusable) == (BODY, False)


@pytest.mark.parametrize("before", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 2])
def test_informational_responses_are_passed_over(before: bytes) -> None:
    async def status() -> tuple[int, bytes]:
        handler = StreamingHandler(asyncio.get_running_loop())
        handler.set_response_params(read_until_eof=True)
        handler.data_received(before + WHOLE)
        message, _ = await handler.read()
        while message.code < 200:
            message, _ = await handler.read()
        assert handler.body is not None
        return message.code, await handler.body.read()

    assert asyncio.run(status()) == (200, BODY)


@pytest.mark.parametrize(
    ("wire", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHello", b"Hello"),
        (b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
    ],
)
def test_other_bodies_are_left_to_aiohttp(wire: bytes, body: bytes) -> None:
    for place in range(1, len(wire)):
        taken = run([wire[:place], wire[place:]])
        assert (taken.body, taken.ours, taken.error) == (body, False, None)


@pytest.mark.parametrize(
    "wire", [b"220 mail ready\r\n\r\n", b"\x16\x03\x01", b"HTTP/1.1 what\r\n\r\n", b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n"]
)
def test_what_is_not_http_is_an_error(wire: bytes) -> None:
    assert run([wire]).error is not None


@pytest.mark.anyio
async def test_a_slow_reader_stops_the_socket_and_loses_nothing() -> None:
    block = b"x" * 65536
    sent = 0

    async def flood(connection: Connection, request: Request) -> None:
        nonlocal sent
        connection.head(200, {"Transfer-Encoding": "chunked"})
        for _ in range(BLOCKS):
            await connection.chunk(block)
            sent += 1
        connection.end()

    transport = Transport()
    async with FakeUpstream(default=flood) as upstream:
        response = await transport.post(Call("m", upstream.url + "/v1/chat/completions", {}, b"{}"))
        before = -1
        while before != sent:  # the server stops when every buffer between it and us is full
            before = sent
            await asyncio.sleep(0.2)
        assert sent < BLOCKS
        assert len(await response.read_all()) == BLOCKS * len(block)
        response.close()
    await transport.close()
