from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.errors import BadRequest
from antiphon.providers.echo.script import Script, parse


def test_a_plain_message_is_said_as_it_is() -> None:
    assert parse("/echoes are not scripts") == Script("/echoes are not scripts")
    assert "".join(parse("Hello there, world").pieces()) == "Hello there, world"


def test_directives_come_first_and_the_rest_is_text() -> None:
    assert parse("/echo first=20 delay=50 size=3 finish=length fault=cut@5 thought=hm Hello\nand more") == Script(
        "Hello\nand more", 0.02, 0.05, 3, None, "length", "hm", "cut", 5
    )


def test_text_without_equals_ends_the_directives() -> None:
    assert parse("/echo delay=50 Hello a=b") == Script("Hello a=b", delay=0.05)


@pytest.mark.parametrize(("text", "chunks"), [("", 4), ("abc", 4), ("a text that is longer than that", 2)])
def test_as_many_chunks_as_asked_for(text: str, chunks: int) -> None:
    assert len(parse(f"/echo chunks={chunks} {text}").pieces()) == chunks


@pytest.mark.parametrize(
    "message",
    [
        "/echo nonsense=1 x",
        "/echo delay=x",
        "/echo delay=-1",
        "/echo delay=99999999",
        "/echo fault=fire",
        "/echo fault=cut@x",
        "/echo finish=never",
    ],
)
def test_what_cannot_be_done_is_refused(message: str) -> None:
    with pytest.raises(BadRequest):
        parse(message)


@given(st.text())
def test_any_text_is_either_said_or_refused(message: str) -> None:
    try:
        script = parse("/echo " + message)
    except BadRequest:
        return
    assert (script.text or "") in message
