"""Kuwa's clients: curl, a hand-written reader in JavaScript, and one in Python that keeps only the last character of each record."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from tests.clients.curl import Page, post
from tests.clients.library import Library
from tests.clients.subjects import PLAIN, SUBJECTS, Subject, name
from tests.support import node

RECORD = {"choices", "created", "id", "model", "object", "usage"}


def body(subject: Subject, **fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": subject.question}], "model": subject.model, **fields}


def ask(server: Library, value: Any, *arguments: str) -> Page:
    return post(f"{server.url}/v1.0/chat/completions", value, "-H", f"Authorization: Bearer {server.token}", *arguments)


def told(record: str) -> Any:
    assert record.startswith("data: ")
    return json.loads(record[6:])


@pytest.mark.parametrize("subject", SUBJECTS, ids=name)
def test_curl(server: Library, subject: Subject) -> None:
    page = ask(server, body(subject))
    assert page.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert page.body.isascii()
    *records, last = page.records
    assert last == "event: close"
    deltas = [told(record)["choices"][0]["delta"] for record in records]
    assert all(len(delta["content"]) == 1 and delta["role"] == "assistant" for delta in deltas)
    subject.check("".join(delta["content"] for delta in deltas))
    assert told(records[0]).keys() == RECORD
    assert told(records[0])["usage"] == []


@pytest.mark.parametrize("subject", SUBJECTS, ids=name)
def test_hand_written_reader(server: Library, subject: Subject) -> None:
    seen = node.report("kuwa_reader.mjs", BASE_URL=server.url, TOKEN=server.token, MODEL=subject.model, QUESTION=subject.question)
    assert (seen["status"], seen["failures"], seen["rest"]) == (200, [], "event: close")
    assert seen["records"] > 0
    subject.check(seen["text"])


@pytest.mark.parametrize("subject", SUBJECTS, ids=name)
def test_last_character_reader(server: Library, subject: Subject) -> None:
    """Lines are what `iter_lines` takes for lines; of each text only the last character counts; a line says when to stop."""
    url, headers = f"{server.url}/v1.0/chat/completions", {"Authorization": f"Bearer {server.token}"}
    text, closed = "", False
    with requests.post(url, headers=headers, json=body(subject), stream=True, timeout=60) as response:
        for line in response.iter_lines(decode_unicode=True):
            if line == "event: close":
                closed = True
                break
            if line:
                text += json.loads(line.removeprefix("data: "))["choices"][0]["delta"]["content"][-1]
    assert closed
    subject.check(text)


@pytest.mark.parametrize("subject", SUBJECTS, ids=name)
def test_explicit_stream(server: Library, subject: Subject) -> None:
    *records, done, closing = ask(server, body(subject, stream=True)).records
    assert (done, closing) == ("data: [DONE]", "event: close")
    choices = [told(record)["choices"][0] for record in records]
    assert choices[-1]["finish_reason"] == "stop"
    subject.check("".join(choice["delta"].get("content", "") for choice in choices))


@pytest.mark.parametrize("subject", SUBJECTS, ids=name)
def test_whole(server: Library, subject: Subject) -> None:
    answer = ask(server, body(subject, stream=False)).json
    assert (answer["object"], answer["usage"]) == ("chat.completion", [])
    subject.check(answer["choices"][0]["message"]["content"])


def test_several_rounds(server: Library) -> None:
    messages = [
        {"role": "user", "content": "早安"},
        {"role": "assistant", "content": "早安！"},
        {"role": "user", "content": "再見"},
    ]
    answer = ask(server, {"messages": messages, "model": "repeater", "stream": False}).json
    assert json.loads(answer["choices"][0]["message"]["content"]) == "再見"


def test_abort(server: Library) -> None:
    page = post(f"{server.url}/v1.0/chat/abort", {}, "-H", f"Authorization: Bearer {server.token}")
    assert page.status == 200
    assert (page.json["status"], page.json["message"]) == ("success", "Aborted")


@pytest.mark.parametrize(
    ("value", "status", "message"),
    [
        (body(Subject("gemini-pro", "x")), 404, "The specified model does not exist."),
        ({"model": "m"}, 400, 'The request is missing the "message" or "model" field.'),
        ({"messages": [{"role": "user", "content": "x"}]}, 400, 'The request is missing the "message" or "model" field.'),
        ({"messages": "x", "model": "m"}, 400, 'The "message" field is not formatted correctly.'),
    ],
    ids=["model", "no messages", "no model", "malformed"],
)
def test_refusals(server: Library, value: Any, status: int, message: str) -> None:
    page = ask(server, value)
    assert (page.status, page.json) == (status, {"status": "error", "message": message})


def test_a_wrong_token(server: Library) -> None:
    page = post(f"{server.url}/v1.0/chat/completions", body(PLAIN), "-H", "Authorization: Bearer nobody")
    assert (page.status, page.json) == (401, {"status": "error", "message": "Authentication failed"})
