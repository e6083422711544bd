from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from math import inf
from typing import Literal, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.api.http import ClientGone, Message
from antiphon.api.stream import STALL_SECONDS, Stream, Streams, collect, pump
from antiphon.chat.ports import Batches
from antiphon.core.actor import ANONYMOUS
from antiphon.core.errors import AntiphonError, Unavailable
from antiphon.core.events import ChoiceEnd, ErrorEvent, Event, Passages, RunEnd, RunStart, Status, TextDelta
from antiphon.core.fold import Answer
from antiphon.dialects.base import Ask, Head, Reply
from antiphon.runs.log import Run
from antiphon.runs.recorder import Record, record

pytestmark = pytest.mark.anyio

START, SEARCHING, FOUND = RunStart("run_1", "m", 0), Status("searching"), Passages(0.5, ())
A, B, STOP, DONE = TextDelta("a"), TextDelta("b"), ChoiceEnd("stop"), RunEnd("completed")
FAILURE: list[Event] = [ErrorEvent("upstream_timeout", "upstream", "Too slow.", status=504), RunEnd("failed")]
BEAT = b": beat\n\n"


class Tagged:
    """A dialect that says the names of the events; most of it is never asked for here."""

    name = "tagged"
    heartbeat: bytes | None = BEAT
    on_disconnect: Literal["stop", "detach"] = "stop"
    sources: Literal["field", "footer"] = "field"
    stream_type = "text/event-stream"
    eager = False
    max_write = 1 << 20

    def decode(self, head: Head, body: bytes) -> NoReturn:
        raise AssertionError

    def renderer(self, ask: Ask) -> NoReturn:
        raise AssertionError

    def whole(self, ask: Ask, answer: Answer) -> NoReturn:
        raise AssertionError

    def error(self, error: AntiphonError) -> Reply:
        raise AssertionError

    def events(self, batch: Sequence[Event]) -> bytes:
        return b"".join(frame(event) for event in batch)


def frame(event: Event) -> bytes:
    return f"data: {event.text if isinstance(event, TextDelta) else type(event).__name__}\n\n".encode()


class Client:
    """The other end of a connection. While `reads` is not set it takes nothing; `leave` ends it."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.reads = asyncio.Event()
        self.reads.set()
        self._left = asyncio.Event()
        self._grown = asyncio.Event()

    async def send(self, message: Message) -> None:
        self.messages.append(message)
        self._grown.set()
        await self.reads.wait()

    async def receive(self) -> Message:
        await self._left.wait()
        return {"type": "http.disconnect"}

    def leave(self) -> None:
        self._left.set()

    async def until(self, sign: bytes) -> None:
        """Wait for these bytes to have been sent."""
        while sign not in self.body:
            self._grown.clear()
            await asyncio.wait_for(self._grown.wait(), 10)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages)

    @property
    def complete(self) -> bool:
        """A well-formed response: one head, then bodies, the last of which is the only one without more."""
        kinds = [message["type"] for message in self.messages]
        more = [message.get("more_body", False) for message in self.messages[1:]]
        return kinds == ["http.response.start"] + ["http.response.body"] * len(more) and more[-1:] == [False] and all(more[:-1])


class Show:
    """One run on its way to one client: `say` a batch, `fail`, or let it hang."""

    def __init__(self, *, eager: bool = False, streams: Streams | None = None, dialect: Tagged | None = None, silence: float = inf) -> None:
        self.client = Client()
        self.run = Run("run_1", ANONYMOUS, "tagged", 0)
        self.streams = Streams() if streams is None else streams
        self.records: list[Record] = []
        self.closed = False
        self.stream: Stream | None = None
        self._dialect = dialect or Tagged()
        self._eager, self._silence = eager, silence
        self._queue: asyncio.Queue[Sequence[Event]] = asyncio.Queue()

    async def _turn(self) -> Batches:
        try:
            while not self.run.ended:
                yield await self._queue.get()
        finally:
            self.closed = True

    def _begin(self) -> Batches:
        self.stream = Stream(self._dialect, self.run, self.client.send, [(b"x-request-id", b"1")], self._silence)
        return record(self.run, self._turn(), self.records.append, lambda _: None)

    async def _pump(self) -> None:
        batches = self._begin()
        assert self.stream is not None
        await pump(self.streams, self.stream, self.run, self._dialect, batches, self.client.receive, eager=self._eager)

    async def _collect(self) -> Answer:
        batches = self._begin()
        assert self.stream is not None
        return await collect(self.streams, self.stream, self.run, batches, self.client.receive)

    async def settled(self) -> None:
        for _ in range(12):  # as often as a batch is handed on between tasks, and more
            await asyncio.sleep(0)

    async def pumped(self, *batches: Sequence[Event]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._pump())
        await self.say(*batches)
        return task

    async def collected(self, *batches: Sequence[Event]) -> asyncio.Task[Answer]:
        task = asyncio.create_task(self._collect())
        await self.say(*batches)
        return task

    async def say(self, *batches: Sequence[Event]) -> None:
        for batch in batches:
            self._queue.put_nowait(batch)
            await self.settled()

    @property
    def live(self) -> Stream:
        assert self.stream is not None
        return self.stream

    @property
    def outcome(self) -> str:
        """How it ended, recorded once, with nothing left behind."""
        assert self.closed
        assert len(self.streams) == 0
        (made,) = self.records
        return made.outcome


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
    run, client, streams, dialect = Run("run_1", ANONYMOUS, "tagged", 0), Client(), Streams(), Tagged()

    async def batches() -> Batches:
        yield []
        yield [START, A, *end]
        await asyncio.Event().wait()

    async def read() -> None:
        stream = Stream(dialect, run, client.send, [], inf)
        await pump(streams, stream, run, dialect, batches(), client.receive, eager=True)

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
    class Silent(Tagged):
        heartbeat = None

    show = Show(dialect=Silent(), silence=0.0)
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
    class Narrow(Tagged):
        max_write = limit

    client = Client()
    stream = Stream(Narrow(), Run("run_1", ANONYMOUS, "narrow", 0), client.send, [], inf)
    await stream.write(b"".join(frames))
    bodies = [message["body"] for message in client.messages]
    assert b"".join(bodies) == b"".join(frames)
    for body in bodies:
        assert body.endswith(b"\n\n")
        assert len(body) <= limit or body.count(b"\n\n") == 1


async def test_bytes_without_frames_are_written_as_they_are() -> None:
    class Narrow(Tagged):
        max_write = 4

    client = Client()
    stream = Stream(Narrow(), Run("run_1", ANONYMOUS, "narrow", 0), client.send, [], inf)
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
