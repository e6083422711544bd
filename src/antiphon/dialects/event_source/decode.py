"""`GET /events?question=...` -> Ask.

A browser's EventSource can only send a GET, so the question is in the query string: `question`, optional `model` and `language`. Without a
question the Ask has no messages: somebody only listens.
"""

from __future__ import annotations

from antiphon.core.errors import BadRequest
from antiphon.core.messages import said
from antiphon.core.request import ChatRequest
from antiphon.dialects.base import Ask, Head
from antiphon.dialects.conversation import answerable


def decode(head: Head, body: bytes) -> Ask:
    """Raises BadRequest."""
    question, model, language = (head.query.get(name) for name in ("question", "model", "language"))
    for name, value in (("question", question), ("model", model), ("language", language)):
        if value is not None and "\0" in value:
            raise BadRequest(f"'{name}' holds a NUL character.", param=name)
    messages = () if question is None else answerable((said("user", question),), "question")
    return Ask(ChatRequest(messages, model=model or None, language=language or None), stream=True)
