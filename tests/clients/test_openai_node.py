"""The openai package for Node."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.answers import PLACE
from tests.clients.library import Library
from tests.clients.subjects import PLAIN, SUBJECTS, Subject, name
from tests.support import node
from tests.support.replies import KEY_IN_ERRORS


def run(server: Library, scenario: str, subject: Subject) -> Any:
    return node.report("openai_sdk.mjs", scenario, BASE_URL=server.url, TOKEN=server.key, MODEL=subject.model, QUESTION=subject.question)


@pytest.mark.parametrize("subject", SUBJECTS, ids=name)
def test_create(server: Library, subject: Subject) -> None:
    seen = run(server, "create", subject)
    subject.check(seen["text"])
    assert seen["finish"] == "stop"
    assert seen["usage"]["completion_tokens"] > 0


@pytest.mark.parametrize("subject", SUBJECTS, ids=name)
def test_stream(server: Library, subject: Subject) -> None:
    seen = run(server, "stream", subject)
    subject.check(seen["text"])
    assert seen["finishes"] == ["stop"]
    assert seen["usage"]["completion_tokens"] > 0
    assert len(seen["ids"]) == 1


@pytest.mark.parametrize("subject", SUBJECTS, ids=name)
def test_stream_helper(server: Library, subject: Subject) -> None:
    seen = run(server, "helper", subject)
    subject.check(seen["text"])
    assert seen["heard"] == seen["text"]
    assert (seen["role"], seen["finish"]) == ("assistant", "stop")


def test_tools(server: Library) -> None:
    seen = run(server, "tools", Subject("tool-caller", "天气怎么样？"))
    call = {"id": "call_1", "name": "weather", "arguments": {"place": PLACE}}
    assert seen == {"finish": "tool_calls", "calls": [call], "text": "It is sunny."}


def test_several_choices(server: Library) -> None:
    assert run(server, "choices", Subject("twice", "x")) == ["answer number 0", "answer number 1"]


def test_failures(server: Library) -> None:
    seen = run(server, "errors", PLAIN)
    assert (seen["token"]["kind"], seen["token"]["status"]) == ("AuthenticationError", 401)
    assert (seen["model"]["kind"], seen["model"]["code"]) == ("NotFoundError", "model_not_found")
    assert seen["busy"]["status"] in (429, 503)
    assert (seen["midway"]["kind"], seen["midway"]["code"]) == ("APIError", "upstream_error")
    assert KEY_IN_ERRORS not in str(seen)


def test_models(server: Library) -> None:
    seen = run(server, "models", PLAIN)
    assert {"antiphon", "quote", "m"} <= set(seen["ids"])
    assert seen["one"] == "m"
