"""What a name stands for when somebody asks: a provider, its model, and a bot's persona and parameters.

A stream of events travels in batches: one batch is what one upstream read brought, so that one read becomes one write.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Final, Protocol

import msgspec

from antiphon.core.events import Event
from antiphon.core.request import ChatRequest, Sampling

QUOTE: Final = "quote"
ECHO: Final = "echo"
BUILT_IN: Final = (QUOTE, ECHO)
"""Models that need no server, by the names they are asked by; nothing else may take these."""

Batches = AsyncGenerator[Sequence[Event], None]


class Provider(Protocol):
    """A model's server. Yields batches of answer events: deltas, tool calls, choice-end, usage. Never run-start, error or run-end.

    Failure is an UpstreamError raised from the iterator. Closing the iterator closes the upstream connection.
    """

    def stream(self, request: ChatRequest) -> Batches: ...


class Target(msgspec.Struct, frozen=True):
    """A resolved name: which provider and upstream model, and, for a bot, its persona, collections and parameters.

    prices are per million tokens. collections: names; None searches all that the actor may read, () searches nothing. context_tokens: the
    model's window, None when unknown.
    """

    model: str
    provider: Provider
    upstream: str
    bot: str | None = None
    persona: str | None = None
    grounded: bool = False
    collections: tuple[str, ...] | None = ()
    sampling: Sampling = Sampling()
    top_k: int = 5
    min_score: float = 0.5
    hybrid: bool = True
    strict: bool = False
    context_tokens: int | None = None
    input_price: float | None = None
    output_price: float | None = None


class Listed(msgspec.Struct, frozen=True):
    """One line of a list of what may be asked. created: seconds since the epoch. owner: a model server's name, or `antiphon`."""

    name: str
    created: int
    owner: str
    bot: bool = False
    description: str = ""
