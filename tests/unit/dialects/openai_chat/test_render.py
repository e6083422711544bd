from __future__ import annotations

import json
from typing import Any

from antiphon.core.errors import NotFound, RateLimited, Unauthenticated, UpstreamRefused, UpstreamTimeout
from antiphon.core.events import (
    ChoiceEnd,
    CitationEvent,
    Event,
    ReasoningDelta,
    RunEnd,
    TextDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from antiphon.core.fold import fold
from antiphon.dialects.openai_chat.dialect import OPENAI_CHAT
from tests.unit.dialects.cases import CITED, START, body, frames, head, records

TOOL: list[Event] = [ToolCallStart(0, "call_1", "f"), ToolCallDelta(0, '{"a"'), ToolCallDelta(0, ":1}"), ToolCallEnd(0)]


def ask(**fields: Any) -> Any:
    return OPENAI_CHAT.decode(head(), body({"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True, **fields}))


def chunks(events: list[Event], **fields: Any) -> list[Any]:
    return records(frames(OPENAI_CHAT.renderer(ask(**fields)).events(events)))


def whole(events: list[Event], **fields: Any) -> Any:
    reply = OPENAI_CHAT.whole(ask(**fields), fold(events))
    assert reply.status == 200
    return json.loads(reply.body)


def accumulate(found: list[Any]) -> list[Any]:
    """As SDKs do: add up what the deltas say, choice by choice; strings are joined, so nothing may be repeated."""
    totals: list[Any] = []
    for chunk in found:
        for choice in chunk["choices"]:
            if choice["index"] == len(totals):
                totals.append({})
            add(totals[choice["index"]], choice["delta"])
    return totals


def add(total: dict[str, Any], delta: dict[str, Any]) -> None:
    for key, value in delta.items():
        if isinstance(value, str):
            total[key] = total.get(key, "") + value
        elif isinstance(value, dict):
            add(total.setdefault(key, {}), value)
        elif isinstance(value, list):
            items = total.setdefault(key, [])
            for item in value:
                if item["index"] == len(items):
                    items.append({})
                add(items[item["index"]], {name: part for name, part in item.items() if name != "index"})


def test_adding_up_the_deltas_gives_the_whole_message() -> None:
    events: list[Event] = [
        START,
        ReasoningDelta("Hm."),
        TextDelta("Hel"),
        TextDelta("lo"),
        *TOOL,
        ChoiceEnd("tool_calls"),
        Usage(1, 2),
        RunEnd("completed"),
    ]
    message = whole(events)["choices"][0]["message"]
    assert accumulate(chunks(events)) == [{key: value for key, value in message.items() if value is not None}]
    assert message["tool_calls"] == [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}]


def test_every_choice_opens_in_order_and_finishes_once() -> None:
    events: list[Event] = [START, TextDelta("b", 1), TextDelta("a", 0), ChoiceEnd("length", 1), ChoiceEnd("stop", 0), RunEnd("completed")]
    found = chunks(events, n=3)
    assert [chunk["choices"][0]["index"] for chunk in found[:3]] == [0, 1, 2]
    assert all(chunk["choices"][0]["delta"] == {"role": "assistant", "content": ""} for chunk in found[:3])
    finished = [(choice["index"], choice["finish_reason"]) for chunk in found for choice in chunk["choices"] if choice["finish_reason"]]
    assert sorted(finished) == [(0, "stop"), (1, "length"), (2, "stop")]


def test_choices_that_nobody_asked_for_are_not_told() -> None:
    events: list[Event] = [
        START,
        TextDelta("a"),
        TextDelta("b", 1),
        ReasoningDelta("c", 1),
        ChoiceEnd("stop"),
        ChoiceEnd("stop", 1),
        RunEnd("completed"),
    ]
    assert {choice["index"] for chunk in chunks(events) for choice in chunk["choices"]} == {0}
    assert len(whole(events)["choices"]) == 1


def test_id_created_and_model_never_change() -> None:
    found = chunks([START, TextDelta("a", 0, {"system_fingerprint": "fp"}), ChoiceEnd("stop"), RunEnd("completed")])
    assert {(chunk["id"], chunk["created"], chunk["model"], chunk["object"]) for chunk in found} == {
        ("chatcmpl-01J", 1_700_000_000, "m", "chat.completion.chunk")
    }


def test_usage_only_when_asked_for() -> None:
    events: list[Event] = [START, TextDelta("a"), ChoiceEnd("stop"), Usage(5, 7), RunEnd("completed")]
    assert all("usage" not in chunk and chunk["choices"] for chunk in chunks(events))
    *others, last = chunks(events, stream_options={"include_usage": True})
    assert all(chunk["usage"] is None for chunk in others)
    assert last["choices"] == []
    assert (last["usage"]["prompt_tokens"], last["usage"]["completion_tokens"], last["usage"]["total_tokens"]) == (5, 7, 12)


def test_citations_stand_at_the_top_of_the_finishing_chunk_and_as_annotations() -> None:
    events: list[Event] = [START, TextDelta("See [1]."), CitationEvent(CITED, (4, 7)), ChoiceEnd("stop"), RunEnd("completed")]
    found = chunks(events)
    assert [chunk["citations"][0]["url"] for chunk in found if "citations" in chunk] == ["https://docs.example/install"]
    assert "citations" in found[-1]
    answer = whole(events)
    assert answer["citations"][0]["number"] == 1
    assert answer["choices"][0]["message"]["annotations"] == [
        {
            "type": "url_citation",
            "url_citation": {"start_index": 4, "end_index": 7, "title": "Install", "url": "https://docs.example/install"},
        }
    ]


def test_logprobs_and_refusals_pass_through() -> None:
    first, second = {"token": "a", "logprob": -1.0}, {"token": "b", "logprob": -2.0}
    events: list[Event] = [
        START,
        TextDelta("a", 0, {"logprobs": {"content": [first], "refusal": None}, "system_fingerprint": "fp"}),
        TextDelta("b", 0, {"logprobs": {"content": [second]}}),
        TextDelta("", 0, {"refusal": "No, "}),
        TextDelta("", 0, {"refusal": "sorry."}),
        ChoiceEnd("stop"),
        RunEnd("completed"),
    ]
    found = chunks(events)
    assert [chunk["choices"][0]["logprobs"]["content"] for chunk in found if chunk["choices"][0]["logprobs"]] == [[first], [second]]
    answer = whole(events)
    assert answer["choices"][0]["logprobs"] == {"content": [first, second], "refusal": None}
    assert answer["choices"][0]["message"]["refusal"] == "No, sorry."
    assert answer["system_fingerprint"] == "fp"


def test_errors_carry_what_sdks_read() -> None:
    busy = OPENAI_CHAT.error(RateLimited("Slow down.", retry_after=1.25))
    assert dict(busy.headers) == {"x-should-retry": "true", "retry-after": "2", "retry-after-ms": "1250"}
    assert json.loads(busy.body)["error"]["type"] == "rate_limit_error"
    refused = OPENAI_CHAT.error(UpstreamRefused("The model's server refused."))
    assert (refused.status, dict(refused.headers)) == (502, {"x-should-retry": "false"})
    assert dict(OPENAI_CHAT.error(UpstreamTimeout("Too slow.")).headers) == {"x-should-retry": "true"}
    missing = OPENAI_CHAT.error(NotFound("No such model.", code="model_not_found", param="model"))
    assert json.loads(missing.body)["error"] == {
        "message": "No such model.",
        "type": "invalid_request_error",
        "param": "model",
        "code": "model_not_found",
    }
    assert json.loads(OPENAI_CHAT.error(Unauthenticated("Who?")).body)["error"]["code"] == "invalid_api_key"


def test_an_answer_without_a_word_is_still_an_answer() -> None:
    answer = whole([START, RunEnd("stopped")])
    assert answer["choices"][0]["message"]["content"] == ""
    assert answer["choices"][0]["finish_reason"] == "stop"
