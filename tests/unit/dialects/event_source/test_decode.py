from __future__ import annotations

from antiphon.core.messages import said
from antiphon.dialects.event_source.decode import decode
from tests.unit.dialects.cases import head


def test_a_question_in_the_query_string() -> None:
    ask = decode(head(method="GET", query={"question": "你好?", "model": "quote", "language": "zh"}), b"")
    assert ask.request.messages == (said("user", "你好?"),)
    assert (ask.stream, ask.request.model, ask.request.language) == (True, "quote", "zh")
    assert decode(head(method="GET", query={"question": "x", "model": ""}), b"").request.model is None


def test_without_a_question_somebody_only_listens() -> None:
    assert decode(head(method="GET"), b"").request.messages == ()
