"""Search as a turn sees it: names of collections in, hits with absolute addresses out.

Joins the permission query, the embedder and `search`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import sqlalchemy as sa
import structlog

from antiphon.core.actor import Actor
from antiphon.core.errors import UpstreamError
from antiphon.core.passages import Hit, SearchResult
from antiphon.permissions.readable import readable
from antiphon.retrieval import store
from antiphon.retrieval.search import search
from antiphon.retrieval.vectors import Embedder, QueryVector
from antiphon.storage.database import Database

log = structlog.get_logger(__name__)


class Retriever:
    """base_url: where our own reader pages are, without a trailing slash; asked anew each time, because it is a setting."""

    def __init__(self, database: Database, base_url: Callable[[], str], embedder: Embedder | None = None) -> None:
        self._database = database
        self._base_url = base_url
        self._embedder = embedder

    async def search(
        self, actor: Actor, query: str, *, collections: Sequence[str] | None, top_k: int, min_score: float, hybrid: bool
    ) -> SearchResult:
        """collections: names or ids; None for all that the actor may read. What may not be read is as if it were not there."""
        vector = await self._vector(query) if hybrid else None
        found = await self._database.read(_search, actor, query, collections, top_k, min_score, vector)
        return msgspec.structs.replace(found, hits=tuple(self._addressed(hit) for hit in found.hits))

    async def _vector(self, query: str) -> QueryVector | None:
        """An embedder that fails costs precision, not the answer: words alone rank then."""
        if self._embedder is None:
            return None
        try:
            values = (await self._embedder.embed([query]))[0]
        except UpstreamError as error:
            log.warning("the embedder failed; searching by words alone", code=error.code, detail=error.detail)
            return None
        return QueryVector(self._embedder.model, values)

    def _addressed(self, hit: Hit) -> Hit:
        """A document without an address of its own is shown by our reader page."""
        if hit.passage.url:
            return hit
        url = f"{self._base_url()}/documents/{hit.passage.document}"
        return msgspec.structs.replace(hit, passage=msgspec.structs.replace(hit.passage, url=url))


def _search(
    connection: sa.Connection,
    actor: Actor,
    query: str,
    names: Sequence[str] | None,
    top_k: int,
    min_score: float,
    vector: QueryVector | None,
) -> SearchResult:
    allowed = readable(actor, "collection")
    ids = None if names is None else store.collection_ids(connection, names)
    return search(
        connection, query, allowed, collection_ids=ids, top_k=top_k, min_score=min_score, hybrid=vector is not None, query_vector=vector
    )
