from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from antiphon.core.errors import UpstreamError
from antiphon.core.events import Event, RunEnd, RunStart, TextDelta, Usage
from antiphon.core.fold import Answer, fold
from antiphon.core.messages import said
from antiphon.core.request import ChatRequest
from antiphon.providers.openai_compatible.provider import OpenAICompatible, Server
from antiphon.providers.transport import Limits, Transport
from tests.support.replies import BENIGN, FAULTS, KEY_IN_ERRORS, TEXT, error, hang, say, script, text
from tests.support.upstream import FakeUpstream, closed_port

pytestmark = pytest.mark.anyio

KEY = "sk-the-key-of-this-test"
QUICK = Limits(connect=5, first_byte=0.6, idle=0.6, after_finish=0.2)
PATIENT = Limits(connect=20, first_byte=20, idle=20, after_finish=0.2)


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    client = Transport()
    yield client
    await client.close()


def provider(
    transport: Transport, upstream: FakeUpstream, limits: Limits = PATIENT, path: str = "/v1", streams: bool = True
) -> OpenAICompatible:
    return OpenAICompatible(transport, Server((upstream.url + path,), KEY, {"X-Extra": "yes"}, streams, limits=limits))


def request(model: str = "m") -> ChatRequest:
    return ChatRequest((said("user", "Hi"),), model)


async def ask(asked: OpenAICompatible, model: str = "m") -> tuple[list[Event], UpstreamError | None]:
    events: list[Event] = []
    try:
        async for batch in asked.stream(request(model)):
            assert batch
            events += batch
    except UpstreamError as failure:
        return events, failure
    return events, None


def answer(events: list[Event]) -> Answer:
    return fold([RunStart("r", "m", 1), *events, RunEnd("completed")])


def said_text(events: list[Event]) -> str:
    return "".join(item.text for item in events if isinstance(item, TextDelta))


@pytest.mark.parametrize("name", BENIGN)
async def test_odd_but_complete_answers(name: str, upstream: FakeUpstream, transport: Transport) -> None:
    events, failure = await ask(provider(transport, upstream), name)
    assert failure is None
    choice = answer(events).choices[0]
    assert (choice.text, choice.finish_reason) == (BENIGN[name].text, "stop")


@pytest.mark.parametrize("name", FAULTS)
async def test_faults(name: str, upstream: FakeUpstream, transport: Transport) -> None:
    events, failure = await ask(provider(transport, upstream, QUICK if name.startswith("hang") else PATIENT), name)
    assert failure is not None
    assert failure.code == FAULTS[name].code
    assert said_text(events) == FAULTS[name].partial
    assert name in failure.message
    assert not any(secret in f"{failure.message} {failure.detail}" for secret in (KEY, KEY_IN_ERRORS))


async def test_nobody_listens(transport: Transport) -> None:
    asked = OpenAICompatible(transport, Server((f"http://127.0.0.1:{closed_port()}/v1",), limits=PATIENT))
    _, failure = await ask(asked)
    assert failure is not None
    assert failure.code == "upstream_unreachable"


async def test_a_host_that_does_not_exist(transport: Transport) -> None:
    _, failure = await ask(OpenAICompatible(transport, Server(("http://nowhere.invalid/v1",), limits=PATIENT)))
    assert failure is not None
    assert failure.code in ("upstream_unreachable", "upstream_timeout")


async def test_sends_its_key_and_headers_and_asks_for_usage(upstream: FakeUpstream, transport: Transport) -> None:
    events, _ = await ask(provider(transport, upstream))
    (seen,) = upstream.chats
    assert (seen.headers["authorization"], seen.headers["x-extra"], seen.headers["accept-encoding"]) == (f"Bearer {KEY}", "yes", "identity")
    assert seen.json["stream_options"] == {"include_usage": True}
    assert answer(events).usage == Usage(10, len(TEXT))


async def test_a_server_that_only_answers_whole(upstream: FakeUpstream, transport: Transport) -> None:
    events, failure = await ask(provider(transport, upstream, streams=False))
    assert failure is None
    assert upstream.chats[0].json["stream"] is False
    assert answer(events).choices[0].text == TEXT


async def test_a_server_that_refuses_stream_options_is_remembered(upstream: FakeUpstream, transport: Transport) -> None:
    upstream.strict_stream_options = True
    asked = provider(transport, upstream)
    for _ in range(2):
        events, failure = await ask(asked)
        assert failure is None
        assert said_text(events) == TEXT
    assert ["stream_options" in seen.json for seen in upstream.chats] == [True, False, False]


async def test_an_api_without_v1_is_found_and_remembered(upstream: FakeUpstream, transport: Transport) -> None:
    upstream.plan(error(404, "not_found"))
    asked = OpenAICompatible(transport, Server((upstream.url + "/v1", upstream.url), limits=PATIENT))
    for _ in range(2):
        events, failure = await ask(asked)
        assert (said_text(events), failure) == (TEXT, None)
    assert [seen.path for seen in upstream.chats] == ["/v1/chat/completions", "/chat/completions", "/chat/completions"]


@pytest.mark.parametrize("name", ["bad-gateway", "overloaded", "dropped"])
async def test_two_retries_before_the_first_byte(name: str, upstream: FakeUpstream, transport: Transport) -> None:
    upstream.plan(FAULTS[name].reply, FAULTS[name].reply, say())
    events, failure = await ask(provider(transport, upstream))
    assert (said_text(events), failure, len(upstream.chats)) == (TEXT, None, 3)


@pytest.mark.parametrize("name", ["rate-limited", "server-error", "unauthorized", "reset", "cut-between-chunks", "hang-before-headers"])
async def test_no_retry_otherwise(name: str, upstream: FakeUpstream, transport: Transport) -> None:
    await ask(provider(transport, upstream, QUICK), name)
    assert len(upstream.chats) == 1


async def test_a_busy_server_that_says_when_is_not_pressed(upstream: FakeUpstream, transport: Transport) -> None:
    upstream.plan(error(503, "overloaded", {"Retry-After": "12"}))
    _, failure = await ask(provider(transport, upstream))
    assert failure is not None
    assert (failure.code, failure.retry_after, len(upstream.chats)) == ("upstream_busy", 12, 1)


async def test_retry_after_is_told(upstream: FakeUpstream, transport: Transport) -> None:
    _, failure = await ask(provider(transport, upstream), "rate-limited")
    assert failure is not None
    assert failure.retry_after == 7


async def test_a_conversation_that_is_too_long_is_told_by_its_own_code(upstream: FakeUpstream, transport: Transport) -> None:
    upstream.plan(error(400, "context_length_exceeded"))
    _, failure = await ask(provider(transport, upstream))
    assert failure is not None
    assert failure.code == "context_length_exceeded"


async def test_closing_the_stream_closes_the_connection(upstream: FakeUpstream, transport: Transport) -> None:
    upstream.plan(script(text("Hello"), hang))
    async with aclosing(provider(transport, upstream, Limits()).stream(request())) as stream:
        assert said_text(list(await anext(stream))) == "Hello"
    await upstream.wait_left()


async def test_cancelling_before_the_answer_begins_closes_the_connection(upstream: FakeUpstream, transport: Transport) -> None:
    task = asyncio.ensure_future(ask(provider(transport, upstream, Limits()), "hang-before-headers"))
    await upstream.wait_chats()
    task.cancel()
    await asyncio.wait([task])
    await upstream.wait_left()


async def test_time_in_which_nobody_reads_is_not_the_servers_silence(upstream: FakeUpstream, transport: Transport) -> None:
    upstream.plan(script(text("one"), 0.2, text("two"), b"data: [DONE]\n\n"))
    read = ""
    async for batch in provider(transport, upstream, Limits(first_byte=5, idle=0.4)).stream(request()):
        read += said_text(list(batch))
        await asyncio.sleep(0.6)
    assert read == "onetwo"


async def test_slow_but_alive_is_not_cut(upstream: FakeUpstream, transport: Transport) -> None:
    upstream.plan(say("0123456789" * 3, size=1, delay=0.1))
    events, failure = await ask(provider(transport, upstream, Limits(first_byte=2, idle=2)))
    assert (said_text(events), failure) == ("0123456789" * 3, None)


async def test_connections_are_used_again(upstream: FakeUpstream, transport: Transport) -> None:
    asked = provider(transport, upstream)
    for _ in range(5):
        await ask(asked)
    assert len(upstream.connections) == 1


async def test_a_connection_that_went_stale_is_replaced_unseen(upstream: FakeUpstream, transport: Transport) -> None:
    asked = provider(transport, upstream)
    await ask(asked)
    for connection in list(upstream.connections):
        connection.transport.close()
    events, failure = await ask(asked)
    assert (said_text(events), failure) == (TEXT, None)


async def test_many_at_once_are_each_complete(upstream: FakeUpstream, transport: Transport) -> None:
    upstream.default = say(TEXT * 20, size=5)
    asked = provider(transport, upstream, Limits())
    answers = await asyncio.gather(*(ask(asked) for _ in range(50)))
    assert all((said_text(events), failure) == (TEXT * 20, None) for events, failure in answers)
