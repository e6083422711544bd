"""OpenAI chat completions request -> Ask.

Rules: unknown fields are accepted; those in EXTRAS reach the upstream untouched, the others are dropped. What cannot be passed on (audio,
tools that are not functions) is refused by name.
"""

from __future__ import annotations

from typing import Final

from msgspec import UNSET

from antiphon.core.errors import BadRequest
from antiphon.core.messages import File, Image, Message, Part, Text, ToolCall, ToolResult
from antiphon.core.request import ChatRequest, Sampling, Tool
from antiphon.dialects.base import Ask, Head
from antiphon.dialects.conversation import bounded
from antiphon.wire import json
from antiphon.wire.openai_chat import (
    AudioPart,
    ChatCompletionRequest,
    ContentPart,
    FilePart,
    ImagePart,
    RefusalPart,
    RequestMessage,
    TextPart,
)

EXTRAS: Final = (
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "reasoning_effort",
    "verbosity",
    "prediction",
    "prompt_cache_key",
    "top_k",
    "min_p",
    "repetition_penalty",
    "chat_template_kwargs",
    "reasoning",
    "thinking",
    "think",
)


def decode(head: Head, body: bytes) -> Ask:
    """Raises BadRequest."""
    value = json.decode(body)
    if isinstance(value, dict):
        bounded(value.get("messages"), "messages")
    asked = json.convert(value, ChatCompletionRequest)
    request = ChatRequest(
        messages=_messages(asked.messages),
        model=asked.model,
        sampling=_sampling(asked),
        tools=tuple(
            Tool(tool.function.name, tool.function.description, tool.function.parameters, tool.function.strict)
            for tool in asked.tools or ()
        ),
        tool_choice=asked.tool_choice,
        parallel_tool_calls=asked.parallel_tool_calls,
        response_format=asked.response_format,
        n=asked.n or 1,
        extra={name: value[name] for name in EXTRAS if value.get(name) is not None},
    )
    include_usage = bool(asked.stream_options and asked.stream_options.include_usage)
    return Ask(request, stream=bool(asked.stream), options={"include_usage": include_usage}, on_behalf_of=asked.user)


def _sampling(asked: ChatCompletionRequest) -> Sampling:
    stop = (asked.stop,) if isinstance(asked.stop, str) else tuple(asked.stop or ())
    return Sampling(
        temperature=asked.temperature,
        top_p=asked.top_p,
        max_tokens=asked.max_completion_tokens or asked.max_tokens,
        stop=tuple(text for text in stop if text),
        seed=asked.seed,
        presence_penalty=asked.presence_penalty,
        frequency_penalty=asked.frequency_penalty,
    )


def _messages(items: list[RequestMessage]) -> tuple[Message, ...]:
    if not items:
        raise BadRequest("'messages' is empty.", param="messages", code="empty_question")
    messages = tuple(_message(item, f"messages[{index}]") for index, item in enumerate(items))
    last = messages[-1]
    if last.role == "user" and not last.text.strip() and all(isinstance(part, Text) for part in last.parts):
        raise BadRequest("The question is empty.", param=f"messages[{len(messages) - 1}].content", code="empty_question")
    return messages


def _message(item: RequestMessage, where: str) -> Message:
    if item.role == "tool":
        if not item.tool_call_id:
            raise BadRequest(f"'{where}.tool_call_id' is missing.", param=f"{where}.tool_call_id")
        text = "".join(part.text for part in _parts(item, where) if isinstance(part, Text))
        return Message("tool", (ToolResult(item.tool_call_id, text),), item.name)
    parts = _parts(item, where)
    if item.role == "assistant":
        parts += [ToolCall(call.id, call.function.name, call.function.arguments) for call in item.tool_calls or ()]
    elif item.content is None or item.content is UNSET:
        raise BadRequest(f"'{where}.content' is missing.", param=f"{where}.content")
    return Message("system" if item.role == "developer" else item.role, tuple(parts), item.name)


def _parts(item: RequestMessage, where: str) -> list[Part]:
    content = item.content
    if isinstance(content, str):
        return [Text(content)] if content else []
    if not isinstance(content, list):
        return []
    return [_part(part, f"{where}.content[{index}]") for index, part in enumerate(content)]


def _part(part: ContentPart, where: str) -> Part:
    match part:
        case TextPart(text=text) | RefusalPart(refusal=text):
            return Text(text)
        case ImagePart(image_url=image):
            url, detail = (image, None) if isinstance(image, str) else (image.url, image.detail)
            return Image(_address(url, f"{where}.image_url"), detail)
        case FilePart(file=file):
            if not (file.file_data or file.file_id):
                raise BadRequest(f"'{where}.file' has neither file_data nor file_id.", param=f"{where}.file")
            return File(file.filename, file.file_data, file.file_id)
        case AudioPart():
            raise BadRequest("Audio input is not supported.", param=where, code="unsupported_content")


def _address(url: str, where: str) -> str:
    if url.startswith(("https://", "http://", "data:image/")):
        return url
    raise BadRequest("An image is given by an http(s) address or a data:image/ URL.", param=where, code="invalid_image_url")
