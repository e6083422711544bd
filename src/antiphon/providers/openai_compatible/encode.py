"""From a ChatRequest to the body of a chat completion. Pure.

Source of the format: OpenAI's chat completions reference. Rules: what the caller did not set is not sent, so the model's own defaults hold;
`extra` never overrides a field that we set ourselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from antiphon.core.messages import File, Image, Message, Part, Text, ToolCall, ToolResult
from antiphon.core.request import ChatRequest, Sampling, Tool

MaxTokensField = Literal["max_tokens", "max_completion_tokens"]


def encode(request: ChatRequest, *, stream: bool, include_usage: bool = True, max_tokens_field: MaxTokensField = "max_tokens") -> bytes:
    """The JSON body. request.model is the upstream's own name. include_usage: ask a stream to end with its token counts."""
    body: dict[str, Any] = {**request.extra, "model": request.model, "messages": list(_messages(request.messages)), "stream": stream}
    body.pop("stream_options", None)
    if stream and include_usage:
        body["stream_options"] = {"include_usage": True}
    body |= _sampling(request.sampling, max_tokens_field)
    if request.n != 1:
        body["n"] = request.n
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        if request.tool_choice is not None:
            body["tool_choice"] = request.tool_choice
        if request.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = request.parallel_tool_calls
    if request.response_format is not None:
        body["response_format"] = request.response_format
    return msgspec.json.encode(body)


def _sampling(sampling: Sampling, max_tokens_field: MaxTokensField) -> dict[str, Any]:
    names = {name: name for name in Sampling.__struct_fields__} | {"max_tokens": max_tokens_field}
    return {names[name]: value for name in names if (value := getattr(sampling, name)) not in (None, ())}


def _tool(tool: Tool) -> dict[str, Any]:
    described = {"name": tool.name, "description": tool.description, "parameters": tool.parameters, "strict": tool.strict}
    return {"type": "function", "function": {name: value for name, value in described.items() if value is not None}}


def _messages(messages: tuple[Message, ...]) -> Iterator[dict[str, Any]]:
    for message in messages:
        results = [part for part in message.parts if isinstance(part, ToolResult)]
        for result in results:
            yield {"role": "tool", "tool_call_id": result.id, "content": result.text}
        if not results or len(results) < len(message.parts):
            yield _message(message)


def _message(message: Message) -> dict[str, Any]:
    content = [_part(part) for part in message.parts if not isinstance(part, ToolCall | ToolResult)]
    told: dict[str, Any] = {"role": message.role, "content": content}
    if all(part["type"] == "text" for part in content):
        told["content"] = "".join(part["text"] for part in content)
    if message.name:
        told["name"] = message.name
    calls = [part for part in message.parts if isinstance(part, ToolCall)]
    if calls:
        told["content"] = told["content"] or None
        told["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}} for call in calls
        ]
    return told


def _part(part: Part) -> dict[str, Any]:
    match part:
        case Image(url=url, detail=detail):
            return {"type": "image_url", "image_url": {"url": url, **({"detail": detail} if detail else {})}}
        case File(name=name, data=data, id=id):
            given = {"filename": name, "file_data": data, "file_id": id}
            return {"type": "file", "file": {key: value for key, value in given.items() if value is not None}}
        case Text(text=text):
            return {"type": "text", "text": text}
        case _:
            raise TypeError(f"{type(part).__name__} is told outside the content")
