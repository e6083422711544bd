from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.events import (
    LEGAL,
    ChoiceEnd,
    CitationEvent,
    ErrorEvent,
    Event,
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
from antiphon.core.fold import Folder, IllegalOrder, fold
from antiphon.core.messages import ToolCall
from antiphon.core.passages import Citation
from tests.support.scripts import event_scripts, events

START = RunStart("run_1", "m", 0)
FAILURE = ErrorEvent("upstream_error", "upstream", "It broke.")
CITATION = Citation(1, "t", "u", "d", "s", "q")
REACHED: dict[Phase, list[Event]] = {
    "new": [],
    "preparing": [START],
    "answering": [START, TextDelta("a"), ToolCallStart(0, "c", "f")],
    "failed": [START, TextDelta("a"), FAILURE],
    "ended": [START, RunEnd("completed")],
}
ONE_OF_EACH: list[Event] = [
    START,
    Status("searching"),
    Passages(0.5, ()),
    TextDelta("x"),
    ReasoningDelta("x"),
    ToolCallStart(1, "c", "f"),
    ToolCallDelta(0, "{}"),
    ToolCallEnd(0),
    CitationEvent(CITATION, (0, 3)),
    RuleHit("r", "block"),
    ChoiceEnd("stop", choice=1),
    Usage(1, 2),
    FAILURE,
    RunEnd("completed"),
]


def folder_after(script: list[Event]) -> Folder:
    folder = Folder()
    for event in script:
        folder.feed(event)
    return folder


def test_the_table_below_has_one_of_each() -> None:
    assert {type(event) for event in ONE_OF_EACH} == set(Event.__args__)


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: type(event).__name__)
@pytest.mark.parametrize("phase", LEGAL)
def test_an_event_is_taken_where_the_table_lists_it_and_nowhere_else(phase: Phase, event: Event) -> None:
    folder = folder_after(REACHED[phase])
    assert folder.phase == phase
    following = LEGAL[phase].get(type(event))
    if phase == "preparing" and isinstance(event, ToolCallDelta | ToolCallEnd):
        following = None  # in order, but there is no call to feed yet
    if following is None:
        with pytest.raises(IllegalOrder):
            folder.feed(event)
        assert folder.phase == phase
    else:
        folder.feed(event)
        assert folder.phase == following


@pytest.mark.parametrize(
    "script",
    [
        [ChoiceEnd("stop"), TextDelta("late")],
        [ChoiceEnd("stop"), ChoiceEnd("stop")],
        [ChoiceEnd("stop"), ToolCallStart(0, "a", "f")],
        [ToolCallStart(0, "a", "f"), ToolCallStart(0, "b", "f")],
        [ToolCallStart(0, "a", "f"), ToolCallEnd(0), ToolCallStart(0, "a", "f")],
        [ToolCallStart(0, "a", "f"), ToolCallEnd(0), ToolCallDelta(0, "x")],
        [ToolCallStart(0, "a", "f"), ToolCallEnd(0), ToolCallEnd(0)],
        [ToolCallStart(0, "a", "f"), ToolCallDelta(0, "x", choice=1)],
        [ToolCallStart(0, "a", "f"), ChoiceEnd("tool_calls")],
    ],
)
def test_the_last_event_breaks_a_rule_beyond_the_table(script: list[Event]) -> None:
    folder = folder_after([START, *script[:-1]])
    before = folder.answer()
    with pytest.raises(IllegalOrder):
        folder.feed(script[-1])
    assert folder.answer() == before


@given(event_scripts(), events, st.data())
def test_a_refused_event_leaves_everything_as_it_was(script: tuple[Event, ...], event: Event, data: st.DataObject) -> None:
    folder = folder_after(list(script[: data.draw(st.integers(1, len(script)))]))
    before, phase = folder.answer(), folder.phase
    try:
        folder.feed(event)
    except IllegalOrder:
        assert folder.answer() == before
        assert folder.phase == phase
    else:
        assert type(event) in LEGAL[phase]


@given(event_scripts())
def test_asking_on_the_way_changes_nothing(script: tuple[Event, ...]) -> None:
    folder = Folder()
    for event in script:
        folder.feed(event)
        assert folder.answer().run == "run_01J0000000000000000000000"
    assert folder.answer() == fold(script)


@given(event_scripts())
def test_an_answer_holds_what_was_said(script: tuple[Event, ...]) -> None:
    answer = fold(script)
    end = script[-1]
    assert isinstance(end, RunEnd)
    assert answer.outcome == end.outcome
    said = [event.choice for event in script if isinstance(event, TextDelta | ReasoningDelta | ToolCallStart | ChoiceEnd)]
    assert len(answer.choices) == len(set(said))
    for number, choice in zip(sorted(set(said)), answer.choices, strict=True):
        deltas = [event for event in script if isinstance(event, TextDelta) and event.choice == number]
        assert choice.text == "".join(delta.text for delta in deltas)
        assert choice.provider_data == tuple(delta.provider_data for delta in deltas if delta.provider_data is not None)
        assert choice.reasoning == "".join(e.text for e in script if isinstance(e, ReasoningDelta) and e.choice == number)
        assert choice.citations == tuple(e.citation for e in script if isinstance(e, CitationEvent) and e.choice == number)


def test_calls_are_put_together_by_choice_and_index() -> None:
    answer = fold(
        [
            START,
            ToolCallStart(1, "b", "second"),
            ToolCallStart(0, "a", "first"),
            ToolCallStart(0, "c", "other", choice=1),
            ToolCallDelta(0, '{"x"'),
            ToolCallDelta(1, "{}"),
            ToolCallDelta(0, ":1}"),
            ToolCallEnd(0),
            ToolCallEnd(1),
            ChoiceEnd("tool_calls"),
            RunEnd("interrupted"),
        ]
    )
    first, second = answer.choices
    assert first.tool_calls == (ToolCall("a", "first", '{"x":1}'), ToolCall("b", "second", "{}"))
    assert first.finish_reason == "tool_calls"
    assert second.tool_calls == (ToolCall("c", "other", ""),)
    assert second.finish_reason is None


def test_there_is_no_answer_before_the_start() -> None:
    with pytest.raises(IllegalOrder):
        Folder().answer()
    with pytest.raises(IllegalOrder):
        fold([])
