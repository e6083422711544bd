"""Bad input is refused by every dialect with a 4xx of its own shape, and nothing else ever happens."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.core.errors import CallerError
from antiphon.dialects.base import Ask, Dialect, Head, Reply
from tests.unit.dialects.cases import CASES, Case, body, head

POSTED = {name: case for name, case in CASES.items() if case.body and name != "kuwa-explicit"}
EACH = pytest.mark.parametrize("case", POSTED.values(), ids=POSTED.keys())

UNREADABLE = {
    "empty": b"",
    "space": b" \n",
    "cut": b'{"a": [',
    "trailing": b"{} {}",
    "comma": b'{"a": 1,}',
    "single quotes": b"{'a': 1}",
    "NaN": b'{"a": NaN}',
    "Infinity": b"[-Infinity]",
    "not UTF-8": b'{"a": "\xff\xfe"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "raw NUL": b'{"a": "\x00"}',
    "form": b"username=a&password=b",
    "html": b"<html></html>",
}
WRONG_VALUES: list[Any] = [None, True, 0, -1, 1.5, "", "x", [], [[]], [None], {}, {"a": {}}, "x" * 300, 10**18]


def deep(levels: int) -> bytes:
    return b'{"a":' + b"[" * levels + b"]" * levels + b"}"


def refused(dialect: Dialect, request: Head, content: bytes) -> Reply:
    with pytest.raises(CallerError) as caught:
        dialect.decode(request, content)
    reply = dialect.error(caught.value)
    assert 400 <= reply.status < 500
    check_shape(dialect.name, reply)
    return reply


def check_shape(name: str, reply: Reply) -> None:
    told = json.loads(reply.body)
    if name == "xiaozhi":
        assert list(told) == ["errorMessage"]
    elif name == "kuwa":
        assert list(told) == ["status", "message"]
        assert told["status"] == "error"
    elif name in ("ask", "openai_chat"):
        assert list(told["error"]) == ["message", "type", "param", "code"]
    elif name == "event_source":
        assert list(told["error"]) == ["code", "message", "param"]
    else:
        assert list(told) == ["type", "message"]
        assert told["type"] == "error"


def with_text(case: Case, text: str) -> bytes:
    """The dialect's ordinary request with its question replaced; text is JSON source, without quotes."""
    return case.body.replace(b'"hi"', b'"' + text.encode() + b'"')


@EACH
@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_is_not_json_is_refused(case: Case, content: bytes) -> None:
    refused(case.dialect, case.head, content)


@EACH
@pytest.mark.parametrize("content", [deep(65), deep(5_000), b"[" * 100_000, b'{"a":' * 50_000])
def test_deep_nesting_is_refused(case: Case, content: bytes) -> None:
    refused(case.dialect, case.head, content)


@EACH
@pytest.mark.parametrize("text", ["\\ud800", "a\\udc00b", "\\u0000", "a\\u0000", "", "  \\n\\t"])
def test_impossible_and_empty_questions_are_refused(case: Case, text: str) -> None:
    refused(case.dialect, case.head, with_text(case, text))


@EACH
def test_long_numbers_are_refused(case: Case) -> None:
    number = b"9" * 5_001
    content = case.body[:-1] + (b', "seed": ' + number + b"}" if case.body.endswith(b"}") else b", " + number + b"]")
    refused(case.dialect, case.head, content)


@EACH
@pytest.mark.parametrize("value", WRONG_VALUES, ids=repr)
def test_another_type_in_place_of_the_body_is_refused(case: Case, value: Any) -> None:
    refused(case.dialect, case.head, body(value))


@pytest.mark.parametrize("count", [2_001, 10_000])
def test_too_many_messages_are_refused(count: int) -> None:
    turns = [{"role": "user", "content": "x"}] * count
    bodies = {
        "xiaozhi": turns,
        "kuwa": {"messages": turns, "model": "m"},
        "ask": {"question": "x", "history": turns},
        "openai_chat": {"messages": turns, "model": "m"},
    }
    for name, value in bodies.items():
        reply = refused(CASES[name].dialect, CASES[name].head, body(value))
        assert b"at most 2000 messages" in reply.body


def test_events_refuses_a_question_that_is_blank_or_impossible() -> None:
    for request in (
        head(method="GET", query={"question": ""}),
        head(method="GET", query={"question": " "}),
        head(method="GET", query={"question": "a\0b"}),
    ):
        refused(CASES["event_source"].dialect, request, b"")


@EACH
@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_any_wrong_field_is_refused_or_understood(case: Case, data: st.DataObject) -> None:
    """Whatever is put in one place of a good request, the outcome is an Ask or a CallerError."""
    value = json.loads(case.body)
    target = data.draw(st.sampled_from(places(value)))
    changed = replaced(value, target, data.draw(st.sampled_from(WRONG_VALUES)))
    try:
        outcome: Ask | CallerError = case.dialect.decode(case.head, body(changed))
    except CallerError as error:
        outcome = error
    assert outcome.message if isinstance(outcome, CallerError) else outcome.request.messages


@EACH
@given(content=st.binary(max_size=60) | st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")))
@settings(max_examples=200, deadline=None)
def test_noise_is_refused(case: Case, content: bytes) -> None:
    refused(case.dialect, case.head, content)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        for key in value:
            found += places(value[key], (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += places(item, (*path, index))
    return found


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    copy = json.loads(json.dumps(value))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = new
    return copy
