"""Quality and speed of search on the retrieval sets of a data directory, through the same `search` that answers requests.

python -m bench.retrieval --data DIR [--weights DIR]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa

from antiphon.retrieval.minilm.embedder import MiniLm
from antiphon.retrieval.search import search
from antiphon.retrieval.vectors import QueryVector
from antiphon.storage.database import Database
from antiphon.storage.migrate import whole_metadata
from antiphon.storage.tables.documents import collections
from bench import calibration, datasets


class Measured(NamedTuple):
    """pages_per_second: tokenising and writing, vectors too where there are any. p50, p95: milliseconds of a search as a bot asks it."""

    name: str
    pages: int
    questions: int
    ndcg: float
    recall: float
    p50: float
    p95: float
    pages_per_second: float


def measure(data: datasets.DataSet, embedder: MiniLm | None = None) -> Measured:
    """One set in a database of its own."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "bench.db")
        try:
            database.write_now(lambda connection: whole_metadata().create_all(connection))
            started = time.perf_counter()
            database.write_now(datasets.add_collection, data.name, data.pages, embedder)
            rate = len(data.pages) / (time.perf_counter() - started)
            return database.read_now(_ask, data, embedder, rate)
        finally:
            database.close()


def _ask(connection: sa.Connection, data: datasets.DataSet, embedder: MiniLm | None, rate: float) -> Measured:
    readable = sa.select(collections.c.id)
    gains, recalls, times = [], [], []
    for question in data.questions:
        vector = None if embedder is None else QueryVector(embedder.model, embedder.embed_now([question.text])[0])
        started = time.perf_counter()
        search(connection, question.text, readable, query_vector=vector)
        times.append((time.perf_counter() - started) * 1000)
        found = search(connection, question.text, readable, top_k=10, min_score=0, query_vector=vector)
        ranked = [hit.passage.source for hit in found.hits]
        gains.append(datasets.ndcg(ranked, question.relevant))
        recalls.append(datasets.recall(ranked, question.relevant))
    p95 = statistics.quantiles(times, n=20)[18]
    means = statistics.mean(gains), statistics.mean(recalls)
    return Measured(data.name, len(data.pages), len(data.questions), *means, statistics.median(times), p95, rate)


def table(measured: Sequence[Measured]) -> str:
    """Markdown."""
    lines = [
        "| set | pages / questions | nDCG@10 | Recall@10 | p50 ms | p95 ms | pages/s in |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in measured:
        quality = f"{one.ndcg:.4f} | {one.recall:.4f} | {one.p50:.2f} | {one.p95:.2f}"
        lines.append(f"| {one.name} | {one.pages} / {one.questions} | {quality} | {one.pages_per_second:.0f} |")
    return "\n".join(lines)


def report(data: Path, weights: Path | None = None) -> str:
    """The page's section on retrieval: words alone, with MiniLM where its weights are given, and the calibration."""
    sets = datasets.available(data)
    parts = ["## Retrieval", "### Words alone", table([measure(one) for one in sets])]
    with tempfile.TemporaryDirectory() as kept:
        embedder = MiniLm(weights, Path(kept)) if weights else None
        if embedder:
            parts += ["### With MiniLM (antiphon[local])", table([measure(one, embedder) for one in sets])]
        parts += ["### Confidence at 0.7, fitted without the set", _calibrated(data, None, calibration.FOREIGN)]
        if embedder:
            title = "### Confidence at 0.7 with MiniLM, fitted without the set"
            parts += [title, _calibrated(data, embedder, calibration.FOREIGN_BY_VECTORS)]
    return "\n\n".join(parts) + "\n"


def _calibrated(data: Path, embedder: MiniLm | None, foreign: float) -> str:
    return calibration.table(calibration.leave_one_out(calibration.samples(data, embedder), foreign))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path)
    given = parser.parse_args()
    print(report(given.data, given.weights))


if __name__ == "__main__":
    main()
