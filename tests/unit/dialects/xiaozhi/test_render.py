from __future__ import annotations

import json

from antiphon.core.errors import BadRequest, Unauthenticated, UpstreamUnreachable
from antiphon.core.events import Event, RunStart, TextDelta, Usage
from antiphon.core.fold import fold
from antiphon.dialects.xiaozhi import render
from antiphon.dialects.xiaozhi.dialect import XIAOZHI
from tests.unit.dialects.cases import CASES, answered, frames


def test_the_published_stream_byte_for_byte() -> None:
    expected = "".join(f"event: message\ndata: {text}\n\n" for text in ("", "Hello", ",", " Xiao", "Z", "hi.", ""))
    assert CASES["xiaozhi"].render([answered("Hello", ",", " Xiao", "Z", "hi.")]) == expected.encode()


def test_only_the_first_and_last_records_are_empty() -> None:
    stream = CASES["xiaozhi"].render([answered("a", "", "\r", "\n", "b\n\n")])
    assert [frame.data for frame in frames(stream)] == [b"", b"a\n", b"b\n\n", b""]


def test_no_record_begins_with_a_newline() -> None:
    """The published client takes `data: ` and a second data line for that second line alone."""
    stream = CASES["xiaozhi"].render([answered("One.", "\n", "\n", "Two.", "\n- three\n", "\n", "four")])
    assert [frame.data for frame in frames(stream)] == [b"", b"One.\n\n", b"Two.\n- three\n\n", b"four", b""]


def test_the_published_whole_answer() -> None:
    events: list[Event] = [RunStart("run_700Ila", "gpt-3.5-turbo-0301", 1680235515), TextDelta("Hello, I am XiaoZhi."), Usage(24, 22)]
    reply = XIAOZHI.whole(CASES["xiaozhi"].ask(), fold(events))
    assert json.loads(reply.body) == {
        "id": "chatcmpl-700Ila",
        "object": "chat.completion",
        "created": 1680235515,
        "model": "gpt-3.5-turbo-0301",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello, I am XiaoZhi."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 24, "completion_tokens": 22, "total_tokens": 46},
    }


def test_the_five_published_errors_word_for_word() -> None:
    replies = [
        render.credentials_missing(),
        render.credentials_wrong(),
        XIAOZHI.error(Unauthenticated("?", code="missing_credential")),
        XIAOZHI.error(Unauthenticated("?", code="invalid_credential")),
        XIAOZHI.error(UpstreamUnreachable("The model's server cannot be reached.")),
    ]
    assert [(reply.status, json.loads(reply.body)["errorMessage"]) for reply in replies] == [
        (401, "Authentication failed: cannot find username/password in request body."),
        (401, "Authentication failed: cannot authenticate with provided username and password."),
        (401, "Invalid token: empty or not starts with 'Bearer '"),
        (401, "Invalid token: expired or fake token."),
        (500, "Failed with chatbot.ChatCompletion: The model's server cannot be reached."),
    ]


def test_other_replies() -> None:
    assert json.loads(render.token("a.b.c").body) == {"accessToken": "a.b.c"}
    reply = XIAOZHI.error(BadRequest("The question is empty."))
    assert (reply.status, json.loads(reply.body)) == (400, {"errorMessage": "The question is empty."})
