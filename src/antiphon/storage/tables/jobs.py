"""Durable background work: one row for each piece, claimed under a lease, so that a crash loses nothing and doubles nothing.

Statuses: queued -> running -> done | failed; running -> queued when it is to be tried again. A running job whose lease has run out is
anybody's. `batch` ties together what one request asked for, so that its progress can be counted.
"""

from __future__ import annotations

import sqlalchemy as sa

from antiphon.storage.tables.metadata import metadata

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("batch", sa.Text, index=True, doc="what one request asked for"),
    sa.Column("subject", sa.Text, nullable=False, doc="what it is about, e.g. a collection's id; permission is asked of it"),
    sa.Column("label", sa.Text, nullable=False, server_default="", doc="how it is shown: a source's name"),
    sa.Column("status", sa.Text, nullable=False, doc="queued | running | done | failed"),
    sa.Column("stage", sa.Text, nullable=False, server_default="", doc="what a running job is at"),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("result", sa.JSON, doc="what a done job has to say"),
    sa.Column("error", sa.Text, doc="code of the last failure"),
    sa.Column("message", sa.Text, doc="the last failure in words fit for whoever asked"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("max_attempts", sa.Integer, nullable=False, server_default="3"),
    sa.Column("run_at", sa.BigInteger, nullable=False, doc="not before this time"),
    sa.Column("lease_owner", sa.Text),
    sa.Column("lease_until", sa.BigInteger),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger),
    sa.Index("ix_jobs_status_run_at", "status", "run_at"),
)
