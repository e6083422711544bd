"""What holds for the streams of every dialect: no text lost, no batch border visible, failures told, records whole."""

from __future__ import annotations

from itertools import combinations, pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.core import errors
from antiphon.core.events import ChoiceEnd, CitationEvent, ErrorEvent, Event, RunEnd, Status, TextDelta
from antiphon.core.fold import fold
from antiphon.dialects.base import Head
from antiphon.wire.sse import Decoder
from tests.unit.dialects.cases import CASES, CITED, START, Case, answered, failed, frames

FIXTURES = Path(__file__).parents[2] / "fixtures" / "dialects"
TEXTS = st.lists(
    st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0") | st.sampled_from('\r\n\u2028\u2029\x85"\\}{[]`😀你'), max_size=12
    ),
    max_size=6,
)
EACH = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
ERRORS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.AntiphonError)]
EACH_ERROR = pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)

FOOTED = ("xiaozhi", "kuwa", "ask")  # these have no place for citations, so they end the text with a list of sources


class Request(msgspec.Struct):
    method: str
    path: str
    body: msgspec.Raw = msgspec.Raw(b"")
    query: dict[str, str] = {}
    headers: dict[str, str] = {}


def golden() -> list[Path]:
    return sorted(FIXTURES.glob("*/*.in.json"))


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.name.removesuffix('.in.json')}"


def beside(path: Path, suffix: str) -> bytes:
    return path.with_name(path.name.replace(".in.json", suffix)).read_bytes()


def test_every_dialect_has_golden_streams() -> None:
    assert {path.parent.name for path in golden()} == {case.dialect.name for case in CASES.values()}


@pytest.mark.parametrize("path", golden(), ids=name_of)
def test_golden_stream_at_every_batch_cut(path: Path) -> None:
    request = msgspec.json.decode(path.read_bytes(), type=Request)
    events = msgspec.json.decode(beside(path, ".events.json"), type=list[Event])
    expected = beside(path, ".out.sse")
    fold(events)  # the fixture itself is legal
    dialect = next(case.dialect for case in CASES.values() if case.dialect.name == path.parent.name)
    ask = dialect.decode(Head(request.method, request.path, request.query, request.headers), bytes(request.body))
    assert ask.stream
    borders = range(1, len(events))
    for count in (0, 1, 2, len(events) - 1):
        for cut in combinations(borders, count):
            edges = [0, *cut, len(events)]
            renderer = dialect.renderer(ask)
            assert b"".join([renderer.events(events[start:stop]) for start, stop in pairwise(edges)]) == expected


@pytest.mark.parametrize("path", golden(), ids=name_of)
def test_golden_stream_reads_the_same_at_every_byte_split(path: Path) -> None:
    stream = beside(path, ".out.sse")
    whole = frames(stream)
    for position in range(len(stream) + 1):
        decoder = Decoder()
        assert decoder.feed(stream[:position]) + decoder.feed(stream[position:]) + decoder.close() == whole


@EACH
@given(texts=TEXTS)
@settings(max_examples=150, deadline=None)
def test_text_arrives_as_it_was_written(case: Case, texts: list[str]) -> None:
    stream = case.render([[event] for event in answered(*texts)])
    expected = "".join(texts)
    if case.dialect.name == "xiaozhi":
        expected = expected.replace("\r\n", "\n").replace("\r", "\n")
    assert case.text(frames(stream)) == expected
    assert stream == case.render([answered(*texts)])


@EACH
def test_a_long_delta_is_cut_into_readable_records(case: Case) -> None:
    text = "\x01你" * 60_000
    stream = case.render([answered(text)])
    assert case.text(frames(stream)) == text
    if case.dialect.name not in ("event_source", "xiaozhi"):
        limit = min(case.dialect.max_write, 128 * 1024) if case.dialect.eager else 128 * 1024
        assert max(len(record) + 2 for record in stream.split(b"\n\n")) <= limit


@EACH
@EACH_ERROR
def test_a_failure_in_mid_stream_is_told_after_the_text(case: Case, kind: type[errors.AntiphonError]) -> None:
    error = kind("The model's server went away.", detail="secret-detail")
    stream = case.render([failed(ErrorEvent.of(error), "Hello")])
    told = case.failure(frames(stream))
    assert told
    assert b"secret-detail" not in stream
    assert b"[DONE]" not in stream
    if case.dialect.name != "xiaozhi":
        assert case.text(frames(stream)) == "Hello"


@EACH
@EACH_ERROR
def test_a_failure_before_the_first_byte_is_a_status_and_a_body(case: Case, kind: type[errors.AntiphonError]) -> None:
    reply = case.dialect.error(kind("No.", retry_after=1.5, detail="secret-detail"))
    assert reply.status == (500 if case.dialect.name == "xiaozhi" and kind.fault != "caller" else kind.status)
    assert isinstance(msgspec.json.decode(reply.body), dict)
    assert b"secret-detail" not in reply.body
    assert dict(reply.headers)["retry-after"] == "2"


@EACH
@pytest.mark.parametrize("outcome", ["interrupted", "failed"])
def test_a_cut_run_never_looks_finished(case: Case, outcome: str) -> None:
    events: list[Event] = [START, TextDelta("Hel"), RunEnd(outcome)]  # type: ignore[arg-type]
    stream = case.render([events])
    if case.dialect.name == "event_source":
        assert frames(stream)[-1].data == b'{"event":"done","data":"%s"}' % outcome.encode()
    else:
        assert case.failure(frames(stream))


@EACH
def test_a_stopped_run_ends_like_a_finished_one(case: Case) -> None:
    stopped = case.render([[START, TextDelta("Hel"), ChoiceEnd("stop"), RunEnd("stopped")]])
    finished = case.render([answered("Hel")])
    assert stopped == finished.replace(b'"data":"completed"', b'"data":"stopped"')


@EACH
def test_sources_are_told(case: Case) -> None:
    events: list[Event] = [
        START,
        Status("found", 1),
        TextDelta("Run dnf [1]."),
        CitationEvent(CITED, (8, 11)),
        ChoiceEnd("stop"),
        RunEnd("completed"),
    ]
    stream = case.render([events])
    assert stream.decode().count("https://docs.example/install") == (1 if "kuwa" not in case.dialect.name else 0)
    if case.dialect.name in FOOTED:
        text = case.text(frames(stream))
        assert text == "Run dnf [1].\n\n[1] Install > Guide > Install - https://docs.example/install"
        whole = msgspec.json.decode(case.dialect.whole(case.ask(), fold(events)).body)
        assert whole["choices"][0]["message"]["content"] == text


@EACH
def test_a_heartbeat_between_any_two_records_changes_nothing(case: Case) -> None:
    beat = case.dialect.heartbeat
    if beat is None:
        assert case.dialect.name == "kuwa"
        return
    parts = [case.render([answered("a", "b")])]
    records = [record + b"\n\n" for record in parts[0].split(b"\n\n") if record]
    assert frames(beat + beat.join(records)) == frames(parts[0])
