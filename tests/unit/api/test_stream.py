from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from math import inf
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from antiphon.api.http import ClientGone
from antiphon.api.stream import STALL_SECONDS, Stream, Streams, pump
from antiphon.chat.ports import Batches
from antiphon.core.actor import ANONYMOUS
from antiphon.core.errors import AntiphonError, Unavailable
from antiphon.core.events import ChoiceEnd, ErrorEvent, Event, Passages, RunEnd, RunStart, Status, TextDelta
from antiphon.runs.log import Run
from tests.support.streams import BEAT, TAGGED, Client, Show, Tagged, frame

pytestmark = pytest.mark.anyio

START, SEARCHING, FOUND = RunStart("run_1", "m", 0), Status("searching"), Passages(0.5, ())
A, B, STOP, DONE = TextDelta("a"), TextDelta("b"), ChoiceEnd("stop"), RunEnd("completed")
FAILURE: list[Event] = [ErrorEvent("upstream_timeout", "upstream", "Too slow.", status=504), RunEnd("failed")]


async def test_headers_wait_for_the_first_word() -> None:
    show = Show()
    task = await show.pumped([START], [SEARCHING], [FOUND], [Status("found", 1)])
    assert show.client.messages == []
    await show.say([A])
    head, body, *_ = show.client.messages
    assert head["status"] == 200
    assert dict(head["headers"]) == {
        b"content-type": b"text/event-stream",
        b"cache-control": b"no-cache, no-transform",
        b"x-accel-buffering": b"no",
        b"x-request-id": b"1",
    }
    assert body["body"] == b"data: RunStart\n\ndata: Status\n\ndata: Passages\n\ndata: Status\n\n"
    await show.say([B, STOP], [DONE])
    await task
    assert show.client.body.endswith(b"data: a\n\ndata: b\n\ndata: ChoiceEnd\n\ndata: RunEnd\n\n")
    assert show.client.complete
    assert show.outcome == "completed"


async def test_one_batch_is_one_write() -> None:
    show = Show(eager=True)
    await (await show.pumped([START], [A, B], [STOP, DONE]))
    assert [message.get("body") for message in show.client.messages[1:]] == [
        b"data: RunStart\n\n",
        b"data: a\n\ndata: b\n\n",
        b"data: ChoiceEnd\n\ndata: RunEnd\n\n",
        b"",
    ]


@pytest.mark.parametrize("before", [[], [[SEARCHING], [FOUND]]], ids=["at once", "after searching"])
async def test_a_failure_before_the_first_word_is_raised(before: list[list[Event]]) -> None:
    show = Show()
    task = await show.pumped([START], *before, FAILURE)
    with pytest.raises(AntiphonError) as failure:
        await task
    assert (failure.value.status, failure.value.code, failure.value.fault) == (504, "upstream_timeout", "upstream")
    assert show.client.messages == []
    assert show.outcome == "failed"


@pytest.mark.parametrize(("eager", "before"), [(False, [[A]]), (True, []), (True, [[A]])])
async def test_a_later_failure_or_an_eager_dialect_s_is_told_inside(eager: bool, before: list[list[Event]]) -> None:
    show = Show(eager=eager)
    await (await show.pumped([START], *before, FAILURE))
    assert show.client.complete
    assert show.client.body.endswith(b"data: ErrorEvent\n\ndata: RunEnd\n\n")
    assert show.outcome == "failed"


async def test_an_eager_dialect_begins_before_anything_is_said() -> None:
    show = Show(eager=True)
    task = await show.pumped()
    await show.settled()
    assert [message["type"] for message in show.client.messages] == ["http.response.start"]
    await show.say([START], [DONE])
    await task


async def test_an_eager_dialect_s_client_may_leave_before_the_run_begins() -> None:
    show = Show(eager=True)
    show.client.leave()
    show.client.reads.clear()
    await (await show.pumped())
    assert [message["type"] for message in show.client.messages] == ["http.response.start"]
    assert show.run.events == []
    assert show.records == []


@pytest.mark.parametrize(("end", "told"), [([], b"data: ErrorEvent\n\ndata: RunEnd\n\n"), ([DONE], b"data: RunEnd\n\n")])
async def test_a_reader_of_a_run_that_is_made_elsewhere_is_told_of_a_shutdown(end: list[Event], told: bytes) -> None:
    run, client, streams = Run("run_1", ANONYMOUS, "tagged", 0), Client(), Streams()

    async def batches() -> Batches:
        yield []
        yield [START, A, *end]
        await asyncio.Event().wait()

    async def read() -> None:
        stream = Stream(TAGGED, run, client.send, [], inf)
        await pump(streams, stream, run, Tagged(), batches(), client.receive, eager=True)

    task = asyncio.create_task(read())
    await client.until(frame(A))
    await streams.close()
    await task
    assert client.complete
    assert client.body == b"data: RunStart\n\ndata: a\n\n" + told


async def test_a_heartbeat_begins_a_waiting_response_and_failures_are_then_told_inside() -> None:
    show = Show()
    task = await show.pumped([START], [SEARCHING])
    await show.live.beat()
    assert show.client.body == b"data: RunStart\n\ndata: Status\n\n" + BEAT
    await show.say(FAILURE)
    await task
    assert show.client.complete
    assert show.client.body.endswith(BEAT + b"data: ErrorEvent\n\ndata: RunEnd\n\n")


async def test_a_heartbeat_that_comes_too_late_says_nothing() -> None:
    show = Show()
    await (await show.pumped([START], [A], [DONE]))
    sent = len(show.client.messages)
    await show.live.beat()
    assert len(show.client.messages) == sent
    assert show.client.complete


async def test_when_a_heartbeat_is_due() -> None:
    show = Show(silence=15.0)
    task = await show.pumped([START], [A])
    stream = show.live
    assert not stream.due(stream.idle_since + 14.9)
    assert stream.due(stream.idle_since + 15)
    show.client.reads.clear()
    await show.say([B])
    assert not stream.due(stream.idle_since + 15)  # something is on its way
    assert not stream.stalled(stream.sending_since + STALL_SECONDS)
    assert stream.stalled(stream.sending_since + STALL_SECONDS + 0.1)
    show.client.reads.set()
    await show.say([DONE])
    await task


async def test_a_dialect_without_a_heartbeat_is_never_due() -> None:
    show = Show(dialect=replace(TAGGED, heartbeat=None), silence=0.0)
    task = await show.pumped([START])
    assert not show.live.due(inf)
    await show.say([DONE])
    await task


async def test_the_ticker_breaks_the_silence() -> None:
    show = Show(streams=Streams(tick=0.005), silence=0.0)
    task = await show.pumped([START])
    await show.client.until(BEAT)
    await show.say([A], [DONE])
    await task
    assert show.client.complete
    assert show.outcome == "completed"


async def test_the_ticker_gives_up_on_a_reader_that_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("antiphon.api.stream.STALL_SECONDS", 0.0)
    show = Show(streams=Streams(tick=0.005))
    show.client.reads.clear()
    await (await show.pumped([START], [A]))
    assert not show.client.complete
    assert show.outcome == "stopped"


FRAMES = st.lists(st.integers(1, 30).map(lambda size: b"data: " + b"x" * size + b"\n\n"), min_size=1, max_size=12)


@given(FRAMES, st.integers(1, 80))
async def test_a_write_is_cut_between_frames_only(frames: list[bytes], limit: int) -> None:
    client = Client()
    stream = Stream(replace(TAGGED, max_write=limit), Run("run_1", ANONYMOUS, "narrow", 0), client.send, [], inf)
    await stream.write(b"".join(frames))
    bodies = [message["body"] for message in client.messages]
    assert b"".join(bodies) == b"".join(frames)
    for body in bodies:
        assert body.endswith(b"\n\n")
        assert len(body) <= limit or body.count(b"\n\n") == 1


async def test_bytes_without_frames_are_written_as_they_are() -> None:
    client = Client()
    stream = Stream(replace(TAGGED, max_write=4), Run("run_1", ANONYMOUS, "narrow", 0), client.send, [], inf)
    await stream.write(b'{"a":1}\n')
    await stream.write(b"")
    assert client.messages == [{"type": "http.response.body", "body": b'{"a":1}\n', "more_body": True}]


async def test_a_client_that_leaves_before_the_first_word() -> None:
    show = Show()
    task = await show.pumped([START], [SEARCHING])
    show.client.leave()
    with pytest.raises(ClientGone):
        await task
    assert show.client.messages == []
    assert show.outcome == "stopped"


async def test_a_client_that_leaves_later_is_told_nothing_more() -> None:
    show = Show()
    task = await show.pumped([START], [A])
    sent = len(show.client.messages)
    show.client.leave()
    await task
    assert len(show.client.messages) == sent
    assert show.outcome == "stopped"
    assert task.cancelling() == 0


async def test_a_stopped_run_says_what_it_has_and_ends() -> None:
    show = Show()
    task = await show.pumped([START], [A])
    show.run.stop()
    show.run.stop()
    await task
    assert show.client.complete
    assert show.client.body == b"data: RunStart\n\ndata: a\n\ndata: RunEnd\n\n"
    assert show.outcome == "stopped"


async def test_a_run_stopped_before_its_first_word_ends_too() -> None:
    show = Show()
    task = await show.pumped([START], [SEARCHING])
    show.run.stop()
    await task
    assert show.client.complete
    assert show.client.body == b"data: RunStart\n\ndata: Status\n\ndata: RunEnd\n\n"


async def test_a_shutdown_is_told_and_waited_for() -> None:
    streams = Streams()
    shows = [Show(streams=streams) for _ in range(3)]
    tasks = [await show.pumped([START], [A]) for show in shows]
    await streams.close()
    assert all(task.done() for task in tasks)
    for show in shows:
        assert show.client.complete
        assert show.client.body.endswith(b"data: a\n\ndata: ErrorEvent\n\ndata: RunEnd\n\n")
        assert show.outcome == "interrupted"


async def test_a_shutdown_before_the_first_word_is_a_status() -> None:
    show = Show()
    task = await show.pumped([START])
    await show.streams.close()
    with pytest.raises(Unavailable) as refused:
        await task
    assert (refused.value.code, refused.value.status, refused.value.retry_after) == ("shutting_down", 503, 5)
    assert show.outcome == "interrupted"


async def test_nothing_begins_during_a_shutdown() -> None:
    show = Show()
    await show.streams.close()
    with pytest.raises(Unavailable):
        await (await show.pumped([START]))
    assert show.client.messages == []
    assert show.run.events == []


async def test_a_shutdown_does_not_wait_for_ever_for_a_reader() -> None:
    show = Show()
    task = await show.pumped([START], [A])
    show.client.reads.clear()
    await show.streams.close(grace=0.02)
    assert not task.done()
    show.client.leave()
    await task
    assert show.outcome == "interrupted"


async def test_a_shutdown_after_the_last_word_tells_no_second_end() -> None:
    show = Show()
    task = await show.pumped([START], [A])
    show.client.reads.clear()
    await show.say([DONE])
    show.live.stop("shutdown")
    show.client.reads.set()
    await task
    assert show.client.complete
    assert show.client.body.count(b"RunEnd") == 1
    assert b"ErrorEvent" not in show.client.body
    assert show.outcome == "completed"


@pytest.mark.parametrize("own", [None, "stopped"])
async def test_a_cancellation_that_is_not_ours_goes_on(own: Literal["stopped"] | None) -> None:
    show = Show()
    task = await show.pumped([START], [A])
    if own:
        show.live.stop(own)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert show.outcome == "stopped"


async def test_a_whole_answer_is_collected_without_a_word() -> None:
    show = Show(silence=0.0)
    task = await show.collected([START], [A])
    assert not show.live.due(1e12)
    await show.say([B], [DONE])
    assert (await task).choices[0].text == "ab"
    assert show.client.messages == []
    assert show.outcome == "completed"


async def test_a_failed_run_is_raised_when_collected() -> None:
    show = Show()
    task = await show.collected([START], [A], FAILURE)
    with pytest.raises(AntiphonError) as failure:
        await task
    assert failure.value.status == 504
    assert show.outcome == "failed"


async def test_a_stopped_run_is_collected_as_far_as_it_went() -> None:
    show = Show()
    task = await show.collected([START], [A])
    show.run.stop()
    answer = await task
    assert (answer.choices[0].text, answer.outcome) == ("a", "stopped")
    assert task.cancelling() == 0


Cutter = Callable[[Show], Awaitable[None]]


async def _leaves(show: Show) -> None:
    show.client.leave()


async def _closes(show: Show) -> None:
    await show.streams.close()


@pytest.mark.parametrize(("cut", "raised", "outcome"), [(_leaves, ClientGone, "stopped"), (_closes, Unavailable, "interrupted")])
async def test_a_whole_answer_that_is_cut(cut: Cutter, raised: type[Exception], outcome: str) -> None:
    show = Show()
    task = await show.collected([START], [A])
    await cut(show)
    with pytest.raises(raised):
        await task
    assert show.client.messages == []
    assert show.outcome == outcome
