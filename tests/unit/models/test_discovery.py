from __future__ import annotations

from collections.abc import Sequence

import pytest

from antiphon.core.errors import UpstreamError
from antiphon.models.discovery import Discovery, list_models
from antiphon.models.servers import ModelServer, Origin
from antiphon.providers.openai_compatible.provider import Server
from antiphon.providers.transport import Transport
from tests.support.connection import Connection, Reply, Request
from tests.support.replies import body, drop, error
from tests.support.upstream import FakeUpstream, closed_port

pytestmark = pytest.mark.anyio


class Listing(FakeUpstream):
    """Answers every request with `answer`, but for paths below /v1 when it has none."""

    answer: Reply
    has_v1 = True

    def route(self, request: Request) -> Reply:
        return self.answer if self.has_v1 or not request.path.startswith("/v1") else error(404, "not_found")


def server(url: str, name: str = "s", origin: Origin = "stored") -> ModelServer:
    return ModelServer(name, origin, Server((url + "/v1", url), "sk-key-of-the-server"))


@pytest.mark.parametrize(
    ("listing", "names"),
    [
        ({"object": "list", "data": [{"id": "a", "owned_by": "x"}, {"id": "b/c"}, {"id": "a"}]}, ("a", "b/c")),
        ([{"id": "a"}, {"name": "b"}], ("a", "b")),
        ({"models": [{"name": "a"}]}, ("a",)),
        ({"data": [{"id": None}, {"id": ""}, {"id": "x" * 200}, {}]}, ()),
        ({"data": [{"id": "text-embedding-3-small"}, {"id": "whisper-1"}, {"id": "gpt"}]}, ("gpt",)),
        ({}, ()),
    ],
)
@pytest.mark.parametrize("has_v1", [True, False])
async def test_reads_lists_of_every_kind(listing: object, names: tuple[str, ...], has_v1: bool, transport: Transport) -> None:
    async with Listing() as upstream:
        upstream.answer, upstream.has_v1 = body(listing), has_v1
        assert await list_models(transport, server(upstream.url)) == names
        assert upstream.requests[-1].headers["authorization"] == "Bearer sk-key-of-the-server"


@pytest.mark.parametrize("answer", [body(b"<html>"), body({"data": 5}), error(401, "no"), error(500, "no"), drop])
async def test_what_is_no_list_is_an_error_of_the_server(answer: Reply, transport: Transport) -> None:
    async with Listing() as upstream:
        upstream.answer = answer
        with pytest.raises(UpstreamError):
            await list_models(transport, server(upstream.url))


async def test_a_server_that_falls_silent_keeps_what_it_listed(transport: Transport) -> None:
    async with Listing() as upstream:
        upstream.answer = body([{"id": "a"}])

        async def servers() -> Sequence[ModelServer]:
            return [server(upstream.url), server(upstream.url, "local", "local")]

        discovery = Discovery(transport, servers)
        assert await discovery.ask_all()
        assert discovery.listed == {"s": ("a",), "local": ("a",)}
        upstream.answer = error(500, "no")
        assert not await discovery.ask_all()
        assert discovery.listed == {"s": ("a",)}


async def test_settles_even_when_nobody_answers(transport: Transport) -> None:
    async def servers() -> Sequence[ModelServer]:
        return [server(f"http://127.0.0.1:{closed_port()}")]

    discovery = Discovery(transport, servers)
    seen = [discovery.settled]
    discovery.start()
    seen.append(discovery.settled)
    await discovery.settle()
    seen.append(discovery.settled)
    assert seen == [True, False, True]
    assert discovery.listed == {}
    await discovery.stop()


async def test_asks_again_when_told(transport: Transport) -> None:
    answers = [body([{"id": "a"}]), body([{"id": "b"}])]

    async def next_answer(connection: Connection, request: Request) -> None:
        await answers.pop(0)(connection, request)

    async with Listing() as upstream:
        upstream.answer = next_answer

        async def servers() -> Sequence[ModelServer]:
            return [server(upstream.url)]

        discovery = Discovery(transport, servers)
        discovery.start()
        await discovery.settle()
        discovery.again()
        await upstream.wait_for(lambda: len(upstream.requests) == 2)
        await discovery.stop()
