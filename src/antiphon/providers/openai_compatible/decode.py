"""From the bytes of a chat completion to events. Pure: no I/O, no clock; any split of the bytes gives the same events.

Source of the format: OpenAI's chat completions reference, and what servers that call themselves compatible really send. So we
take a missing role, null content, numbers for ids, tool calls without id or index (or all with index 0), `reasoning` for
`reasoning_content`, usage in any chunk, a finish_reason that is repeated, misspelt or missing before [DONE]. What is not JSON or has the
wrong types is an error; only log probabilities and counts that cannot be true are left out, because the answer does not need them.

Rules: `choice-end` and `usage` are held until the stream is over, because upstreams repeat both. A failure never swallows what came before
it in the same read: `feed` returns those events and leaves the error in `failure`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import msgspec

from antiphon.core.errors import UpstreamError
from antiphon.core.events import (
    ChoiceEnd,
    Event,
    FinishReason,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from antiphon.providers import faults
from antiphon.wire import openai_chat as wire
from antiphon.wire.sse import Decoder

MAX_FRAME: Final = 4 * 1024 * 1024
MAX_ANSWER: Final = 64 * 1024 * 1024
MAX_CHOICES: Final = 128
MAX_TOOL_CALLS: Final = 1024
MAX_TOKENS: Final = 2**31 - 1

_REASONS: Final[dict[str, FinishReason]] = {
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "safety": "content_filter",
}


_decode = msgspec.json.Decoder(wire.Chunk).decode


class _OpenCall:
    """A tool call being told. key: the upstream's index. name is '' until it was told; arguments wait for it in `held`."""

    __slots__ = ("held", "id", "index", "key", "name")

    def __init__(self, index: int, key: int | None, id: str) -> None:
        self.index = index
        self.key = key
        self.id = id
        self.name = ""
        self.held = ""


class AnswerDecoder:
    """Feed it each read; `close` at the end of the stream. new_call_id makes ids for tool calls that came without.

    done: [DONE] was seen, nothing more will come. may_end: every choice has its finish_reason, so an end now is a good end.
    failure: what the provider must raise after yielding the events.
    """

    def __init__(self, model: str, new_call_id: Callable[[], str]) -> None:
        self.done = False
        self.failure: UpstreamError | None = None
        self._model = model
        self._new_call_id = new_call_id
        self._frames = Decoder(MAX_FRAME)
        self._received = 0
        self._reasons: dict[int, str | None] = {}
        self._calls: dict[int, list[_OpenCall]] = {}
        self._usage: wire.Usage | None = None
        self._extra: dict[str, Any] | None = None

    @property
    def may_end(self) -> bool:
        return bool(self._reasons) and None not in self._reasons.values()

    def feed(self, data: bytes) -> list[Event]:
        """The events of one read, often one. Never raises."""
        events: list[Event] = []
        self._received += len(data)
        try:
            if self._received > MAX_ANSWER:
                raise faults.invalid(self._model, f"more than {MAX_ANSWER} bytes in one answer")
            for frame in self._frames.feed(data):
                if self.done:
                    break
                self._frame(frame.data, events)
        except UpstreamError as error:
            self.failure = error if error.detail else faults.invalid(self._model, error.message)
        return events

    def close(self) -> list[Event]:
        """The stream ended by itself: the last events, or a failure if the answer was cut."""
        events: list[Event] = []
        try:
            for frame in self._frames.close():
                self._frame(frame.data, events)
        except UpstreamError as error:
            self.failure = error
        if self.failure is None and not self.done:
            if self.may_end:
                self._finish(events)
            else:
                self.failure = faults.cut(self._model)
        return events

    def whole(self, body: bytes) -> list[Event]:
        """The events of a completion that came as one JSON object."""
        events: list[Event] = []
        try:
            self._frame(body, events)
            self._finish(events)
        except UpstreamError as error:
            self.failure = error
        return events

    def _frame(self, data: bytes, events: list[Event]) -> None:
        if data.startswith(b"[DONE]"):
            self._finish(events)
            return
        try:
            chunk = _decode(data)
        except RecursionError:
            raise faults.invalid(self._model, f"nested too deeply: {data[:200]!r}") from None
        except ValueError as error:
            chunk = self._repaired(data, error)
        if chunk.error is not None:
            raise faults.reported(self._model, str(chunk.error))
        if chunk.system_fingerprint is not None and not self._reasons:
            self._extra = {"system_fingerprint": chunk.system_fingerprint}
        if chunk.choices:
            for choice in chunk.choices:
                self._choice(choice, events)
        if chunk.usage is not None:
            self._usage = chunk.usage

    def _repaired(self, data: bytes, error: ValueError) -> wire.Chunk:
        """JSON with half characters in it (a server cut a text between bytes or surrogates) is read with those replaced."""
        if not isinstance(error, msgspec.ValidationError):
            try:
                value = json.loads(data.decode("utf-8", "replace"))
                return _decode(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
            except (ValueError, RecursionError):
                pass
        raise faults.invalid(self._model, f"{error} in {data[:200]!r}") from None

    def _choice(self, choice: wire.ChunkChoice, events: list[Event]) -> None:
        index = choice.index or 0
        if index not in self._reasons:
            if not 0 <= index < MAX_CHOICES:
                raise faults.invalid(self._model, f"choice {index}")
            self._reasons[index] = None
        delta = choice.delta or choice.message
        if delta is not None:
            content = delta.content
            told = delta.reasoning_content or delta.reasoning or delta.refusal or delta.tool_calls or choice.logprobs
            if not told and content and isinstance(content, str):
                events.append(TextDelta(content, index, self._extra))
                self._extra = None
            else:
                self._rare(delta, choice.logprobs, index, events)
        if choice.finish_reason:
            self._reasons[index] = choice.finish_reason

    def _rare(self, delta: wire.Delta, told_logprobs: Any, index: int, events: list[Event]) -> None:
        """A delta with more, or with less, than a text."""
        logprobs = _logprobs(told_logprobs)
        reasoning = delta.reasoning_content or delta.reasoning
        if reasoning:
            events.append(ReasoningDelta(reasoning, index))
        content = delta.content
        if isinstance(content, list):
            events.extend(ReasoningDelta(thought, index) for piece in content if (thought := _thought(piece.thinking)))
            content = "".join(piece.text for piece in content if piece.text)
        if content or logprobs is not None:
            extra = self._extra if logprobs is None else {**(self._extra or {}), "logprobs": logprobs}
            events.append(TextDelta(content or "", index, extra))
            self._extra = None
        if delta.refusal:
            events.append(TextDelta("", index, {"refusal": delta.refusal}))
        for call in delta.tool_calls or ():
            self._tool_call(index, call, events)

    def _tool_call(self, choice: int, told: wire.ToolCallDelta, events: list[Event]) -> None:
        calls = self._calls.setdefault(choice, [])
        name = told.function.name if told.function else None
        call = _continued(calls, told, bool(name))
        if call is None:
            if len(calls) >= MAX_TOOL_CALLS:
                raise faults.invalid(self._model, "too many tool calls")
            call = _OpenCall(len(calls), told.index, str(told.id or "") or self._new_call_id())
            calls.append(call)
        arguments = told.function.arguments if told.function else None
        if arguments and not isinstance(arguments, str):
            arguments = msgspec.json.encode(arguments).decode()
        if not call.name:
            call.held += arguments or ""
            if not name:
                return
            call.name = name
            events.append(ToolCallStart(call.index, call.id, name, choice))
            arguments, call.held = call.held, ""
        if arguments:
            events.append(ToolCallDelta(call.index, arguments, choice))

    def _finish(self, events: list[Event]) -> None:
        if not self._reasons:
            raise faults.invalid(self._model, "an answer without a choice")
        for index, reason in sorted(self._reasons.items()):
            calls = self._calls.get(index, [])
            if any(not call.name and call.held for call in calls):
                raise faults.invalid(self._model, "a tool call without a name")
            events.extend(ToolCallEnd(call.index, index) for call in calls if call.name)
            if reason == "error":
                raise faults.reported(self._model, "finish_reason error")
            known = _REASONS.get((reason or "stop").lower(), "stop")
            events.append(ChoiceEnd("tool_calls" if calls and known == "stop" else known, index))
        self.done = True
        usage = _counted(self._usage) if self._usage is not None else None
        if usage is not None and (usage.input or usage.output):
            events.append(usage)


def _logprobs(told: Any) -> dict[str, Any] | None:
    """As wire.Logprobs has it, else nothing: other APIs give other things under this name."""
    if not told:
        return None
    try:
        known = msgspec.convert(told, wire.Logprobs)
    except msgspec.ValidationError:
        return None
    built: dict[str, Any] = msgspec.to_builtins(known)
    return built if any(built.values()) else None


def _thought(thinking: Any) -> str:
    if isinstance(thinking, list):
        return "".join(str(piece.get("text", "")) for piece in thinking if isinstance(piece, dict))
    return str(thinking or "")


def _counted(usage: wire.Usage) -> Usage:
    cached = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else None
    reasoning = usage.completion_tokens_details.reasoning_tokens if usage.completion_tokens_details else None
    return Usage(_count(usage.prompt_tokens), _count(usage.completion_tokens), cached=_count(cached), reasoning=_count(reasoning))


def _count(told: float | None) -> int:
    return int(told) if told is not None and 0 <= told <= MAX_TOKENS else 0


def _continued(calls: list[_OpenCall], told: wire.ToolCallDelta, named: bool) -> _OpenCall | None:
    """The open call that this piece goes on with; None when it begins another.

    The index decides. Without one, or where all calls come under the same index, another id together with a name begins another call.
    """
    given = str(told.id) if told.id else ""
    for call in reversed(calls):
        if told.index is not None:
            if call.key == told.index:
                return None if named and given and call.name and given != call.id else call
        elif given:
            if call.id == given:
                return call
        else:
            return None if named and call.name else call
    return None
