"""Events -> records for a browser's EventSource: no `event:` field, each record `{"event": ..., "data": ...}`.

Rules: a record's `id:` is `<run>:<seq>`, seq being the event's number in its run (run-start is 0), so that a stream can go on after any
record; therefore no record depends on another, and one event makes one record at most. Every connection begins with the welcome, whose
id is the place after which it goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, assert_never

import msgspec

from antiphon.core.errors import AntiphonError
from antiphon.core.events import (
    ChoiceEnd,
    CitationEvent,
    ErrorEvent,
    Event,
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
from antiphon.dialects.base import SSE, Ask, Reply, retry_after
from antiphon.dialects.replay import replay

WELCOME: Final = b'data: {"event": "welcome", "data": {"sender": "Server", "message": "Welcome to the SSE connection!"}}\n\n'
BUSY: Final = "We're sorry, the server was too busy to handle this response.  Please try again."
_BUSY_CODES: Final = frozenset({"upstream_busy", "upstream_refused"})
_escape = msgspec.json.Encoder().encode


class RecordRenderer:
    """One run, from its start or from after a record that the client already has.

    run, after: the run's id and the sequence number of that record; left out for a fresh run.
    """

    __slots__ = ("_id", "_seq", "_welcomed")

    def __init__(self, run: str = "", after: int = -1) -> None:
        self._id = b"id: " + run.encode() + b":"
        self._seq = after
        self._welcomed = False

    def events(self, batch: Sequence[Event]) -> bytes:
        out: list[bytes] = []
        if not self._welcomed and batch:
            self._welcomed = True
            out.append(self._welcome(batch[0]))
        for event in batch:
            self._seq += 1
            if type(event) is TextDelta:
                if event.text and event.choice == 0:
                    out.append(self._id + b'%d\ndata: {"event":"content","data":' % self._seq + _escape(event.text) + b"}\n\n")
            elif (record := _record(event)) is not None:
                out.append(self._id + b"%d\ndata: " % self._seq + _escape(record) + b"\n\n")
        return b"".join(out)

    def _welcome(self, first: Event) -> bytes:
        if isinstance(first, RunStart):
            self._id = b"id: " + first.run.encode() + b":"
        return self._id + b"%d\n" % max(self._seq, 0) + WELCOME


def _record(event: Event) -> dict[str, Any] | None:
    match event:
        case Status(stage=stage, count=count):
            return {"event": "status", "data": stage, "count": count}
        case CitationEvent(citation=citation):
            return {"event": "citations", "data": [citation]}
        case ErrorEvent(code=code, message=message):
            return {"event": "error", "data": _told(code, message), "code": code}
        case RunEnd(outcome=outcome):
            return {"event": "done", "data": outcome}
        case TextDelta() | RunStart() | Passages() | RuleHit() | ChoiceEnd() | Usage():
            return None
        case ReasoningDelta() | ToolCallStart() | ToolCallDelta() | ToolCallEnd():
            return None
        case _:
            assert_never(event)


def _told(code: str, message: str) -> str:
    return BUSY if code in _BUSY_CODES else message


def whole(ask: Ask, answer: Answer) -> Reply:
    """The stream in one piece: this dialect has no other form."""
    return Reply(200, RecordRenderer().events(replay(answer)), SSE)


def error(failure: AntiphonError) -> Reply:
    body = {"error": {"code": failure.code, "message": _told(failure.code, failure.message), "param": failure.param}}
    return Reply(failure.status, _escape(body), headers=retry_after(failure))
