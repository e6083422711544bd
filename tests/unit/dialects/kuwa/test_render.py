from __future__ import annotations

import json

from antiphon.core.errors import BadRequest, NotFound, Refused, Unauthenticated
from antiphon.core.events import ErrorEvent, RunEnd
from antiphon.core.fold import fold
from antiphon.dialects.kuwa import render
from antiphon.dialects.kuwa.dialect import KUWA
from tests.unit.dialects.cases import CASES, START, answered, failed, frames


def javascript_client(reads: list[bytes]) -> str:
    """The published JavaScript client: every read is decoded by itself, records are cut at '}' and a newline."""
    output = buffer = ""
    for read in reads:
        buffer += read.decode("utf-8", "replace")
        while "}\n" in buffer:
            end = buffer.index("}\n") + 2
            record, buffer = buffer[6:end], buffer[end:]
            output += json.loads(record)["choices"][0]["delta"]["content"]
    return output


def python_client(stream: bytes) -> str:
    """The published Python client: of every record it prints the last character, until the line that closes."""
    output = ""
    for line in stream.decode().split("\n"):
        if line == "event: close":
            return output
        if line.startswith("data: "):
            output += json.loads(line.removeprefix("data: "))["choices"][0]["delta"]["content"][-1]
    raise AssertionError("the stream was not closed")


def test_the_published_clients_read_every_character() -> None:
    text = '你好，"我"} 是\n一個 😀 機器人\\'
    stream = CASES["kuwa"].render([answered(text[:5], text[5:])])
    assert python_client(stream) == text
    for size in (1, 7, 4096):
        assert javascript_client([stream[start : start + size] for start in range(0, len(stream), size)]) == text


def test_nothing_but_records_and_the_close() -> None:
    stream = CASES["kuwa"].render([answered("你", "", "好")])
    assert stream.isascii()
    *records, close, rest = stream.split(b"\n\n")
    assert (close, rest) == (b"event: close", b"")
    assert all(record.startswith(b"data: {") for record in records)
    assert len(records) == 2
    assert KUWA.stream_type == "text/event-stream; charset=utf-8"


def test_the_explicit_form_says_why_it_ended_on_its_last_character() -> None:
    stream = CASES["kuwa-explicit"].render([answered("ab", "c")])
    reasons = [json.loads(frame.data)["choices"][0]["finish_reason"] for frame in frames(stream) if frame.data != b"[DONE]"]
    assert reasons == [None, None, "stop"]
    assert stream.endswith(b"data: [DONE]\n\nevent: close\n\n")


def test_an_answer_without_text() -> None:
    assert CASES["kuwa"].render([[START, RunEnd("completed")]]) == b"event: close\n\n"
    assert CASES["kuwa-explicit"].render([[START, RunEnd("completed")]]) == b"data: [DONE]\n\nevent: close\n\n"


def test_a_failure_follows_all_that_was_said() -> None:
    stream = CASES["kuwa-explicit"].render([failed(ErrorEvent("upstream_timeout", "upstream", "Too slow."), "ab")])
    assert CASES["kuwa-explicit"].text(frames(stream)) == "ab"
    assert stream.endswith(b'data: {"status":"error","message":"Too slow."}\n\nevent: close\n\n')


def test_a_whole_answer() -> None:
    reply = KUWA.whole(CASES["kuwa"].ask(), fold(answered("你好")))
    answer = json.loads(reply.body)
    assert answer["usage"] == []
    assert answer["choices"] == [
        {"index": 0, "message": {"role": "assistant", "content": "你好"}, "logprobs": None, "finish_reason": "stop"}
    ]
    assert (answer["object"], answer["id"]) == ("chat.completion", "chatcmpl-01J")


def test_errors_in_kuwas_words() -> None:
    errors = [Unauthenticated("?"), Refused("?"), NotFound("?", code="model_not_found"), NotFound("Nothing found."), BadRequest("Bad.")]
    replies = [KUWA.error(error) for error in errors]
    assert [(reply.status, json.loads(reply.body)["message"]) for reply in replies] == [
        (401, "Authentication failed"),
        (403, "Use of the chat completion API is not authorized."),
        (404, "The specified model does not exist."),
        (404, "Nothing found."),
        (400, "Bad."),
    ]


def test_abort() -> None:
    assert json.loads(render.aborted("usr_1", "Ann").body) == {
        "status": "success",
        "message": "Aborted",
        "tokenable_id": "usr_1",
        "name": "Ann",
    }
