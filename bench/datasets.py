"""Retrieval sets: a folder with corpus.jsonl, queries.jsonl and qrels.tsv, and how one becomes a collection.

Source of the format: BEIR (github.com/beir-cellar/beir): `_id, title, text` a line, `_id, text` a line, `query-id corpus-id score` a line.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from antiphon.retrieval import store, tokens
from antiphon.retrieval.dense import pack
from antiphon.retrieval.draft import Draft, indexed_text
from antiphon.retrieval.minilm.embedder import MiniLm
from antiphon.retrieval.vectors import MINILM

NAMES = ("scifact_en", "xquad_en", "xquad_zh", "xquad_vi")


class Page(NamedTuple):
    """A document of a set. group: what it was cut from; questions about one group are answered by no other."""

    id: str
    title: str
    text: str
    group: str


class Question(NamedTuple):
    """relevant: document id to grade."""

    id: str
    text: str
    relevant: Mapping[str, int]


class DataSet(NamedTuple):
    name: str
    pages: list[Page]
    questions: list[Question]

    @property
    def language(self) -> str:
        return self.name.rsplit("_", 1)[-1]


def load(folder: Path) -> DataSet:
    """A whole set; questions without a judgement are left out."""
    grades: dict[str, dict[str, int]] = {}
    for line in (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        question, page, grade = line.split("\t")
        grades.setdefault(question, {})[page] = int(grade)
    pages = [Page(row["_id"], row.get("title", ""), row["text"], row.get("title", "")) for row in _rows(folder / "corpus.jsonl")]
    questions = [Question(row["_id"], row["text"], grades[row["_id"]]) for row in _rows(folder / "queries.jsonl") if row["_id"] in grades]
    return DataSet(folder.name, pages, questions)


def available(data: Path) -> list[DataSet]:
    """The sets of NAMES that a data directory holds."""
    return [load(data / name) for name in NAMES if (data / name / "corpus.jsonl").is_file()]


def _rows(path: Path) -> Iterable[dict[str, Any]]:
    for line in path.read_text(encoding="utf-8").split("\n"):
        if line.strip():
            yield json.loads(line)


def add_collection(connection: sa.Connection, name: str, pages: Sequence[Page], embedder: MiniLm | None = None) -> store.Collection:
    """One passage a page: the sets are cut already, and their judgements are for whole pages."""
    collection = store.create_collection(connection, name)
    for first in range(0, len(pages), 64):
        for page, draft in zip(pages[first : first + 64], _drafts(pages[first : first + 64], embedder), strict=True):
            document = store.upsert_document(connection, collection.id, page.id)
            store.replace_passages(
                connection, document, [draft], text=page.text, content_hash="", title=page.title, url=None, media_type="", model=MINILM
            )
    return store.find_collection(connection, name)


def embedded(drafts: Sequence[Draft], title: str, embedder: MiniLm | None) -> Sequence[Draft]:
    """The passages of one document with vectors."""
    if embedder is None or not drafts:
        return drafts
    return _with_vectors(drafts, [indexed_text(title, draft.heading, draft.text) for draft in drafts], embedder)


def _drafts(pages: Sequence[Page], embedder: MiniLm | None) -> Sequence[Draft]:
    texts = [indexed_text(page.title, (), page.text) for page in pages]
    drafts = []
    for page, text in zip(pages, texts, strict=True):
        made = tokens.tokenize(text)
        drafts.append(Draft(page.text, tokens.join(made), len(made.words), made.language, end=len(page.text)))
    return drafts if embedder is None else _with_vectors(drafts, texts, embedder)


def _with_vectors(drafts: Sequence[Draft], texts: Sequence[str], embedder: MiniLm) -> list[Draft]:
    vectors = embedder.embed_now(texts)
    return [msgspec.structs.replace(draft, vector=pack(vector)) for draft, vector in zip(drafts, vectors, strict=True)]


def ndcg(ranked: Sequence[str], relevant: Mapping[str, int], depth: int = 10) -> float:
    """Normalised discounted cumulative gain with exponential gains."""
    gained = sum((2 ** relevant.get(id, 0) - 1) / math.log2(at + 2) for at, id in enumerate(ranked[:depth]))
    ideal = sum((2**grade - 1) / math.log2(at + 2) for at, grade in enumerate(sorted(relevant.values(), reverse=True)[:depth]))
    return gained / ideal if ideal else 0.0


def recall(ranked: Sequence[str], relevant: Mapping[str, int], depth: int = 10) -> float:
    """Share of the relevant pages among the first."""
    wanted = {id for id, grade in relevant.items() if grade > 0}
    return len(wanted & set(ranked[:depth])) / len(wanted) if wanted else 0.0
