"""A client that leaves, a client that stops: the model's server notices promptly, and nothing is left behind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.conformance.conftest import House
from tests.conformance.speakers import QUESTION
from tests.support.replies import ROLE, hang, script, text

pytestmark = pytest.mark.anyio

PROMPTLY = 3.0  # seconds; a second is what is promised, the rest is for a busy machine

REQUESTS: dict[str, tuple[str, Any]] = {
    "xiaozhi": ("/chatCompletionStream", [{"role": "user", "content": QUESTION}]),
    "kuwa": ("/v1.0/chat/completions", {"model": "m", "messages": [{"role": "user", "content": QUESTION}]}),
    "ask": ("/v1/ask", {"question": QUESTION, "stream": True}),
    "openai": ("/v1/chat/completions", {"model": "m", "stream": True, "messages": [{"role": "user", "content": QUESTION}]}),
    "widget": ("/api/chat/stream", {"tokenSlug": "site", "question": QUESTION, "sessionId": "leaver"}),
}


@pytest.mark.parametrize("dialect", REQUESTS)
async def test_leaving_a_stream_ends_the_call(house: House, dialect: str) -> None:
    path, body = REQUESTS[dialect]
    left = house.upstream.left
    house.upstream.plan(script(ROLE, text("Hello, "), text("and more, "), hang))
    async with house.client.stream("POST", path, json=body) as response:
        assert response.status_code == 200
        async for part in response.aiter_raw():
            if b"ello" in part or b"H" in part:
                break
    await house.upstream.wait_left(left + 1, within=PROMPTLY)
    await _until(lambda: len(house.application.services.streams) == 0)


@pytest.mark.parametrize("dialect", ["xiaozhi", "kuwa", "ask", "openai"])
async def test_leaving_before_the_first_word_ends_the_call_too(house: House, dialect: str) -> None:
    path, body = REQUESTS[dialect]
    left, chats = house.upstream.left, len(house.upstream.chats)
    house.upstream.plan(script(hang))
    asking = asyncio.create_task(house.client.post(path, json=body))
    await house.upstream.wait_chats(chats + 1)
    asking.cancel()
    await house.upstream.wait_left(left + 1, within=PROMPTLY)
    await _until(lambda: len(house.application.services.streams) == 0)


async def test_kuwa_abort_stops_what_runs(house: House) -> None:
    left = house.upstream.left
    house.upstream.plan(script(ROLE, text("Hello, "), hang))
    path, body = REQUESTS["kuwa"]
    async with house.client.stream("POST", path, json=body) as response:
        received = b""
        async for part in response.aiter_raw():
            received += part
            if b'"H"' in part:
                aborted = await house.client.post("/v1.0/chat/abort")
                assert aborted.json()["message"] == "Aborted"
    assert received.endswith(b"event: close\n\n")
    await house.upstream.wait_left(left + 1, within=PROMPTLY)


async def _until(condition: Any, within: float = 5.0) -> None:
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.01)
