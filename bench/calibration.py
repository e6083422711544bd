"""Fits the coefficients of retrieval/calibrate.py and says how well they carry over to a set they have not seen.

Answerable questions are those of a set; foreign ones are in the same language and about something else: for an xquad set those of the
articles left out of the index, for scifact the English xquad. The sample pages of tests/corpus with their own foreign questions take part
in every fit. Each set weighs the same, foreign questions more than answerable ones. With --weights the English sets are fitted with the
vectors of that MiniLM besides. Deterministic: no random split, Newton's method to the end.

    python -m bench.calibration --data DIR [--weights DIR]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from antiphon.retrieval import calibrate, index, store
from antiphon.retrieval.chunk import chunk
from antiphon.retrieval.extract.markdown import read
from antiphon.retrieval.minilm.embedder import MiniLm
from antiphon.retrieval.search import gather
from antiphon.retrieval.vectors import MINILM, QueryVector
from antiphon.storage.migrate import whole_metadata
from bench import datasets

Numbers = npt.NDArray[np.float64]

THRESHOLD = 0.7
FOREIGN = 1.5  # weight of foreign questions where words alone judge
FOREIGN_BY_VECTORS = 2.5  # an embedder lets more through, so it can afford to be strict
RIDGE = 0.003
CORPUS = Path(__file__).parent.parent / "tests" / "corpus"


class Sample(NamedTuple):
    """Evidence of the questions that one index was asked. of: the set it belongs to; what is fitted for one set leaves out all of it."""

    of: str
    language: str
    answerable: Numbers
    foreign: Numbers


class Outcome(NamedTuple):
    """kept: share of answerable questions let through, passed: of foreign ones."""

    of: str
    kept: float
    passed: float


def evidence(connection: sa.Connection, collection: store.Collection, questions: Sequence[str], embedder: MiniLm | None) -> Numbers:
    """One row of features a question; zeros where nothing was found, as the search gives it no confidence at all."""
    searched = index.scope([collection])
    rows = []
    for question in questions:
        found = gather(connection, question, [collection], searched, _vector(question, embedder))
        if not found.ranked:
            rows.append([0.0, np.log(0.05), 0.0, *([0.0] if embedder else [])])
            continue
        best = found.ranked[0]
        row = calibrate.features(found.ranking, best.scored, found.query.language, searched.passages)
        rows.append(row if best.cosine is None else [*row, best.cosine])
    return np.array(rows, np.float64)


def _vector(text: str, embedder: MiniLm | None) -> QueryVector | None:
    return None if embedder is None else QueryVector(embedder.model, embedder.embed_now([text])[0])


def xquad_samples(connection: sa.Connection, data: datasets.DataSet, embedder: MiniLm | None) -> Iterator[Sample]:
    """Half of the articles indexed, the questions on the others foreign: four halves, so that no one choice decides."""
    groups = list(dict.fromkeys(page.group for page in data.pages))
    of_page = {page.id: page.group for page in data.pages}
    half = len(groups) // 2
    for name, kept in {"first": groups[:half], "last": groups[half:], "even": groups[::2], "odd": groups[1::2]}.items():
        inside = set(kept)
        pages = [page for page in data.pages if page.group in inside]
        collection = datasets.add_collection(connection, f"{data.name}:{name}", pages, embedder)
        known = [question.text for question in data.questions if of_page[next(iter(question.relevant))] in inside]
        foreign = [question.text for question in data.questions if of_page[next(iter(question.relevant))] not in inside]
        rows = [evidence(connection, collection, asked, embedder) for asked in (known, foreign)]
        yield Sample(data.name, data.language, *rows)


def scifact_sample(connection: sa.Connection, data: datasets.DataSet, foreign: Sequence[str], embedder: MiniLm | None) -> Sample:
    """The whole set indexed; foreign: the questions of another one."""
    collection = datasets.add_collection(connection, data.name, data.pages, embedder)
    known = [question.text for question in data.questions]
    return Sample(data.name, data.language, *(evidence(connection, collection, asked, embedder) for asked in (known, foreign)))


def corpus_samples(connection: sa.Connection, embedder: MiniLm | None, folder: Path = CORPUS) -> Iterator[Sample]:
    """Our own sample pages, all languages in one index, asked in each."""
    collection = store.create_collection(connection, "corpus")
    for path in sorted(folder.glob("*/*.md")):
        document = store.upsert_document(connection, collection.id, str(path.relative_to(folder)))
        extracted = read(path.read_bytes(), path.name, None)
        drafts = datasets.embedded(chunk(extracted), extracted.title, embedder)
        store.replace_passages(
            connection, document, drafts, text=extracted.text, content_hash="", title=extracted.title, url=None, media_type="", model=MINILM
        )
    collection = store.find_collection(connection, "corpus")
    known, foreign = (_questions(folder / name) for name in ("questions.jsonl", "foreign.jsonl"))
    for language in ("en",) if embedder else ("en", "zh", "vi"):
        rows = [
            evidence(connection, collection, [text for other, text in asked if other == language], embedder) for asked in (known, foreign)
        ]
        yield Sample("corpus", language, rows[0], rows[1])


def _questions(path: Path) -> list[tuple[str, str]]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    return [(row["language"], row["question"]) for row in rows]


def samples(data: Path, embedder: MiniLm | None = None) -> list[Sample]:
    """Evidence of all sets in a data directory and of our own pages; with an embedder of the English ones."""
    sets = {one.name: one for one in datasets.available(data)}
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        whole_metadata().create_all(connection)
        made = list(corpus_samples(connection, embedder))
        for name, one in sets.items():
            if name == "xquad_en" or (name.startswith("xquad") and embedder is None):
                made += xquad_samples(connection, one, embedder)
        if "scifact_en" in sets and "xquad_en" in sets:
            foreign = [question.text for question in sets["xquad_en"].questions]
            made.append(scifact_sample(connection, sets["scifact_en"], foreign, embedder))
    return made


def fit(training: Sequence[Sample], foreign: float) -> calibrate.Coefficients:
    """Logistic regression with a small ridge on standardised features."""
    counts = {one.of: sum(other.of == one.of for other in training) for one in training}
    rows, answers, weights = [], [], []
    for one in training:
        for part, answer, weight in ((one.answerable, 1.0, 1.0), (one.foreign, 0.0, foreign)):
            rows.append(part)
            answers.append(np.full(len(part), answer))
            weights.append(np.full(len(part), weight / counts[one.of] / len(part)))
    return _logistic(np.vstack(rows), np.concatenate(answers), np.concatenate(weights))


def _logistic(rows: Numbers, answers: Numbers, weights: Numbers) -> calibrate.Coefficients:
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    design = np.column_stack([np.ones(len(rows)), (rows - mean) / spread])
    ridge = np.eye(design.shape[1]) * RIDGE
    ridge[0, 0] = 1e-9
    found = np.zeros(design.shape[1])
    for _ in range(100):
        given = 1 / (1 + np.exp(-design @ found))
        slope = design.T @ (weights * (given - answers)) + ridge @ found
        curve = (design * (weights * given * (1 - given))[:, None]).T @ design + ridge
        step = np.linalg.solve(curve, slope)
        found -= step
        if np.abs(step).max() < 1e-10:
            break
    factors = found[1:] / spread
    return (float(found[0] - factors @ mean), *(float(factor) for factor in factors))


def probabilities(rows: Numbers, coefficients: calibrate.Coefficients) -> Numbers:
    return np.array([calibrate.confidence(list(row), coefficients) for row in rows])


def leave_one_out(made: Sequence[Sample], foreign: float) -> list[Outcome]:
    """For each sample of a set: what passes the threshold with coefficients fitted without that set."""
    outcomes = []
    for name in dict.fromkeys(one.of for one in made if one.of != "corpus"):
        coefficients = fit([one for one in made if one.of != name], foreign)
        mine = [one for one in made if one.of == name]
        kept = [float((probabilities(one.answerable, coefficients) >= THRESHOLD).mean()) for one in mine]
        passed = [float((probabilities(one.foreign, coefficients) >= THRESHOLD).mean()) for one in mine]
        outcomes += [Outcome(name, keep, let) for keep, let in zip(kept, passed, strict=True)]
    return outcomes


def table(outcomes: Sequence[Outcome]) -> str:
    """Markdown; each set once, by the mean over its halves, the worst half in brackets."""
    lines = ["| set left out | answerable kept (worst half) | foreign passed (worst half) |", "| --- | --- | --- |"]
    means = []
    for name in dict.fromkeys(outcome.of for outcome in outcomes):
        kept = [outcome.kept for outcome in outcomes if outcome.of == name]
        passed = [outcome.passed for outcome in outcomes if outcome.of == name]
        means.append((float(np.mean(kept)), float(np.mean(passed))))
        lines.append(f"| {name} | {means[-1][0]:.1%} ({min(kept):.1%}) | {means[-1][1]:.1%} ({max(passed):.1%}) |")
    kept_mean, passed_mean = np.mean(means, axis=0)
    return "\n".join([*lines, f"| mean | {kept_mean:.1%} | {passed_mean:.1%} |"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as kept:
        for embedder, foreign in ((None, FOREIGN), *([(MiniLm(given.weights, Path(kept)), FOREIGN_BY_VECTORS)] if given.weights else [])):
            made = samples(given.data, embedder)
            print(table(leave_one_out(made, foreign)))
            print("all sets:", ", ".join(f"{value:.4f}" for value in fit(made, foreign)), end="\n\n")


if __name__ == "__main__":
    main()
