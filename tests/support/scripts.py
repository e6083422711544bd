"""Strategies for what a run can say: single events, and whole scripts in legal order.

    @given(event_scripts())
    def test_something(script: tuple[Event, ...]) -> None: ...

A script begins with run-start and ends with run-end. One that is `completed` has ended every tool call and every choice; the others may be
cut anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

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
from antiphon.core.passages import Citation, Components, Hit, Passage

BREAKS = ["\n", "\r\n", "\r", "\u2028", "\u2029", "\u0085", "\ufeff", "data: x\n\n", "[DONE]"]
TRICKY = [*BREAKS, "[1]", "```", '"', "\\", "你好", "Xin chào", "😀"]

texts: st.SearchStrategy[str] = st.one_of(st.sampled_from(TRICKY), st.text(max_size=8))
counts = st.integers(0, 2**31)
scores = st.floats(0, 1)
tokens = st.lists(st.fixed_dictionaries({"token": texts, "logprob": st.floats(-20, 0)}), max_size=2)
provider_data: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {}, optional={"logprobs": st.fixed_dictionaries({"content": tokens}), "refusal": texts, "system_fingerprint": texts}
)
"""As in wire.openai_chat.ProviderData."""
passages: st.SearchStrategy[Passage] = st.builds(
    Passage,
    id=st.integers(0, 2**53),
    document=texts,
    collection=texts,
    title=texts,
    source=texts,
    url=texts,
    text=texts,
    heading=st.lists(texts, max_size=2).map(tuple),
    page=st.none() | counts,
    start=counts,
    end=counts,
    language=st.sampled_from(["en", "vi", "zh-Hans", "zh-Hant"]),
)
hits: st.SearchStrategy[Hit] = st.builds(
    Hit, passages, scores, st.builds(Components, bm25=scores, coverage=scores, cosine=st.none() | scores, rank=counts)
)
citations: st.SearchStrategy[Citation] = st.builds(
    Citation,
    number=st.integers(1, 9),
    title=texts,
    url=texts,
    document=texts,
    source=texts,
    quote=texts,
    heading=st.lists(texts, max_size=2).map(tuple),
    page=st.none() | counts,
    start=counts,
    end=counts,
    score=st.none() | scores,
)
usages: st.SearchStrategy[Usage] = st.builds(
    Usage, counts, counts, estimated=st.booleans(), cached=counts, reasoning=counts, cost=st.none() | scores
)
errors: st.SearchStrategy[ErrorEvent] = st.builds(
    ErrorEvent,
    code=st.sampled_from(["upstream_timeout", "internal_error", "no_relevant_information"]),
    fault=st.sampled_from(["caller", "upstream", "ours"]),
    message=texts,
    retryable=st.booleans(),
    status=st.sampled_from([404, 429, 500, 502, 503, 504]),
    retry_after=st.none() | st.floats(0, 100),
)
statuses: st.SearchStrategy[Status] = st.builds(Status, st.sampled_from(["searching", "found", "context-trimmed"]), st.integers(0, 50))
outcomes: st.SearchStrategy[Outcome] = st.sampled_from(["completed", "stopped", "interrupted", "failed"])
reasons: st.SearchStrategy[FinishReason] = st.sampled_from(["stop", "length", "tool_calls", "content_filter"])
starts: st.SearchStrategy[RunStart] = st.builds(
    RunStart, run=st.just("run_01J0000000000000000000000"), model=texts, created=counts, bot=st.none() | texts
)

events: st.SearchStrategy[Event] = st.one_of(
    starts,
    statuses,
    st.builds(Passages, scores, st.lists(hits, max_size=2).map(tuple), counts),
    st.builds(TextDelta, texts, st.integers(0, 2), st.none() | provider_data),
    st.builds(ReasoningDelta, texts, st.integers(0, 2)),
    st.builds(ToolCallStart, st.integers(0, 2), texts, texts, st.integers(0, 2)),
    st.builds(ToolCallDelta, st.integers(0, 2), texts, st.integers(0, 2)),
    st.builds(ToolCallEnd, st.integers(0, 2), st.integers(0, 2)),
    st.builds(CitationEvent, citations, st.tuples(counts, counts), st.integers(0, 2)),
    st.builds(RuleHit, texts, texts),
    st.builds(ChoiceEnd, reasons, st.integers(0, 2)),
    usages,
    errors,
    st.builds(RunEnd, outcomes),
)
"""Any single event, in no order."""


class _Choice:
    """What one choice of a script has said so far."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.length = 0
        self.calls = 0
        self.open: list[int] = []

    def close(self, reason: FinishReason) -> list[Event]:
        return [*(ToolCallEnd(index, self.number) for index in self.open), ChoiceEnd(reason, self.number)]


def _say(draw: st.DrawFn, choice: _Choice) -> Event:
    """The next event of an open choice."""
    kinds = ["text", "text", "text", "reasoning", "call"] + ["feed", "end"] * bool(choice.open) + ["cite"] * bool(choice.length)
    match draw(st.sampled_from(kinds)):
        case "reasoning":
            return ReasoningDelta(draw(texts), choice.number)
        case "call":
            choice.open.append(choice.calls)
            choice.calls += 1
            return ToolCallStart(choice.calls - 1, draw(texts), draw(texts), choice.number)
        case "feed":
            return ToolCallDelta(draw(st.sampled_from(choice.open)), draw(texts), choice.number)
        case "end":
            return ToolCallEnd(choice.open.pop(), choice.number)
        case "cite":
            return CitationEvent(draw(citations), (0, choice.length), choice.number)
    text = draw(texts)
    choice.length += len(text)
    return TextDelta(text, choice.number, draw(st.none() | provider_data))


@st.composite
def event_scripts(draw: st.DrawFn, *, max_choices: int = 2, max_events: int = 20) -> tuple[Event, ...]:
    """Any run, from run-start to run-end, in legal order."""
    script: list[Event] = [draw(starts)]
    if draw(st.booleans()):
        script += [Status("searching"), draw(st.builds(Passages, scores, st.lists(hits, max_size=2).map(tuple), counts)), draw(statuses)]
    choices = [_Choice(number) for number in range(draw(st.integers(1, max_choices)))]
    for _ in range(draw(st.integers(0, max_events))):
        if choices:
            choice = draw(st.sampled_from(choices))
            if draw(st.integers(0, 9)):
                script.append(_say(draw, choice))
            else:
                script += choice.close(draw(reasons))
                choices.remove(choice)
    outcome: Outcome = draw(outcomes)
    if outcome == "completed":
        for choice in choices:
            script += choice.close(draw(reasons))
    if outcome == "failed":
        script.append(draw(errors))
    if draw(st.booleans()):
        script.append(draw(usages))
    script.append(RunEnd(outcome))
    return tuple(script)


@st.composite
def cut_up(draw: st.DrawFn, whole: Sequence[Any]) -> list[Any]:
    """The same sequence in pieces, cut anywhere; no piece is empty. Works for text, bytes and lists."""
    borders = sorted(draw(st.sets(st.integers(1, max(1, len(whole) - 1)), max_size=12)))
    edges = [0, *(border for border in borders if border < len(whole)), len(whole)]
    return [whole[start:end] for start, end in pairwise(edges) if start < end]
