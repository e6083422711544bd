"""Every dialect, streamed and whole, before every fault of a model's server: bounded time, an honest error in the dialect's form, partial
text kept, nothing of the upstream's own words let through. And before every oddity that is no fault: the whole text."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.conftest import House
from tests.conformance.speakers import SPEAKERS
from tests.support.replies import BENIGN, FAULTS, KEY_IN_ERRORS

pytestmark = pytest.mark.anyio

BOUND_SECONDS = 15.0
BEFORE_THE_FIRST_BYTE = {"xiaozhi": {500}, "other": {502, 503, 504}}


@pytest.mark.parametrize("speaker", SPEAKERS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_fault(house: House, speaker: str, fault: str) -> None:
    expected = FAULTS[fault]
    house.upstream.plan(*[expected.reply] * (3 if expected.code == "upstream_unreachable" or "overload" in fault else 1))
    async with asyncio.timeout(BOUND_SECONDS):
        heard = await SPEAKERS[speaker](house)
    house.upstream.clear_plan()
    assert heard.failure, "a failure is told"
    assert KEY_IN_ERRORS.encode() not in heard.body
    assert b"Traceback" not in heard.body
    streamed = not speaker.endswith("whole")
    if heard.status == 200:
        assert streamed, "a whole answer that failed has a status"
        assert heard.text == expected.partial, "what had come is kept, and nothing is made up"
    else:
        statuses = BEFORE_THE_FIRST_BYTE["xiaozhi" if speaker.startswith("xiaozhi") else "other"]
        assert heard.status in statuses
        assert not (streamed and expected.partial), "text that had come is shown before the failure"


@pytest.mark.parametrize("speaker", SPEAKERS)
@pytest.mark.parametrize("oddity", BENIGN)
async def test_oddity(house: House, speaker: str, oddity: str) -> None:
    expected = BENIGN[oddity]
    house.upstream.plan(expected.reply)
    async with asyncio.timeout(BOUND_SECONDS):
        heard = await SPEAKERS[speaker](house)
    assert heard.status == 200
    assert heard.failure == ""
    assert heard.ended
    assert heard.text == _as_told(speaker, expected.text)


def _as_told(speaker: str, text: str) -> str:
    """Line breaks within an event-stream field become line feeds; everything else is untouched."""
    return text.replace("\r\n", "\n") if speaker == "xiaozhi-stream" else text
