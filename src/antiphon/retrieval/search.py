"""From a question to passages and the confidence that they answer it.

Words rank (`index`); where the searched passages have vectors, relevance is `(1 - a) * coverage + a * cosine` with `a` by language, for an
embedder may know one language and not the next. `calibrate` turns the evidence into one probability, and `min_score` gates that.

Rules: a collection is only looked into when `readable` holds it, and the passages shown are selected through `readable` again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from antiphon.core.passages import Components, Hit, SearchResult
from antiphon.retrieval import calibrate, index, store, tokens
from antiphon.retrieval.vectors import MINILM, QueryVector

if TYPE_CHECKING:
    from antiphon.retrieval.dense import Cosines

LEAST_SCORE = 0.3
DENSE_SHARE = 0.3  # of an embedder that we know nothing of: a little is safe even where it does not know the language
ENGLISH_SHARE: Mapping[tokens.Language, float] = {"en": 0.4, "vi": 0.2, "zh": 0.0}  # of one that was trained on English alone
NOTHING = SearchResult(0.0, (), 0)


class Ranked(NamedTuple):
    """A passage with its relevance: coverage, or coverage and cosine together."""

    relevance: float
    cosine: float | None
    scored: index.Scored


class Evidence(NamedTuple):
    """What a search found before it is judged. ranked: best first."""

    query: tokens.QueryTokens
    ranking: index.Ranking
    ranked: list[Ranked]


def search(
    connection: sa.Connection,
    query: str,
    readable: store.Readable,
    *,
    collection_ids: Sequence[str] | None = None,
    top_k: int = 5,
    min_score: float = 0.7,
    hybrid: bool = True,
    query_vector: QueryVector | None = None,
) -> SearchResult:
    """The best passages among the readable collections, or among those of `collection_ids` that are readable.

    Below `min_score` there are no hits. A hit's score is the confidence scaled by its relevance to the best hit's; under LEAST_SCORE it is
    left out, unless `min_score` itself is lower. query_vector: of the same question; without one, words alone rank.
    """
    collections = store.list_collections(connection, readable, collection_ids)
    searched = index.scope(collections)
    if not searched.passages:
        return NOTHING
    found = gather(connection, query, collections, searched, query_vector if hybrid else None)
    confidence = _confidence(found, searched, query_vector.model if hybrid and query_vector else None)
    if confidence < min_score or not found.ranked:
        return SearchResult(confidence, (), searched.passages)
    hits = _hits(connection, found.ranked, readable, top_k, confidence, min(LEAST_SCORE, min_score))
    return SearchResult(confidence, hits, searched.passages)


def gather(
    connection: sa.Connection,
    query: str,
    collections: Sequence[store.Collection],
    searched: index.Scope,
    vector: QueryVector | None,
) -> Evidence:
    """Rank by words, and by vectors where there are any."""
    asked = tokens.tokenize_query(query)
    share = _share(vector, asked.language)
    cosines = _cosines(connection, collections, vector) if vector is not None and share else None
    ranking = index.rank(connection, asked, searched, besides=cosines.best(index.CANDIDATES) if cosines else ())
    if not cosines:
        return Evidence(asked, ranking, [Ranked(scored.coverage, None, scored) for scored in ranking.scored])
    ranked = []
    for scored in ranking.scored:
        cosine = cosines.of(scored.id)
        ranked.append(Ranked((1 - share) * scored.coverage + share * (cosine or 0.0), cosine, scored))
    ranked.sort(key=lambda one: (-one.relevance, one.scored.id))
    return Evidence(asked, ranking, ranked)


def _cosines(connection: sa.Connection, collections: Sequence[store.Collection], vector: QueryVector) -> Cosines:
    from antiphon.retrieval import dense  # lazy: brings numpy, which words alone do without

    return dense.cosines(connection, collections, vector)


def _share(vector: QueryVector | None, language: tokens.Language) -> float:
    if vector is None:
        return 0.0
    return ENGLISH_SHARE[language] if vector.model == MINILM else DENSE_SHARE


def _confidence(found: Evidence, searched: index.Scope, model: str | None) -> float:
    if not found.ranked:
        return 0.0
    best = found.ranked[0]
    return calibrate.judge(found.ranking, best.scored, found.query.language, searched.passages, model, best.cosine)


def _hits(
    connection: sa.Connection, ranked: list[Ranked], readable: store.Readable, top_k: int, confidence: float, least: float
) -> tuple[Hit, ...]:
    top = ranked[:top_k]
    shown = store.read_passages(connection, [one.scored.id for one in top], readable)
    best = top[0].relevance if top else 0.0
    hits = []
    for rank, one in enumerate(top, start=1):
        score = confidence * (max(0.0, one.relevance) / best) if best > 0 else 0.0
        if one.scored.id in shown and score >= least:
            components = Components(one.scored.bm25, one.scored.coverage, one.cosine, rank)
            hits.append(Hit(shown[one.scored.id], score, components))
    return tuple(hits)
