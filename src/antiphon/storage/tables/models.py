"""Model servers, the models named on them, bots made of models, and the sites where bots may stand.

Who may use a server (all its models), a bot or a site is said by `grants`, under its name or slug; see permissions.kinds.
"""

from __future__ import annotations

import sqlalchemy as sa

from antiphon.storage.tables.metadata import metadata

backends = sa.Table(
    "backends",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("provider", sa.Text, nullable=False, doc="the protocol it is asked by: openai-compatible"),
    sa.Column("base_url", sa.Text, nullable=False),
    sa.Column("sealed_key", sa.Text, doc="its API key, encrypted; NULL when key_variable names it or there is none"),
    sa.Column("key_variable", sa.Text, doc="environment variable that holds its API key"),
    sa.Column("headers", sa.JSON, nullable=False, doc="further request headers, name to value"),
    sa.Column("streams", sa.Boolean, nullable=False, server_default=sa.true(), doc="false for a server that only answers whole"),
    sa.Column("discover", sa.Boolean, nullable=False, server_default=sa.false(), doc="offer every model that it lists"),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
)

models = sa.Table(
    "models",
    metadata,
    sa.Column("name", sa.Text, primary_key=True, doc="what callers ask for"),
    sa.Column("backend", sa.Text, sa.ForeignKey("backends.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("upstream", sa.Text, doc="the server's own name; NULL for the same, or the only one it lists"),
    sa.Column("context_tokens", sa.Integer),
    sa.Column("input_price", sa.Float, doc="for a million tokens"),
    sa.Column("output_price", sa.Float, doc="for a million tokens"),
    sa.Column("created_at", sa.BigInteger, nullable=False),
)

bots = sa.Table(
    "bots",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("description", sa.Text, nullable=False, server_default=""),
    sa.Column("model", sa.Text, doc="a model's name; NULL for the default model"),
    sa.Column("persona", sa.Text, doc="system message in front of every conversation"),
    sa.Column("collections", sa.JSON, doc="list of collection ids; NULL for all that the asker may read"),
    sa.Column("parameters", sa.JSON, nullable=False, doc="bots.store.Parameters"),
    sa.Column("hidden", sa.Boolean, nullable=False, server_default=sa.false(), doc="not listed, but answers when named"),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
)

sites = sa.Table(
    "sites",
    metadata,
    sa.Column("slug", sa.Text, primary_key=True),
    sa.Column("collection", sa.Text, sa.ForeignKey("collections.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("bot", sa.Text, doc="a bot's or a model's name; NULL for the default bot"),
    sa.Column("origins", sa.JSON, nullable=False, doc="list of scheme://host[:port]"),
    sa.Column("limits", sa.JSON, nullable=False, doc="bots.sites.SiteLimits"),
    sa.Column("public", sa.Boolean, nullable=False, server_default=sa.false(), doc="whether visitors without a credential may ask"),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
)
