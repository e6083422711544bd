from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.actor import Actor
from antiphon.core.events import Event, RunEnd, RunStart, TextDelta
from antiphon.core.fold import IllegalOrder, fold
from antiphon.runs.log import Run, RunLog
from tests.support.scripts import cut_up, event_scripts

pytestmark = pytest.mark.anyio

ANN, BEN = Actor(kind="user", user="ann"), Actor(kind="user", user="ben")
START = RunStart("run_1", "m", 0)


def new_run(id: str = "run_1", owner: Actor = ANN, dialect: str = "openai") -> Run:
    return Run(id, owner, dialect, 0)


async def read(run: Run, after: int, events: list[Event]) -> None:
    """Read to the end, checking that numbers leave no gap."""
    expected = after + 1
    async for position, batch in run.tail(after):
        assert position == expected
        assert batch
        events.extend(batch)
        expected += len(batch)


STEPS = st.lists(st.integers(-1, 3), max_size=12)
"""What happens between two batches: a reader joins after that many events (-1: at the beginning), each followed by a turn of the loop."""


@given(event_scripts().flatmap(cut_up), STEPS, st.booleans())
async def test_every_reader_gets_the_rest_whenever_it_comes(batches: list[Sequence[Event]], joins: list[int], patient: bool) -> None:
    whole = [event for batch in batches for event in batch]
    run = new_run()
    readers: list[tuple[int, list[Event], asyncio.Task[None]]] = []
    waiting = list(joins)
    for batch in batches:
        if waiting:
            after = waiting.pop()
            seen: list[Event] = []
            readers.append((after, seen, asyncio.create_task(read(run, after, seen))))
        if patient:
            await asyncio.sleep(0)
        run.append(batch)
    for after in waiting:
        seen = []
        readers.append((after, seen, asyncio.create_task(read(run, after, seen))))
    await asyncio.gather(*(task for _, _, task in readers))
    assert run.events == whole
    for after, seen, _ in readers:
        assert seen == whole[after + 1 :]
    assert run.answer() == fold(whole)


async def test_a_reader_that_leaves_disturbs_nobody() -> None:
    run = new_run()
    stays: list[Event] = []
    reader = asyncio.create_task(read(run, -1, stays))
    leaver = asyncio.create_task(read(run, -1, []))
    await asyncio.sleep(0)
    run.append([START])
    leaver.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaver
    run.append([TextDelta("a"), RunEnd("completed")])
    await reader
    assert stays == [START, TextDelta("a"), RunEnd("completed")]


async def test_reading_after_the_end_gives_nothing() -> None:
    run = new_run()
    run.append([START, RunEnd("completed")])
    for after in (1, 5):
        assert [batch async for batch in run.tail(after)] == []


async def test_what_came_before_an_illegal_event_is_kept_and_read() -> None:
    run = new_run()
    seen: list[Event] = []
    reader = asyncio.create_task(read(run, -1, seen))
    await asyncio.sleep(0)
    with pytest.raises(IllegalOrder):
        run.append([START, TextDelta("a"), START, TextDelta("b")])
    assert run.events == [START, TextDelta("a")]
    assert run.answer() == fold(run.events)
    run.append([RunEnd("failed")])
    with pytest.raises(IllegalOrder):
        run.append([RunEnd("failed")])
    await reader
    assert seen == [START, TextDelta("a"), RunEnd("failed")]


def test_stopping_asks_the_producer_once() -> None:
    asked: list[str] = []
    run = new_run()
    run.on_stop(lambda: asked.append("stop"))
    run.stop()
    run.stop()
    assert run.stopping
    assert asked == ["stop"]


def test_a_stop_that_comes_before_the_producer_is_not_lost() -> None:
    asked: list[str] = []
    run = new_run()
    run.stop()
    run.on_stop(lambda: asked.append("stop"))
    assert asked == ["stop"]


def test_an_ended_run_cannot_be_stopped() -> None:
    asked: list[str] = []
    run = new_run()
    run.on_stop(lambda: asked.append("stop"))
    run.append([START, RunEnd("completed")])
    run.stop()
    assert not run.stopping
    assert asked == []


def test_runs_are_found_by_id_and_listed_by_owner_and_dialect() -> None:
    log = RunLog()
    first = log.open(new_run("run_1"))
    second = log.open(new_run("run_2", BEN, "kuwa"))
    ended = log.open(new_run("run_3"))
    ended.append([START, RunEnd("completed")])
    assert log.find("run_1") is first
    assert log.find("run_9") is None
    assert log.active() == [first, second]
    assert log.active(ANN) == [first]
    assert log.active(BEN, "kuwa") == [second]
    assert log.active(BEN, "openai") == []


async def test_a_closed_run_is_forgotten_at_once_or_later(monkeypatch: pytest.MonkeyPatch) -> None:
    log = RunLog()
    kept, gone = log.open(new_run("run_1")), log.open(new_run("run_2"))
    for run in (kept, gone):
        run.append([START, RunEnd("completed")])
    log.close(gone)
    assert log.find("run_2") is None
    log.close(kept, keep=0.01)
    assert log.find("run_1") is kept
    await asyncio.sleep(0.03)
    assert log.find("run_1") is None


async def test_the_oldest_ended_run_goes_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("antiphon.runs.log.MAX_RETAINED", 2)
    log = RunLog()
    running = log.open(new_run("run_0"))
    for number in (1, 2, 3):
        run = log.open(new_run(f"run_{number}"))
        run.append([START, RunEnd("completed")])
        log.close(run, keep=1000)
    assert log.find("run_0") is running
    assert [log.find(f"run_{number}") is not None for number in (1, 2, 3)] == [False, False, True]
