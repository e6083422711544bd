import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa

from antiphon.core.errors import UpstreamBusy
from antiphon.jobs.worker import Worker
from antiphon.storage import jobs
from antiphon.storage.database import Database
from antiphon.storage.jobs import Job, NewJob
from antiphon.storage.tables.jobs import jobs as table

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(tmp_path / "jobs.db")
    await opened.write(lambda connection: table.create(connection))
    yield opened
    opened.close()


class Handler:
    """Does to each job what the test says, and tells which it saw."""

    claim = 2

    def __init__(self, act: Callable[[str, Job], Awaitable[object]], kind: str = "work") -> None:
        self.kinds: Sequence[str] = (kind,)
        self.seen: asyncio.Queue[str] = asyncio.Queue()
        self.rested = asyncio.Event()
        self._act = act

    async def run(self, owner: str, claimed: Sequence[Job]) -> None:
        for job in claimed:
            self.seen.put_nowait(job.label)
            await self._act(owner, job)

    def rest(self) -> None:
        self.rested.set()


def finisher(database: Database) -> Callable[[str, Job], Awaitable[object]]:
    return lambda owner, job: database.write(jobs.finish, owner, job.id)


async def queue(database: Database, *labels: str, kind: str = "work", attempts: int = 3) -> list[str]:
    return await database.write(jobs.enqueue, [NewJob(kind, "s", label=label, batch="b", max_attempts=attempts) for label in labels])


async def ended(database: Database, count: int) -> list[Job]:
    """Wait until so many jobs have ended."""
    while True:
        found = [job for job in await database.read(jobs.list_jobs) if job.ended_at is not None]
        if len(found) >= count:
            return found
        await asyncio.sleep(0.01)


async def test_queued_work_is_done_and_later_work_too_once_it_is_woken(database: Database) -> None:
    handler = Handler(finisher(database))
    worker = Worker(database, [handler])
    await queue(database, "a", "b", "c")
    await worker.start()
    assert [job.status for job in await ended(database, 3)] == ["done"] * 3
    await handler.rested.wait()
    await queue(database, "d")
    worker.wake()
    assert len(await ended(database, 4)) == 4
    assert [handler.seen.get_nowait() for _ in range(4)] == ["a", "b", "c", "d"]
    await worker.stop()


async def test_a_handler_that_breaks_fails_its_job_not_the_worker(database: Database) -> None:
    async def act(owner: str, job: Job) -> None:
        if job.label == "bad":
            raise ZeroDivisionError("secret detail")
        await database.write(jobs.finish, owner, job.id)

    worker = Worker(database, [Handler(act)])
    await queue(database, "bad", attempts=1)
    await worker.start()
    (bad,) = await ended(database, 1)
    assert (bad.status, bad.error) == ("failed", "internal_error")
    assert "secret" not in (bad.message or "")
    await queue(database, "good")
    worker.wake()
    assert [job.status for job in await ended(database, 2)] == ["failed", "done"]
    await worker.stop()


async def test_an_upstream_fault_and_unfinished_work_are_queued_again_with_a_pause(database: Database) -> None:
    async def act(owner: str, job: Job) -> None:
        if job.label == "busy":
            raise UpstreamBusy("The site is busy.")

    handler = Handler(act)
    handler.claim = 1
    worker = Worker(database, [handler])
    await queue(database, "busy", "idle")
    await worker.start()
    await handler.rested.wait()
    await worker.stop()
    found = await database.read(jobs.list_jobs)
    assert [(job.status, job.error, job.attempts) for job in found] == [("queued", "upstream_busy", 1), ("queued", "job_unfinished", 1)]
    assert await database.write(jobs.claim, "x", ("work",), 5) == []


async def test_stopping_gives_work_back_uncounted_and_the_next_start_takes_it_up(database: Database) -> None:
    forever = asyncio.Event()
    handler = Handler(lambda owner, job: forever.wait())
    worker = Worker(database, [handler])
    await queue(database, "a")
    await worker.start()
    await handler.seen.get()
    await worker.stop()
    (job,) = await database.read(jobs.list_jobs)
    assert (job.status, job.attempts) == ("queued", 0)
    worker = Worker(database, [Handler(finisher(database))])
    await worker.start()
    assert (await ended(database, 1))[0].attempts == 1
    await worker.stop()


async def test_work_of_a_process_that_died_is_taken_up_at_the_start(database: Database) -> None:
    await queue(database, "a")
    await database.write(jobs.claim, "dead", ("work",))
    worker = Worker(database, [Handler(finisher(database))])
    await worker.start()
    assert (await ended(database, 1))[0].attempts == 2
    await worker.stop()


async def test_a_long_job_keeps_its_lease(database: Database) -> None:
    release = asyncio.Event()

    async def act(owner: str, job: Job) -> None:
        await release.wait()
        await database.write(jobs.finish, owner, job.id)

    async def lease() -> int:
        return await database.read(lambda connection: int(connection.scalar(sa.select(table.c.lease_until)) or 0))

    handler = Handler(act)
    worker = Worker(database, [handler], lease_ms=300)
    await queue(database, "a")
    await worker.start()
    await handler.seen.get()
    first = await lease()
    while await lease() <= first:  # the lease is in a file; there is no event to wait for
        await asyncio.sleep(0.01)
    release.set()
    assert [(job.status, job.attempts) for job in await ended(database, 1)] == [("done", 1)]
    await worker.stop()


async def test_slow_work_of_one_kind_does_not_hold_up_another(database: Database) -> None:
    forever = asyncio.Event()
    slow, quick = Handler(lambda owner, job: forever.wait(), "slow"), Handler(finisher(database), "quick")
    worker = Worker(database, [slow, quick])
    await queue(database, "s", kind="slow")
    await queue(database, "q", kind="quick")
    await worker.start()
    await slow.seen.get()
    assert [job.label for job in await ended(database, 1)] == ["q"]
    await worker.stop()


async def test_a_closed_database_does_not_keep_the_worker_from_stopping(database: Database) -> None:
    worker = Worker(database, [Handler(finisher(database))])
    await worker.start()
    database.close()
    await worker.stop()
