from __future__ import annotations

import json

import msgspec
import pytest

from antiphon.core.events import ChoiceEnd, CitationEvent, ErrorEvent, Event, Passages, RunEnd, Status, TextDelta
from antiphon.core.fold import fold
from antiphon.dialects.qa_widget import render
from antiphon.dialects.qa_widget.dialect import QA_WIDGET
from tests.unit.dialects.cases import CASES, CITED, START, body, frames, head, records

FOUND: list[Event] = [START, Status("searching"), Passages(0.9, (), 9), Status("found", 3), Status("context-trimmed", 2)]


def kinds(stream: bytes) -> list[str]:
    return [record["type"] for record in records(frames(stream))]


def test_the_order_of_a_good_answer() -> None:
    events: list[Event] = [
        *FOUND,
        TextDelta("a"),
        TextDelta("b"),
        CitationEvent(CITED, (0, 1)),
        CitationEvent(CITED, (1, 2)),
        ChoiceEnd("stop"),
        RunEnd("completed"),
    ]
    stream = CASES["qa_widget"].render([events])
    assert kinds(stream) == ["status", "status", "content", "content", "citations", "done"]
    told = records(frames(stream))
    assert told[1]["message"] == "Found 3 relevant sources. Generating answer..."
    assert [(citation["title"], citation["url"]) for citation in told[4]["data"]] == [("Install", "https://docs.example/install")]
    whole = QA_WIDGET.whole(CASES["qa_widget"].ask(), fold(events))
    assert (kinds(whole.body), whole.content_type) == (["status", "status", "content", "citations", "done"], "text/event-stream")


def test_an_answer_without_sources_has_an_empty_list() -> None:
    assert records(frames(CASES["qa_widget"].render([[*FOUND, TextDelta("a"), RunEnd("completed")]])))[-2] == {
        "type": "citations",
        "data": [],
    }


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ErrorEvent("no_relevant_information", "caller", "?", status=404), "No relevant information found for this question."),
        (ErrorEvent("upstream_busy", "upstream", "The model's server said 429."), "Failed to generate response"),
        (ErrorEvent("internal_error", "ours", "?"), "Failed to generate response"),
        (ErrorEvent("context_too_long", "caller", "The question is too long.", status=400), "The question is too long."),
    ],
)
def test_any_failure_is_error_then_done(error: ErrorEvent, message: str) -> None:
    told = records(frames(CASES["qa_widget"].render([[*FOUND, TextDelta("a"), error, RunEnd("failed")]])))
    assert told[-2:] == [{"type": "error", "message": message}, {"type": "done"}]
    assert "citations" not in [record["type"] for record in told]


@pytest.mark.parametrize(
    ("language", "searching"),
    [
        ("en", "Searching for relevant information..."),
        ("vi-VN", "Đang tìm kiếm thông tin liên quan..."),
        ("zh", "正在查找相关信息……"),
        ("zh-Hant-HK", "正在查找相關資訊……"),
        ("fr", "Searching for relevant information..."),
        (None, "Searching for relevant information..."),
    ],
)
def test_fixed_texts_follow_the_language(language: str | None, searching: str) -> None:
    ask = QA_WIDGET.decode(head(), body({"tokenSlug": "x", "question": "?", "language": language}))
    assert records(frames(QA_WIDGET.renderer(ask).events([START, Status("searching")])))[0]["message"] == searching


@pytest.mark.parametrize("count", [1, 5, 40, 400])
@pytest.mark.parametrize("quote", ["\x01" * 300, "引" * 300, "a" * 5_000])
def test_no_record_outgrows_one_write(count: int, quote: str) -> None:
    cited: list[Event] = [
        CitationEvent(msgspec.structs.replace(CITED, number=number, quote=quote, title="T" * 90), (0, 0)) for number in range(1, count + 1)
    ]
    stream = CASES["qa_widget"].render([[*FOUND, TextDelta("\x01" * 9_000), *cited, RunEnd("completed")]])
    assert max(len(record) + 2 for record in stream.split(b"\n\n")) <= QA_WIDGET.max_write == 8_192
    numbers = [citation["number"] for citation in records(frames(stream))[-2]["data"]]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= min(count, 20)


def test_history() -> None:
    reply = render.history(
        [
            render.HistoryMessage("msg_1", "user", "Q?", (), 1_700_000_000_000),
            render.HistoryMessage("msg_2", "assistant", "A [1] B [1]", (CITED, CITED), 1_700_000_000_250),
        ]
    )
    first, second = json.loads(reply.body)["messages"]
    assert first == {"id": "msg_1", "role": "user", "content": "Q?", "citations": [], "timestamp": "2023-11-14T22:13:20.000Z"}
    assert second["timestamp"] == "2023-11-14T22:13:20.250Z"
    assert [citation["url"] for citation in second["citations"]] == ["https://docs.example/install"]
    assert json.loads(render.history([]).body) == {"messages": []}
