"""Events -> the widget's records `{type, ...}`; a session's messages -> its history; failures -> `{"type": "error", "message"}`.

Rules: status, status, content*, citations, done; after a failure error, done. No record is longer than MAX_EVENT bytes, because the widget
reads a record only if it arrives in one piece; long texts are cut, long quotations shortened.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal, assert_never

import msgspec

from antiphon.core.errors import AntiphonError
from antiphon.core.events import (
    ChoiceEnd,
    CitationEvent,
    ErrorEvent,
    Event,
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
from antiphon.dialects.base import SSE, Ask, Reply, retry_after
from antiphon.dialects.qa_widget.texts import Texts, texts_for
from antiphon.dialects.replay import replay
from antiphon.dialects.sources import numbered
from antiphon.wire.openai_answer import pieces

MAX_EVENT: Final = 8_192
MAX_TEXT: Final = 1_300
"""Characters in one record: six bytes each at worst, which leaves room for the rest of the record."""
NOTHING_FOUND: Final = "no_relevant_information"
DONE: Final = b'data: {"type":"done"}\n\n'
_escape = msgspec.json.Encoder().encode


class WidgetRenderer:
    """One run as the widget's stream."""

    __slots__ = ("_citations", "_failed", "_texts")

    def __init__(self, ask: Ask) -> None:
        self._texts: Texts = texts_for(ask.request.language)
        self._citations: list[Citation] = []
        self._failed = False

    def events(self, batch: Sequence[Event]) -> bytes:
        if len(batch) == 1:
            event = batch[0]
            return _content(event) if type(event) is TextDelta else self._other(event)
        return b"".join([_content(event) if type(event) is TextDelta else self._other(event) for event in batch])

    def _other(self, event: Event) -> bytes:
        match event:
            case TextDelta():
                return _content(event)
            case Status(stage="searching"):
                return _record({"type": "status", "message": self._texts.searching})
            case Status(stage="found", count=count):
                return _record({"type": "status", "message": self._texts.found.format(count=count)})
            case CitationEvent(citation=citation):
                self._citations.append(citation)
                return b""
            case ErrorEvent():
                return self._fail(self._told(event))
            case RunEnd(outcome=outcome):
                return self._end(outcome)
            case RunStart() | Status() | Passages() | RuleHit() | ChoiceEnd() | Usage():
                return b""
            case ReasoningDelta() | ToolCallStart() | ToolCallDelta() | ToolCallEnd():
                return b""
            case _:
                assert_never(event)

    def _told(self, event: ErrorEvent) -> str:
        if event.code == NOTHING_FOUND:
            return self._texts.nothing
        return event.message if event.fault == "caller" else self._texts.failed

    def _fail(self, message: str) -> bytes:
        self._failed = True
        return _record({"type": "error", "message": message[:MAX_TEXT]})

    def _end(self, outcome: Outcome) -> bytes:
        if self._failed:
            return DONE
        if outcome in ("interrupted", "failed"):
            return self._fail(self._texts.failed) + DONE
        return _cited(self._citations) + DONE


def _content(event: TextDelta) -> bytes:
    text = event.text
    if not text or event.choice:
        return b""
    if len(text) > MAX_TEXT:
        return b"".join([b'data: {"type":"content","data":' + _escape(piece) + b"}\n\n" for piece in pieces(text, MAX_TEXT)])
    return b'data: {"type":"content","data":' + _escape(text) + b"}\n\n"


def _record(value: dict[str, Any]) -> bytes:
    return b"data: " + _escape(value) + b"\n\n"


def _cited(citations: Iterable[Citation]) -> bytes:
    """Each number once, in order of number. Quotations are shortened until the record fits; at last the tail of the list goes."""
    cited = numbered(citations)
    record = _citations_record(cited)
    for limit in (300, 100, 0):
        if len(record) <= MAX_EVENT:
            return record
        cited = [msgspec.structs.replace(citation, quote=citation.quote[:limit]) for citation in cited]
        record = _citations_record(cited)
    while len(record) > MAX_EVENT:
        cited.pop()
        record = _citations_record(cited)
    return record


def _citations_record(citations: list[Citation]) -> bytes:
    return _record({"type": "citations", "data": citations})


def whole(ask: Ask, answer: Answer) -> Reply:
    """The stream in one piece: this dialect has no other form."""
    return Reply(200, WidgetRenderer(ask).events(replay(answer)), SSE)


def error(failure: AntiphonError) -> Reply:
    return Reply(failure.status, _escape({"type": "error", "message": failure.message}), headers=retry_after(failure))


class HistoryMessage(msgspec.Struct, frozen=True):
    """One message as the widget keeps it. timestamp: milliseconds since the epoch, told as ISO 8601 in UTC."""

    id: str
    role: Literal["user", "assistant"]
    content: str
    citations: tuple[Citation, ...]
    timestamp: int


def history(messages: Iterable[HistoryMessage]) -> Reply:
    """`GET /api/chat-history/{sessionId}`."""
    return Reply(200, _escape({"messages": [_told_message(message) for message in messages]}), headers=(("cache-control", "no-store"),))


def _told_message(message: HistoryMessage) -> dict[str, Any]:
    moment = datetime.fromtimestamp(message.timestamp / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {**msgspec.structs.asdict(message), "citations": numbered(message.citations), "timestamp": moment}
