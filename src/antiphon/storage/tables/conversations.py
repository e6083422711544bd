"""Conversations, their append-only messages, runs and what they cost.

A message is a row with a client id unique in its conversation: a repeated send is the same message. The tree is `parent`.
A run is one answer being made; its usage stays when its text is not kept.
"""

from __future__ import annotations

import sqlalchemy as sa

from antiphon.storage.tables.metadata import metadata

conversations = sa.Table(
    "conversations",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, index=True, doc="user id, or NULL for a visitor's"),
    sa.Column("site", sa.Text, doc="slug of the site a visitor asked on"),
    sa.Column("session", sa.Text, doc="the visitor's own session id"),
    sa.Column("title", sa.Text, nullable=False, server_default=""),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, index=True, doc="NULL keeps it until somebody deletes it"),
    sa.Column("deleted_at", sa.BigInteger),
    sa.UniqueConstraint("site", "session"),
)

messages = sa.Table(
    "messages",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("conversation", sa.Text, sa.ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("parent", sa.Text),
    sa.Column("client_id", sa.Text, nullable=False, doc="chosen by whoever sent it"),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("parts", sa.JSON, nullable=False, doc="list of core.messages parts"),
    sa.Column("citations", sa.JSON, nullable=False, doc="list of core.passages.Citation"),
    sa.Column("run", sa.Text, doc="the run that made an assistant's message"),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("conversation", "client_id"),
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("conversation", sa.Text, sa.ForeignKey("conversations.id", ondelete="SET NULL"), index=True),
    sa.Column("subject", sa.Text, nullable=False, index=True, doc="whom it is metered to: core.actor.Actor.subject"),
    sa.Column("on_behalf_of", sa.Text, doc="the end user a program names (user_id, client_id, user): metering only"),
    sa.Column("dialect", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("bot", sa.Text),
    sa.Column("outcome", sa.Text, doc="core.events.Outcome; NULL while it runs"),
    sa.Column("error", sa.Text, doc="error code when it failed"),
    sa.Column("input_tokens", sa.Integer, nullable=False, server_default="0"),
    sa.Column("output_tokens", sa.Integer, nullable=False, server_default="0"),
    sa.Column("estimated", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("cost", sa.Float),
    sa.Column("question", sa.Text, doc="NULL unless storing text is switched on"),
    sa.Column("answer", sa.Text, doc="NULL unless storing text is switched on"),
    sa.Column("started_at", sa.BigInteger, nullable=False, index=True),
    sa.Column("first_token_ms", sa.Integer),
    sa.Column("ended_at", sa.BigInteger),
)
