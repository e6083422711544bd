"""What holds from a provider's first byte to a client's last one, whatever is said and wherever it is cut."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.api.http import Message
from antiphon.api.stream import Stream, Streams, pump
from antiphon.chat.plan import make_plan
from antiphon.chat.ports import Target
from antiphon.chat.turn import count_cut, take_turn
from antiphon.core.actor import ANONYMOUS
from antiphon.core.events import ChoiceEnd, CitationEvent, Event, TextDelta
from antiphon.core.fold import fold
from antiphon.runs.log import Run
from antiphon.runs.recorder import Record, record
from antiphon.wire.sse import Decoder
from tests.support.scripts import cut_up, event_scripts
from tests.support.turns import Finds, Scripted, hit
from tests.unit.dialects.cases import CASES, Case

pytestmark = pytest.mark.anyio

TEXTS = st.lists(
    st.sampled_from(["Nine ", "[1]", "[2", ", 1]", "\n```\n", "\r\n", "\u2028", "你好", "😀", "[", " "]), min_size=1, max_size=10
)
EACH = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


class Connection:
    """A client that reads everything and, if told to, leaves after so many messages."""

    def __init__(self, leave_after: float = inf) -> None:
        self.sent: list[Message] = []
        self._leave_after = leave_after
        self._left = asyncio.Event()

    async def send(self, message: Message) -> None:
        self.sent.append(message)
        if len(self.sent) >= self._leave_after:
            self._left.set()
        await asyncio.sleep(0)

    async def receive(self) -> Message:
        await self._left.wait()
        return {"type": "http.disconnect"}


async def answered(case: Case, batches: Sequence[Sequence[Event]], leave_after: float = inf) -> tuple[Connection, Run, list[Record]]:
    """One question asked of a grounded bot, all the way to a connection."""
    ask = case.ask()
    target = Target("m", Scripted(*batches), "up", bot="b", grounded=True)
    plan = make_plan(ANONYMOUS, ask.request, target)
    run = Run("run_01J0000000000000000000000", ANONYMOUS, case.dialect.name, 0)
    records: list[Record] = []
    turn = take_turn(plan, Finds(hit(1), hit(2)), run=run.id, created=0)
    recorded = record(run, turn, records.append, lambda answer: count_cut(plan, answer))
    connection = Connection(leave_after)
    stream = Stream(case.dialect, run, connection.send, [], inf)
    await pump(Streams(), stream, run, case.dialect.renderer(ask), recorded, connection.receive, eager=case.dialect.eager)
    return connection, run, records


def split(pieces: Sequence[str]) -> list[list[Event]]:
    said: list[list[Event]] = [[TextDelta(piece)] for piece in pieces]
    return [*said, [ChoiceEnd("stop")]]


@EACH
@settings(max_examples=25)
@given(pieces=TEXTS)
async def test_every_character_arrives_once_and_in_order(case: Case, pieces: list[str]) -> None:
    connection, run, records = await answered(case, split(pieces))
    body = b"".join(message.get("body", b"") for message in connection.sent)
    assert connection.sent[-1] == {"type": "http.response.body", "body": b""}
    assert run.answer().choices[0].text == "".join(pieces)
    arrived = case.text(Decoder().feed(body)).replace("\r\n", "\n")
    assert arrived.startswith("".join(pieces).replace("\r\n", "\n"))  # a list of sources may follow
    assert [made.outcome for made in records] == ["completed"]


@EACH
@settings(max_examples=25)
@given(pieces=TEXTS, leave_after=st.integers(1, 12))
async def test_a_client_may_leave_at_any_time(case: Case, pieces: list[str], leave_after: int) -> None:
    _, run, records = await answered(case, split(pieces), leave_after)
    if not run.events:  # an eager dialect's client that left on the first byte
        assert not records
        return
    (made,) = records
    assert run.ended
    assert made.answer == fold(run.events) == run.answer()
    assert made.outcome in ("completed", "stopped")
    choices = run.answer().choices
    assert "".join(pieces).startswith(choices[0].text if choices else "")
    assert (run.answer().usage is not None) == bool(choices)


@EACH
@settings(max_examples=40)
@given(batches=event_scripts().flatmap(cut_up))
def test_every_dialect_can_say_every_run(case: Case, batches: list[Sequence[Event]]) -> None:
    answer = fold([event for batch in batches for event in batch])
    stream = case.render(batches)
    assert Decoder().feed(stream) == [frame for byte in _decoded_bytewise(stream) for frame in byte]
    if answer.error is None:
        reply = case.dialect.whole(case.ask(), answer)
        assert reply.status == 200
        assert reply.body


def _decoded_bytewise(stream: bytes) -> list[list[object]]:
    decoder = Decoder()
    return [list(decoder.feed(stream[position : position + 1])) for position in range(len(stream))]


@given(TEXTS, st.data())
def test_citations_point_at_their_marks(pieces: list[str], data: st.DataObject) -> None:
    whole = "".join(pieces)
    _, run, _ = asyncio.run(answered(CASES["openai_chat"], split(data.draw(cut_up(whole)))))
    text = run.answer().choices[0].text
    assert text == whole
    for event in run.events:
        if isinstance(event, CitationEvent):
            assert str(event.citation.number) in text[slice(*event.span)]
