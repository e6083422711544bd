"""What can happen while an answer is made, and in which order.

The union is small and closed. Events carry deltas only; the stored answer is `fold(events)`. Names are noun-action.
`LEGAL` is the whole grammar: an event that a phase does not list is a defect of whoever produced it, and `fold` refuses it.
Vendor extras travel in `provider_data` and nowhere else.

A run may answer with several choices (`n`); `choice` counts them from 0. A tool call is known by (choice, index).
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from antiphon.core.errors import AntiphonError, Fault
from antiphon.core.passages import Citation, Hit

Outcome = Literal["completed", "stopped", "interrupted", "failed"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]
Phase = Literal["new", "preparing", "answering", "failed", "ended"]


class _Event(msgspec.Struct, frozen=True, gc=False, tag_field="type", omit_defaults=True):
    pass


class RunStart(_Event, frozen=True, tag="run-start"):
    """created: seconds since the epoch. bot is None when a model was asked by its own name."""

    run: str
    model: str
    created: int
    bot: str | None = None


class Status(_Event, frozen=True, tag="status"):
    """stage: searching, found, context-trimmed. count goes with found (sources) and context-trimmed (messages dropped)."""

    stage: str
    count: int = 0


class Passages(_Event, frozen=True, tag="passages"):
    """What retrieval found. searched: how many passages the actor could have been given."""

    confidence: float
    hits: tuple[Hit, ...]
    searched: int = 0


class TextDelta(_Event, frozen=True, tag="text-delta"):
    text: str
    choice: int = 0
    provider_data: dict[str, Any] | None = None


class ReasoningDelta(_Event, frozen=True, tag="reasoning-delta"):
    text: str
    choice: int = 0


class ToolCallStart(_Event, frozen=True, tag="tool-call-start"):
    index: int
    id: str
    name: str
    choice: int = 0


class ToolCallDelta(_Event, frozen=True, tag="tool-call-delta"):
    """arguments: the next piece of the JSON text."""

    index: int
    arguments: str
    choice: int = 0


class ToolCallEnd(_Event, frozen=True, tag="tool-call-end"):
    index: int
    choice: int = 0


class CitationEvent(_Event, frozen=True, tag="citation"):
    """span: the [n] mark's character range in the choice's text so far."""

    citation: Citation
    span: tuple[int, int]
    choice: int = 0


class RuleHit(_Event, frozen=True, tag="rule-hit"):
    rule: str
    action: str


class ChoiceEnd(_Event, frozen=True, tag="choice-end"):
    reason: FinishReason
    choice: int = 0


class Usage(_Event, frozen=True, tag="usage"):
    """Tokens. estimated: counted by us from the script, not by the upstream. cost in the catalogue's currency, if it knows prices.

    `cached` and `reasoning` are parts of input and output that an upstream told apart.
    """

    input: int
    output: int
    estimated: bool = False
    cached: int = 0
    reasoning: int = 0
    cost: float | None = None


class ErrorEvent(_Event, frozen=True, tag="error"):
    """A failure told after the run has begun; status is the HTTP status it would have been before the first byte."""

    code: str
    fault: Fault
    message: str
    retryable: bool = False
    status: int = 500
    retry_after: float | None = None

    @classmethod
    def of(cls, error: AntiphonError) -> ErrorEvent:
        return cls(error.code, error.fault, error.message, error.retryable, error.status, error.retry_after)

    def as_error(self) -> AntiphonError:
        """The same failure, to be told before the first byte."""
        error = AntiphonError(self.message, code=self.code, retry_after=self.retry_after)
        error.fault, error.status, error.retryable = self.fault, self.status, self.retryable
        return error


class RunEnd(_Event, frozen=True, tag="run-end"):
    outcome: Outcome


Event = (
    RunStart
    | Status
    | Passages
    | TextDelta
    | ReasoningDelta
    | ToolCallStart
    | ToolCallDelta
    | ToolCallEnd
    | CitationEvent
    | RuleHit
    | ChoiceEnd
    | Usage
    | ErrorEvent
    | RunEnd
)

_ANSWER: Final[dict[type[Event], Phase]] = {
    TextDelta: "answering",
    ReasoningDelta: "answering",
    ToolCallStart: "answering",
    ToolCallDelta: "answering",
    ToolCallEnd: "answering",
    CitationEvent: "answering",
    ChoiceEnd: "answering",
}

LEGAL: Final[dict[Phase, dict[type[Event], Phase]]] = {
    "new": {RunStart: "preparing"},
    "preparing": {
        Status: "preparing",
        Passages: "preparing",
        RuleHit: "preparing",
        Usage: "preparing",
        **_ANSWER,
        ErrorEvent: "failed",
        RunEnd: "ended",
    },
    "answering": {
        Status: "answering",
        RuleHit: "answering",
        Usage: "answering",
        **_ANSWER,
        ErrorEvent: "failed",
        RunEnd: "ended",
    },
    "failed": {Usage: "failed", RunEnd: "ended"},
    "ended": {},
}
