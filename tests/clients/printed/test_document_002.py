"""The third document: health, a whole answer and a stream, by curl."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.clients.library import Library
from tests.clients.printed.documents import Document, objects, replaced, shape
from tests.clients.subjects import BOTS, MODELS, Subject, name

ADDRESS = "http://localhost:5001"
QUESTION = "What is the weather like today?"


@pytest.fixture(scope="module")
def document(seeds: Path) -> Document:
    return Document(seeds, "002")


def run(server: Library, command: str, token: str | None = None) -> str:
    command = replaced(command, (ADDRESS, server.url))
    if token is not None:
        command += f" -H 'Authorization: Bearer {token}'"
    return subprocess.run(["sh", "-c", command], capture_output=True, timeout=60, check=True).stdout.decode()


def command(document: Document, mark: str) -> str:
    [found] = [line for line in document.lines("curl") if mark in line]
    return found


def test_health(server: Library, document: Document) -> None:
    assert json.loads(run(server, command(document, "health"))) in objects(document.text)


@pytest.mark.parametrize("subject", MODELS + BOTS, ids=name)
def test_whole(server: Library, document: Document, subject: Subject) -> None:
    asked = replaced(command(document, '"stream": false'), (QUESTION, subject.question))
    with server.answering("ask", subject.model):
        answer = json.loads(run(server, asked, server.key))
    subject.check(answer["choices"][0]["message"]["content"])
    [printed] = [value for value in objects(document.text) if "bject" in value]
    printed["object"], printed["created"] = printed.pop("bject"), printed.pop("ocreated")
    assert shape(answer) == shape(printed)


@pytest.mark.parametrize("subject", MODELS + BOTS, ids=name)
def test_stream(server: Library, document: Document, subject: Subject) -> None:
    asked = replaced(command(document, '"stream": true'), (QUESTION, subject.question))
    with server.answering("ask", subject.model):
        output = run(server, asked, server.key)
    assert output.endswith("\n\n")
    assert all(record.startswith("data: ") for record in output.split("\n\n")[:-1])
    chunks = objects(output)
    first, content, *_, last = [value for value in objects(document.text) if value.get("object") == "chat.completion.chunk"]
    assert shape(chunks[0]) == shape(first)
    assert shape(chunks[1]) == shape(content)
    assert shape(chunks[-1]) == shape(last)
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    subject.check("".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks))


def test_word_for_word_on_this_machine(server: Library, document: Document) -> None:
    """Asked without a token, about something that no document speaks of."""
    whole = json.loads(run(server, command(document, '"stream": false')))
    streamed = objects(run(server, command(document, '"stream": true')))
    assert whole["choices"][0]["message"]["content"] == "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in streamed)
