from __future__ import annotations

from typing import Any

import pytest

from antiphon.core.errors import BadRequest
from antiphon.core.messages import File, Image, Message, Text, ToolCall, ToolResult, said
from antiphon.core.request import Sampling, Tool
from antiphon.dialects.base import Ask
from antiphon.dialects.openai_chat.dialect import OPENAI_CHAT
from tests.unit.dialects.cases import body, head

USER = {"role": "user", "content": "hi"}


def decode(**fields: Any) -> Ask:
    return OPENAI_CHAT.decode(head(), body({"model": "m", "messages": [USER], **fields}))


def refused(**fields: Any) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        decode(**fields)
    return caught.value


def test_the_smallest_request() -> None:
    ask = decode()
    assert ask.request.model == "m"
    assert ask.request.messages == (said("user", "hi"),)
    assert (ask.stream, ask.request.n, ask.request.sampling, ask.request.tools) == (False, 1, Sampling(), ())


def test_every_parameter_arrives() -> None:
    ask = decode(
        stream=True,
        stream_options={"include_usage": True, "include_obfuscation": False},
        n=3,
        temperature=1,
        top_p=0.5,
        max_tokens=7,
        stop="END",
        seed=-4,
        presence_penalty=1.5,
        frequency_penalty=-1,
        tools=[{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}, "strict": True}}],
        tool_choice={"type": "function", "function": {"name": "f"}},
        parallel_tool_calls=False,
        response_format={"type": "json_object"},
        user="ann",
    )
    assert ask.stream
    assert ask.options["include_usage"] is True
    assert ask.on_behalf_of == "ann"
    request = ask.request
    assert request.n == 3
    assert request.sampling == Sampling(1.0, 0.5, 7, ("END",), -4, 1.5, -1.0)
    assert request.tools == (Tool("f", None, {"type": "object"}, True),)
    assert request.tool_choice == {"type": "function", "function": {"name": "f"}}
    assert request.parallel_tool_calls is False
    assert request.response_format == {"type": "json_object"}


def test_nulls_and_empty_lists_mean_nothing() -> None:
    ask = decode(stream=None, tools=[], stop=None, n=None, stream_options=None, temperature=None, max_tokens=None, logit_bias=None)
    assert (ask.stream, ask.request.tools, ask.request.sampling, ask.request.extra) == (False, (), Sampling(), {})


def test_max_completion_tokens_is_the_newer_name() -> None:
    assert decode(max_completion_tokens=9, max_tokens=5).request.sampling.max_tokens == 9
    assert decode(stop=["a", "", "b"]).request.sampling.stop == ("a", "b")


def test_unknown_fields_are_dropped_and_known_extras_passed() -> None:
    ask = decode(some_new_thing={"x": 1}, store=True, reasoning_effort="low", top_k=4, logprobs=True, top_logprobs=2)
    assert ask.request.extra == {"reasoning_effort": "low", "top_k": 4, "logprobs": True, "top_logprobs": 2}


def test_roles_parts_and_tools() -> None:
    ask = decode(
        messages=[
            {"role": "developer", "content": "Be brief."},
            {
                "role": "user",
                "name": "ann",
                "content": [
                    {"type": "text", "text": "Look:"},
                    {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
                    {"type": "image_url", "image_url": "data:image/png;base64,AA=="},
                    {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="}},
                ],
            },
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{"}}],
            },
            {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "4"}, {"type": "text", "text": "2"}]},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}], "reasoning_content": "hm", "refusal": None},
            {"role": "user", "content": "And now?"},
        ]
    )
    assert ask.request.messages == (
        said("system", "Be brief."),
        Message(
            "user",
            (
                Text("Look:"),
                Image("https://x/y.png", "low"),
                Image("data:image/png;base64,AA=="),
                File("a.pdf", "data:application/pdf;base64,AA==", None),
            ),
            "ann",
        ),
        Message("assistant", (ToolCall("c1", "f", "{"),)),
        Message("tool", (ToolResult("c1", "42"),)),
        said("assistant", "No."),
        said("user", "And now?"),
    )


def test_a_conversation_may_end_with_a_tool_result_or_only_a_picture() -> None:
    picture = [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]
    assert decode(messages=[{"role": "user", "content": picture}]).request.messages[0].text == ""
    assert decode(messages=[USER, {"role": "tool", "tool_call_id": "c", "content": ""}]).request.question == "hi"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": None}]}, "messages[0].content"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [USER, {"content": "x"}]}, "messages[1].role"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"messages": [{"role": "user", "content": [{"type": "video"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]}, "messages[0].content[0]"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "file:///etc/passwd"}]}]},
            "messages[0].content[0].image_url",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]}, "messages[0].content[0].file"),
        ({"model": ""}, "model"),
        ({"model": None}, "model"),
        ({"n": 0}, "n"),
        ({"n": 9}, "n"),
        ({"n": "2"}, "n"),
        ({"stream": "yes"}, "stream"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"stop": [1]}, "stop[0]"),
        ({"tools": [{"type": "custom", "function": {"name": "f"}}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [{"type": "function", "function": {"name": ""}}]}, "tools[0].function.name"),
        ({"top_logprobs": 21}, "top_logprobs"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, Any], param: str) -> None:
    error = refused(**fields)
    assert error.param == param
    assert param in error.message or error.code != "invalid_request" or "image" in error.message
    assert "`" not in error.message


def test_a_missing_field_is_named() -> None:
    with pytest.raises(BadRequest) as caught:
        OPENAI_CHAT.decode(head(), body({"messages": [USER]}))
    assert (caught.value.param, caught.value.message) == ("model", "'model' is missing.")
