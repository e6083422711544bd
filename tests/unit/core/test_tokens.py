from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.messages import File, Image, Message, Part, Text, ToolCall, ToolResult, said
from antiphon.core.tokens import TOKENS_PER_IMAGE, TOKENS_PER_MESSAGE, estimate, estimate_message


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("a", 1), ("four", 1), ("hello world!", 3), ("你好", 2), ("한국", 2), ("カナ", 2), ("éé", 1), ("😀😀", 2), ("你好 hi", 3)],
)
def test_estimates_by_script(text: str, tokens: int) -> None:
    assert estimate(text) == tokens


@given(st.text(), st.text())
def test_more_text_is_never_fewer_tokens_and_never_more_than_its_parts(first: str, second: str) -> None:
    assert max(estimate(first), estimate(second)) <= estimate(first + second) <= estimate(first) + estimate(second)


@given(st.text())
def test_an_estimate_lies_between_a_quarter_of_the_characters_and_all_of_them(text: str) -> None:
    assert len(text) / 4 <= estimate(text) <= len(text)


@pytest.mark.parametrize(
    ("part", "tokens"),
    [
        (Text("four"), 1),
        (ToolResult("1", "four"), 1),
        (ToolCall("1", "name", '{"a":1}!'), 3),
        (Image("https://example.org/x.png"), TOKENS_PER_IMAGE),
        (File(data="x" * 80), 10),
        (File(id="file_1"), 0),
    ],
)
def test_every_part_counts(part: Part, tokens: int) -> None:
    assert estimate_message(Message("user", (part,))) == TOKENS_PER_MESSAGE + tokens
    assert estimate_message(Message("user", (part, part))) == TOKENS_PER_MESSAGE + 2 * tokens


def test_a_message_has_an_envelope() -> None:
    assert estimate_message(said("user", "")) == TOKENS_PER_MESSAGE
