from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from antiphon.core.events import ChoiceEnd, RunEnd, RunStart, TextDelta
from antiphon.core.fold import fold
from antiphon.core.messages import said
from antiphon.core.passages import Components, Hit, Passage
from antiphon.core.request import ChatRequest
from antiphon.providers.quote.choose import MOST_CHARACTERS, MOST_QUOTES
from antiphon.providers.quote.provider import Quoting
from antiphon.providers.quote.texts import TEXTS

pytestmark = pytest.mark.anyio

LASER = (
    "# Laser\n\nThe cutter works on sheets up to 900 millimetres wide. Ask at the desk for the key. Poplar may be six millimetres thick."
)
FINES = "Books cost ten cents a day when late. The laser room is closed on Mondays."
KILN = "# 窑\n\n素烧的最高温度是980度。窑温降到80度以下才能打开。通常在星期天开窑。"


STOP = frozenset("a at be for how is may on that the to when".split())


def words(text: str) -> list[str]:
    return [word for word in re.findall(r"[a-z0-9]+|[\u4e00-\u9fff]", text.lower()) if word not in STOP]


def hits(*texts: str) -> tuple[Hit, ...]:
    return tuple(Hit(Passage(n, f"doc{n}", "c", "T", "s", "u", text), 0.9, Components(1, 1)) for n, text in enumerate(texts, 1))


def answer(question: str, found: Sequence[str] = (), searched: int = 0, language: str | None = None) -> str:
    request = ChatRequest((said("user", question),), "quote", hits=hits(*found), searched=searched, language=language)
    return Quoting(words, words).answer(request)


def quoted(text: str) -> list[tuple[str, int]]:
    return [(quote, int(number)) for quote, number in re.findall(r"[“「](.*)[”」] \[(\d+)\]", text)]


def test_quotes_the_sentence_that_answers_with_its_number() -> None:
    assert quoted(answer("How wide are the sheets that the cutter works on?", [LASER, FINES]))[0] == (
        "The cutter works on sheets up to 900 millimetres wide.",
        1,
    )


def test_the_best_passage_comes_first_even_when_another_says_more() -> None:
    found = quoted(answer("On what day is the laser room closed, and who has the key?", [LASER, FINES]))
    assert found[0] == ("Ask at the desk for the key.", 1)
    assert found[-1] == ("The laser room is closed on Mondays.", 2)


def test_a_question_for_a_number_is_answered_with_one() -> None:
    ladders = "Ladders are long. Ladders are red. Ladders are old. Any of the ladders and other tools: 2 euros."
    assert "2 euros" not in answer("Which ladders?", [ladders])
    assert "2 euros" in answer("How much for ladders?", [ladders])
    fines = "比起罚款，我们更想早点拿回电钻。不过有人在等，所以晚还要收费。\n\n- 手动工具：20 欧分。\n- 电动工具和梯子：1 欧元。"
    assert ("电动工具和梯子：1 欧元。", 1) in quoted(answer("梯子晚还罚多少？", [fines]))


def test_what_stands_above_a_sentence_tells_what_it_is_about() -> None:
    hours = "# Hours\n\n## Laser\n\nOpen on Mondays.\n\n## Kiln\n\nOpen on Tuesdays."
    assert quoted(answer("When is the kiln open?", [hours]))[0] == ("Open on Tuesdays.", 1)


def test_a_command_comes_with_the_line_that_introduces_it() -> None:
    manual = "Stop it with this:\n\n```sh\nhalt now\n```\n\nTo see the state of the service, run:\n\n```sh\nstatus it\nexit\n```\n"
    assert quoted(answer("How do I see the state of the service?", [manual])) == [
        ("To see the state of the service, run:", 1),
        ("status it", 1),
        ("exit", 1),
    ]


def test_every_quotation_stands_in_its_passage() -> None:
    passages = [LASER, FINES, KILN]
    for quote, number in quoted(answer("laser sheets Mondays 温度", passages)):
        assert quote in passages[number - 1]


def test_is_short() -> None:
    long = " ".join(f"The laser number {n} cuts sheets of wood." for n in range(200))
    found = quoted(answer("laser sheets", [long, long, long]))
    assert 1 <= len(found) <= MOST_QUOTES
    assert sum(len(quote) for quote, _ in found) <= MOST_CHARACTERS


def test_says_nothing_twice() -> None:
    found = quoted(answer("laser room", [FINES, FINES]))
    assert len({quote for quote, _ in found}) == len(found)


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("How hot?", "en"),
        ("窑可以烧到多高的温度？", "zh-Hans"),
        ("窯可以燒到多高的溫度？請問", "zh-Hant"),
        ("Lò nung nóng đến bao nhiêu độ?", "vi"),
    ],
)
def test_speaks_the_questions_language(question: str, language: str) -> None:
    texts = TEXTS[language]  # type: ignore[index]
    said_with_hits = answer(question, [KILN])
    assert said_with_hits.startswith(texts.intro)
    assert said_with_hits.endswith(texts.outro)
    assert answer(question, searched=7) == texts.nothing.format(searched=7)
    assert answer(question) == texts.no_documents


def test_the_callers_language_goes_before_the_questions() -> None:
    assert answer("How hot?", language="zh-TW") == TEXTS["zh-Hant"].no_documents


@pytest.mark.parametrize("language", TEXTS)
def test_always_says_what_it_is_and_how_to_add_documents(language: str) -> None:
    texts = TEXTS[language]  # type: ignore[index]
    assert "antiphon ingest PATH" in texts.no_documents
    assert texts.outro in texts.nothing
    assert "7" in texts.nothing.format(searched=7)


async def test_streams_small_deltas_of_the_same_text() -> None:
    request = ChatRequest((said("user", "窑 sheets"),), "quote", hits=hits(KILN, LASER), n=2)
    quoting = Quoting(words, words)
    batches = [batch async for batch in quoting.stream(request)]
    deltas = [item for batch in batches for item in batch if isinstance(item, TextDelta)]
    assert len(batches) > 5
    assert max(len(delta.text) for delta in deltas) < 60
    choices = fold([RunStart("r", "quote", 1), *(item for batch in batches for item in batch), RunEnd("completed")]).choices
    assert [choice.text for choice in choices] == [quoting.answer(request)] * 2
    assert list(batches[-1]) == [ChoiceEnd("stop", 0), ChoiceEnd("stop", 1)]
