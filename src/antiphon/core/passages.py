"""What retrieval hands to a turn: stretches of documents that can be cited, and how sure we are of them."""

from __future__ import annotations

import msgspec


class Passage(msgspec.Struct, frozen=True):
    """A stretch of a document.

    start, end: character range in the document's extracted text. page counts from 1 where the source has pages.
    heading: path from the outermost heading below the title to the innermost. source: where it was ingested from (path or URL).
    url: the address a citation shows: the source's own, else prefix + path, else our reader page. Absolute once it leaves the server.
    """

    id: int
    document: str
    collection: str
    title: str
    source: str
    url: str
    text: str
    heading: tuple[str, ...] = ()
    page: int | None = None
    start: int = 0
    end: int = 0
    language: str = "en"


class Components(msgspec.Struct, frozen=True):
    """Where a score came from. coverage: bm25 over the idf mass of the query, 0..1. cosine is None without an embedder."""

    bm25: float
    coverage: float
    cosine: float | None = None
    rank: int = 0


class Hit(msgspec.Struct, frozen=True):
    """score: confidence scaled by the passage's relevance to the best hit, 0..1."""

    passage: Passage
    score: float
    components: Components


class SearchResult(msgspec.Struct, frozen=True):
    """confidence: calibrated probability that the searched collections answer the query. hits are best first, empty below min_score.

    searched: how many passages the actor's readable collections hold.
    """

    confidence: float
    hits: tuple[Hit, ...]
    searched: int


class Citation(msgspec.Struct, frozen=True):
    """One passage as an answer cites it. number: the [n] in the text. quote: the words relied upon."""

    number: int
    title: str
    url: str
    document: str
    source: str
    quote: str
    heading: tuple[str, ...] = ()
    page: int | None = None
    start: int = 0
    end: int = 0
    score: float | None = None
