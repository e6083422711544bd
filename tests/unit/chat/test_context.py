from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.chat.context import GROUNDING, MARGIN, Fitted, fit
from antiphon.core.language import Language
from antiphon.core.messages import Message, ToolCall, ToolResult, said
from antiphon.core.passages import Hit
from antiphon.core.tokens import estimate_message
from tests.support.turns import hit


def fitted(
    messages: Sequence[Message],
    hits: Sequence[Hit] = (),
    *,
    window: int | None = None,
    persona: str | None = None,
    grounded: bool = False,
    answer: int | None = None,
    language: Language = "en",
) -> Fitted:
    return fit(messages, language=language, persona=persona, hits=hits, grounded=grounded, window=window, answer_tokens=answer)


def tokens(messages: Sequence[Message]) -> int:
    return sum(map(estimate_message, messages))


CALL = Message("assistant", (ToolCall("c1", "look", "{}"),))
RESULT = Message("tool", (ToolResult("c1", "found it"),))
TALK = [said("user", "one"), said("assistant", "two"), said("user", "three"), said("assistant", "four"), said("user", "five?")]


def test_without_a_window_nothing_is_dropped() -> None:
    assert fitted(TALK) == Fitted(tuple(TALK), 0, ())


def test_the_persona_comes_first_then_the_rule_then_the_caller_s_system() -> None:
    messages = fitted([said("system", "Mine."), *TALK], [hit()], persona="You are Ann.", grounded=True).messages
    assert messages[0] == said("system", "You are Ann.\n\n" + GROUNDING["en"])
    assert messages[1] == said("system", "Mine.")
    assert messages[2:-1] == tuple(TALK[:-1])


@pytest.mark.parametrize(("language", "label"), [("en", "Question: "), ("vi", "Câu hỏi: "), ("zh-Hans", "问题: "), ("zh-Hant", "問題: ")])
def test_passages_stand_in_front_of_the_question(language: Language, label: str) -> None:
    messages = fitted(TALK, [hit(1, "First."), hit(2, "Second.")], grounded=True, language=language).messages
    assert GROUNDING[language] in messages[0].text
    assert "\n[1] Page 1\nFirst.\n\n[2] Page 2\nSecond.\n\n" in messages[-1].text
    assert messages[-1].text.endswith(label + "five?")


def test_who_found_nothing_is_told_so() -> None:
    assert "invent" in fitted(TALK, grounded=True).messages[0].text
    assert fitted(TALK, grounded=True).messages[-1] == TALK[-1]


def test_passages_stand_before_the_question_even_when_tools_have_answered_since() -> None:
    messages = fitted([said("user", "why?"), CALL, RESULT], [hit()], grounded=True).messages
    assert messages[1].role == "user"
    assert "[1] Page 1" in messages[1].text
    assert messages[2:] == (CALL, RESULT)


def test_the_oldest_turns_go_first() -> None:
    whole = tokens(TALK)
    for room in range(tokens(TALK[-1:]), whole + 1):
        got = fitted(TALK, window=int((room + 16) / (1 - MARGIN)) + 1, answer=16)
        assert got.messages == tuple(TALK[got.dropped :])
        assert tokens(got.messages) <= room + 1
    assert fitted(TALK, window=1000, answer=16).dropped == 0
    assert fitted(TALK, window=1, answer=16).messages == (TALK[-1],)


def test_then_the_weakest_passages_and_the_rule_with_the_last_of_them() -> None:
    hits = [hit(number, "word " * 40) for number in (1, 2, 3)]
    counts = set()
    for window in range(20, 400, 5):
        got = fitted(TALK[-1:], hits, window=window, grounded=True, answer=16)
        counts.add(len(got.hits))
        assert got.hits == tuple(hits[: len(got.hits)])
        assert (GROUNDING["en"] in got.messages[0].text) == bool(got.hits)
        assert got.messages[-1].text.count("] Page") == len(got.hits)
    assert counts == {0, 1, 2, 3}


MESSAGES = st.lists(
    st.one_of(
        st.builds(said, st.sampled_from(["user", "assistant"]), st.text(max_size=60)),
        st.sampled_from([CALL, RESULT, said("system", "Be kind.")]),
    ),
    max_size=12,
)


@given(
    MESSAGES,
    st.text(max_size=40),
    st.lists(st.sampled_from([hit(1, "short"), hit(2, "longer " * 20), hit(3, "更长的段落" * 9)]), max_size=4),
    st.integers(1, 400),
    st.none() | st.integers(1, 100),
    st.sampled_from(["en", "vi", "zh-Hans", "zh-Hant"]),
    st.booleans(),
)
def test_the_window_is_kept(
    earlier: list[Message], question: str, hits: list[Hit], window: int, answer: int | None, language: Language, grounded: bool
) -> None:
    messages = [*earlier, said("user", question)]
    got = fitted(messages, hits, window=window, answer=answer, persona="P", language=language, grounded=grounded)
    budget = int(window * (1 - MARGIN)) - (answer or min(1024, window // 4))
    system = [message for message in messages if message.role == "system"]
    talk = [message for message in messages if message.role != "system"]
    head = [message for message in got.messages if message.role == "system"]
    assert head[1:] == system
    assert got.messages[-1].text.endswith(question)
    rest = got.messages[len(head) : -1]
    assert rest == tuple(talk[got.dropped : -1])
    assert not rest or rest[0].role != "tool"
    assert got.hits == tuple(hits[: len(got.hits)])
    if tokens(got.messages) > budget:
        assert not rest
        assert not got.hits


def test_nobody_asked() -> None:
    assert fitted([said("system", "Be kind.")], window=10) == Fitted((said("system", "Be kind."),), 0, ())
