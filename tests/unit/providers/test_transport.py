from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest

from antiphon.core.errors import UpstreamError, UpstreamInvalid
from antiphon.providers.transport import Call, Limits, Transport
from tests.support.replies import body, hang, script
from tests.support.upstream import FakeUpstream

pytestmark = pytest.mark.anyio


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    client = Transport()
    yield client
    await client.close()


def call(upstream: FakeUpstream, payload: bytes = b'{"model":"m"}') -> Call:
    return Call("m", upstream.url + "/v1/chat/completions", {}, payload, Limits(2, 2, 2))


async def test_small_writes_are_not_held_back(upstream: FakeUpstream, transport: Transport) -> None:
    upstream.plan(script(b"x", hang))
    response = await transport.post(call(upstream))
    connection = response._response.connection
    assert connection is not None
    assert connection.transport is not None
    assert connection.transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    response.close()


async def test_a_large_body_arrives_whole(upstream: FakeUpstream, transport: Transport) -> None:
    payload = b'{"model":"m","x":"' + b"y" * 3_000_000 + b'"}'
    response = await transport.post(call(upstream, payload))
    assert response.status == 200
    assert upstream.chats[0].body == payload
    response.close()


async def test_cookies_are_not_kept(upstream: FakeUpstream, transport: Transport) -> None:
    upstream.default = body({}, headers={"Set-Cookie": "a=b"})
    for _ in range(2):
        response = await transport.post(call(upstream))
        await response.read_all()
        response.close()
    assert "cookie" not in upstream.chats[1].headers


async def test_a_whole_body_is_bounded(upstream: FakeUpstream, transport: Transport) -> None:
    upstream.default = body(b"x" * 100_000)
    response = await transport.post(call(upstream))
    with pytest.raises(UpstreamInvalid):
        await response.read_all(50_000)
    response.close()


async def test_an_address_that_is_none_is_an_upstream_error(transport: Transport) -> None:
    with pytest.raises(UpstreamError):
        await transport.get(Call("m", "http://[::bad/v1", {}, b""))


async def test_closing_twice_is_harmless(upstream: FakeUpstream, transport: Transport) -> None:
    (await transport.post(call(upstream))).close()
    await transport.close()
    await transport.close()
