"""Who holds what: one row for each right that somebody was given on one thing."""

from __future__ import annotations

import sqlalchemy as sa

from antiphon.storage.tables.metadata import metadata

grants = sa.Table(
    "grants",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True, doc="kind of thing, as in permissions.kinds"),
    sa.Column("resource", sa.Text, primary_key=True, doc="the thing's id"),
    sa.Column("subject", sa.Text, primary_key=True, doc="everyone, members, user:<id>, group:<id> or site:<slug>"),
    sa.Column("role", sa.Text, nullable=False, doc="reader, writer or owner; each holds what the one before it holds"),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Index(None, "subject", "kind"),
)
