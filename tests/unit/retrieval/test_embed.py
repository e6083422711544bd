from __future__ import annotations

from collections.abc import Callable

import httpx2 as httpx
import msgspec
import numpy as np
import pytest

from antiphon.core.errors import UpstreamBusy, UpstreamError, UpstreamInvalid, UpstreamRefused, UpstreamTimeout, UpstreamUnreachable
from antiphon.retrieval.embed import BATCH, RemoteEmbedder

pytestmark = pytest.mark.anyio


def embedder(answer: Callable[[httpx.Request], httpx.Response]) -> RemoteEmbedder:
    return RemoteEmbedder("http://embedder.test/v1/", "small", "sk-test", transport=httpx.MockTransport(answer))


def vectors(request: httpx.Request) -> httpx.Response:
    texts = msgspec.json.decode(request.content)["input"]
    items = [{"index": at, "embedding": [float(len(text)), 0.0]} for at, text in enumerate(texts)]
    return httpx.Response(200, json={"data": items[::-1]})


async def test_vectors_come_in_order_and_at_unit_length() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        body = {"data": [{"index": 1, "embedding": [0, 2]}, {"index": 0, "embedding": [3, 4]}]}
        return httpx.Response(200, json=body)

    found = await embedder(answer).embed(["a", "b"])
    assert found.dtype == np.float32
    assert found.tolist() == [pytest.approx([0.6, 0.8]), [0, 1]]
    assert str(seen[0].url) == "http://embedder.test/v1/embeddings"
    assert seen[0].headers["authorization"] == "Bearer sk-test"


async def test_many_texts_go_in_batches() -> None:
    sizes = []

    def answer(request: httpx.Request) -> httpx.Response:
        sizes.append(len(msgspec.json.decode(request.content)["input"]))
        return vectors(request)

    assert (await embedder(answer).embed(["x"] * (BATCH + 3))).shape == (BATCH + 3, 2)
    assert sizes == [BATCH, 3]


@pytest.mark.parametrize(
    ("status", "kind"), [(401, UpstreamRefused), (404, UpstreamRefused), (429, UpstreamBusy), (503, UpstreamBusy), (500, UpstreamInvalid)]
)
async def test_a_refusal_is_told_without_its_body(status: int, kind: type[UpstreamError]) -> None:
    with pytest.raises(kind) as caught:
        await embedder(lambda _: httpx.Response(status, text="secret of theirs")).embed(["a"])
    assert "secret" not in caught.value.message + str(caught.value.detail)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"{}",
        b'{"data": []}',
        b'{"data": [{"index": 5, "embedding": [1]}]}',
        b'{"data": [{"index": 0, "embedding": []}]}',
        b'{"data": [{"index": 0, "embedding": [1e999]}]}',
    ],
)
async def test_nonsense_is_refused(body: bytes) -> None:
    with pytest.raises(UpstreamInvalid):
        await embedder(lambda _: httpx.Response(200, content=body)).embed(["a"])


@pytest.mark.parametrize(("error", "kind"), [(httpx.ConnectError, UpstreamUnreachable), (httpx.ReadTimeout, UpstreamTimeout)])
async def test_a_broken_line_is_an_upstream_error(error: type[httpx.TransportError], kind: type[UpstreamError]) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error("no")

    with pytest.raises(kind):
        await embedder(answer).embed(["a"])


async def test_no_texts_ask_nobody() -> None:
    assert len(await embedder(lambda _: httpx.Response(500)).embed([])) == 0
