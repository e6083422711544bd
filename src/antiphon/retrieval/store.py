"""What retrieval reads and writes in SQL. Plain functions over a connection, for `Database.read` and `Database.write`.

Rules: whatever shows a passage takes `readable`, the actor's readable collection ids as a query, and puts it inside its own.
A document's passages change in one transaction: nobody sees half of them, a failure leaves the old ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from antiphon.core.errors import Conflict, NotFound
from antiphon.core.passages import Passage
from antiphon.retrieval.draft import Draft
from antiphon.storage.ids import new_id, now_ms
from antiphon.storage.tables.documents import PASSAGE_BITS, collections, documents, passages, vectors

Readable = sa.Select[Any]


class Collection(msgspec.Struct, frozen=True):
    """A collection as search sees it. tokens: length of all its passages together."""

    id: str
    number: int
    name: str
    settings: dict[str, Any]
    generation: int
    passages: int
    tokens: int


class StoredPassage(msgspec.Struct, frozen=True):
    """What ranking needs of a passage: its tokens and how many."""

    id: int
    tokens: str
    length: int
    language: str


_COLLECTION = [collections.c[name] for name in Collection.__struct_fields__]
_STORED = sa.select(passages.c.id, passages.c.tokens, passages.c.length, passages.c.language).where(
    passages.c.id.in_(sa.bindparam("ids", expanding=True))
)
_DOCUMENT = [column for column in documents.c if column.name != "text"]


# Collections


def create_collection(connection: sa.Connection, name: str, settings: dict[str, Any] | None = None) -> Collection:
    """Raises Conflict when the name is taken."""
    if connection.scalar(sa.select(collections.c.id).where(collections.c.name == name)) is not None:
        raise Conflict(f"A collection named {name!r} exists already.", code="collection_exists")
    number = (connection.scalar(sa.select(sa.func.max(collections.c.number))) or 0) + 1
    identifier, now = new_id("col"), now_ms()
    connection.execute(
        sa.insert(collections).values(id=identifier, number=number, name=name, settings=settings or {}, created_at=now, updated_at=now)
    )
    return Collection(identifier, number, name, settings or {}, 0, 0, 0)


def find_collection(connection: sa.Connection, name: str, readable: Readable | None = None) -> Collection:
    """By name or id. Raises NotFound, also for one that `readable` does not hold."""
    query = sa.select(*_COLLECTION).where(sa.or_(collections.c.name == name, collections.c.id == name))
    if readable is not None:
        query = query.where(collections.c.id.in_(readable))
    row = connection.execute(query).first()
    if row is None:
        raise NotFound(f"There is no collection {name[:100]!r}.", code="collection_not_found")
    return Collection(*row)


def list_collections(connection: sa.Connection, readable: Readable, ids: Sequence[str] | None = None) -> list[Collection]:
    """Readable collections by name; ids: only those."""
    query = _listing(readable, ids is not None)
    return [Collection(*row) for row in connection.execute(query, {} if ids is None else {"ids": list(ids)})]


@lru_cache(maxsize=1024)
def _listing(readable: Readable, some: bool) -> sa.Select[Any]:
    """Statements that every search needs are kept: to build one costs more than to run it. some: confined to `ids`."""
    query = sa.select(*_COLLECTION).where(collections.c.id.in_(readable)).order_by(collections.c.name)
    return query.where(collections.c.id.in_(sa.bindparam("ids", expanding=True))) if some else query


_NAMES: Final[sa.BindParameter[str]] = sa.bindparam("names", expanding=True)
_NAMED: Final = sa.select(collections.c.id).where(sa.or_(collections.c.name.in_(_NAMES), collections.c.id.in_(_NAMES)))


def collection_ids(connection: sa.Connection, names: Sequence[str]) -> list[str]:
    """The ids behind names (or ids); unknown ones are left out. Says nothing about rights."""
    return list(connection.scalars(_NAMED, {"names": list(names)}))


def update_collection(connection: sa.Connection, identifier: str, **values: Any) -> None:
    """Set name or settings."""
    connection.execute(sa.update(collections).where(collections.c.id == identifier).values(updated_at=now_ms(), **values))


def delete_collection(connection: sa.Connection, identifier: str) -> None:
    """The collection with all that is in it."""
    connection.execute(sa.delete(collections).where(collections.c.id == identifier))


# Documents


def upsert_document(connection: sa.Connection, collection: str, source: str, *, media_type: str = "", url: str | None = None) -> str:
    """The id of the collection's document with this source; made, queued, if it is new."""
    where = (documents.c.collection == collection, documents.c.source == source)
    known = connection.scalar(sa.select(documents.c.id).where(*where))
    if known is not None:
        return str(known)
    identifier, now = new_id("doc"), now_ms()
    connection.execute(
        sa.insert(documents).values(
            id=identifier,
            collection=collection,
            source=source,
            url=url,
            media_type=media_type,
            status="queued",
            created_at=now,
            updated_at=now,
        )
    )
    return identifier


def update_document(connection: sa.Connection, identifier: str, **values: Any) -> None:
    """Set any of status, error, title, url, media_type."""
    connection.execute(sa.update(documents).where(documents.c.id == identifier).values(updated_at=now_ms(), **values))


def replace_passages(
    connection: sa.Connection,
    identifier: str,
    new: Sequence[Draft],
    *,
    text: str,
    content_hash: str,
    title: str,
    url: str | None,
    media_type: str,
    model: str | None = None,
) -> int:
    """Swap a document's passages for new ones and mark it ready. Returns how many rows the index really holds for it now.

    model: the embedder of the passages' vectors. Raises NotFound when the document was deleted meanwhile.
    """
    row = connection.execute(
        sa.select(documents.c.collection, documents.c.generation, collections.c.number)
        .join(collections, collections.c.id == documents.c.collection)
        .where(documents.c.id == identifier)
    ).first()
    if row is None:
        raise NotFound("The document was deleted.", code="document_not_found")
    collection, generation, number = row[0], row[1] + 1, row[2]
    connection.execute(sa.delete(passages).where(passages.c.document == identifier))
    base = number << PASSAGE_BITS
    last = connection.scalar(sa.select(sa.func.max(passages.c.id)).where(passages.c.id.between(base, base + (1 << PASSAGE_BITS) - 1)))
    first = (last or base) + 1
    belonging = {"document": identifier, "collection": collection, "generation": generation}
    if new:
        connection.execute(sa.insert(passages), [belonging | _row(first, position, passage) for position, passage in enumerate(new)])
    _write_vectors(connection, first, new, model)
    count = _indexed(connection, identifier)
    update_document(
        connection,
        identifier,
        status="ready",
        error=None,
        title=title,
        url=url,
        media_type=media_type,
        content_hash=content_hash,
        generation=generation,
        passages=count,
        characters=len(text),
        text=text,
    )
    return count


def _row(first: int, position: int, passage: Draft) -> dict[str, Any]:
    return {
        "id": first + position,
        "position": position,
        "language": passage.language,
        "heading": list(passage.heading),
        "page": passage.page,
        "start": passage.start,
        "end": passage.end,
        "length": passage.length,
        "text": passage.text,
        "tokens": passage.tokens,
    }


def _indexed(connection: sa.Connection, identifier: str) -> int:
    """How many of a document's passages stand in the full-text index itself, whatever the passages table says."""
    query = "SELECT count(*) FROM passages JOIN passages_fts_docsize AS held ON held.id = passages.id WHERE passages.document = ?"
    return int(connection.exec_driver_sql(query, (identifier,)).scalar_one())


def content_hashes(connection: sa.Connection, identifiers: Sequence[str]) -> dict[str, str | None]:
    """document -> hash of what its passages were made from."""
    query = sa.select(documents.c.id, documents.c.content_hash).where(documents.c.id.in_(identifiers))
    return {row[0]: row[1] for row in connection.execute(query)}


def fail_stranded(connection: sa.Connection, waiting: frozenset[str], before: int) -> int:
    """Mark failed the queued documents that nothing is going to read: those not among `waiting`, last touched before a time; how many."""
    query = sa.select(documents.c.id).where(documents.c.status == "queued", documents.c.updated_at < before)
    stranded = [identifier for identifier in connection.scalars(query) if identifier not in waiting]
    for identifier in stranded:
        update_document(connection, identifier, status="failed", error="Reading it was given up. Add it again.")
    return len(stranded)


def documents_under(connection: sa.Connection, collection: str, prefix: str) -> dict[str, str]:
    """source -> id of a collection's documents whose source begins with `prefix`."""
    query = sa.select(documents.c.source, documents.c.id).where(
        documents.c.collection == collection, documents.c.source.startswith(prefix, autoescape=True)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def _write_vectors(connection: sa.Connection, first: int, new: Sequence[Draft], model: str | None) -> None:
    rows = [
        {"passage": first + position, "model": model, "dims": len(passage.vector) // 2, "data": passage.vector}
        for position, passage in enumerate(new)
        if passage.vector is not None and model is not None
    ]
    if rows:
        connection.execute(sa.insert(vectors), rows)


def delete_document(connection: sa.Connection, identifier: str) -> bool:
    """The document with its text, passages, index entries and vectors. False when there was none."""
    return bool(connection.execute(sa.delete(documents).where(documents.c.id == identifier)).rowcount)


def list_documents(connection: sa.Connection, collection: str, *, after: str = "", limit: int = 100) -> list[dict[str, Any]]:
    """A page of a collection's documents by id, without their texts. after: the last id of the page before."""
    query = sa.select(*_DOCUMENT).where(documents.c.collection == collection, documents.c.id > after).order_by(documents.c.id).limit(limit)
    return [dict(row._mapping) for row in connection.execute(query)]


def read_document(connection: sa.Connection, identifier: str, readable: Readable) -> dict[str, Any]:
    """A whole document with its text. Raises NotFound, also for one whose collection may not be read."""
    query = sa.select(documents).where(documents.c.id == identifier, documents.c.collection.in_(readable))
    row = connection.execute(query).first()
    if row is None:
        raise NotFound("There is no such document.", code="document_not_found")
    return dict(row._mapping)


def counts(connection: sa.Connection) -> dict[str, int]:
    """How many collections, documents and passages there are in all."""
    tables = {"collections": collections, "documents": documents, "passages": passages}
    return {name: connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for name, table in tables.items()}


# What search reads


def postings(connection: sa.Connection, token: str, first: int, last: int) -> Sequence[tuple[int]]:
    """Ids, first to last, of the passages that hold a token."""
    query = "SELECT rowid FROM passages_fts WHERE passages_fts MATCH ? AND rowid BETWEEN ? AND ?"
    cursor = connection.exec_driver_sql(query, (f'"{token}"', first, last)).cursor  # rows of the driver: thousands, and only read once
    return cursor.fetchall()


def stored_passages(connection: sa.Connection, ids: Sequence[int]) -> list[StoredPassage]:
    """Tokens of passages, in no order."""
    return [StoredPassage(*row) for row in connection.execute(_STORED, {"ids": ids})]


def read_passages(connection: sa.Connection, ids: Sequence[int], readable: Readable) -> dict[int, Passage]:
    """Passages by id, those of readable collections only."""
    found = [Passage(*row) for row in connection.execute(_shown(readable), {"ids": list(ids)})]
    return {passage.id: msgspec.structs.replace(passage, heading=_below(passage.title, passage.heading)) for passage in found}


@lru_cache(maxsize=1024)
def _shown(readable: Readable) -> sa.Select[Any]:
    return (
        sa.select(
            passages.c.id,
            passages.c.document,
            passages.c.collection,
            documents.c.title,
            documents.c.source,
            sa.func.coalesce(documents.c.url, ""),
            passages.c.text,
            passages.c.heading,
            passages.c.page,
            passages.c.start,
            passages.c.end,
            passages.c.language,
        )
        .join(documents, documents.c.id == passages.c.document)
        .where(passages.c.id.in_(sa.bindparam("ids", expanding=True)), passages.c.collection.in_(readable))
    )


def _below(title: str, heading: Sequence[str]) -> tuple[str, ...]:
    """The headings below the title; most documents repeat it as their first heading."""
    return tuple(heading[1:] if heading and heading[0].casefold() == title.casefold() else heading)


def read_vectors(connection: sa.Connection, number: int, model: str) -> list[tuple[int, bytes]]:
    """Ids and vectors of one collection's passages, by id."""
    base = number << PASSAGE_BITS
    query = (
        sa.select(vectors.c.passage, vectors.c.data)
        .where(vectors.c.passage.between(base, base + (1 << PASSAGE_BITS) - 1), vectors.c.model == model)
        .order_by(vectors.c.passage)
    )
    return [(row[0], row[1]) for row in connection.execute(query)]
