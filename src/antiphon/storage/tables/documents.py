"""Collections, their documents, the passages cut from them, the full-text index and the vectors.

A passage's id is `collection.number << 32 | n`: the passages of a collection are one range of ids, so an index over all passages can be
asked for one collection's alone. Tokens are stored with a space around each (" a  b "), see retrieval.tokens.

Rules: the full-text index and the collections' counts follow the passages by trigger, in the same transaction, however a row comes or goes.
`collections.generation` grows with every change of its passages; whatever is derived from them and kept in memory is keyed by it.
"""

from __future__ import annotations

import sqlalchemy as sa

from antiphon.storage.tables.metadata import metadata

PASSAGE_BITS = 32

_Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite: only INTEGER PRIMARY KEY is the rowid

collections = sa.Table(
    "collections",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, nullable=False, unique=True, doc="high half of its passages' ids"),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("settings", sa.JSON, nullable=False, doc="e.g. url_prefix"),
    sa.Column("generation", sa.Integer, nullable=False, server_default="0"),
    sa.Column("passages", sa.Integer, nullable=False, server_default="0"),
    sa.Column("tokens", sa.BigInteger, nullable=False, server_default="0", doc="sum of its passages' lengths"),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
)

documents = sa.Table(
    "documents",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("collection", sa.Text, sa.ForeignKey("collections.id", ondelete="CASCADE"), nullable=False),
    sa.Column("source", sa.Text, nullable=False, doc="path or URL it was ingested from; its name within the collection"),
    sa.Column("title", sa.Text, nullable=False, server_default=""),
    sa.Column("url", sa.Text, doc="what a citation links to; NULL for our own reader page"),
    sa.Column("media_type", sa.Text, nullable=False, server_default=""),
    sa.Column("content_hash", sa.Text, doc="of the bytes its passages were made from; NULL until there are any"),
    sa.Column("status", sa.Text, nullable=False, doc="queued | ready | failed; a failed one keeps its earlier passages"),
    sa.Column("error", sa.Text, doc="why it failed, for its owner's eyes"),
    sa.Column("generation", sa.Integer, nullable=False, server_default="0", doc="how often its passages were replaced"),
    sa.Column("passages", sa.Integer, nullable=False, server_default="0"),
    sa.Column("characters", sa.Integer, nullable=False, server_default="0"),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.Column("text", sa.Text, nullable=False, server_default="", doc="extracted text that passages' ranges count in; the reader page"),
    sa.UniqueConstraint("collection", "source"),
)

passages = sa.Table(
    "passages",
    metadata,
    sa.Column("id", _Id, primary_key=True, autoincrement=False),
    sa.Column("document", sa.Text, sa.ForeignKey("documents.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("collection", sa.Text, sa.ForeignKey("collections.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("position", sa.Integer, nullable=False, doc="order within the document, from 0"),
    sa.Column("generation", sa.Integer, nullable=False, doc="the document's generation that it belongs to"),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("heading", sa.JSON, nullable=False, doc="list of headings, outermost first"),
    sa.Column("page", sa.Integer),
    sa.Column("start", sa.Integer, nullable=False),
    sa.Column("end", sa.Integer, nullable=False),
    sa.Column("length", sa.Integer, nullable=False, doc="how many tokens, unaccented forms not counted"),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("tokens", sa.Text, nullable=False),
)

vectors = sa.Table(
    "vectors",
    metadata,
    sa.Column("passage", _Id, sa.ForeignKey("passages.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    sa.Column("model", sa.Text, nullable=False, doc="the embedder's id; vectors of two models are never compared"),
    sa.Column("dims", sa.Integer, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False, doc="unit vector, little-endian float16"),
)

# detail=none: ranking counts in the stored tokens, the index only says which passages hold a token.
SQLITE_FULL_TEXT = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS passages_fts USING fts5("
    "tokens, content='passages', content_rowid='id', tokenize='ascii', detail=none)",
    "CREATE TRIGGER IF NOT EXISTS passages_indexed AFTER INSERT ON passages BEGIN "
    "INSERT INTO passages_fts(rowid, tokens) VALUES (new.id, new.tokens); "
    "UPDATE collections SET passages = passages + 1, tokens = tokens + new.length, generation = generation + 1 WHERE id = new.collection; "
    "END",
    "CREATE TRIGGER IF NOT EXISTS passages_unindexed AFTER DELETE ON passages BEGIN "
    "INSERT INTO passages_fts(passages_fts, rowid, tokens) VALUES ('delete', old.id, old.tokens); "
    "UPDATE collections SET passages = passages - 1, tokens = tokens - old.length, generation = generation + 1 WHERE id = old.collection; "
    "END",
)


@sa.event.listens_for(metadata, "after_create")
def _create_full_text(_: sa.MetaData, connection: sa.Connection, **__: object) -> None:
    """Make the index and its triggers where they are missing."""
    for statement in SQLITE_FULL_TEXT:
        connection.exec_driver_sql(statement)
