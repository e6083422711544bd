"""Kuwa chat request -> Ask.

A missing `stream` means a stream in the documentation's own format; true one in the format of later versions; false a single JSON object.
Any role but user and system speaks for the bot, as Kuwa has it.
"""

from __future__ import annotations

from typing import Any, Final

from antiphon.core.errors import BadRequest
from antiphon.core.messages import Message, Role, said
from antiphon.core.request import ChatRequest
from antiphon.dialects.base import Ask, Head
from antiphon.dialects.conversation import answerable, bounded
from antiphon.wire import json

MISSING: Final = 'The request is missing the "message" or "model" field.'
MALFORMED: Final = 'The "message" field is not formatted correctly.'


def decode(head: Head, body: bytes) -> Ask:
    """Raises BadRequest."""
    value = json.decode(body)
    if not isinstance(value, dict):
        raise BadRequest(MISSING)
    messages, model, stream, language = (value.get(key) for key in ("messages", "model", "stream", "lang"))
    if messages is None or not isinstance(model, str) or not model.strip():
        raise BadRequest(MISSING, param="messages" if messages is None else "model")
    if not isinstance(stream, bool | None):
        raise BadRequest('The "stream" field is neither true nor false.', param="stream")
    if not isinstance(language, str | None):
        raise BadRequest('The "lang" field is not a language code.', param="lang")
    request = ChatRequest(answerable(_messages(messages), "messages"), model=model, language=language)
    return Ask(request, stream=stream is not False, options={"explicit": stream is True})


def _messages(value: Any) -> tuple[Message, ...]:
    if not isinstance(value, list) or not value:
        raise BadRequest(MALFORMED, param="messages")
    return tuple(_message(item) for item in bounded(value, "messages"))


def _message(item: Any) -> Message:
    if not isinstance(item, dict) or not isinstance(item.get("role"), str) or not isinstance(item.get("content"), str):
        raise BadRequest(MALFORMED, param="messages")
    roles: dict[str, Role] = {"user": "user", "system": "system"}
    return said(roles.get(item["role"], "assistant"), item["content"])
