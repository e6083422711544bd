"""Settings changed while the server runs; the layer between a configuration file and the defaults."""

from __future__ import annotations

import sqlalchemy as sa

from antiphon.storage.tables.metadata import metadata

settings = sa.Table(
    "settings",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False, doc="JSON; of a secret, JSON of its sealed form"),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
)
