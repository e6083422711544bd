"""What the fake upstream says to the clients: its models and their texts."""

from __future__ import annotations

import json

from tests.support.connection import Connection, Reply, Request
from tests.support.replies import DONE, ROLE, STOP, TEXT, Step, body, chunk, say, script, text

POLYGLOT = (
    "你好！\n\n第一行：“引号”、《书名》。\n- Việt Nam: tiếng Việt có dấu\n- 👩\u200d🚀🌊 — naïve\u2028after"
    " a line separator\u2029and\x85more\n"
    '\n```json\n{"a": "\\\\b"}\n```\n\n結束。'
)
"""Paragraphs, three scripts, joined emoji, line ends that are none in JSON, and a brace before a line feed."""

BURST = POLYGLOT * 16
"""A thousand tokens, which is as much as a site's model may say; all at once they are the hardest for a reader without a buffer."""
GREETING = ("Hello", ",", " Xiao", "Z", "hi.")
PLACE = "台北"


async def call_tool(connection: Connection, request: Request) -> None:
    """Asks for the weather in two pieces of arguments; once it has been told, says what it was told."""
    told = next((message["content"] for message in request.json["messages"] if message["role"] == "tool"), None)
    if told is not None:
        await say(f"It is {told}.")(connection, request)
        return
    first, rest = '{"place": "', f'{PLACE}"}}'
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": first + rest}}
    if not request.streaming:
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "tool_calls"}
        await body({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]})(connection, request)
        return
    opened = {"index": 0, **call, "function": {"name": "weather", "arguments": ""}}
    pieces = [chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}) for piece in (first, rest)]
    await script(ROLE, chunk({"tool_calls": [opened]}), *pieces, chunk({}, "tool_calls"), DONE)(connection, request)


async def say_twice(connection: Connection, request: Request) -> None:
    """As many choices as were asked for, each with its number; their pieces are interleaved."""
    numbers = range(request.json.get("n") or 1)
    steps: list[Step] = [chunk({"role": "assistant", "content": ""}, index=number) for number in numbers]
    for piece in ("answer ", "number "):
        steps += [text(piece, number) for number in numbers]
    steps += [text(str(number), number) for number in numbers]
    steps += [chunk({}, "stop", index=number) for number in numbers]
    await script(*steps, DONE)(connection, request)


async def repeat(connection: Connection, request: Request) -> None:
    """Says again what it was asked."""
    await say(json.dumps(request.json["messages"][-1]["content"], ensure_ascii=False))(connection, request)


MODELS: dict[str, Reply] = {
    "m": say(TEXT),
    "polyglot": say(POLYGLOT, size=3),
    "burst": say(BURST, size=2),
    "greeter": script(ROLE, *(text(piece) for piece in GREETING), STOP, DONE),
    "tool-caller": call_tool,
    "twice": say_twice,
    "repeater": repeat,
}
FAULTY = ("rate-limited", "error-event", "server-error")
"""Models of the fake upstream that fail; tests.support.replies says how."""
