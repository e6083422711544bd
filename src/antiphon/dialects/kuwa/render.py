"""Events -> Kuwa's records, one character each; an answer -> one object; failures -> `{"status": "error", "message"}`.

Rules: JSON is escaped to ASCII; no record has an empty delta; no comment, heartbeat or `id:` is ever sent (its clients lose text on them).
Without a `stream` field the end is `event: close`; with `stream: true` the last character's record carries the finish reason, and `[DONE]`
comes before `event: close`. That takes holding back one character.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, assert_never

from antiphon.core.errors import AntiphonError
from antiphon.core.events import (
    ChoiceEnd,
    CitationEvent,
    ErrorEvent,
    Event,
    FinishReason,
    Outcome,
    Passages,
    ReasoningDelta,
    RuleHit,
    RunEnd,
    RunStart,
    Status,
    TextDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from antiphon.core.fold import Answer
from antiphon.core.passages import Citation
from antiphon.dialects.base import Ask, Reply, retry_after
from antiphon.dialects.sources import footer
from antiphon.wire.openai_answer import completion_id
from antiphon.wire.openai_chat import CHUNK, COMPLETION, DONE

CLOSE: Final = b"event: close\n\n"
UNAUTHENTICATED: Final = "Authentication failed"
REFUSED: Final = "Use of the chat completion API is not authorized."
NO_MODEL: Final = "The specified model does not exist."
_encode = json.JSONEncoder(separators=(",", ":")).encode


class CharacterRenderer:
    """One run as a stream of records. explicit: the request said `stream: true`."""

    __slots__ = ("_citations", "_explicit", "_failed", "_head", "_held", "_reason", "_tail")

    def __init__(self, ask: Ask) -> None:
        self._explicit = bool(ask.options.get("explicit"))
        self._head = self._tail = ""
        self._held = ""
        self._reason: FinishReason = "stop"
        self._citations: list[Citation] = []
        self._failed = False

    def events(self, batch: Sequence[Event]) -> bytes:
        return "".join([self._text(event.text) if type(event) is TextDelta else self._other(event) for event in batch]).encode("ascii")

    def _text(self, text: str) -> str:
        if self._explicit and text:
            text, self._held = self._held + text[:-1], text[-1]
        return self._records(text)

    def _records(self, text: str) -> str:
        if not text:
            return ""
        return self._head + (self._tail + self._head).join(map(_encode, text)) + self._tail

    def _other(self, event: Event) -> str:
        match event:
            case RunStart():
                self._begin(event)
            case TextDelta(text=text):
                return self._text(text)
            case CitationEvent(citation=citation):
                self._citations.append(citation)
            case ChoiceEnd(reason=reason):
                self._reason = reason
            case ErrorEvent(message=message):
                return self._fail(message)
            case RunEnd(outcome=outcome):
                return self._end(outcome)
            case Status() | Passages() | ReasoningDelta() | ToolCallStart() | ToolCallDelta() | ToolCallEnd() | RuleHit() | Usage():
                pass
            case _:
                assert_never(event)
        return ""

    def _begin(self, start: RunStart) -> None:
        kind, model = CHUNK if self._explicit else COMPLETION, start.bot or start.model
        middle = ',"logprobs":null,"finish_reason":null' if self._explicit else ""
        index = '"index":0,' if self._explicit else ""
        self._head = f'data: {{"choices":[{{{index}"delta":{{"content":'
        self._tail = (
            f',"role":"assistant"}}{middle}}}],"created":{start.created},"id":{_encode(completion_id(start.run))},'
            f'"model":{_encode(model)},"object":"{kind}","usage":[]}}\n\n'
        )

    def _fail(self, message: str) -> str:
        self._failed = True
        rest, self._held = self._records(self._held), ""
        return f"{rest}data: {_encode({'status': 'error', 'message': message})}\n\n{CLOSE.decode()}"

    def _end(self, outcome: Outcome) -> str:
        if self._failed:
            return ""
        if outcome in ("interrupted", "failed"):
            return self._fail("The answer was interrupted.")
        text = self._text(footer(self._citations))
        if not self._explicit:
            return text + CLOSE.decode()
        last = self._records(self._held).replace('"finish_reason":null', f'"finish_reason":"{self._reason}"', 1)
        return text + last + DONE.decode() + CLOSE.decode()


def whole(ask: Ask, answer: Answer) -> Reply:
    choice = answer.choices[0] if answer.choices else None
    text = choice.text + footer(choice.citations) if choice else ""
    body = {
        "id": completion_id(answer.run),
        "object": COMPLETION,
        "created": answer.created,
        "model": answer.bot or answer.model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "logprobs": None,
                "finish_reason": (choice.finish_reason if choice else None) or "stop",
            }
        ],
        "usage": [],
    }
    return _reply(200, body)


def error(failure: AntiphonError) -> Reply:
    if failure.status == 401:
        text = UNAUTHENTICATED
    elif failure.status == 403:
        text = REFUSED
    elif failure.status == 404 and failure.code == "model_not_found":
        text = NO_MODEL
    else:
        text = failure.message
    return _reply(failure.status, {"status": "error", "message": text}, retry_after(failure))


def aborted(user: str | None, name: str | None) -> Reply:
    """`POST /v1.0/chat/abort` stopped what there was to stop."""
    return _reply(200, {"status": "success", "message": "Aborted", "tokenable_id": user, "name": name})


def _reply(status: int, body: dict[str, Any], headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    return Reply(status, _encode(body).encode("ascii"), headers=headers)
