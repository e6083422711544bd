from __future__ import annotations

from typing import Any

import pytest

from antiphon.core.errors import BadRequest
from antiphon.core.messages import said
from antiphon.dialects.qa_widget.decode import decode
from tests.unit.dialects.cases import body, head


def test_the_published_request() -> None:
    ask = decode(head(), body({"tokenSlug": "btc", "question": "What?", "language": "en", "sessionId": "session_1_abc"}))
    assert (ask.site, ask.session, ask.stream) == ("btc", "session_1_abc", True)
    assert ask.request.messages == (said("user", "What?"),)
    assert (ask.request.language, ask.request.model) == ("en", None)


@pytest.mark.parametrize("extra", [{}, {"language": None, "sessionId": None}, {"language": "", "sessionId": ""}])
def test_language_and_session_are_optional(extra: dict[str, Any]) -> None:
    ask = decode(head(), body({"tokenSlug": "btc", "question": "What?", **extra}))
    assert (ask.session, ask.request.language) == (None, None)


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"tokenSlug": None}, "tokenSlug"),
        ({"tokenSlug": ""}, "tokenSlug"),
        ({"tokenSlug": "x" * 201}, "tokenSlug"),
        ({"question": None}, "question"),
        ({"question": " "}, "question"),
        ({"language": 4}, "language"),
        ({"language": "x" * 36}, "language"),
        ({"sessionId": {}}, "sessionId"),
        ({"sessionId": "x" * 201}, "sessionId"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        decode(head(), body({"tokenSlug": "btc", "question": "What?", **change}))
    assert caught.value.param == param
