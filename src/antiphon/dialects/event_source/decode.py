"""`GET /events?question=...` -> Ask, and the place where a broken stream goes on.

A browser's EventSource can only send a GET, so the question is in the query string: `question`, optional `model` and `language`.
"""

from __future__ import annotations

import re

from antiphon.core.errors import BadRequest
from antiphon.core.messages import said
from antiphon.core.request import ChatRequest
from antiphon.dialects.base import Ask, Head
from antiphon.dialects.conversation import answerable

_EVENT_ID = re.compile(r"([0-9A-Za-z_]{1,64}):([0-9]{1,12})")


def decode(head: Head, body: bytes) -> Ask:
    """Raises BadRequest."""
    question, model, language = (head.query.get(name) for name in ("question", "model", "language"))
    for name, value in (("question", question), ("model", model), ("language", language)):
        if value is not None and "\0" in value:
            raise BadRequest(f"'{name}' holds a NUL character.", param=name)
    messages = answerable((said("user", question or ""),), "question")
    return Ask(ChatRequest(messages, model=model or None, language=language or None), stream=True)


def last_event(head: Head) -> tuple[str, int] | None:
    """(run, sequence number) of the last record that the client got, as `Last-Event-ID` says; None when it says nothing that we wrote."""
    match = _EVENT_ID.fullmatch(head.headers.get("last-event-id", ""))
    return (match[1], int(match[2])) if match else None
