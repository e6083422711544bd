"""Works off the job table beside the server: claims what is due, keeps its lease alive, hands it to whoever knows the kind.

One task per handler, so that slow work of one kind holds up no other. A job that is held when the process stops is given back; one that is
held when it dies becomes anybody's once the lease runs out, or at the next start of a process that knows itself to be the only one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Final, Protocol

import sqlalchemy as sa
import structlog

from antiphon.core.errors import AntiphonError, OurError
from antiphon.storage import jobs
from antiphon.storage.database import Database
from antiphon.storage.ids import new_id, now_ms
from antiphon.storage.jobs import LEASE_MS, Job

LONGEST_NAP: Final = 5.0  # seconds; another process may have queued something
_AFTER_FAULT: Final = 1.0

log = structlog.get_logger(__name__)


class Handler(Protocol):
    """kinds: the jobs it knows. claim: how many it takes at once. `run` ends each of them in the table itself, under `owner`.

    Whatever `run` raises or leaves open is queued again, until the job's attempts are used up. `rest`: there is nothing to do for now.
    """

    @property
    def kinds(self) -> Sequence[str]: ...

    @property
    def claim(self) -> int: ...

    async def run(self, owner: str, claimed: Sequence[Job]) -> None: ...

    def rest(self) -> None: ...


class Worker:
    """`start`, `wake` whenever something was queued, `stop`. sole: no other process works on this database."""

    def __init__(self, database: Database, handlers: Sequence[Handler], *, sole: bool = True, lease_ms: int = LEASE_MS) -> None:
        self._database = database
        self._handlers = handlers
        self._sole = sole
        self._lease_ms = lease_ms
        self._tasks: list[asyncio.Task[None]] = []
        self._wakes = [asyncio.Event() for _ in handlers]

    async def start(self) -> None:
        """Begin working; jobs of a process that died are taken up first."""
        if self._sole:
            await self._database.write(jobs.expire_leases)
        pairs = zip(self._handlers, self._wakes, strict=True)
        self._tasks = [asyncio.create_task(self._serve(handler, wake), name=f"jobs {'/'.join(handler.kinds)}") for handler, wake in pairs]

    def wake(self) -> None:
        """Something was queued."""
        for wake in self._wakes:
            wake.set()

    async def stop(self) -> None:
        """Cut work short and give it back to the table."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def _serve(self, handler: Handler, wake: asyncio.Event) -> None:
        owner = new_id("worker")
        try:
            while True:
                wake.clear()
                try:
                    claimed = await self._database.write(jobs.claim, owner, handler.kinds, handler.claim, self._lease_ms)
                    if claimed:
                        await self._run(handler, owner, claimed)
                        continue
                    nap = await self._nap(handler)
                except Exception as error:  # a fault of the table itself must not end the worker
                    log.error("jobs_fault", kinds=list(handler.kinds), error=repr(error))
                    nap = _AFTER_FAULT
                handler.rest()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), nap)
        finally:
            with contextlib.suppress(AntiphonError):  # a closed database: the lease runs out instead
                await self._database.write(jobs.release, owner)

    async def _run(self, handler: Handler, owner: str, claimed: Sequence[Job]) -> None:
        pulse = asyncio.create_task(self._keep_alive(owner))
        try:
            await handler.run(owner, claimed)
            failure: AntiphonError = OurError("The work was left unfinished.", code="job_unfinished")
        except AntiphonError as error:
            failure = error
        except Exception as error:  # the job's fault or ours: it is tried again, then failed, and the worker goes on
            log.exception("job_failed", kinds=list(handler.kinds))
            failure = OurError("The work failed because of a defect.", detail=repr(error))
        finally:
            pulse.cancel()
        await self._database.write(_give_up, owner, claimed, failure)

    async def _keep_alive(self, owner: str) -> None:
        while True:
            await asyncio.sleep(self._lease_ms / 3_000)
            try:
                await self._database.write(jobs.heartbeat, owner, self._lease_ms)
            except AntiphonError as error:
                log.warning("job_heartbeat_failed", error=error.code)

    async def _nap(self, handler: Handler) -> float:
        due = await self._database.read(jobs.next_due, handler.kinds)
        return LONGEST_NAP if due is None else min(max((due - now_ms()) / 1000, 0.01), LONGEST_NAP)


def _give_up(connection: sa.Connection, owner: str, claimed: Sequence[Job], failure: AntiphonError) -> None:
    """Of the claimed jobs, those that have ended are no longer held, and so stay as they are."""
    for job in claimed:
        jobs.fail(connection, owner, job.id, error=failure.code, message=failure.message, retry=True)
