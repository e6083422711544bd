from __future__ import annotations

from typing import Any

import pytest

from antiphon.core.errors import BadRequest
from antiphon.core.messages import said
from antiphon.dialects.kuwa.decode import MALFORMED, MISSING, decode
from tests.unit.dialects.cases import body, head

TURNS = [{"role": "user", "content": "你好"}, {"role": "assistant", "content": "你好，我是一個機器人"}, {"role": "user", "content": "嗨"}]


def test_the_published_conversation() -> None:
    ask = decode(head(), body({"messages": TURNS, "model": "gemini-pro"}))
    assert ask.request.messages == (said("user", "你好"), said("assistant", "你好，我是一個機器人"), said("user", "嗨"))
    assert (ask.request.model, ask.request.language) == ("gemini-pro", None)


@pytest.mark.parametrize(
    ("stream", "streams", "explicit"), [("absent", True, False), (None, True, False), (True, True, True), (False, False, False)]
)
def test_stream_has_three_meanings(stream: object, streams: bool, explicit: bool) -> None:
    fields = {} if stream == "absent" else {"stream": stream}
    ask = decode(head(), body({"messages": TURNS, "model": "m", **fields}))
    assert (ask.stream, ask.options["explicit"]) == (streams, explicit)


def test_any_other_role_speaks_for_the_bot() -> None:
    ask = decode(
        head(),
        body({"messages": [{"role": "system", "content": "s"}, {"role": "bot", "content": "b"}, *TURNS], "model": "m", "lang": "zh-TW"}),
    )
    assert [message.role for message in ask.request.messages[:2]] == ["system", "assistant"]
    assert ask.request.language == "zh-TW"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], MISSING),
        ({}, MISSING),
        ({"messages": TURNS}, MISSING),
        ({"messages": TURNS, "model": ""}, MISSING),
        ({"messages": TURNS, "model": 3}, MISSING),
        ({"model": "m"}, MISSING),
        ({"messages": [], "model": "m"}, MALFORMED),
        ({"messages": "x", "model": "m"}, MALFORMED),
        ({"messages": ["x"], "model": "m"}, MALFORMED),
        ({"messages": [{"role": "user"}], "model": "m"}, MALFORMED),
        ({"messages": [{"role": "user", "content": ["x"]}], "model": "m"}, MALFORMED),
    ],
)
def test_refusals_in_kuwas_words(value: Any, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        decode(head(), body(value))
    assert caught.value.message == message


@pytest.mark.parametrize("extra", [{"stream": "yes"}, {"stream": 1}, {"lang": 5}])
def test_other_fields_of_a_wrong_type(extra: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as caught:
        decode(head(), body({"messages": TURNS, "model": "m", **extra}))
    assert caught.value.param in extra
