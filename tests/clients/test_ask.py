"""The Ask dialect by curl: health, whole answers, streams."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.clients.curl import Page, curl, post
from tests.clients.library import Library
from tests.clients.subjects import BOTS, MODELS, PLAIN, Subject, name


def ask(server: Library, value: Any, *arguments: str) -> Page:
    return post(f"{server.url}/v1/ask", value, "-H", f"Authorization: Bearer {server.key}", *arguments)


def body(subject: Subject, **fields: Any) -> dict[str, Any]:
    return {"question": subject.question, "client_id": "1234", "user_id": "1234", **fields}


@pytest.mark.parametrize("path", ["/v1/health", "/api/v1/health"])
def test_health(server: Library, path: str) -> None:
    page = curl("-X", "GET", server.url + path)
    assert (page.status, page.json) == (200, {"status": "ok"})


@pytest.mark.parametrize("subject", MODELS + BOTS, ids=name)
def test_whole(server: Library, subject: Subject) -> None:
    with server.answering("ask", subject.model):
        answer = ask(server, body(subject, stream=False)).json
    assert answer["object"] == "chat.completion"
    assert isinstance(answer["created"], int)
    assert answer["usage"].keys() >= {"prompt_tokens", "completion_tokens", "total_tokens"}
    subject.check(answer["choices"][0]["message"]["content"])


@pytest.mark.parametrize("subject", MODELS + BOTS, ids=name)
def test_stream(server: Library, subject: Subject) -> None:
    with server.answering("ask", subject.model):
        page = ask(server, body(subject, stream=True), "-H", "Accept: text/event-stream")
    assert page.headers["content-type"].startswith("text/event-stream")
    chunks = [json.loads(record.removeprefix("data: ")) for record in page.records]
    choices = [chunk["choices"][0] for chunk in chunks]
    assert choices[0]["delta"] == {"role": "assistant"}
    assert (choices[-1]["delta"], choices[-1]["finish_reason"]) == ({}, "stop")
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    subject.check("".join(choice["delta"].get("content", "") for choice in choices))


@pytest.mark.parametrize(("stream", "streams"), [(None, True), (False, False), (True, True)])
def test_what_decides_about_streaming(server: Library, stream: bool | None, streams: bool) -> None:
    fields = {} if stream is None else {"stream": stream}
    page = ask(server, body(PLAIN, **fields), "-H", "Accept: text/event-stream")
    assert page.headers["content-type"].startswith("text/event-stream") == streams


def test_history(server: Library) -> None:
    history = [{"role": "user", "content": "hello."}, {"role": "assistant", "content": "Hi."}]
    with server.answering("ask", "repeater"):
        answer = ask(server, body(PLAIN, history=history)).json
    assert json.loads(answer["choices"][0]["message"]["content"]) == PLAIN.question
    assert [message["content"] for message in server.upstream.chats[-1].json["messages"]] == ["hello.", "Hi.", PLAIN.question]


@pytest.mark.parametrize("value", [{}, {"question": ""}, {"question": 5}, {"question": "x", "history": "x"}, []], ids=str)
def test_refusals(server: Library, value: Any) -> None:
    page = ask(server, value)
    assert page.status == 400
    assert page.json["error"].keys() >= {"message", "type", "param", "code"}


def test_a_wrong_key(server: Library) -> None:
    assert post(f"{server.url}/v1/ask", body(PLAIN), "-H", "Authorization: Bearer sk-nobody").status == 401


def test_somebody_on_this_machine(server: Library) -> None:
    """Without any credential, the documents still answer."""
    page = post(f"{server.url}/v1/ask", body(BOTS[0]))
    BOTS[0].check(page.json["choices"][0]["message"]["content"])
