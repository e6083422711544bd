"""What a turn is given from outside, scripted: a provider that says, and a retriever that finds, what it was told to."""

from __future__ import annotations

from collections.abc import Sequence

from antiphon.chat.ports import Batches
from antiphon.core.actor import Actor
from antiphon.core.events import Event
from antiphon.core.passages import Components, Hit, Passage, SearchResult
from antiphon.core.request import ChatRequest


def hit(number: int = 1, text: str = "The workshop opens at nine.", score: float = 0.9) -> Hit:
    passage = Passage(number, f"doc_{number}", "c", f"Page {number}", f"p{number}.md", f"https://example.org/p{number}", text, start=100)
    return Hit(passage, score, Components(1.0, 1.0))


class Scripted:
    """A provider: yields its batches, then raises `failure` if it has one. `asked` is the last request; `closed` counts ended iterators."""

    def __init__(self, *batches: Sequence[Event], failure: Exception | None = None) -> None:
        self.batches = batches
        self.failure = failure
        self.asked: ChatRequest | None = None
        self.closed = 0

    async def stream(self, request: ChatRequest) -> Batches:
        self.asked = request
        try:
            for batch in self.batches:
                yield batch
            if self.failure is not None:
                raise self.failure
        finally:
            self.closed += 1


class Finds:
    """A retriever: always finds these, or fails. `queries` is what it was asked."""

    def __init__(self, *hits: Hit, confidence: float = 0.9, failure: Exception | None = None) -> None:
        self.found = SearchResult(confidence, hits, 7)
        self.failure = failure
        self.queries: list[str] = []

    async def search(
        self, actor: Actor, query: str, *, collections: tuple[str, ...] | None, top_k: int, min_score: float, hybrid: bool
    ) -> SearchResult:
        self.queries.append(query)
        if self.failure is not None:
            raise self.failure
        return self.found


async def everything(batches: Batches) -> list[Event]:
    return [event async for batch in batches for event in batch]
