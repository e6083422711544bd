"""LangChain's ChatOpenAI: invoke, stream, tools, failures."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from tests.clients.answers import PLACE
from tests.clients.library import Library
from tests.clients.subjects import SUBJECTS, Subject, name


@tool
def weather(place: str) -> str:
    """The weather of a place."""
    return f"sunny in {place}"


def chat(server: Library, model: str, **clients: Any) -> ChatOpenAI:
    return ChatOpenAI(base_url=server.url + "/v1", api_key=SecretStr(server.key), model=model, max_retries=0, **clients)


@pytest.mark.parametrize("subject", SUBJECTS, ids=name)
def test_invoke(server: Library, subject: Subject) -> None:
    answer = chat(server, subject.model).invoke(subject.question)
    subject.check(answer.text)
    assert answer.response_metadata["finish_reason"] == "stop"
    assert answer.usage_metadata is not None


@pytest.mark.parametrize("subject", SUBJECTS, ids=name)
def test_stream(server: Library, subject: Subject) -> None:
    subject.check("".join(piece.text for piece in chat(server, subject.model).stream(subject.question, stream_usage=True)))


@pytest.mark.anyio
@pytest.mark.parametrize("subject", SUBJECTS, ids=name)
async def test_asynchronous_stream(server: Library, subject: Subject) -> None:
    async with openai.DefaultAsyncHttpxClient() as client:  # the package's own would outlive this test's loop
        model = chat(server, subject.model, http_async_client=client)
        subject.check("".join([piece.text async for piece in model.astream(subject.question)]))


def test_tools(server: Library) -> None:
    model = chat(server, "tool-caller").bind_tools([weather])
    question = HumanMessage("天气怎么样？")
    said = model.invoke([question])
    [call] = said.tool_calls
    assert (call["name"], call["args"]) == ("weather", {"place": PLACE})
    told: ToolMessage = weather.invoke(call)
    assert model.invoke([question, said, told]).text == f"It is sunny in {PLACE}."


def test_failures(server: Library) -> None:
    with pytest.raises(openai.NotFoundError):
        chat(server, "no-such-model").invoke("x")
    with pytest.raises(openai.APIError, match="reported an error"):
        list(chat(server, "error-event").stream("x"))
