"""What a turn needs from outside, as Protocols. Adapters satisfy them by shape; `app.py` joins the two."""

from __future__ import annotations

from typing import Protocol

from antiphon.core.actor import Actor
from antiphon.core.passages import SearchResult
from antiphon.core.target import Batches as Batches
from antiphon.core.target import Provider as Provider
from antiphon.core.target import Target as Target


class Catalogue(Protocol):
    """Names of models and bots. `resolve` raises NotFound for a name that is unknown or not the actor's to use."""

    async def resolve(self, actor: Actor, name: str | None, dialect: str) -> Target: ...


class Retriever(Protocol):
    """Search over what the actor may read."""

    async def search(
        self, actor: Actor, query: str, *, collections: tuple[str, ...] | None, top_k: int, min_score: float, hybrid: bool
    ) -> SearchResult: ...
