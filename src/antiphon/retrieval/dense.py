"""Exact search by vectors: one matrix per collection, kept in memory for as long as its passages do not change.

Rules: vectors are unit vectors, so a product is a cosine. Vectors of another model than the question's are never looked at.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from antiphon.retrieval import store
from antiphon.retrieval.vectors import QueryVector

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]

_KEPT: Final = 32  # collections whose vectors stay in memory


class Cosines(NamedTuple):
    """ids ascending, and the cosine of each."""

    ids: Ids
    values: Floats

    def best(self, count: int) -> list[int]:
        """Ids of the nearest passages, nearest first."""
        order = np.argsort(-self.values, kind="stable")[:count]
        return [int(id) for id in self.ids[order]]

    def of(self, id: int) -> float | None:
        """The cosine of one passage; None where it has no vector."""
        at = int(np.searchsorted(self.ids, id))
        return float(self.values[at]) if at < len(self.ids) and self.ids[at] == id else None

    def __bool__(self) -> bool:
        return len(self.ids) > 0


EMPTY: Final = Cosines(np.empty(0, np.int64), np.empty(0, np.float32))


class _Matrices:
    """(collection, generation, model) -> its ids and vectors; the least recently used are forgotten."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], tuple[int, Ids, Floats]] = OrderedDict()

    def get(self, connection: sa.Connection, collection: store.Collection, model: str) -> tuple[Ids, Floats]:
        key = (collection.id, model)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept[0] == collection.generation:
                self._kept.move_to_end(key)
                return kept[1], kept[2]
        ids, matrix = _load(connection, collection, model)
        with self._lock:
            self._kept[key] = (collection.generation, ids, matrix)
            self._kept.move_to_end(key)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return ids, matrix


_matrices = _Matrices()


def cosines(connection: sa.Connection, collections: Sequence[store.Collection], query: QueryVector) -> Cosines:
    """Cosines of all passages of some collections that have a vector by the question's model."""
    parts = []
    for collection in sorted(collections, key=lambda collection: collection.number):
        ids, matrix = _matrices.get(connection, collection, query.model)
        if len(ids) and matrix.shape[1] == len(query.values):
            parts.append((ids, matrix @ query.values))
    if not parts:
        return EMPTY
    return Cosines(np.concatenate([ids for ids, _ in parts]), np.concatenate([values for _, values in parts]))


def _load(connection: sa.Connection, collection: store.Collection, model: str) -> tuple[Ids, Floats]:
    rows = store.read_vectors(connection, collection.number, model)
    if not rows:
        return EMPTY.ids, np.empty((0, 0), np.float32)
    ids = np.fromiter((row[0] for row in rows), np.int64, len(rows))
    matrix = np.frombuffer(b"".join(row[1] for row in rows), "<f2").reshape(len(rows), -1)
    return ids, matrix.astype(np.float32)


def pack(vector: Floats) -> bytes:
    """A vector as it is stored: unit length, little-endian float16."""
    length = float(np.linalg.norm(vector))
    return (vector / length if length else vector).astype("<f2").tobytes()
