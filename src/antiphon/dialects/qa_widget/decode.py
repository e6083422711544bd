"""Q&A widget request -> Ask: `{tokenSlug, question, language, sessionId}`, the last two optional."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from antiphon.core.messages import said
from antiphon.core.request import ChatRequest
from antiphon.dialects.base import Ask, Head
from antiphon.dialects.conversation import answerable
from antiphon.wire import json


class Question(msgspec.Struct, rename="camel"):
    token_slug: Annotated[str, Meta(min_length=1, max_length=200)]
    question: str
    language: Annotated[str, Meta(max_length=35)] | None = None
    session_id: Annotated[str, Meta(max_length=200)] | None = None


def decode(head: Head, body: bytes) -> Ask:
    """Raises BadRequest."""
    asked = json.decode_as(body, Question)
    messages = answerable((said("user", asked.question),), "question")
    request = ChatRequest(messages, language=asked.language or None)
    return Ask(request, stream=True, site=asked.token_slug, session=asked.session_id or None)
