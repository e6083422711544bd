from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.chat.citations import citation, cite
from antiphon.chat.ports import Batches
from antiphon.core.errors import UpstreamTimeout
from antiphon.core.events import ChoiceEnd, CitationEvent, Event, ReasoningDelta, TextDelta, ToolCallStart, Usage
from antiphon.core.request import ChatRequest
from tests.support.scripts import cut_up
from tests.support.turns import Scripted, everything, hit

pytestmark = pytest.mark.anyio

HITS = [hit(1), hit(2, "Drills are lent for three days. Ladders too."), hit(3)]
MARKED = st.lists(
    st.one_of(
        st.sampled_from(
            ["[", "]", "[1]", "[2]", "[1][2]", "[1, 2]", "[1,3 ,2]", "[99]", "[0]", "[1", "2]", ", ", " ", "\n", "`", "``", "```", "````"]
        ),
        st.sampled_from(
            [
                "Drills are lent for three days. ",
                "[1, 2, 3, 1, 2, 3, 1, 2, 3, 1]",
                "[1,2,3,1,2,3,1,2,3,1,2]",
                "> ```\n",
                "1. ```py\n",
                "你好",
            ]
        ),
        st.text(max_size=3),
    ),
    max_size=12,
).map("".join)


def stream(*batches: Sequence[Event], failure: Exception | None = None) -> Batches:
    return Scripted(*batches, failure=failure).stream(ChatRequest(()))


async def cited(*pieces: str) -> tuple[str, list[tuple[int, tuple[int, int], str]]]:
    """The text that came out, and (number, span, quote) of each citation."""
    events = await everything(cite(stream(*([TextDelta(piece)] for piece in pieces)), HITS))
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    return text, [(e.citation.number, e.span, e.citation.quote) for e in events if isinstance(e, CitationEvent)]


@given(MARKED.flatmap(cut_up))
async def test_the_split_makes_no_difference(pieces: list[str]) -> None:
    text = "".join(pieces)
    whole = await cited(text)
    assert whole[0] == text
    assert await cited(*pieces) == whole
    assert await cited(*text) == whole


@given(MARKED.flatmap(cut_up))
async def test_a_citation_follows_its_mark_at_once(pieces: list[str]) -> None:
    said = ""
    for event in await everything(cite(stream(*([TextDelta(piece)] for piece in pieces)), HITS)):
        if isinstance(event, TextDelta):
            said += event.text
        elif isinstance(event, CitationEvent):
            mark = said[slice(*event.span)]
            assert mark.startswith("[")
            assert mark.endswith("]")
            assert str(event.citation.number) in mark


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Nine [1].", [1]),
        ("Nine [1][2].", [1, 2]),
        ("Nine [1, 2].", [1, 2]),
        ("Nine [2,1] and [ 1 ].", [2, 1]),
        ("Nine [99] [0] [4].", []),
        ("[1", []),
        ("[", []),
        ("array[1] is cited, [a] is not", [1]),
        ("[[1]]", [1]),
        ("```\na[1]\n```\nso [2]", [2]),
        ("```\na[1]", []),
        ("Use ``` to open a fence [1]", [1]),
        ("1. Do:\n   ```py\n   a[1]\n   ```\nso [2]", [2]),
        ("````\n```\na[1]\n", [1]),
    ],
)
async def test_which_marks_are_citations(text: str, numbers: list[int]) -> None:
    assert [number for number, _, _ in (await cited(text))[1]] == numbers


async def test_what_was_held_back_survives_a_failure() -> None:
    answer = cite(stream([TextDelta("Nine [1")], failure=UpstreamTimeout("Too slow.")), HITS)
    assert await anext(answer) == [TextDelta("Nine ")]
    assert await anext(answer) == [TextDelta("[1")]
    with pytest.raises(UpstreamTimeout):
        await anext(answer)


async def test_choices_do_not_mix() -> None:
    batches: list[list[Event]] = [
        [TextDelta("a [", 0), TextDelta("b [2", 1)],
        [TextDelta("1] c", 0)],
        [TextDelta("] d", 1), ChoiceEnd("stop", 0), ChoiceEnd("stop", 1)],
    ]
    events = await everything(cite(stream(*batches), HITS))
    for choice, text, number in ((0, "a [1] c", 1), (1, "b [2] d", 2)):
        assert "".join(e.text for e in events if isinstance(e, TextDelta) and e.choice == choice) == text
        assert [(e.citation.number, e.span) for e in events if isinstance(e, CitationEvent) and e.choice == choice] == [(number, (2, 5))]


@pytest.mark.parametrize("end", [ChoiceEnd("stop"), ToolCallStart(0, "c", "f")])
async def test_what_was_held_back_comes_before_what_ends_the_text(end: Event) -> None:
    events = await everything(cite(stream([TextDelta("x [")], [end]), HITS))
    assert events == [TextDelta("x "), TextDelta("["), end]


async def test_other_events_and_vendor_data_pass() -> None:
    batches: list[list[Event]] = [
        [ReasoningDelta("[1]"), TextDelta("", provider_data={"refusal": "No"})],
        [TextDelta("[", provider_data={"logprobs": {"content": [1]}})],
        [TextDelta("plain", provider_data={"logprobs": {"content": [2]}})],
        [Usage(1, 2)],
    ]
    events = await everything(cite(stream(*batches), HITS))
    assert [event for event in events if not isinstance(event, TextDelta)] == [ReasoningDelta("[1]"), Usage(1, 2)]
    assert [e.provider_data for e in events if isinstance(e, TextDelta) and e.provider_data] == [
        {"refusal": "No"},
        {"logprobs": {"content": [1]}},
        {"logprobs": {"content": [2]}},
    ]


async def test_text_without_marks_is_passed_on_untouched() -> None:
    batch: list[Event] = [TextDelta("plain")]
    batches = [given async for given in cite(stream([TextDelta("a")], batch), HITS)]
    assert batches[1] is batch


async def test_closing_closes_what_is_read() -> None:
    provider = Scripted([TextDelta("a")], [TextDelta("b")])
    answer = cite(provider.stream(ChatRequest(())), HITS)
    await anext(answer)
    await answer.aclose()
    assert provider.closed == 1


@pytest.mark.parametrize(
    ("said", "quote"),
    [
        ("Drills are lent for three days. ", "Drills are lent for three days."),
        ("As it says: “Ladders too.” ", "Drills are lent for three days. Ladders too."),
        ('It is known. "Drills are lent for three\u00a0days." ', "Drills are lent for three days."),
        ("- Drills are lent for three days", "Drills are lent for three days"),
        ("> Drills  are lent", "Drills are lent"),
        ("Something else entirely. ", "Drills are lent for three days. Ladders too."),
        ("", "Drills are lent for three days. Ladders too."),
    ],
)
def test_the_quote_is_what_was_repeated_else_the_opening(said: str, quote: str) -> None:
    made = citation(2, HITS[1], said)
    text = HITS[1].passage.text
    assert made.quote == quote
    assert " ".join(text[made.start - 100 : made.end - 100].split()) == quote
    assert (made.number, made.title, made.score) == (2, "Page 2", 0.9)


def test_a_long_opening_ends_with_a_sentence() -> None:
    made = citation(1, hit(1, "A sentence of some length that stands for itself here. " * 9))
    assert made.quote.endswith("here.")
    assert 200 < len(made.quote) <= 300
    assert len(citation(1, hit(1, "x" * 500)).quote) == 300


def test_our_own_reader_page_opens_at_the_quote() -> None:
    own = msgspec.structs.replace(HITS[1].passage, url="https://us.example/documents/doc_2")
    made = citation(1, msgspec.structs.replace(HITS[1], passage=own), "Drills are lent ")
    assert made.url == "https://us.example/documents/doc_2?start=100&end=115#quote"
