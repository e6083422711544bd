"""What every dialect that takes a conversation asks of it: not too long, and with a question in it."""

from __future__ import annotations

from typing import Any

from antiphon.core.errors import BadRequest
from antiphon.core.messages import Message
from antiphon.core.request import MAX_MESSAGES


def bounded(value: Any, param: str | None) -> Any:
    """The decoded JSON value, unless it is a list of more messages than a conversation may have. Raises BadRequest."""
    if isinstance(value, list) and len(value) > MAX_MESSAGES:
        raise BadRequest(f"A conversation may have at most {MAX_MESSAGES} messages.", param=param, code="too_many_messages")
    return value


def answerable(messages: tuple[Message, ...], param: str | None) -> tuple[Message, ...]:
    """The messages, when the last thing that a user said is not blank. Raises BadRequest."""
    question = next((message.text for message in reversed(messages) if message.role == "user"), "")
    if not question.strip():
        raise BadRequest("The question is empty.", param=param, code="empty_question")
    return messages
