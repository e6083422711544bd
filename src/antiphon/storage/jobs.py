"""The job table's verbs, as plain functions over a connection: enqueue, claim, heartbeat, finish, fail, count, sweep.

Rules: whoever claims a job holds it until `lease_until`; every later verb names the owner and does nothing once the lease went to somebody
else, so that a stalled worker cannot overwrite its successor. Work and `finish` belong in one transaction: then it happens once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec
import sqlalchemy as sa

from antiphon.storage.ids import new_id, now_ms
from antiphon.storage.tables.jobs import jobs

Status = Literal["queued", "running", "done", "failed"]
LEASE_MS: Final = 60_000
_BACKOFF_MS: Final = (2_000, 10_000, 60_000, 300_000)


class NewJob(msgspec.Struct, frozen=True):
    kind: str
    subject: str
    label: str = ""
    payload: dict[str, Any] = {}
    batch: str | None = None
    max_attempts: int = 3
    run_at: int = 0


class Job(msgspec.Struct, frozen=True):
    """A row as its worker and its owner see it. Times in milliseconds."""

    id: str
    kind: str
    batch: str | None
    subject: str
    label: str
    status: Status
    stage: str
    payload: dict[str, Any]
    result: dict[str, Any] | None
    error: str | None
    message: str | None
    attempts: int
    max_attempts: int
    created_at: int
    ended_at: int | None


_COLUMNS = [jobs.c[name] for name in Job.__struct_fields__]


def enqueue(connection: sa.Connection, new: Sequence[NewJob]) -> list[str]:
    """Ids of the queued jobs, in order."""
    now = now_ms()
    rows = [
        {
            "id": new_id("job"),
            "kind": job.kind,
            "batch": job.batch,
            "subject": job.subject,
            "label": job.label,
            "status": "queued",
            "payload": job.payload,
            "max_attempts": job.max_attempts,
            "run_at": job.run_at or now,
            "created_at": now,
        }
        for job in new
    ]
    if rows:
        connection.execute(sa.insert(jobs), rows)
    return [str(row["id"]) for row in rows]


def claim(connection: sa.Connection, owner: str, kinds: Sequence[str], limit: int = 1, lease_ms: int = LEASE_MS) -> list[Job]:
    """Take up to `limit` due jobs, oldest first, those of dead owners included. Jobs that used up their attempts fail here."""
    now = now_ms()
    abandoned = sa.and_(jobs.c.status == "running", jobs.c.lease_until < now)
    connection.execute(
        sa.update(jobs)
        .where(abandoned, jobs.c.kind.in_(kinds), jobs.c.attempts >= jobs.c.max_attempts)
        .values(
            status="failed",
            error="job_abandoned",
            message="The work was cut off several times, so it was given up.",
            ended_at=now,
            lease_owner=None,
        )
    )
    due = sa.or_(sa.and_(jobs.c.status == "queued", jobs.c.run_at <= now), abandoned)
    chosen = (
        sa.select(jobs.c.id)
        .where(due, jobs.c.kind.in_(kinds))
        .order_by(jobs.c.run_at, jobs.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = connection.execute(
        sa.update(jobs)
        .where(jobs.c.id.in_(chosen))
        .values(status="running", stage="", attempts=jobs.c.attempts + 1, lease_owner=owner, lease_until=now + lease_ms)
        .returning(*_COLUMNS)
    )
    return sorted((Job(*row) for row in taken), key=lambda job: job.id)


def heartbeat(connection: sa.Connection, owner: str, lease_ms: int = LEASE_MS) -> int:
    """Prolong all that the owner holds; how many jobs that is."""
    held = sa.and_(jobs.c.lease_owner == owner, jobs.c.status == "running")
    return connection.execute(sa.update(jobs).where(held).values(lease_until=now_ms() + lease_ms)).rowcount


def set_stage(connection: sa.Connection, owner: str, ids: Sequence[str], stage: str) -> None:
    """Say what running jobs are at."""
    connection.execute(sa.update(jobs).where(_held(owner), jobs.c.id.in_(ids)).values(stage=stage))


def finish(connection: sa.Connection, owner: str, identifier: str, result: dict[str, Any] | None = None) -> bool:
    """Mark it done. False when the lease is somebody else's by now: then the caller's work must not count."""
    values = {"status": "done", "stage": "", "result": result, "error": None, "message": None, "ended_at": now_ms(), "lease_owner": None}
    return bool(connection.execute(sa.update(jobs).where(_held(owner), jobs.c.id == identifier).values(**values)).rowcount)


def fail(connection: sa.Connection, owner: str, identifier: str, *, error: str, message: str, retry: bool) -> Status | None:
    """Mark it failed, or queue it again after a pause when `retry` and attempts are left. None when the lease is gone."""
    row = connection.execute(sa.select(jobs.c.attempts, jobs.c.max_attempts).where(_held(owner), jobs.c.id == identifier)).first()
    if row is None:
        return None
    attempts, allowed = row
    again = retry and attempts < allowed
    now = now_ms()
    values: dict[str, Any] = {"error": error, "message": message, "stage": "", "lease_owner": None, "lease_until": None}
    if again:
        values |= {"status": "queued", "run_at": now + _BACKOFF_MS[min(attempts, len(_BACKOFF_MS)) - 1]}
    else:
        values |= {"status": "failed", "ended_at": now}
    connection.execute(sa.update(jobs).where(jobs.c.id == identifier).values(**values))
    return "queued" if again else "failed"


def release(connection: sa.Connection, owner: str) -> int:
    """Give back all that the owner holds, uncounted: it is stopping, not failing."""
    values = {"status": "queued", "stage": "", "attempts": jobs.c.attempts - 1, "lease_owner": None, "lease_until": None}
    held = sa.and_(jobs.c.lease_owner == owner, jobs.c.status == "running")
    return connection.execute(sa.update(jobs).where(held).values(**values)).rowcount


def counts(connection: sa.Connection, batch: str, *, subject: str, kind: str) -> dict[str, int]:
    """status -> how many jobs of one kind and subject the batch has."""
    asked = sa.and_(jobs.c.batch == batch, jobs.c.subject == subject, jobs.c.kind == kind)
    query = sa.select(jobs.c.status, sa.func.count()).where(asked).group_by(jobs.c.status)
    return {row[0]: row[1] for row in connection.execute(query)}


def is_about(connection: sa.Connection, batch: str, subject: str) -> bool:
    """Whether the batch is known and about this subject."""
    query = sa.select(jobs.c.id).where(jobs.c.batch == batch, jobs.c.subject == subject).limit(1)
    return connection.execute(query).first() is not None


def total(connection: sa.Connection, batch: str, field: str, *, subject: str) -> int:
    """Sum of a whole number in the results of the batch's done jobs about a subject."""
    value = jobs.c.result[field].as_integer()
    asked = sa.and_(jobs.c.batch == batch, jobs.c.subject == subject, jobs.c.status == "done")
    query = sa.select(sa.func.coalesce(sa.func.sum(value), 0)).where(asked)
    return int(connection.scalar(query) or 0)


def expire_leases(connection: sa.Connection) -> int:
    """Let go every running job, whoever holds it: for a process that knows itself to be the only one."""
    held = jobs.c.status == "running"
    return connection.execute(sa.update(jobs).where(held).values(lease_owner=None, lease_until=0)).rowcount


def list_jobs(
    connection: sa.Connection,
    *,
    batch: str | None = None,
    subject: str | None = None,
    status: Status | None = None,
    kind: str | None = None,
    after: str = "",
    limit: int = 100,
) -> list[Job]:
    """A page of jobs by id. after: the last id of the page before."""
    query = sa.select(*_COLUMNS).where(jobs.c.id > after).order_by(jobs.c.id).limit(limit)
    for column, wanted in ((jobs.c.batch, batch), (jobs.c.subject, subject), (jobs.c.status, status), (jobs.c.kind, kind)):
        if wanted is not None:
            query = query.where(column == wanted)
    return [Job(*row) for row in connection.execute(query)]


def open_payloads(connection: sa.Connection, kind: str) -> list[dict[str, Any]]:
    """Payloads of all jobs of a kind that have not ended."""
    query = sa.select(jobs.c.payload).where(jobs.c.kind == kind, jobs.c.status.in_(("queued", "running")))
    return [row[0] for row in connection.execute(query)]


def next_due(connection: sa.Connection, kinds: Sequence[str]) -> int | None:
    """When the next job of these kinds may be claimed; None when there is none."""
    due = sa.case((jobs.c.status == "queued", jobs.c.run_at), else_=jobs.c.lease_until)
    found = connection.scalar(sa.select(sa.func.min(due)).where(jobs.c.status.in_(("queued", "running")), jobs.c.kind.in_(kinds)))
    return None if found is None else int(found)


def sweep(connection: sa.Connection, ended_before: int) -> int:
    """Delete jobs that ended before a time; how many."""
    return connection.execute(sa.delete(jobs).where(jobs.c.ended_at < ended_before)).rowcount


def forget(connection: sa.Connection, *, subject: str | None = None, document: str | None = None) -> list[dict[str, Any]]:
    """Delete the jobs about a subject or about one document; their payloads, so that what they point to can go too."""
    about = jobs.c.subject == subject if document is None else jobs.c.payload["document"].as_string() == document
    return [row[0] for row in connection.execute(sa.delete(jobs).where(about).returning(jobs.c.payload))]


def _held(owner: str) -> sa.ColumnElement[bool]:
    return sa.and_(jobs.c.lease_owner == owner, jobs.c.status == "running")
