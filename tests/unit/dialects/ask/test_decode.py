from __future__ import annotations

from typing import Any

import pytest

from antiphon.core.errors import BadRequest
from antiphon.core.messages import said
from antiphon.dialects.ask.decode import decode
from tests.unit.dialects.cases import body, head

ACCEPTS = {"accept": "text/event-stream"}


def test_the_published_request() -> None:
    ask = decode(head(), body({"question": "What is the weather like today?", "client_id": "1234", "user_id": "5678", "stream": False}))
    assert ask.request.messages == (said("user", "What is the weather like today?"),)
    assert (ask.stream, ask.on_behalf_of, ask.request.model) == (False, "5678", None)


def test_history_comes_before_the_question() -> None:
    ask = decode(
        head(), body({"question": "And?", "history": [{"role": "user", "content": "hello."}, {"role": "assistant", "content": "Hi."}]})
    )
    assert ask.request.messages == (said("user", "hello."), said("assistant", "Hi."), said("user", "And?"))


@pytest.mark.parametrize(
    ("fields", "headers", "stream"),
    [
        ({}, {}, False),
        ({}, ACCEPTS, True),
        ({"stream": None}, ACCEPTS, True),
        ({"stream": False}, ACCEPTS, False),
        ({"stream": True}, {}, True),
    ],
)
def test_an_explicit_stream_beats_accept(fields: dict[str, Any], headers: dict[str, str], stream: bool) -> None:
    assert decode(head(headers=headers), body({"question": "x", **fields})).stream is stream


@pytest.mark.parametrize(("fields", "person"), [({}, None), ({"client_id": 7}, "7"), ({"client_id": "a", "user_id": 0}, "0")])
def test_for_whom_it_is_counted(fields: dict[str, Any], person: str | None) -> None:
    assert decode(head(), body({"question": "x", **fields})).on_behalf_of == person


@pytest.mark.parametrize(
    ("value", "param"),
    [
        ({}, "question"),
        ({"question": ""}, "question"),
        ({"question": 5}, "question"),
        ({"question": "x", "history": "y"}, "history"),
        ({"question": "x", "history": [{"role": "robot", "content": "y"}]}, "history[0].role"),
        ({"question": "x", "history": [{"role": "user"}]}, "history[0].content"),
        ({"question": "x", "stream": "true"}, "stream"),
        ({"question": "x", "user_id": []}, "user_id"),
    ],
)
def test_what_is_wrong_is_named(value: Any, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        decode(head(), body(value))
    assert caught.value.param == param
