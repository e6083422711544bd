from __future__ import annotations

import pytest

from antiphon.core.messages import said
from antiphon.dialects.event_source.decode import decode, last_event
from tests.unit.dialects.cases import head


def test_a_question_in_the_query_string() -> None:
    ask = decode(head(method="GET", query={"question": "你好?", "model": "quote", "language": "zh"}), b"")
    assert ask.request.messages == (said("user", "你好?"),)
    assert (ask.stream, ask.request.model, ask.request.language) == (True, "quote", "zh")
    assert decode(head(method="GET", query={"question": "x", "model": ""}), b"").request.model is None


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ("run_01J:0", ("run_01J", 0)),
        ("run_01J:41", ("run_01J", 41)),
        ("", None),
        ("run_01J", None),
        ("run_01J:", None),
        ("run_01J:-1", None),
        ("run_01J:1\n", None),
        ("run_01J:٣", None),
        ("../x:1", None),
        ("r" * 65 + ":1", None),
        ("run:" + "9" * 5000, None),
    ],
)
def test_last_event_id(value: str, place: tuple[str, int] | None) -> None:
    assert last_event(head(headers={"last-event-id": value})) == place


def test_no_last_event_id() -> None:
    assert last_event(head()) is None
