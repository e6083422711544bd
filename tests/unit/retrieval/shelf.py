"""A database in memory with collections of one-passage documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import sqlalchemy as sa

from antiphon.retrieval import store, tokens
from antiphon.retrieval.dense import pack
from antiphon.retrieval.draft import Draft, indexed_text
from antiphon.storage.migrate import whole_metadata
from antiphon.storage.tables.documents import collections

ALL = sa.select(collections.c.id)


@contextmanager
def shelf() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://")
    sa.event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys=ON"))
    with engine.begin() as connection:
        whole_metadata().create_all(connection)
        yield connection
    engine.dispose()


def draft(text: str, title: str = "", vector: Sequence[float] | None = None) -> Draft:
    made = tokens.tokenize(indexed_text(title, (), text))
    packed = None if vector is None else pack(np.array(vector, np.float32))
    return Draft(text, tokens.join(made), len(made.words), made.language, ("Chapter",), 2, 0, len(text), packed)


def put(connection: sa.Connection, collection: store.Collection, source: str, *drafts: Draft, model: str | None = None) -> str:
    """Add or replace a document; its id."""
    document = store.upsert_document(connection, collection.id, source)
    text = "\n".join(one.text for one in drafts)
    store.replace_passages(
        connection, document, drafts, text=text, content_hash=source, title=source, url=None, media_type="text/plain", model=model
    )
    return document


def only(collection: store.Collection) -> store.Readable:
    return sa.select(collections.c.id).where(collections.c.id == collection.id)
