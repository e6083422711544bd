from __future__ import annotations

import pytest

from antiphon.chat.plan import make_plan
from antiphon.chat.ports import Target
from antiphon.core.actor import ANONYMOUS
from antiphon.core.errors import BadRequest
from antiphon.core.messages import Message, said
from antiphon.core.request import MAX_MESSAGES, ChatRequest, Sampling
from tests.support.turns import Scripted

TARGET = Target("bot", Scripted(), "up", sampling=Sampling(temperature=0.7, max_tokens=1000, stop=("END",)))
GROUNDED = Target("bot", Scripted(), "up", grounded=True)


def ask(*messages: Message, sampling: Sampling = Sampling(), language: str | None = None) -> ChatRequest:  # noqa: B008  frozen
    return ChatRequest(messages, sampling=sampling, language=language)


def test_the_caller_s_parameters_stand_over_the_bot_s() -> None:
    asked = Sampling(temperature=0.0, top_p=0.5)
    plan = make_plan(ANONYMOUS, ask(said("user", "Hi"), sampling=asked), TARGET)
    assert plan.request.sampling == Sampling(temperature=0.0, top_p=0.5, max_tokens=1000, stop=("END",))
    assert make_plan(ANONYMOUS, ask(said("user", "Hi"), sampling=Sampling(stop=("X",))), TARGET).request.sampling.stop == ("X",)


@pytest.mark.parametrize(
    ("language", "question", "spoken"),
    [(None, "Mấy giờ mở cửa?", "vi"), ("zh-TW", "Mấy giờ mở cửa?", "zh-Hant"), (None, "What time?", "en"), ("fr", "几点开门？", "en")],
)
def test_the_language_is_the_caller_s_else_the_question_s(language: str | None, question: str, spoken: str) -> None:
    plan = make_plan(ANONYMOUS, ask(said("user", question), language=language), TARGET)
    assert plan.language == plan.request.language == spoken


def test_a_conversation_must_be_there_and_may_not_be_endless() -> None:
    with pytest.raises(BadRequest):
        make_plan(ANONYMOUS, ask(), TARGET)
    make_plan(ANONYMOUS, ask(*[said("user", "x")] * MAX_MESSAGES), TARGET)
    with pytest.raises(BadRequest) as refused:
        make_plan(ANONYMOUS, ask(*[said("user", "x")] * (MAX_MESSAGES + 1)), TARGET)
    assert refused.value.code == "too_many_messages"


@pytest.mark.parametrize("question", ["", " \n\t", "\u3000"])
def test_there_is_nothing_to_search_for_in_an_empty_question(question: str) -> None:
    with pytest.raises(BadRequest) as refused:
        make_plan(ANONYMOUS, ask(said("user", question)), GROUNDED)
    assert refused.value.code == "empty_question"
    make_plan(ANONYMOUS, ask(said("user", question)), TARGET)
