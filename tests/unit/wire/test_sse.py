from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.errors import UpstreamInvalid
from antiphon.wire.sse import Decoder, Frame, comment, encode
from tests.support.scripts import cut_up

BOM = b"\xef\xbb\xbf"
OPENAI = (
    'data: {"choices":[{"delta":{"content":"Xin chào"}}]}\n\ndata: {"choices":[{"delta":{"content":"你"}}]}\n\ndata: [DONE]\n\n'.encode()
)
RENDERED = sorted((Path(__file__).parents[2] / "fixtures" / "dialects").glob("*/*.sse"))
STREAMS: dict[str, tuple[bytes, list[Frame]]] = {
    "openai": (
        OPENAI,
        [
            Frame('{"choices":[{"delta":{"content":"Xin chào"}}]}'.encode()),
            Frame('{"choices":[{"delta":{"content":"你"}}]}'.encode()),
            Frame(b"[DONE]"),
        ],
    ),
    "lf": (b"data: a\n\ndata: b\n\n", [Frame(b"a"), Frame(b"b")]),
    "crlf": (b"data: a\r\n\r\ndata: b\r\n\r\n", [Frame(b"a"), Frame(b"b")]),
    "cr": (b"data: a\r\rdata: b\r\r:\n", [Frame(b"a"), Frame(b"b")]),
    "mixed ends": (b"data: a\r\ndata: b\rdata: c\n\r\n\rdata: d\n\r", [Frame(b"a\nb\nc"), Frame(b"d")]),
    "byte order mark": (BOM + b"data: a\n\n", [Frame(b"a")]),
    "second mark is text": (BOM + BOM + b"data: a\n\ndata: b\n\n", [Frame(b"b")]),
    "mark in the data": (b"data: " + BOM + b"a\n\n", [Frame(BOM + b"a")]),
    "comments": (b": hello\n\n:\ndata: a\n: in between\ndata: b\n\n: bye\n\n", [Frame(b"a\nb")]),
    "event names": (b"event: x\ndata: a\n\ndata: b\n\nevent: y\n\ndata: c\n\n", [Frame(b"a", "x"), Frame(b"b"), Frame(b"c")]),
    "ids persist": (b"id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n", [Frame(b"a", id="1"), Frame(b"b", id="1"), Frame(b"c")]),
    "an id without data": (b"id: 7\n\ndata: a\n\n", [Frame(b"a", id="7")]),
    "an id with NUL": (b"id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n", [Frame(b"a", id="1"), Frame(b"b", id="1")]),
    "retry and unknown": (b"retry: 10\nfoo: bar\nDATA: no\ndata : no\ndata: a\n\n", [Frame(b"a")]),
    "spaces": (b"data:a\n\ndata:  a \n\ndata:\n\ndata\n\n", [Frame(b"a"), Frame(b" a "), Frame(b""), Frame(b"")]),
    "empty lines of data": (b"data:\ndata: a\ndata:\n\n", [Frame(b"\na\n")]),
    "colons": (b"data: a: b::c\n\n", [Frame(b"a: b::c")]),
    "unicode breaks": ("data: a\u2028b\u2029c\u0085d\x0be\x0cf\n\n".encode(), [Frame("a\u2028b\u2029c\u0085d\x0be\x0cf".encode())]),
    "not utf-8": (b"event: \xff\ndata: \xff\xfe\n\n", [Frame(b"\xff\xfe", "\ufffd")]),
    "nothing": (b"\n\n\r\r\n\n", []),
}
TOUGH = st.sampled_from(
    [
        b"data",
        b":",
        b" ",
        b"\n",
        b"\n\n",
        b"\r",
        b"\r\n",
        b"event",
        b"id",
        b"x",
        BOM,
        b"data: a\n\n",
        b"data: b\r\n\r\n",
        b"\0",
        b"\xe2\x80\xa8",
        b"\xff",
    ]
)
SOUPS = st.lists(TOUGH, max_size=24).map(b"".join)


def decoded(pieces: Iterable[bytes], limit: int = 1 << 20) -> list[Frame]:
    decoder = Decoder(limit)
    frames = [frame for piece in pieces for frame in decoder.feed(piece)]
    return frames + decoder.close()


def one_by_one(stream: bytes) -> Iterator[bytes]:
    return (stream[position : position + 1] for position in range(len(stream)))


@pytest.mark.parametrize("name", STREAMS)
def test_at_every_split(name: str) -> None:
    stream, frames = STREAMS[name]
    assert decoded([stream]) == frames
    assert decoded(one_by_one(stream)) == frames
    for size in range(2, len(stream)):
        assert decoded(stream[start : start + size] for start in range(0, len(stream), size)) == frames
    for first, second in combinations(range(len(stream) + 1), 2):
        assert decoded([stream[:first], stream[first:second], stream[second:]]) == frames


@pytest.mark.parametrize("file", RENDERED, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_what_our_dialects_write_at_every_split(file: Path) -> None:
    stream = file.read_bytes()
    frames = decoded([stream])
    assert frames
    assert decoded(one_by_one(stream)) == frames
    for cut in range(1, len(stream)):
        assert decoded([stream[:cut], stream[cut:]]) == frames


@pytest.mark.parametrize("name", STREAMS)
def test_frames_come_as_soon_as_they_are_complete(name: str) -> None:
    stream, frames = STREAMS[name]
    if not stream.endswith(b"\r"):  # a CR may be half of a CRLF
        assert Decoder().feed(stream) == frames


@given(SOUPS, st.data())
def test_the_split_of_any_bytes_makes_no_difference(stream: bytes, data: st.DataObject) -> None:
    assert decoded(data.draw(cut_up(stream))) == decoded([stream]) == decoded(one_by_one(stream))


@given(st.lists(st.sampled_from([b"data: a\n\n", b"data: {}\n\n", b"id: 1\ndata: b\n\n", b"event: x\n", b"data: c\n", b"\n", b": x\n\n"])))
def test_records_that_come_whole_are_read_like_those_that_do_not(records: list[bytes]) -> None:
    assert decoded(records) == decoded(one_by_one(b"".join(records)))


@given(SOUPS, st.integers(1, 12), st.data())
def test_the_limit_does_not_depend_on_the_split(stream: bytes, limit: int, data: st.DataObject) -> None:
    def outcome(pieces: Iterable[bytes]) -> list[Frame] | None:
        try:
            return decoded(pieces, limit)
        except UpstreamInvalid:
            return None

    stream += b"\n\n"
    assert outcome(data.draw(cut_up(stream))) == outcome([stream]) == outcome(one_by_one(stream))


@pytest.mark.parametrize(
    "pieces", [[b"data: 0123456789\n\n"], [b"data: 01234", b"56789\n", b"\n"], [b"data: 012\n", b"data: 3\n\n"], [b"x" * 17]]
)
def test_what_is_too_large_is_refused(pieces: list[bytes]) -> None:
    with pytest.raises(UpstreamInvalid):
        decoded(pieces, 16)
    assert len(decoded(pieces, 18)) == (pieces[0][:1] == b"d")


def test_the_limit_is_one_frame_s_not_the_stream_s() -> None:
    assert len(decoded([b"data: 012345\n\n: comment\n"] * 100, 16)) == 100


@pytest.mark.parametrize(
    ("stream", "frames"),
    [
        (b"data: a", [Frame(b"a")]),
        (b"data: a\n", [Frame(b"a")]),
        (b"data: a\r", [Frame(b"a")]),
        (b"data: a\n\ndata: b", [Frame(b"a"), Frame(b"b")]),
        (b"event: x\ndata: a\nid: 3", [Frame(b"a", "x", "3")]),
        (b"data: a\n\n: bye", [Frame(b"a")]),
        (b"event: x", []),
        (b"\xef\xbb", []),
        (b"", []),
    ],
)
def test_a_last_frame_without_its_blank_line_counts(stream: bytes, frames: list[Frame]) -> None:
    assert decoded([stream]) == frames
    assert decoded(one_by_one(stream)) == frames


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=8)


@given(st.lists(st.tuples(st.binary(max_size=20), NAMES, NAMES.filter(bool)), max_size=5), st.data())
def test_what_is_encoded_is_decoded(frames: list[tuple[bytes, str, str]], data: st.DataObject) -> None:
    stream = b"".join(encode(*frame) for frame in frames)
    unified = [Frame(value.replace(b"\r\n", b"\n").replace(b"\r", b"\n"), event, id) for value, event, id in frames]
    assert decoded(data.draw(cut_up(stream))) == unified


@pytest.mark.parametrize("forged", ["a\nb", "a\rb", "\r\ndata: x", "a\0"])
def test_no_name_forges_a_frame(forged: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        encode(b"x", event=forged)
    with pytest.raises(ValueError, match="line break"):
        encode(b"x", id=forged)
    with pytest.raises(ValueError, match="line break"):
        comment(forged)


def test_how_frames_are_written() -> None:
    assert encode(b"") == b"data: \n\n"
    assert encode(b"a\nb", "x", "1") == b"event: x\nid: 1\ndata: a\ndata: b\n\n"
    assert comment("keepalive") == b": keepalive\n\n"
    with pytest.raises(ValueError, match="ping"):
        comment("ping 1")
