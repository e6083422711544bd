from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.events import (
    ChoiceEnd,
    Event,
    ReasoningDelta,
    RunEnd,
    RunStart,
    TextDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from antiphon.core.fold import Choice, fold
from antiphon.providers.openai_compatible.decode import AnswerDecoder
from tests.support.replies import BENIGN, DONE, ROLE, STOP, TEXT, chunk, event, text, usage


def decoder() -> AnswerDecoder:
    numbers = iter(range(100))
    return AnswerDecoder("m", lambda: f"made_{next(numbers)}")


def decode(*reads: bytes) -> list[Event]:
    """The events of a stream that ends well."""
    decoding = decoder()
    events = [item for read in reads for item in decoding.feed(read)]
    events += decoding.close()
    assert decoding.failure is None
    return events


def choices(events: Sequence[Event]) -> tuple[Choice, ...]:
    return fold([RunStart("r", "m", 1), *events, RunEnd("completed")]).choices


def tool(**call: Any) -> bytes:
    return chunk({"tool_calls": [call]})


def test_text_usage_and_end() -> None:
    assert decode(ROLE, text("Hel"), text("lo"), STOP, usage(3, 4), DONE) == [
        TextDelta("Hel"),
        TextDelta("lo"),
        ChoiceEnd("stop"),
        Usage(3, 4),
    ]


WHOLE = (
    ROLE
    + text(TEXT)
    + chunk({"reasoning_content": "hm"})
    + tool(index=0, id="c", function={"name": "f", "arguments": "{}"})
    + STOP
    + usage()
    + DONE
)


@given(st.lists(st.integers(0, len(WHOLE)), max_size=6))
def test_any_split_gives_the_same_answer(cuts: list[int]) -> None:
    places = sorted({0, *cuts, len(WHOLE)})
    reads = [WHOLE[start:end] for start, end in pairwise(places)]
    assert decode(*reads) == decode(WHOLE)


def test_every_single_split_gives_the_same_answer() -> None:
    expected = decode(WHOLE)
    assert all(decode(WHOLE[:place], WHOLE[place:]) == expected for place in range(1, len(WHOLE)))


@given(st.binary(max_size=300), st.integers(0, len(WHOLE)))
def test_garbage_never_raises_and_never_ends_well_without_an_end(garbage: bytes, place: int) -> None:
    decoding = decoder()
    events = decoding.feed(WHOLE[:place]) + decoding.feed(garbage) + decoding.close()
    assert decoding.failure is not None or any(isinstance(item, ChoiceEnd) for item in events)


def test_choices_are_kept_apart() -> None:
    events = decode(text("a", 0), text("b", 1), text("c", 0), chunk({}, "length", 1), chunk({}, "stop", 0), DONE)
    assert [(choice.text, choice.finish_reason) for choice in choices(events)] == [("ac", "stop"), ("b", "length")]


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_under_both_names(name: str) -> None:
    assert decode(chunk({name: "hm", "content": "so"}), STOP)[:2] == [ReasoningDelta("hm"), TextDelta("so")]


def test_thinking_as_pieces_of_content() -> None:
    content = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "so"}]
    assert decode(chunk({"content": content}), STOP)[:2] == [ReasoningDelta("hm"), TextDelta("so")]


@pytest.mark.parametrize(
    ("told", "means"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("MAX_TOKENS", "length"),
        ("content_filter", "content_filter"),
        ("tool_calls", "tool_calls"),
        ("end_turn", "stop"),
        ("eos", "stop"),
    ],
)
def test_finish_reasons(told: str, means: str) -> None:
    assert decode(text("x"), chunk({}, told))[-1] == ChoiceEnd(means)  # type: ignore[arg-type]


def test_a_finish_reason_in_every_chunk_ends_once() -> None:
    assert decode(chunk({"content": "a"}, "stop"), chunk({"content": "b"}, "stop"), DONE) == [
        TextDelta("a"),
        TextDelta("b"),
        ChoiceEnd("stop"),
    ]


def test_the_last_of_several_usages_counts() -> None:
    assert decode(chunk({"content": "a"}, usage={"prompt_tokens": 1, "completion_tokens": 1}), STOP, usage(9, 8), DONE)[-1] == Usage(9, 8)


def test_details_of_usage() -> None:
    counts = {
        "prompt_tokens": 10.0,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    assert decode(text("a"), STOP, event({"choices": [], "usage": counts}), DONE)[-1] == Usage(10, 5, cached=4, reasoning=2)


def test_null_and_missing_fields() -> None:
    events = decode(
        event({"choices": [{"delta": {"role": None, "content": None}}]}),
        event({"choices": [{"index": None, "delta": {"content": "a"}, "finish_reason": None}]}),
        event({"choices": None, "usage": None}),
        event({"choices": [{"delta": None, "finish_reason": "stop"}], "created": 1.5}),
    )
    assert events == [TextDelta("a"), ChoiceEnd("stop")]


def test_what_only_openai_says_travels_in_provider_data() -> None:
    likely = {"token": "a", "logprob": -0.5, "bytes": [97]}
    logprobs = {"content": [{**likely, "top_logprobs": [likely]}], "refusal": None}
    first = event({"system_fingerprint": "fp", "choices": [{"index": 0, "delta": {"content": "a"}, "logprobs": logprobs}]})
    second = event({"system_fingerprint": "fp", "choices": [{"index": 0, "delta": {"content": "b"}}]})
    assert decode(first, second, chunk({"refusal": "no"}), STOP)[:3] == [
        TextDelta("a", 0, {"system_fingerprint": "fp", "logprobs": logprobs}),
        TextDelta("b"),
        TextDelta("", 0, {"refusal": "no"}),
    ]


@pytest.mark.parametrize(
    "told",
    [
        {"content": 5},
        {"content": [{"token": "a"}]},
        {"content": [{"token": "a", "logprob": -1, "bytes": [10**30]}]},
        {"tokens": ["a"], "token_logprobs": [-1]},
        [10**30],
        "none",
    ],
)
def test_log_probabilities_of_another_kind_are_left_out(told: object) -> None:
    first = event({"choices": [{"index": 0, "delta": {"content": "a"}, "logprobs": told}]})
    assert decode(first, STOP)[0] == TextDelta("a")


@pytest.mark.parametrize("count", [-5, 10**30, 1e200])
def test_counts_that_cannot_be_true_are_left_out(count: float) -> None:
    counts = {"prompt_tokens": count, "completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": -1}}
    assert decode(text("a"), STOP, event({"choices": [], "usage": counts}), DONE)[-1] == Usage(0, 5)


def test_a_chunk_that_is_nested_too_deeply_is_the_servers_fault() -> None:
    decoder = AnswerDecoder("m", lambda: "call")
    assert decoder.feed(b'data: {"error":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n\n") == []
    assert decoder.failure is not None
    assert decoder.failure.code == "upstream_invalid_response"


def test_a_tool_call_in_pieces() -> None:
    assert decode(
        tool(index=0, id="c1", function={"name": "look", "arguments": ""}),
        tool(index=0, function={"arguments": '{"a'}),
        tool(index=0, id="c1", function={"name": "look", "arguments": '":1}'}),
        chunk({}, "tool_calls"),
        DONE,
    ) == [ToolCallStart(0, "c1", "look"), ToolCallDelta(0, '{"a'), ToolCallDelta(0, '":1}'), ToolCallEnd(0), ChoiceEnd("tool_calls")]


def calls_of(*reads: bytes) -> list[tuple[str, str, str]]:
    (choice,) = choices(decode(*reads, STOP))
    assert choice.finish_reason == "tool_calls"
    return [(call.id, call.name, call.arguments) for call in choice.tool_calls]


def test_parallel_tool_calls_may_interleave() -> None:
    assert calls_of(
        tool(index=0, id="a", function={"name": "f", "arguments": ""}),
        tool(index=1, id="b", function={"name": "g", "arguments": ""}),
        tool(index=0, function={"arguments": "1"}),
        tool(index=1, function={"arguments": "2"}),
    ) == [("a", "f", "1"), ("b", "g", "2")]


def test_tool_calls_without_index_or_id() -> None:
    assert calls_of(
        tool(function={"name": "f", "arguments": "1"}),
        tool(function={"arguments": "2"}),
        tool(function={"name": "g", "arguments": {"x": 1}}),
    ) == [("made_0", "f", "12"), ("made_1", "g", '{"x":1}')]


def test_tool_calls_that_all_come_under_index_zero() -> None:
    assert calls_of(
        tool(index=0, id="a", function={"name": "f", "arguments": "1"}), tool(index=0, id="b", function={"name": "f", "arguments": "2"})
    ) == [
        ("a", "f", "1"),
        ("b", "f", "2"),
    ]


def test_tool_calls_with_numbers_for_ids_and_no_index() -> None:
    assert calls_of(
        tool(id=7, function={"name": "f", "arguments": "1"}), tool(id=7, function={"arguments": "2"}), tool(id=8, function={"name": "f"})
    ) == [
        ("7", "f", "12"),
        ("8", "f", ""),
    ]


def test_arguments_that_come_before_the_name_are_kept() -> None:
    assert calls_of(tool(index=0, id="a", function={"arguments": "1"}), tool(index=0, function={"name": "f", "arguments": "2"})) == [
        ("a", "f", "12")
    ]


def test_a_whole_answer() -> None:
    message = {"role": "assistant", "content": "Hi", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]}
    whole = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}
    assert decoder().whole(json.dumps(whole).encode()) == [
        TextDelta("Hi"),
        ToolCallStart(0, "a", "f"),
        ToolCallDelta(0, "{}"),
        ToolCallEnd(0),
        ChoiceEnd("tool_calls"),
        Usage(1, 2),
    ]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b"data: nonsense\n\n", "upstream_invalid_response"),
        (b"data: [1, 2]\n\n", "upstream_invalid_response"),
        (b'data: {"choices": 5}\n\n', "upstream_invalid_response"),
        (b'data: {"choices": [{"index": -1, "delta": {"content": "x"}}]}\n\n', "upstream_invalid_response"),
        (b'data: {"choices": [{"index": 9999, "delta": {"content": "x"}}]}\n\n', "upstream_invalid_response"),
        (b"data: " + b"[" * 5000 + b"\n\n", "upstream_invalid_response"),
        (event({"error": {"message": "boom"}}), "upstream_error"),
        (event({"error": "rate limit reached"}), "upstream_busy"),
    ],
)
def test_a_failure_keeps_what_came_before_it_in_the_same_read(bad: bytes, code: str) -> None:
    decoding = decoder()
    assert decoding.feed(text("kept") + bad + text("not read")) == [TextDelta("kept")]
    assert decoding.failure is not None
    assert decoding.failure.code == code


def test_a_finish_reason_of_error_is_a_failure() -> None:
    decoding = decoder()
    decoding.feed(text("a") + chunk({}, "error") + DONE)
    assert decoding.failure is not None
    assert decoding.failure.code == "upstream_error"


@pytest.mark.parametrize("stream", [b"", ROLE, ROLE + text("a"), text("a")[:-30], chunk({}, "stop", 0) + text("b", 1)])
def test_an_end_without_a_finish_reason_is_a_cut(stream: bytes) -> None:
    decoding = decoder()
    decoding.feed(stream)
    decoding.close()
    assert decoding.failure is not None
    assert decoding.failure.code in ("upstream_unreachable", "upstream_invalid_response")


def test_done_without_a_choice_is_no_answer() -> None:
    decoding = decoder()
    decoding.feed(DONE)
    assert decoding.failure is not None
    assert decoding.failure.code == "upstream_invalid_response"


def test_nothing_is_read_after_done() -> None:
    assert decode(text("a"), DONE + text("b"), b"data: nonsense\n\n") == [TextDelta("a"), ChoiceEnd("stop")]


def test_half_characters_are_replaced() -> None:
    cut_byte = b'data: {"choices":[{"index":0,"delta":{"content":"a\xe4\xbd"}}]}\n\n'
    cut_pair = b'data: {"choices":[{"index":0,"delta":{"content":"b\\ud83d"}}]}\n\n'
    events = decode(cut_byte, cut_pair, STOP)
    assert events[:2] == [TextDelta("a\ufffd"), TextDelta("b?")]


def test_an_endless_event_is_refused() -> None:
    decoding = decoder()
    for _ in range(100):
        decoding.feed(b"data: " + b"x" * 65536)
        if decoding.failure is not None:
            break
    assert decoding.failure is not None
    assert decoding.failure.code == "upstream_invalid_response"


def test_an_endless_answer_is_refused() -> None:
    decoding = decoder()
    frame = b": " + b"x" * 1_000_000 + b"\n\n"
    for _ in range(100):
        decoding.feed(frame)
        if decoding.failure is not None:
            break
    assert decoding.failure is not None
    assert decoding.failure.code == "upstream_invalid_response"


def test_line_separators_in_text_are_text() -> None:
    separators = BENIGN["line-separators"].text
    assert decode(text(separators), STOP)[0] == TextDelta(separators)
