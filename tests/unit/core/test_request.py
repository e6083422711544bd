from __future__ import annotations

from antiphon.core.messages import said
from antiphon.core.request import ChatRequest


def test_the_question_is_the_last_thing_a_user_said() -> None:
    request = ChatRequest((said("user", "first"), said("assistant", "answer"), said("user", "second"), said("tool", "result")))
    assert request.question == "second"


def test_the_question_outlives_its_wrapping() -> None:
    assert ChatRequest((said("user", "Context: ... Question: why?"),), asked="why?").question == "why?"
    assert ChatRequest((said("user", "Context: ..."),), asked="").question == ""


def test_nobody_asked() -> None:
    assert ChatRequest(()).question == ""
    assert ChatRequest((said("assistant", "hello"),)).question == ""
