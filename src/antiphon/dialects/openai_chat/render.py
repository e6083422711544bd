"""Events -> chat.completion.chunk records; an answer -> a chat.completion.

Rules that clients depend on: role and empty content open every choice, in index order, before any text; roles, tool ids and tool names are
never repeated; every choice gets exactly one finish_reason; id, created and model never change; vendor extras stand at the top of a chunk,
never in a delta (SDKs add deltas up); the usage chunk comes only when asked for; a failure is an error record and no [DONE].

A text delta costs one JSON escape between two constant byte strings; everything else may take the slower way.
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
from antiphon.core.fold import Answer, Choice
from antiphon.core.passages import Citation
from antiphon.dialects.base import Ask, Reply
from antiphon.wire import openai_chat as wire
from antiphon.wire.openai_answer import MAX_TEXT, completion, completion_id, error_body, pieces, retry_headers, usage_of

_escape = msgspec.json.Encoder().encode


class ChatRenderer:
    """One run as a stream of chunks."""

    __slots__ = (
        "_citations",
        "_failed",
        "_fingerprint",
        "_finished",
        "_n",
        "_openings",
        "_start",
        "_suffix",
        "_tail",
        "_usage",
        "_with_usage",
    )

    def __init__(self, ask: Ask) -> None:
        self._n = ask.request.n
        self._with_usage = bool(ask.options.get("include_usage"))
        self._tail = b',"usage":null}\n\n' if self._with_usage else b"}\n\n"
        self._suffix = b'},"logprobs":null,"finish_reason":null}]' + self._tail
        self._openings: list[bytes] = []
        self._start: RunStart | None = None
        self._fingerprint: str | None = None
        self._finished: set[int] = set()
        self._citations: dict[int, list[Citation]] = {}
        self._usage: Usage | None = None
        self._failed = False

    def events(self, batch: Sequence[Event]) -> bytes:
        if len(batch) == 1:
            event = batch[0]
            if type(event) is TextDelta and event.provider_data is None:
                return self._text(event)
            return self._other(event)
        return b"".join(
            [self._text(event) if type(event) is TextDelta and event.provider_data is None else self._other(event) for event in batch]
        )

    def _text(self, event: TextDelta) -> bytes:
        text = event.text
        if not text or event.choice >= self._n:
            return b""
        if len(text) > MAX_TEXT:
            return b"".join([self._openings[event.choice] + _escape(piece) + self._suffix for piece in pieces(text)])
        return self._openings[event.choice] + _escape(text) + self._suffix

    def _other(self, event: Event) -> bytes:
        match event:
            case TextDelta() | ReasoningDelta() | ToolCallStart() | ToolCallDelta():
                return self._delta(event) if event.choice < self._n else b""
            case ChoiceEnd(choice=choice, reason=reason):
                return self._finish(choice, reason) if choice < self._n else b""
            case CitationEvent(choice=choice, citation=citation):
                self._citations.setdefault(choice, []).append(citation)
                return b""
            case Usage():
                self._usage = event
                return b""
            case RunStart():
                return self._begin(event)
            case ErrorEvent():
                self._failed = True
                return _failure(event)
            case RunEnd(outcome=outcome):
                return self._end(outcome)
            case Status() | Passages() | RuleHit() | ToolCallEnd():
                return b""
            case _:
                assert_never(event)

    def _begin(self, start: RunStart) -> bytes:
        self._start = start
        self._openings = [self._head() + b'"choices":[{"index":%d,"delta":{"content":' % choice for choice in range(self._n)]
        return b"".join([self._chunk(choice, {"role": "assistant", "content": ""}) for choice in range(self._n)])

    def _head(self) -> bytes:
        start = self._start
        assert start is not None, "run-start comes first"
        head = {
            "id": completion_id(start.run),
            "object": wire.CHUNK,
            "created": start.created,
            "model": start.bot or start.model,
            "system_fingerprint": self._fingerprint,
        }
        return b"data: " + _escape(head)[:-1] + b","

    def _chunk(
        self, choice: int, delta: dict[str, Any], logprobs: Any = None, reason: FinishReason | None = None, extra: bytes = b""
    ) -> bytes:
        body = {"index": choice, "delta": delta, "logprobs": logprobs, "finish_reason": reason}
        return self._head() + b'"choices":[' + _escape(body) + b"]" + extra + self._tail

    def _delta(self, event: TextDelta | ReasoningDelta | ToolCallStart | ToolCallDelta) -> bytes:
        match event:
            case ReasoningDelta(text=text, choice=choice):
                return b"".join([self._chunk(choice, {"reasoning_content": piece}) for piece in pieces(text)])
            case ToolCallStart(index=index, id=id, name=name, choice=choice):
                call = {"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": ""}}
                return self._chunk(choice, {"tool_calls": [call]})
            case ToolCallDelta(index=index, arguments=arguments, choice=choice):
                calls = [{"index": index, "function": {"arguments": piece}} for piece in pieces(arguments)]
                return b"".join([self._chunk(choice, {"tool_calls": [call]}) for call in calls])
            case TextDelta():
                return self._text_with_extras(event)
            case _:
                assert_never(event)

    def _text_with_extras(self, event: TextDelta) -> bytes:
        data = event.provider_data or {}
        if "system_fingerprint" in data and data["system_fingerprint"] != self._fingerprint:
            self._fingerprint = data["system_fingerprint"]
            self._openings = [self._head() + b'"choices":[{"index":%d,"delta":{"content":' % choice for choice in range(self._n)]
        if not data.get("logprobs") and not data.get("refusal"):
            return self._text(event)
        delta: dict[str, Any] = {"content": event.text} if event.text else {}
        if data.get("refusal"):
            delta["refusal"] = data["refusal"]
        return self._chunk(event.choice, delta, data.get("logprobs"))

    def _finish(self, choice: int, reason: FinishReason) -> bytes:
        if choice in self._finished:
            return b""
        self._finished.add(choice)
        cited = self._citations.get(choice)
        return self._chunk(choice, {}, reason=reason, extra=b',"citations":' + _escape(cited) if cited else b"")

    def _end(self, outcome: Outcome) -> bytes:
        if self._failed:
            return b""
        if outcome in ("interrupted", "failed"):
            return _failure(OurError("The answer was interrupted.", code="interrupted"))
        out = [self._finish(choice, "stop") for choice in range(self._n)]
        if self._with_usage and self._usage is not None:
            out.append(self._head() + b'"choices":[],"usage":' + _escape(usage_of(self._usage, details=True)) + b"}\n\n")
        out.append(wire.DONE)
        return b"".join(out)


def whole(ask: Ask, answer: Answer) -> Reply:
    choices = [_choice(index, choice) for index, choice in enumerate(answer.choices[: ask.request.n] or (Choice("", "", (), (), None),))]
    body = completion(answer.run, answer.created, answer.bot or answer.model, choices, usage_of(answer.usage, details=True))
    data = [item for choice in answer.choices for item in choice.provider_data]
    body["system_fingerprint"] = next((item["system_fingerprint"] for item in data if "system_fingerprint" in item), None)
    if cited := [citation for choice in answer.choices for citation in choice.citations]:
        body["citations"] = cited
    return Reply(200, _escape(body))


def error(failure: AntiphonError) -> Reply:
    return Reply(failure.status, error_body(failure), headers=retry_headers(failure))


def _failure(failure: AntiphonError | ErrorEvent) -> bytes:
    return b"data: " + error_body(failure) + b"\n\n"


def _choice(index: int, choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": choice.text, "refusal": _refusal(choice)}
    if choice.reasoning:
        message["reasoning_content"] = choice.reasoning
    if choice.tool_calls:
        message["content"] = choice.text or None
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}} for call in choice.tool_calls
        ]
    if choice.citations:
        message["annotations"] = [_annotation(citation, choice.text) for citation in choice.citations]
    return {"index": index, "message": message, "logprobs": _logprobs(choice), "finish_reason": choice.finish_reason or "stop"}


def _annotation(citation: Citation, text: str) -> dict[str, Any]:
    """A url_citation over the first mark that names the citation's number; at the end of the text when there is none."""
    mark = f"[{citation.number}]"
    start = text.find(mark)
    start, end = (start, start + len(mark)) if start >= 0 else (len(text), len(text))
    return {"type": "url_citation", "url_citation": {"start_index": start, "end_index": end, "title": citation.title, "url": citation.url}}


def _refusal(choice: Choice) -> str | None:
    return "".join(data["refusal"] for data in choice.provider_data if data.get("refusal")) or None


def _logprobs(choice: Choice) -> dict[str, Any] | None:
    parts = [data["logprobs"] for data in choice.provider_data if data.get("logprobs")]
    if not parts:
        return None
    return {key: [entry for part in parts for entry in part.get(key) or ()] or None for key in ("content", "refusal")}
