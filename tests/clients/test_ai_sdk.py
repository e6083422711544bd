"""The AI SDK with its openai-compatible provider."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.answers import PLACE
from tests.clients.library import Library
from tests.clients.subjects import PLAIN, SUBJECTS, Subject, name
from tests.support import node
from tests.support.replies import KEY_IN_ERRORS


def run(server: Library, scenario: str, subject: Subject) -> Any:
    return node.report("ai_sdk.mjs", scenario, BASE_URL=server.url, TOKEN=server.key, MODEL=subject.model, QUESTION=subject.question)


@pytest.mark.parametrize("subject", SUBJECTS, ids=name)
@pytest.mark.parametrize("scenario", ["generate", "stream"])
def test_text(server: Library, scenario: str, subject: Subject) -> None:
    seen = run(server, scenario, subject)
    subject.check(seen["text"])
    assert seen["finish"] == "stop"
    assert min(seen["usage"]) > 0


def test_tools(server: Library) -> None:
    seen = run(server, "tools", Subject("tool-caller", "天气怎么样？"))
    assert seen == {"text": "It is sunny.", "asked": [PLACE], "steps": 2}


def test_a_failure_in_mid_stream(server: Library) -> None:
    seen = run(server, "midway", PLAIN)
    assert seen["text"] == "Hello, wörld"
    assert len(seen["failures"]) == 1
    assert KEY_IN_ERRORS not in seen["failures"][0]


def test_an_unknown_model(server: Library) -> None:
    assert run(server, "refused", PLAIN)["status"] == 404
