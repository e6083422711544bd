from __future__ import annotations

import json

import pytest

from antiphon.core.errors import UpstreamBusy, UpstreamRefused, UpstreamTimeout
from antiphon.core.events import ChoiceEnd, CitationEvent, ErrorEvent, Event, RunEnd, Status, TextDelta, Usage
from antiphon.core.fold import fold
from antiphon.dialects.event_source.dialect import EVENT_SOURCE
from antiphon.dialects.event_source.render import BUSY, WELCOME, RecordRenderer
from tests.unit.dialects.cases import CASES, CITED, START, answered, frames, records

RUN: list[Event] = [
    START,
    Status("searching"),
    Status("found", 1),
    TextDelta("See "),
    TextDelta("[1]."),
    CitationEvent(CITED, (4, 7)),
    TextDelta(" Bye"),
    ChoiceEnd("stop"),
    Usage(1, 2),
    RunEnd("completed"),
]


def test_each_record_is_an_event_and_its_data_and_has_no_event_field() -> None:
    stream = CASES["event_source"].render([RUN])
    assert all(frame.event == "" for frame in frames(stream))
    assert all({"event", "data"} <= set(record) for record in records(frames(stream)))
    assert [record["event"] for record in records(frames(stream))] == [
        "welcome",
        "status",
        "status",
        "content",
        "content",
        "citations",
        "content",
        "done",
    ]


def test_the_welcome_is_the_published_one() -> None:
    assert b'{"sender": "Server", "message": "Welcome to the SSE connection!"}' in WELCOME
    assert CASES["event_source"].render([RUN]).startswith(b"id: run_01J:0\n" + WELCOME)


def test_ids_are_the_numbers_of_the_events_in_their_run() -> None:
    assert [frame.id for frame in frames(CASES["event_source"].render([RUN]))] == [
        f"run_01J:{number}" for number in (0, 1, 2, 3, 4, 5, 6, 9)
    ]


@pytest.mark.parametrize("seen", range(len(RUN)))
def test_a_stream_that_broke_anywhere_goes_on_without_loss_or_repetition(seen: int) -> None:
    complete = records(frames(CASES["event_source"].render([RUN])))[1:]
    before = records(frames(CASES["event_source"].render([RUN[: seen + 1]])))[1:]
    resumed = frames(RecordRenderer("run_01J", seen).events(RUN[seen + 1 :]))
    if resumed:
        assert resumed[0].id == f"run_01J:{seen}"
    assert before + records(resumed)[1:] == complete


@pytest.mark.parametrize("kind", [UpstreamBusy, UpstreamRefused])
def test_a_busy_or_refusing_model_is_told_in_the_published_words(kind: type[UpstreamBusy] | type[UpstreamRefused]) -> None:
    error = kind("The model's server answered 429.")
    stream = CASES["event_source"].render([[START, ErrorEvent.of(error), RunEnd("failed")]])
    assert CASES["event_source"].failure(frames(stream)) == BUSY
    assert json.loads(EVENT_SOURCE.error(error).body)["error"]["message"] == BUSY


def test_other_failures_are_told_plainly() -> None:
    assert json.loads(EVENT_SOURCE.error(UpstreamTimeout("Too slow.")).body) == {
        "error": {"code": "upstream_timeout", "message": "Too slow.", "param": None}
    }


def test_the_whole_form_is_the_stream_in_one_piece() -> None:
    reply = EVENT_SOURCE.whole(CASES["event_source"].ask(), fold(answered("a", "b")))
    assert reply.content_type == "text/event-stream"
    assert CASES["event_source"].text(frames(reply.body)) == "ab"
