"""Events -> completion chunks that end with the connection; an answer -> a completion; failures in OpenAI's shape.

Rules: the first chunk says the role and nothing else; every chunk has one choice; the last one has an empty delta and the finish reason.
There is no `[DONE]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_never

import msgspec

from antiphon.core.errors import AntiphonError, OurError
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
from antiphon.dialects.base import Ask, Reply
from antiphon.dialects.sources import footer
from antiphon.wire.openai_answer import completion, completion_id, error_body, pieces, retry_headers, usage_of
from antiphon.wire.openai_chat import CHUNK

_escape = msgspec.json.Encoder().encode
_SUFFIX = b'},"index":0,"finish_reason":null}]}\n\n'


class AskRenderer:
    """One run as a stream of chunks."""

    __slots__ = ("_citations", "_failed", "_head", "_reason")

    def __init__(self) -> None:
        self._head = b""
        self._reason: FinishReason = "stop"
        self._citations: list[Citation] = []
        self._failed = False

    def events(self, batch: Sequence[Event]) -> bytes:
        return b"".join([self._text(event.text) if type(event) is TextDelta else self._other(event) for event in batch])

    def _text(self, text: str) -> bytes:
        return b"".join([self._head + b'{"content":' + _escape(piece) + _SUFFIX for piece in pieces(text)])

    def _other(self, event: Event) -> bytes:
        match event:
            case RunStart():
                return self._begin(event)
            case TextDelta(text=text):
                return self._text(text)
            case CitationEvent(citation=citation):
                self._citations.append(citation)
            case ChoiceEnd(reason=reason):
                self._reason = reason
            case ErrorEvent():
                return self._fail(event)
            case RunEnd(outcome=outcome):
                return self._end(outcome)
            case Status() | Passages() | ReasoningDelta() | ToolCallStart() | ToolCallDelta() | ToolCallEnd() | RuleHit() | Usage():
                pass
            case _:
                assert_never(event)
        return b""

    def _begin(self, start: RunStart) -> bytes:
        head: dict[str, Any] = {
            "id": completion_id(start.run),
            "object": CHUNK,
            "created": start.created,
            "model": start.bot or start.model,
        }
        self._head = b"data: " + _escape(head)[:-1] + b',"choices":[{"delta":'
        return self._head + b'{"role":"assistant"' + _SUFFIX

    def _fail(self, failure: AntiphonError | ErrorEvent) -> bytes:
        self._failed = True
        return b"data: " + error_body(failure) + b"\n\n"

    def _end(self, outcome: Outcome) -> bytes:
        if self._failed:
            return b""
        if outcome in ("interrupted", "failed"):
            return self._fail(OurError("The answer was interrupted.", code="interrupted"))
        text = self._text(footer(self._citations))
        return text + self._head + b'{},"index":0,"finish_reason":' + _escape(self._reason) + b"}]}\n\n"


def whole(ask: Ask, answer: Answer) -> Reply:
    choice = answer.choices[0] if answer.choices else None
    text = choice.text + footer(choice.citations) if choice else ""
    reason = (choice.finish_reason if choice else None) or "stop"
    choices = [{"message": {"role": "assistant", "content": text}, "finish_reason": reason, "index": 0}]
    return Reply(200, _escape(completion(answer.run, answer.created, answer.bot or answer.model, choices, usage_of(answer.usage))))


def error(failure: AntiphonError) -> Reply:
    return Reply(failure.status, error_body(failure), headers=retry_headers(failure))
