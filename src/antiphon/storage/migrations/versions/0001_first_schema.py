"""The first schema, as it was when it was first given out: never changed again, whatever becomes of storage/tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

schema = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
number = sa.BigInteger().with_variant(sa.Integer, "sqlite")

sa.Table(
    "settings",
    schema,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
)

sa.Table(
    "users",
    schema,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("name_key", sa.Text, nullable=False, unique=True),
    sa.Column("email", sa.Text),
    sa.Column("email_key", sa.Text, unique=True),
    sa.Column("password", sa.Text),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("token_version", sa.Integer, nullable=False, server_default="0"),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("suspended_at", sa.BigInteger),
    sa.Column("signed_in_at", sa.BigInteger),
)

sa.Table(
    "sessions",
    schema,
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("user", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
)

sa.Table(
    "api_keys",
    schema,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("user", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False, unique=True),
    sa.Column("prefix", sa.Text, nullable=False),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger),
    sa.Column("used_at", sa.BigInteger),
    sa.Column("revoked_at", sa.BigInteger),
)

sa.Table(
    "links",
    schema,
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("purpose", sa.Text, nullable=False, index=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
)

sa.Table(
    "grants",
    schema,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("resource", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Index(None, "subject", "kind"),
)

sa.Table(
    "collections",
    schema,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("settings", sa.JSON, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False, server_default="0"),
    sa.Column("passages", sa.Integer, nullable=False, server_default="0"),
    sa.Column("tokens", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
)

sa.Table(
    "documents",
    schema,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("collection", sa.Text, sa.ForeignKey("collections.id", ondelete="CASCADE"), nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False, server_default=""),
    sa.Column("url", sa.Text),
    sa.Column("media_type", sa.Text, nullable=False, server_default=""),
    sa.Column("content_hash", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("generation", sa.Integer, nullable=False, server_default="0"),
    sa.Column("passages", sa.Integer, nullable=False, server_default="0"),
    sa.Column("characters", sa.Integer, nullable=False, server_default="0"),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.Column("text", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("collection", "source"),
)

sa.Table(
    "passages",
    schema,
    sa.Column("id", number, primary_key=True, autoincrement=False),
    sa.Column("document", sa.Text, sa.ForeignKey("documents.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("collection", sa.Text, sa.ForeignKey("collections.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("heading", sa.JSON, nullable=False),
    sa.Column("page", sa.Integer),
    sa.Column("start", sa.Integer, nullable=False),
    sa.Column("end", sa.Integer, nullable=False),
    sa.Column("length", sa.Integer, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("tokens", sa.Text, nullable=False),
)

sa.Table(
    "vectors",
    schema,
    sa.Column("passage", number, sa.ForeignKey("passages.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("dims", sa.Integer, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
)

sa.Table(
    "jobs",
    schema,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("batch", sa.Text, index=True),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("label", sa.Text, nullable=False, server_default=""),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("stage", sa.Text, nullable=False, server_default=""),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("result", sa.JSON),
    sa.Column("error", sa.Text),
    sa.Column("message", sa.Text),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("max_attempts", sa.Integer, nullable=False, server_default="3"),
    sa.Column("run_at", sa.BigInteger, nullable=False),
    sa.Column("lease_owner", sa.Text),
    sa.Column("lease_until", sa.BigInteger),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger),
    sa.Index("ix_jobs_status_run_at", "status", "run_at"),
)

sa.Table(
    "backends",
    schema,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("base_url", sa.Text, nullable=False),
    sa.Column("sealed_key", sa.Text),
    sa.Column("key_variable", sa.Text),
    sa.Column("headers", sa.JSON, nullable=False),
    sa.Column("streams", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("discover", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
)

sa.Table(
    "models",
    schema,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("backend", sa.Text, sa.ForeignKey("backends.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("upstream", sa.Text),
    sa.Column("context_tokens", sa.Integer),
    sa.Column("input_price", sa.Float),
    sa.Column("output_price", sa.Float),
    sa.Column("created_at", sa.BigInteger, nullable=False),
)

sa.Table(
    "bots",
    schema,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("description", sa.Text, nullable=False, server_default=""),
    sa.Column("model", sa.Text),
    sa.Column("persona", sa.Text),
    sa.Column("collections", sa.JSON),
    sa.Column("parameters", sa.JSON, nullable=False),
    sa.Column("hidden", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
)

sa.Table(
    "sites",
    schema,
    sa.Column("slug", sa.Text, primary_key=True),
    sa.Column("collection", sa.Text, sa.ForeignKey("collections.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("bot", sa.Text),
    sa.Column("origins", sa.JSON, nullable=False),
    sa.Column("limits", sa.JSON, nullable=False),
    sa.Column("public", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
)

sa.Table(
    "conversations",
    schema,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, index=True),
    sa.Column("site", sa.Text),
    sa.Column("session", sa.Text),
    sa.Column("title", sa.Text, nullable=False, server_default=""),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, index=True),
    sa.Column("deleted_at", sa.BigInteger),
    sa.UniqueConstraint("site", "session"),
)

sa.Table(
    "messages",
    schema,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("conversation", sa.Text, sa.ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("parent", sa.Text),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("parts", sa.JSON, nullable=False),
    sa.Column("citations", sa.JSON, nullable=False),
    sa.Column("run", sa.Text),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("conversation", "client_id"),
)

sa.Table(
    "runs",
    schema,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("conversation", sa.Text, sa.ForeignKey("conversations.id", ondelete="SET NULL"), index=True),
    sa.Column("subject", sa.Text, nullable=False, index=True),
    sa.Column("on_behalf_of", sa.Text),
    sa.Column("dialect", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("bot", sa.Text),
    sa.Column("outcome", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("input_tokens", sa.Integer, nullable=False, server_default="0"),
    sa.Column("output_tokens", sa.Integer, nullable=False, server_default="0"),
    sa.Column("estimated", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("cost", sa.Float),
    sa.Column("question", sa.Text),
    sa.Column("answer", sa.Text),
    sa.Column("started_at", sa.BigInteger, nullable=False, index=True),
    sa.Column("first_token_ms", sa.Integer),
    sa.Column("ended_at", sa.BigInteger),
)

FULL_TEXT = (
    "CREATE VIRTUAL TABLE passages_fts USING fts5(tokens, content='passages', content_rowid='id', tokenize='ascii', detail=none)",
    "CREATE TRIGGER passages_indexed AFTER INSERT ON passages BEGIN "
    "INSERT INTO passages_fts(rowid, tokens) VALUES (new.id, new.tokens); "
    "UPDATE collections SET passages = passages + 1, tokens = tokens + new.length, generation = generation + 1 WHERE id = new.collection; "
    "END",
    "CREATE TRIGGER passages_unindexed AFTER DELETE ON passages BEGIN "
    "INSERT INTO passages_fts(passages_fts, rowid, tokens) VALUES ('delete', old.id, old.tokens); "
    "UPDATE collections SET passages = passages - 1, tokens = tokens - old.length, generation = generation + 1 WHERE id = old.collection; "
    "END",
)


def upgrade() -> None:
    connection = op.get_bind()
    schema.create_all(connection, checkfirst=False)
    for statement in FULL_TEXT:
        connection.exec_driver_sql(statement)


def downgrade() -> None:
    raise RuntimeError("There is nothing before the first schema.")
