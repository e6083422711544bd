"""The openai package: create, asynchronous, `.stream()`, tools, several choices, failures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam

from tests.clients.answers import PLACE
from tests.clients.library import Library
from tests.clients.subjects import PLAIN, SUBJECTS, Subject, name
from tests.support.replies import KEY_IN_ERRORS

WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {"place": {"type": "string"}}}},
}


def asked(subject: Subject) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": subject.question}]


@pytest.fixture(scope="module")
def client(server: Library) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.url + "/v1", api_key=server.key, max_retries=0) as client:
        yield client


@pytest.mark.parametrize("subject", SUBJECTS, ids=name)
def test_create(client: openai.OpenAI, subject: Subject) -> None:
    answer = client.chat.completions.create(model=subject.model, messages=asked(subject))
    subject.check(answer.choices[0].message.content or "")
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == subject.model
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


@pytest.mark.parametrize("subject", SUBJECTS, ids=name)
def test_create_stream(client: openai.OpenAI, subject: Subject) -> None:
    with client.chat.completions.create(model=subject.model, messages=asked(subject), stream=True) as stream:
        chunks = list(stream)
    subject.check("".join(chunk.choices[0].delta.content or "" for chunk in chunks))
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices[0].finish_reason] == ["stop"]
    assert len({(chunk.id, chunk.created, chunk.model, chunk.object) for chunk in chunks}) == 1
    assert [chunk for chunk in chunks if chunk.usage] == []


@pytest.mark.parametrize("subject", SUBJECTS, ids=name)
def test_stream_helper(client: openai.OpenAI, subject: Subject) -> None:
    with client.chat.completions.stream(model=subject.model, messages=asked(subject), stream_options={"include_usage": True}) as stream:
        heard = "".join(event.delta for event in stream if event.type == "content.delta")
        whole = stream.get_final_completion()
    assert whole.choices[0].message.role == "assistant"
    assert heard == whole.choices[0].message.content
    subject.check(heard)
    assert whole.usage is not None
    assert whole.usage.completion_tokens > 0


@pytest.mark.anyio
@pytest.mark.parametrize("subject", SUBJECTS, ids=name)
async def test_asynchronous(server: Library, subject: Subject) -> None:
    async with openai.AsyncOpenAI(base_url=server.url + "/v1", api_key=server.key, max_retries=0) as client:
        answer = await client.chat.completions.create(model=subject.model, messages=asked(subject))
        subject.check(answer.choices[0].message.content or "")
        pieces = []
        async with client.chat.completions.stream(model=subject.model, messages=asked(subject)) as stream:
            async for event in stream:
                if event.type == "content.delta":
                    pieces.append(event.delta)
        subject.check("".join(pieces))


def test_tools(client: openai.OpenAI) -> None:
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": "天气怎么样？"}]
    whole = client.chat.completions.create(model="tool-caller", messages=messages, tools=[WEATHER])
    with client.chat.completions.stream(model="tool-caller", messages=messages, tools=[WEATHER]) as stream:
        streamed = stream.get_final_completion()
    for completion in (whole, streamed):
        choice = completion.choices[0]
        assert choice.finish_reason == "tool_calls"
        [call] = choice.message.tool_calls or []
        assert call.type == "function"
        assert call.id == "call_1"
        assert call.function.name == "weather"
        assert json.loads(call.function.arguments) == {"place": PLACE}
    said: Any = whole.choices[0].message.model_dump(exclude_none=True)
    messages += [said, {"role": "tool", "tool_call_id": "call_1", "content": "晴"}]
    after = client.chat.completions.create(model="tool-caller", messages=messages, tools=[WEATHER])
    assert after.choices[0].message.content == "It is 晴."


def test_several_choices(client: openai.OpenAI) -> None:
    expected = ["answer number 0", "answer number 1"]
    whole = client.chat.completions.create(model="twice", messages=asked(PLAIN), n=2)
    with client.chat.completions.stream(model="twice", messages=asked(PLAIN), n=2) as stream:
        streamed = stream.get_final_completion()
    for completion in (whole, streamed):
        assert [choice.message.content for choice in completion.choices] == expected
        assert [choice.index for choice in completion.choices] == [0, 1]


def test_a_wrong_key(server: Library) -> None:
    with (
        openai.OpenAI(base_url=server.url + "/v1", api_key="sk-nobody", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError) as failure,
    ):
        stranger.chat.completions.create(model="m", messages=asked(PLAIN))
    assert failure.value.status_code == 401
    assert failure.value.request_id


def test_an_unknown_model(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as failure:
        client.chat.completions.create(model="no-such-model", messages=asked(PLAIN))
    assert failure.value.code == "model_not_found"


def test_malformed_requests(client: openai.OpenAI) -> None:
    wrong: list[Any] = [[], [{"role": "nobody", "content": "x"}], "text", [{"role": "user", "content": 5}]]
    for messages in wrong:
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(model="m", messages=messages)


@pytest.mark.parametrize("stream", [False, True])
def test_a_busy_upstream(client: openai.OpenAI, stream: bool) -> None:
    with pytest.raises(openai.APIStatusError) as failure:
        client.chat.completions.create(model="rate-limited", messages=asked(PLAIN), stream=stream)
    assert failure.value.status_code in (429, 503)
    assert float(failure.value.response.headers["retry-after"]) == 7
    assert KEY_IN_ERRORS not in failure.value.response.text


def test_a_failure_in_mid_stream(client: openai.OpenAI) -> None:
    pieces: list[str] = []
    with (
        client.chat.completions.create(model="error-event", messages=asked(PLAIN), stream=True) as stream,
        pytest.raises(openai.APIError) as failure,
    ):
        pieces.extend(chunk.choices[0].delta.content or "" for chunk in stream)
    assert "".join(pieces) == "Hello, wörld"
    assert failure.value.code == "upstream_error"
    assert KEY_IN_ERRORS not in str(failure.value)


def test_models(client: openai.OpenAI) -> None:
    listed = {model.id for model in client.models.list()}
    assert {"antiphon", "quote", "m", "polyglot"} <= listed
    assert client.models.retrieve("m").id == "m"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("no-such-model")


def test_no_embedder(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as failure:
        client.embeddings.create(model="text-embedding-3-small", input="x")
    assert failure.value.code == "model_not_found"
