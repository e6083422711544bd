from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.chat.plan import Plan, make_plan
from antiphon.chat.ports import Batches, Target
from antiphon.chat.turn import count_cut, take_turn
from antiphon.core.actor import ANONYMOUS
from antiphon.core.errors import Unavailable, UpstreamError, UpstreamTimeout
from antiphon.core.events import (
    ChoiceEnd,
    CitationEvent,
    ErrorEvent,
    Event,
    Passages,
    ReasoningDelta,
    RunEnd,
    RunStart,
    Status,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from antiphon.core.fold import fold
from antiphon.core.messages import said
from antiphon.core.request import ChatRequest
from antiphon.core.tokens import estimate, estimate_message
from tests.support.turns import Finds, Scripted, everything, hit

pytestmark = pytest.mark.anyio

START = RunStart("run_1", "m", 5, "b")
QUESTION = "When does it open?"
NINE: list[Event] = [TextDelta("At nine [1].")]
STOP: list[Event] = [ChoiceEnd("stop")]


def planned(provider: Scripted, *earlier: str, **target: Any) -> Plan:
    messages = (*(said("user", text) for text in earlier), said("user", QUESTION))
    return make_plan(ANONYMOUS, ChatRequest(messages, model="b"), Target("m", provider, "up", bot="b", **target))


def turn(plan: Plan, finds: Finds | None = None) -> Batches:
    return take_turn(plan, finds or Finds(), run="run_1", created=5)


async def told(plan: Plan, finds: Finds | None = None) -> list[Event]:
    events = await everything(turn(plan, finds))
    fold(events)
    return events


async def test_a_model_asked_by_its_own_name_is_asked_as_it_stands() -> None:
    provider, finds = Scripted(NINE, STOP), Finds(hit())
    events = await told(planned(provider), finds)
    assert events[:3] == [START, *NINE, *STOP]
    assert isinstance(events[3], Usage)
    assert events[4:] == [RunEnd("completed")]
    assert finds.queries == []
    assert provider.asked is not None
    assert (provider.asked.model, provider.asked.messages, provider.asked.question) == ("up", (said("user", QUESTION),), QUESTION)


async def test_a_grounded_turn_tells_what_it_does() -> None:
    provider, finds = Scripted(NINE, STOP), Finds(hit(), hit(2))
    events = await told(planned(provider, grounded=True), finds)
    assert events[:4] == [START, Status("searching"), Passages(0.9, finds.found.hits, 7), Status("found", 2)]
    assert events[4] == NINE[0]
    assert isinstance(events[5], CitationEvent)
    assert (events[5].citation.number, events[5].span) == (1, (8, 11))
    assert [type(event) for event in events[6:]] == [ChoiceEnd, Usage, RunEnd]
    assert finds.queries == [QUESTION]
    assert provider.asked is not None
    assert provider.asked.question == QUESTION
    assert "[1] Page 1" in provider.asked.messages[-1].text
    assert (provider.asked.hits, provider.asked.searched, provider.asked.language) == (finds.found.hits, 7, "en")


async def test_a_strict_bot_without_passages_does_not_ask_its_model() -> None:
    provider = Scripted(NINE, STOP)
    events = await told(planned(provider, grounded=True, strict=True))
    assert [type(event) for event in events] == [RunStart, Status, Passages, ErrorEvent, RunEnd]
    assert isinstance(events[3], ErrorEvent)
    assert (events[3].code, events[3].status) == ("no_relevant_information", 404)
    assert events[4] == RunEnd("failed")
    assert provider.asked is None


async def test_a_lenient_bot_without_passages_asks_all_the_same() -> None:
    events = await told(planned(Scripted(NINE, STOP), grounded=True))
    assert [type(event) for event in events] == [RunStart, Status, Passages, Status, TextDelta, ChoiceEnd, Usage, RunEnd]


async def test_dropped_messages_are_told() -> None:
    provider = Scripted(STOP)
    events = await told(planned(provider, "long " * 200, "short", context_tokens=100))
    assert events[1] == Status("context-trimmed", 1)
    assert provider.asked is not None
    assert len(provider.asked.messages) == 2


@pytest.mark.parametrize("failure", [UpstreamTimeout("Too slow."), Unavailable("Busy.")])
async def test_a_search_that_fails_ends_the_turn(failure: UpstreamError | Unavailable) -> None:
    provider = Scripted(STOP)
    events = await told(planned(provider, grounded=True), Finds(failure=failure))
    assert events == [START, Status("searching"), ErrorEvent.of(failure), RunEnd("failed")]
    assert provider.asked is None


async def test_a_model_that_fails_at_once_costs_nothing() -> None:
    provider = Scripted(failure=UpstreamTimeout("Too slow."))
    assert await told(planned(provider)) == [START, ErrorEvent.of(UpstreamTimeout("Too slow.")), RunEnd("failed")]
    assert provider.closed == 1


async def test_a_model_that_fails_later_leaves_its_text_and_what_it_cost() -> None:
    provider = Scripted(NINE, [TextDelta("And [1")], failure=UpstreamTimeout("Too slow."))
    events = await told(planned(provider, grounded=True), Finds(hit()))
    assert [type(event) for event in events[-3:]] == [Usage, ErrorEvent, RunEnd]
    answer = fold(events)
    assert answer.choices[0].text == "At nine [1].And [1"
    assert answer.usage is not None
    assert answer.usage.estimated


async def test_usage_reported_before_a_failure_is_kept() -> None:
    answer = fold(await told(planned(Scripted([Usage(7, 0)], failure=UpstreamTimeout("Too slow.")))))
    assert answer.usage == Usage(7, 0)


async def test_the_upstream_s_count_wins_and_comes_once_and_last() -> None:
    provider = Scripted([*NINE, Usage(1, 1)], [*STOP], [Usage(7, 8, cached=3)])
    events = await told(planned(provider, input_price=2.0, output_price=10.0))
    assert [type(event) for event in events] == [RunStart, TextDelta, ChoiceEnd, Usage, RunEnd]
    assert events[3] == Usage(7, 8, cached=3, cost=(7 * 2.0 + 8 * 10.0) / 1_000_000)


async def test_without_a_count_tokens_are_estimated_and_say_so() -> None:
    script: list[Event] = [ReasoningDelta("hmm"), TextDelta("你好"), ToolCallStart(0, "c", "f"), ToolCallDelta(0, '{"a":1}')]
    events = await everything(turn(planned(Scripted(script))))
    assert events[-2] == Usage(estimate_message(said("user", QUESTION)), estimate('hmm你好{"a":1}'), estimated=True)


async def test_an_empty_batch_is_no_batch() -> None:
    batches = [batch async for batch in turn(planned(Scripted([], NINE, [], STOP)))]
    assert all(batches)


@pytest.mark.parametrize("grounded", [False, True])
async def test_closing_the_turn_closes_the_model_s_connection(grounded: bool) -> None:
    provider = Scripted(NINE, STOP)
    answer = turn(planned(provider, grounded=grounded), Finds(hit()))
    async for batch in answer:
        if isinstance(batch[0], TextDelta):
            break
    assert provider.closed == 0
    await answer.aclose()
    assert provider.closed == 1


async def test_a_defect_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        await everything(turn(planned(Scripted(NINE, failure=ZeroDivisionError()))))


@given(st.integers(0, 5))
async def test_a_cut_turn_is_counted_as_far_as_it_went(taken: int) -> None:
    plan = planned(Scripted(NINE, [TextDelta("More.")]), grounded=True, input_price=1.0, output_price=1.0)
    events = await everything(turn(plan, Finds(hit())))
    cut = fold(events[: 1 + taken])
    usage = count_cut(plan, cut)
    whole = fold(events).usage
    assert whole is not None
    if taken < 4:
        assert usage is None
    else:
        assert usage is not None
        assert (usage.input, usage.estimated) == (whole.input, True)
        assert usage.output == estimate(cut.choices[0].text)
        assert usage.cost is not None
