from __future__ import annotations

import json

from antiphon.core.events import Event, RunStart, TextDelta, Usage
from antiphon.core.fold import fold
from antiphon.dialects.ask.dialect import ASK
from tests.unit.dialects.cases import CASES, answered, frames, records


def test_the_published_stream() -> None:
    stream = CASES["ask"].render([answered("I", " Channel", ".")])
    choices = [record["choices"] for record in records(frames(stream))]
    assert choices == [
        [{"delta": {"role": "assistant"}, "index": 0, "finish_reason": None}],
        [{"delta": {"content": "I"}, "index": 0, "finish_reason": None}],
        [{"delta": {"content": " Channel"}, "index": 0, "finish_reason": None}],
        [{"delta": {"content": "."}, "index": 0, "finish_reason": None}],
        [{"delta": {}, "index": 0, "finish_reason": "stop"}],
    ]
    assert b"[DONE]" not in stream


def test_the_published_whole_answer_with_its_slips_corrected() -> None:
    events: list[Event] = [RunStart("run_6xqiw", "gpt-3.5-turbo-0301", 1679722042), TextDelta("I don't know man."), Usage(109, 27)]
    assert json.loads(ASK.whole(CASES["ask"].ask(), fold(events)).body) == {
        "id": "chatcmpl-6xqiw",
        "object": "chat.completion",
        "created": 1679722042,
        "model": "gpt-3.5-turbo-0301",
        "choices": [{"message": {"role": "assistant", "content": "I don't know man."}, "finish_reason": "stop", "index": 0}],
        "usage": {"prompt_tokens": 109, "completion_tokens": 27, "total_tokens": 136},
    }
