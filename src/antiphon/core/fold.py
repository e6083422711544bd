"""Events in, answer out: the only definition of what a run's stored message is.

`fold` is also the checker of the grammar in `events.LEGAL`: an illegal order raises IllegalOrder, which is always a defect of the producer.
Rules beyond the table: a choice that ended says nothing more; a tool call starts once, and is fed and ended only while open.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, assert_never

import msgspec

from antiphon.core.events import (
    LEGAL,
    ChoiceEnd,
    CitationEvent,
    ErrorEvent,
    Event,
    FinishReason,
    Outcome,
    Passages,
    Phase,
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
from antiphon.core.messages import ToolCall
from antiphon.core.passages import Citation, Hit


class IllegalOrder(ValueError):
    """An event came where the grammar does not allow it."""


class Choice(msgspec.Struct, frozen=True):
    """One finished (or cut) answer text with what belongs to it. finish_reason is None when the stream was cut.

    provider_data: what the text's deltas carried of it, in order.
    """

    text: str
    reasoning: str
    tool_calls: tuple[ToolCall, ...]
    citations: tuple[Citation, ...]
    finish_reason: FinishReason | None
    provider_data: tuple[dict[str, Any], ...] = ()


class Answer(msgspec.Struct, frozen=True):
    """What a run came to. outcome is None while it is still running."""

    run: str
    model: str
    created: int
    bot: str | None
    choices: tuple[Choice, ...]
    hits: tuple[Hit, ...]
    confidence: float | None
    rule_hits: tuple[RuleHit, ...]
    usage: Usage | None
    error: ErrorEvent | None
    outcome: Outcome | None


class _OpenChoice:
    __slots__ = ("calls", "citations", "finish_reason", "open_calls", "provider_data", "reasoning", "text")

    def __init__(self) -> None:
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.calls: dict[int, tuple[str, str, list[str]]] = {}
        self.open_calls: set[int] = set()
        self.citations: list[Citation] = []
        self.finish_reason: FinishReason | None = None
        self.provider_data: list[dict[str, Any]] = []

    def close(self) -> Choice:
        calls = tuple(ToolCall(id, name, "".join(arguments)) for _, (id, name, arguments) in sorted(self.calls.items()))
        text, reasoning = "".join(self.text), "".join(self.reasoning)
        return Choice(text, reasoning, calls, tuple(self.citations), self.finish_reason, tuple(self.provider_data))


class Folder:
    """Folds as events come: `feed` each one, ask `answer()` at any time. Cost per event is constant."""

    def __init__(self) -> None:
        self.phase: Phase = "new"
        self._start: RunStart | None = None
        self._choices: dict[int, _OpenChoice] = {}
        self._passages: Passages | None = None
        self._rule_hits: list[RuleHit] = []
        self._usage: Usage | None = None
        self._error: ErrorEvent | None = None
        self._outcome: Outcome | None = None

    def feed(self, event: Event) -> None:
        """Take one event. Raises IllegalOrder and leaves the state as it was."""
        if type(event) is TextDelta and self.phase == "answering" and event.provider_data is None:  # nearly all there is
            choice = self._choices.get(event.choice)
            if choice is not None and choice.finish_reason is None:
                choice.text.append(event.text)
                return
        following = LEGAL[self.phase].get(type(event))
        if following is None:
            raise IllegalOrder(f"{type(event).__name__} is not allowed while {self.phase}")
        match event:
            case TextDelta() | ReasoningDelta() | CitationEvent() | ChoiceEnd():
                self._feed_choice(event)
            case ToolCallStart() | ToolCallDelta() | ToolCallEnd():
                self._feed_tool_call(event)
            case _:
                self._feed_run(event)
        self.phase = following

    def _feed_run(self, event: RunStart | Status | Passages | RuleHit | Usage | ErrorEvent | RunEnd) -> None:
        match event:
            case RunStart():
                self._start = event
            case Passages():
                self._passages = event
            case RuleHit():
                self._rule_hits.append(event)
            case Usage():
                self._usage = event
            case ErrorEvent():
                self._error = event
            case RunEnd(outcome=outcome):
                self._outcome = outcome
            case Status():
                pass
            case _:
                assert_never(event)

    def _choice(self, index: int) -> _OpenChoice:
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _OpenChoice()
        if choice.finish_reason is not None:
            raise IllegalOrder(f"choice {index} has ended")
        return choice

    def _feed_choice(self, event: TextDelta | ReasoningDelta | CitationEvent | ChoiceEnd) -> None:
        choice = self._choice(event.choice)
        match event:
            case TextDelta(text=text):
                choice.text.append(text)
                if event.provider_data is not None:
                    choice.provider_data.append(event.provider_data)
            case ReasoningDelta(text=text):
                choice.reasoning.append(text)
            case CitationEvent(citation=citation):
                choice.citations.append(citation)
            case ChoiceEnd(reason=reason):
                if choice.open_calls:
                    raise IllegalOrder(f"choice {event.choice} ends with an open tool call")
                choice.finish_reason = reason
            case _:
                assert_never(event)

    def _feed_tool_call(self, event: ToolCallStart | ToolCallDelta | ToolCallEnd) -> None:
        if not isinstance(event, ToolCallStart) and event.choice not in self._choices:
            raise IllegalOrder(f"tool call {event.index} is not open")
        choice = self._choice(event.choice)
        if isinstance(event, ToolCallStart):
            if event.index in choice.calls:
                raise IllegalOrder(f"tool call {event.index} started twice")
            choice.calls[event.index] = (event.id, event.name, [])
            choice.open_calls.add(event.index)
            return
        if event.index not in choice.open_calls:
            raise IllegalOrder(f"tool call {event.index} is not open")
        if isinstance(event, ToolCallDelta):
            choice.calls[event.index][2].append(event.arguments)
        else:
            choice.open_calls.discard(event.index)

    def answer(self) -> Answer:
        """The answer as far as it goes. Raises IllegalOrder before run-start."""
        if self._start is None:
            raise IllegalOrder("nothing has started")
        passages = self._passages
        return Answer(
            run=self._start.run,
            model=self._start.model,
            created=self._start.created,
            bot=self._start.bot,
            choices=tuple(choice.close() for _, choice in sorted(self._choices.items())),
            hits=passages.hits if passages else (),
            confidence=passages.confidence if passages else None,
            rule_hits=tuple(self._rule_hits),
            usage=self._usage,
            error=self._error,
            outcome=self._outcome,
        )


def fold(events: Iterable[Event]) -> Answer:
    """The answer that these events tell. Raises IllegalOrder."""
    folder = Folder()
    for event in events:
        folder.feed(event)
    return folder.answer()
