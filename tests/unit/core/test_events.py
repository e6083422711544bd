from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.errors import RateLimited, UpstreamTimeout
from antiphon.core.events import LEGAL, ErrorEvent, Event, TextDelta
from antiphon.core.messages import File, Image, Message, Part, Text, ToolCall, ToolResult, said, text_of
from antiphon.core.passages import Citation, Passage
from tests.support.scripts import citations, events, passages, texts

PARTS: st.SearchStrategy[Part] = st.one_of(
    st.builds(Text, texts),
    st.builds(Image, texts, st.none() | texts),
    st.builds(File, st.none() | texts, st.none() | texts, st.none() | texts),
    st.builds(ToolCall, texts, texts, texts),
    st.builds(ToolResult, texts, texts),
)


@given(events)
def test_every_event_survives_json(event: Event) -> None:
    assert msgspec.json.decode(msgspec.json.encode(event), type=Event) == event


@given(st.lists(PARTS).map(tuple), st.sampled_from(["system", "user", "assistant", "tool"]))
def test_every_message_survives_json(parts: tuple[Part, ...], role: str) -> None:
    message = msgspec.convert({"role": role, "parts": msgspec.to_builtins(parts)}, Message)
    assert message.parts == parts
    assert msgspec.json.decode(msgspec.json.encode(message), type=Message) == message


@given(passages, citations)
def test_passages_and_citations_survive_json(passage: Passage, citation: Citation) -> None:
    assert msgspec.json.decode(msgspec.json.encode(passage), type=Passage) == passage
    assert msgspec.json.decode(msgspec.json.encode(citation), type=Citation) == citation


def test_an_event_names_its_kind_and_leaves_out_what_is_usual() -> None:
    assert msgspec.json.encode(TextDelta("hi")) == b'{"type":"text-delta","text":"hi"}'


def test_every_event_is_legal_somewhere_and_every_phase_is_reached() -> None:
    assert {kind for row in LEGAL.values() for kind in row} == set(Event.__args__)
    assert {phase for row in LEGAL.values() for phase in row.values()} == set(LEGAL) - {"new"}


def test_an_error_told_in_the_stream_is_the_error_that_it_was() -> None:
    for error in (UpstreamTimeout("Too slow."), RateLimited("Too many.", retry_after=3, code="quota")):
        again = ErrorEvent.of(error).as_error()
        for name in ("message", "code", "fault", "status", "retryable", "retry_after"):
            assert getattr(again, name) == getattr(error, name)


def test_the_text_of_a_message_is_that_of_its_text_parts() -> None:
    message = Message("user", (Text("a"), Image("http://x/y.png"), Text("b"), ToolResult("1", "c")))
    assert message.text == text_of(message.parts) == "abc"
    assert said("user", "hi") == Message("user", (Text("hi"),))
