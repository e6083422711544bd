from __future__ import annotations

import pytest

from antiphon.core.errors import UpstreamError
from antiphon.core.events import Event, RunEnd, RunStart, TextDelta
from antiphon.core.fold import fold
from antiphon.core.messages import said
from antiphon.core.request import ChatRequest
from antiphon.providers.echo.provider import Echo

pytestmark = pytest.mark.anyio


async def ask(message: str, n: int = 1) -> tuple[list[Event], str | None]:
    events: list[Event] = []
    try:
        async for batch in Echo(idle=0.01).stream(ChatRequest((said("user", message),), "echo", n=n)):
            events += batch
    except UpstreamError as error:
        return events, error.code
    return events, None


async def test_says_what_it_was_told_in_every_choice() -> None:
    events, failure = await ask("Hello there, world", n=2)
    assert failure is None
    answer = fold([RunStart("r", "echo", 1), *events, RunEnd("completed")])
    assert [(choice.text, choice.finish_reason) for choice in answer.choices] == [("Hello there, world", "stop")] * 2


async def test_thinks_and_finishes_as_scripted() -> None:
    events, _ = await ask("/echo thought=hm finish=length Hi")
    (choice,) = fold([RunStart("r", "echo", 1), *events, RunEnd("completed")]).choices
    assert (choice.reasoning, choice.text, choice.finish_reason) == ("hm", "Hi", "length")


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("cut", "upstream_unreachable"),
        ("hang", "upstream_timeout"),
        ("busy", "upstream_busy"),
        ("refused", "upstream_refused"),
        ("invalid", "upstream_invalid_response"),
        ("error", "upstream_error"),
    ],
)
async def test_fails_as_scripted(fault: str, code: str) -> None:
    assert await ask(f"/echo size=1 fault={fault}@2 Hello") == ([TextDelta("H"), TextDelta("e")], code)
    assert await ask(f"/echo fault={fault} Hello") == ([], code)


async def test_a_fault_beyond_the_text_comes_at_its_end() -> None:
    assert (await ask("/echo fault=cut@99 Hi"))[1] == "upstream_unreachable"
