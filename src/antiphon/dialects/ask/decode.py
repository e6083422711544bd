"""Ask request -> Ask.

An explicit `stream` beats `Accept: text/event-stream`. user_id, else client_id, is whom the usage is counted for and nothing more.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from antiphon.core.messages import said
from antiphon.core.request import ChatRequest
from antiphon.dialects.base import SSE, Ask, Head
from antiphon.dialects.conversation import answerable, bounded
from antiphon.wire import json


class Turn(msgspec.Struct):
    role: Literal["system", "user", "assistant"]
    content: str


class Question(msgspec.Struct):
    question: str
    history: list[Turn] | None = None
    client_id: str | int | None = None
    user_id: str | int | None = None
    stream: bool | None = None


def decode(head: Head, body: bytes) -> Ask:
    """Raises BadRequest."""
    value = json.decode(body)
    if isinstance(value, dict):
        bounded(value.get("history"), "history")
    asked = json.convert(value, Question)
    history = [said(turn.role, turn.content) for turn in asked.history or ()]
    question = answerable((said("user", asked.question),), "question")
    stream = asked.stream if asked.stream is not None else SSE in head.headers.get("accept", "")
    person = asked.user_id if asked.user_id is not None else asked.client_id
    return Ask(ChatRequest((*history, *question)), stream=stream, on_behalf_of=None if person is None else str(person))
