from __future__ import annotations

import json
from typing import Any

from antiphon.core.messages import File, Image, Message, Text, ToolCall, ToolResult, said
from antiphon.core.request import ChatRequest, Sampling, Tool
from antiphon.providers.openai_compatible.encode import encode


def body(request: ChatRequest, **options: Any) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(encode(request, **{"stream": True, **options}))
    return decoded


def test_says_nothing_that_the_caller_left_open() -> None:
    assert body(ChatRequest((said("user", "Hi"),), "m")) == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_a_whole_answer_has_no_stream_options() -> None:
    assert "stream_options" not in body(ChatRequest((said("user", "Hi"),), "m"), stream=False)
    assert "stream_options" not in body(ChatRequest((said("user", "Hi"),), "m"), include_usage=False)


def test_sampling_is_passed_on_by_its_names() -> None:
    sampling = Sampling(temperature=0.0, top_p=0.5, max_tokens=7, stop=("a", "b"), seed=0, presence_penalty=-1.0, frequency_penalty=2.0)
    sent = body(ChatRequest((said("user", "Hi"),), "m", sampling, n=3))
    assert {
        name: sent[name] for name in ("temperature", "top_p", "max_tokens", "stop", "seed", "presence_penalty", "frequency_penalty", "n")
    } == {
        "temperature": 0.0,
        "top_p": 0.5,
        "max_tokens": 7,
        "stop": ["a", "b"],
        "seed": 0,
        "presence_penalty": -1.0,
        "frequency_penalty": 2.0,
        "n": 3,
    }


def test_the_newer_name_of_max_tokens_where_the_server_wants_it() -> None:
    sent = body(ChatRequest((said("user", "Hi"),), "m", Sampling(max_tokens=7)), max_tokens_field="max_completion_tokens")
    assert sent["max_completion_tokens"] == 7
    assert "max_tokens" not in sent


def test_pictures_and_files_are_parts() -> None:
    parts = (
        Text("Look"),
        Image("data:image/png;base64,AA", "low"),
        Image("https://x/y.png"),
        File("a.pdf", "data:application/pdf;base64,AA"),
        File(id="f1"),
    )
    assert body(ChatRequest((Message("user", parts),), "m"))["messages"][0]["content"] == [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"}},
        {"type": "file", "file": {"file_id": "f1"}},
    ]


def test_tool_calls_and_their_results() -> None:
    messages = (
        Message("assistant", (ToolCall("c1", "look", '{"a":1}'), ToolCall("c2", "look", "{}"))),
        Message("tool", (ToolResult("c1", "one"), ToolResult("c2", "two"))),
        Message("user", (Text("And?"),), name="ann"),
    )
    assert body(ChatRequest(messages, "m"))["messages"] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"a":1}'}},
                {"id": "c2", "type": "function", "function": {"name": "look", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "one"},
        {"role": "tool", "tool_call_id": "c2", "content": "two"},
        {"role": "user", "content": "And?", "name": "ann"},
    ]


def test_tools_and_formats_are_passed_through() -> None:
    request = ChatRequest(
        (said("user", "Hi"),),
        "m",
        tools=(Tool("look", "Looks", {"type": "object"}, True), Tool("bare")),
        tool_choice={"type": "function", "function": {"name": "look"}},
        parallel_tool_calls=False,
        response_format={"type": "json_object"},
    )
    sent = body(request)
    assert sent["tools"] == [
        {"type": "function", "function": {"name": "look", "description": "Looks", "parameters": {"type": "object"}, "strict": True}},
        {"type": "function", "function": {"name": "bare"}},
    ]
    assert sent["tool_choice"] == {"type": "function", "function": {"name": "look"}}
    assert sent["parallel_tool_calls"] is False
    assert sent["response_format"] == {"type": "json_object"}


def test_a_tool_choice_without_tools_is_not_sent() -> None:
    assert "tool_choice" not in body(ChatRequest((said("user", "Hi"),), "m", tool_choice="auto"))


def test_extra_fields_never_override_ours() -> None:
    request = ChatRequest(
        (said("user", "Hi"),), "m", extra={"model": "other", "stream": False, "stream_options": {"x": 1}, "keep_alive": "5m"}
    )
    sent = body(request)
    assert (sent["model"], sent["stream"], sent["stream_options"], sent["keep_alive"]) == ("m", True, {"include_usage": True}, "5m")
