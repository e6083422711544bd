"""Users and everything that proves who somebody is: sessions, API keys, one-time links.

Rules: no secret is kept in a form that can be used: passwords as argon2id hashes, the others as SHA-256 of a random 256-bit value.
`*_key` columns hold the folded form (NFC, casefold) of the column before them and carry the uniqueness.
"""

from __future__ import annotations

import sqlalchemy as sa

from antiphon.storage.tables.metadata import metadata

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("name_key", sa.Text, nullable=False, unique=True),
    sa.Column("email", sa.Text),
    sa.Column("email_key", sa.Text, unique=True),
    sa.Column("password", sa.Text, doc="argon2id in PHC form; NULL for a user who cannot sign in by password"),
    sa.Column("role", sa.Text, nullable=False, doc="admin or member"),
    sa.Column("token_version", sa.Integer, nullable=False, server_default="0", doc="counts up to end every token given out before"),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("suspended_at", sa.BigInteger),
    sa.Column("signed_in_at", sa.BigInteger),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("user", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("user", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False, unique=True),
    sa.Column("prefix", sa.Text, nullable=False, doc="its first characters, to tell keys apart in a list"),
    sa.Column("scopes", sa.JSON, nullable=False, doc="list of scope names; empty for all that its user may do"),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger),
    sa.Column("used_at", sa.BigInteger, doc="last use, to the minute"),
    sa.Column("revoked_at", sa.BigInteger),
)

links = sa.Table(
    "links",
    metadata,
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("purpose", sa.Text, nullable=False, index=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
)
