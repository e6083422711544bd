from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.chat.ports import Batches
from antiphon.core.actor import ANONYMOUS
from antiphon.core.events import ErrorEvent, Event, Outcome, Passages, RunEnd, RunStart, Status, TextDelta, Usage
from antiphon.core.fold import Answer, IllegalOrder, fold
from antiphon.runs.log import Run
from antiphon.runs.recorder import Record, record
from tests.support.scripts import cut_up, event_scripts
from tests.support.turns import everything

pytestmark = pytest.mark.anyio

START = RunStart("run_1", "m", 0)
SPENT = Usage(3, 4, estimated=True)


class Source:
    """A turn: yields its batches, then fails, or waits for ever when told to `hang`."""

    def __init__(self, *batches: Sequence[Event], failure: Exception | None = None, hang: bool = False) -> None:
        self.batches, self.failure, self.hang = batches, failure, hang
        self.closed = False

    async def turn(self) -> Batches:
        try:
            for batch in self.batches:
                yield batch
            if self.failure is not None:
                raise self.failure
            if self.hang:
                await asyncio.Event().wait()
        finally:
            self.closed = True


class Desk:
    """Where finished records go."""

    def __init__(self) -> None:
        self.run = Run("run_1", ANONYMOUS, "openai", 0)
        self.records: list[Record] = []

    def recorded(self, source: Source) -> Batches:
        return record(self.run, source.turn(), self.records.append, self.count)

    def count(self, answer: Answer) -> Usage | None:
        return SPENT if answer.choices else None

    @property
    def answer(self) -> Answer:
        (made,) = self.records
        assert made.answer is not None
        assert made.answer == fold(self.run.events)
        assert made.outcome == made.answer.outcome
        return made.answer


@given(event_scripts().flatmap(cut_up))
async def test_a_turn_passes_unchanged_and_is_recorded_once(batches: list[Sequence[Event]]) -> None:
    desk = Desk()
    passed = [batch async for batch in desk.recorded(Source(*batches))]
    assert passed == batches
    assert desk.answer == fold([event for batch in batches for event in batch])
    assert desk.records[0].chunks == len(batches)


async def test_the_record_is_made_before_the_last_batch_is_passed_on() -> None:
    desk = Desk()
    async for batch in desk.recorded(Source([START], [TextDelta("a")], [RunEnd("completed")])):
        assert len(desk.records) == (batch == [RunEnd("completed")])


@given(event_scripts().flatmap(cut_up), st.integers(0, 8), st.sampled_from(["stopped", "interrupted"]))
async def test_a_reader_who_leaves_ends_the_log(batches: list[Sequence[Event]], taken: int, outcome: Outcome) -> None:
    desk, source = Desk(), Source(*batches)
    desk.run.outcome_if_cut = outcome
    recorded = desk.recorded(source)
    for _ in range(min(taken + 1, len(batches))):
        await anext(recorded)
    await recorded.aclose()
    assert source.closed
    assert desk.run.ended
    last = fold([event for batch in batches for event in batch]).outcome
    assert desk.answer.outcome == (last if taken + 1 >= len(batches) else outcome)


async def test_what_was_used_until_the_cut_is_asked_for() -> None:
    cases: list[tuple[list[Event], Usage | None]] = [
        ([START], None),
        ([START, TextDelta("a")], SPENT),
        ([START, TextDelta("a"), Usage(1, 1)], Usage(1, 1)),
    ]
    for script, usage in cases:
        desk = Desk()
        recorded = desk.recorded(Source(script, hang=True))
        await anext(recorded)
        await recorded.aclose()
        assert desk.answer.usage == usage


async def test_a_cancelled_task_ends_the_log() -> None:
    desk, source = Desk(), Source([START], [TextDelta("a")], hang=True)
    task = asyncio.create_task(everything(desk.recorded(source)))
    seen = desk.run.tail(after=0)
    assert await anext(seen) == (1, [TextDelta("a")])
    await seen.aclose()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert source.closed
    assert (desk.answer.outcome, desk.answer.choices[0].text, desk.answer.usage) == ("stopped", "a", SPENT)


@pytest.mark.parametrize(
    "source",
    [
        Source([START], [TextDelta("a")], failure=ZeroDivisionError("secret")),
        Source([START], [TextDelta("a")]),
        Source([START], [TextDelta("a"), START, TextDelta("b")]),
    ],
    ids=["raises", "ends without run-end", "breaks the order"],
)
async def test_a_defect_is_told_plainly_and_recorded(source: Source) -> None:
    desk = Desk()
    events = await everything(desk.recorded(source))
    assert events == desk.run.events
    assert [type(event) for event in events] == [RunStart, TextDelta, ErrorEvent, Usage, RunEnd]
    assert desk.answer.error is not None
    assert (desk.answer.error.code, desk.answer.error.status, desk.answer.outcome) == ("internal_error", 500, "failed")
    assert "secret" not in desk.answer.error.message


@pytest.mark.parametrize(
    ("source", "raised"), [(Source(failure=KeyError()), KeyError), (Source(), IllegalOrder), (Source([RunEnd("completed")]), IllegalOrder)]
)
async def test_a_defect_before_the_first_event_is_raised_and_recorded(source: Source, raised: type[Exception]) -> None:
    desk = Desk()
    with pytest.raises(raised):
        await everything(desk.recorded(source))
    (made,) = desk.records
    assert (made.answer, made.outcome, made.first_token) == (None, "interrupted", None)


async def test_a_defect_after_the_end_takes_nothing_back() -> None:
    desk = Desk()
    events = await everything(desk.recorded(Source([START], [RunEnd("completed")], failure=ZeroDivisionError())))
    assert events == [START, RunEnd("completed")]
    assert desk.answer.outcome == "completed"


async def test_a_record_that_cannot_be_kept_takes_nothing_from_the_reader() -> None:
    calls: list[Record] = []

    def fails(made: Record) -> None:
        calls.append(made)
        raise OSError("disk")

    run = Run("run_1", ANONYMOUS, "openai", 0)
    batches = record(run, Source([START], [RunEnd("completed")]).turn(), fails, lambda _: None)
    assert await everything(batches) == [START, RunEnd("completed")]
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("batches", "spoke"),
    [
        ([[START], [RunEnd("completed")]], False),
        ([[START], [Status("searching")], [Passages(0.1, ())], [RunEnd("completed")]], False),
        ([[START], [TextDelta("a")], [RunEnd("completed")]], True),
        ([[START, Status("searching"), TextDelta("a"), RunEnd("completed")]], True),
    ],
)
async def test_the_first_word_is_timed(batches: list[list[Event]], spoke: bool) -> None:
    desk = Desk()
    await everything(desk.recorded(Source(*batches)))
    (made,) = desk.records
    assert (made.first_token is not None) == spoke
    assert made.seconds >= (made.first_token or 0)
