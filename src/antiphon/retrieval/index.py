"""Ranking by words: BM25 over the passages of some collections, with statistics of those collections alone.

The full-text index only says which passages hold a token; counts, lengths and weights are worked out here, so every index that can answer
`store.postings` ranks alike. *coverage* is BM25 divided by the idf mass of the whole question, unknown words included: 0..1, comparable
between collections and questions.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from antiphon.retrieval import store
from antiphon.retrieval.tokens import QueryTokens
from antiphon.storage.tables.documents import PASSAGE_BITS

K1 = 1.2
B = 0.75
CANDIDATES = 50
PLAIN_WEIGHT = 0.6  # a word found only without its marks is weaker evidence


class Scope(NamedTuple):
    """What is searched. ranges: first and last passage id of each run of neighbouring collections."""

    ranges: tuple[tuple[int, int], ...]
    passages: int
    mean_length: float


class Term(NamedTuple):
    """A token to look for. weight: 1, or less for an unaccented form. idf: of the token in the scope."""

    token: str
    idf: float
    weight: float
    known: bool


class Scored(NamedTuple):
    """A ranked passage. mass: share of the question's idf mass that it holds. gains: by term, BM25's part in 0..1 before idf."""

    id: int
    bm25: float
    coverage: float
    mass: float
    gains: tuple[float, ...]
    tokens: str
    language: str


class Ranking(NamedTuple):
    """terms: of the question. mass: sum of their idf. scored: best coverage first."""

    terms: tuple[Term, ...]
    mass: float
    scored: list[Scored]


def scope(collections: Sequence[store.Collection]) -> Scope:
    """The scope of some collections; neighbours in number become one range."""
    ranges: list[tuple[int, int]] = []
    for number in sorted(collection.number for collection in collections):
        first, last = number << PASSAGE_BITS, ((number + 1) << PASSAGE_BITS) - 1
        if ranges and ranges[-1][1] + 1 == first:
            ranges[-1] = (ranges[-1][0], last)
        else:
            ranges.append((first, last))
    passages = sum(collection.passages for collection in collections)
    tokens = sum(collection.tokens for collection in collections)
    return Scope(tuple(ranges), passages, tokens / passages if passages else 0.0)


def rank(connection: sa.Connection, query: QueryTokens, searched: Scope, besides: Sequence[int] = ()) -> Ranking:
    """Score the passages that hold most of the question's mass, and those in `besides`, found by other means."""
    held: dict[int, int] = {}  # by passage, which terms it holds: term n is bit n
    terms = tuple(_look_up(connection, word, query.plain.get(word), searched, held, 1 << n) for n, word in enumerate(query.words))
    total = sum(term.idf for term in terms)
    wanted = list(dict.fromkeys([*_best(held, terms), *besides]))
    rows = store.stored_passages(connection, wanted) if wanted else []
    scored = [_score(row, terms, held.get(row.id, 0), total, searched.mean_length) for row in rows]
    scored.sort(key=lambda passage: (-passage.coverage, passage.id))
    return Ranking(terms, total, scored)


def _look_up(connection: sa.Connection, word: str, plain: str | None, searched: Scope, held: dict[int, int], bit: int) -> Term:
    """Find a word, else its unaccented form, and note its bit at the passages that hold it."""
    for token, weight in ((word, 1.0), (plain, PLAIN_WEIGHT)):
        if token is None:
            continue
        found = 0
        get = held.get
        for first, last in searched.ranges:
            rows = store.postings(connection, token, first, last)
            found += len(rows)
            for (id,) in rows:
                held[id] = get(id, 0) | bit
        if found:
            return Term(token, _idf(searched.passages, found), weight, True)
    return Term(word, _idf(searched.passages, 0), 1.0, False)


def _best(held: dict[int, int], terms: tuple[Term, ...]) -> list[int]:
    """The CANDIDATES passages of most mass. Passages with the same terms are taken together: there are far fewer sets than passages."""
    counts = Counter(held.values())
    masses = {bits: _mass(bits, terms) for bits in counts}
    kept: set[int] = set()
    enough = CANDIDATES
    for bits in sorted(counts, key=lambda bits: (-masses[bits], bits)):
        if enough <= 0:
            break
        kept.add(bits)
        enough -= counts[bits]
    chosen = [id for id, bits in held.items() if bits in kept]
    chosen.sort(key=lambda id: (-masses[held[id]], id))
    return chosen[:CANDIDATES]


def _mass(bits: int, terms: tuple[Term, ...]) -> float:
    mass = 0.0
    while bits:
        term = terms[(bits & -bits).bit_length() - 1]
        mass += term.idf * term.weight
        bits &= bits - 1
    return mass


def _idf(passages: int, holding: int) -> float:
    return math.log(1 + (passages - holding + 0.5) / (holding + 0.5))


def _score(row: store.StoredPassage, terms: tuple[Term, ...], held: int, total: float, mean_length: float) -> Scored:
    saturation = K1 * (1 - B + B * row.length / mean_length)
    gains = [0.0] * len(terms)
    bm25 = 0.0
    for n, term in enumerate(terms):
        if held >> n & 1:
            count = row.tokens.count(f" {term.token} ")
            gains[n] = gain = term.weight * count / (count + saturation)
            bm25 += term.idf * gain
    share = 1 / total if total else 0.0
    return Scored(row.id, bm25, bm25 * share, _mass(held, terms) * share, tuple(gains), row.tokens, row.language)
