from __future__ import annotations

import json as standard
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.core.errors import BadRequest
from antiphon.wire.json import MAX_DEPTH, convert, decode, decode_as

SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0") | st.sampled_from('"\\[]{},u0000'))
VALUES = st.recursive(SCALARS | TEXTS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=40)


class Point(msgspec.Struct):
    x: int
    names: list[str] = []


def refused(body: bytes) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        decode(body)
    assert caught.value.code == "invalid_json"
    assert caught.value.message.endswith(".")
    return caught.value


@given(VALUES, st.booleans())
@settings(deadline=None)
def test_every_legal_value_is_read_as_it_is(value: Any, ascii_only: bool) -> None:
    assert decode(standard.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=80))
def test_noise_is_a_value_or_a_bad_request(body: bytes) -> None:
    try:
        readable = standard.loads(body) is not None
    except (ValueError, RecursionError):
        readable = False
    try:
        decode(body)
    except BadRequest:
        return
    assert readable or body.strip() == b"null"


@pytest.mark.parametrize(
    "body", [b"", b" ", b"{", b"NaN", b"[Infinity]", b"-Infinity", b"1e999", b"'a'", b"{} {}", b'{"a":1,}', b"\xef\xbb\xbf{}", b"nul"]
)
def test_what_is_not_json(body: bytes) -> None:
    refused(body)


@pytest.mark.parametrize("body", [b'"\xff"', b'{"\xff": 1}', b'"\xed\xa0\x80"', b'"\xc0\x80"'])
def test_what_is_not_utf8(body: bytes) -> None:
    assert refused(body).message == "The body is not valid UTF-8."


@pytest.mark.parametrize("body", [rb'"\ud800"', rb'"\udc00"', rb'"a\ud83dz"', rb'"\ud800A"', rb'{"\ud800": 1}'])
def test_lone_surrogates(body: bytes) -> None:
    refused(body)


@pytest.mark.parametrize("body", [rb'"\u0000"', rb'["a", {"b": "x\u0000y"}]', rb'{"\u0000": 1}'])
def test_nul(body: bytes) -> None:
    assert "NUL" in refused(body).message


def test_a_backslash_before_u0000_is_text() -> None:
    assert decode(rb'"\\u0000"') == "\\u0000"


@pytest.mark.parametrize("digits", [20, 4_299, 4_301, 5_001, 100_000])
def test_long_integers(digits: int) -> None:
    refused(b"9" * digits)
    refused(b'{"a": [-' + b"9" * digits + b"]}")
    assert decode(b'"' + b"9" * digits + b'"') == "9" * digits


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_depth(opening: bytes, closing: bytes) -> None:
    assert decode(opening * MAX_DEPTH + b"1" + closing * MAX_DEPTH) is not None
    assert "deeper" in refused(opening * (MAX_DEPTH + 1) + b"1" + closing * (MAX_DEPTH + 1)).message
    refused(opening * 1_000_000)


def test_brackets_in_text_are_not_depth() -> None:
    text = '[{"\\' * 100
    assert decode(standard.dumps([text, {"a": [text]}]).encode()) == [text, {"a": [text]}]


def test_too_many_values() -> None:
    refused(b"[" + b"[]," * 400_000 + b"[]]")
    refused(b"[" + b"1," * 600_000 + b"1]")
    assert len(decode(b"[" + b"[]," * 100_000 + b"[]]")) == 100_001


def test_an_unterminated_text_takes_one_pass() -> None:
    refused(b'["a",' * 100 + b'"' + b'\\"' * 2_000_000)


@pytest.mark.parametrize(
    ("body", "param", "message"),
    [
        (b"[]", None, "The body: expected object, got array."),
        (b"{}", "x", "'x' is missing."),
        (b'{"x": "1"}', "x", "'x': expected int, got str."),
        (b'{"x": 1, "names": ["a", 2]}', "names[1]", "'names[1]': expected str, got int."),
    ],
)
def test_a_wrong_shape_is_told_by_path(body: bytes, param: str | None, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        decode_as(body, Point)
    assert (caught.value.param, caught.value.message) == (param, message)


def test_a_right_shape() -> None:
    assert decode_as(b'{"x": 3, "names": ["a"], "more": {}}', Point) == Point(3, ["a"])
    assert convert([{"x": 1}], list[Point]) == [Point(1)]
