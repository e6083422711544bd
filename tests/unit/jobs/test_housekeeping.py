import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

from antiphon.jobs.housekeeping import ENDED_JOBS_KEPT_MS, Chore, Housekeeper, ended_jobs
from antiphon.storage import jobs
from antiphon.storage.database import Database
from antiphon.storage.ids import now_ms
from antiphon.storage.jobs import NewJob
from antiphon.storage.tables.jobs import jobs as table

pytestmark = pytest.mark.anyio


async def test_chores_come_round_again_even_after_they_failed() -> None:
    rounds: asyncio.Queue[int] = asyncio.Queue()
    count = 0

    async def run() -> int:
        nonlocal count
        count += 1
        rounds.put_nowait(count)
        if count == 1:
            raise OSError("once")
        return 1

    keeper = Housekeeper([Chore("test", 0.001, run)])
    await keeper.start()
    assert [await rounds.get() for _ in range(3)] == [1, 2, 3]
    await keeper.stop()
    seen = count
    await asyncio.sleep(0.02)
    assert count == seen


async def test_jobs_that_ended_long_ago_go(tmp_path: Path) -> None:
    database = Database(tmp_path / "jobs.db")
    await database.write(lambda connection: table.create(connection))
    old, recent, waiting = await database.write(jobs.enqueue, [NewJob("work", "s")] * 3)
    for identifier, at in ((old, now_ms() - ENDED_JOBS_KEPT_MS - 1_000), (recent, now_ms())):
        await database.write(
            lambda connection, i, t: connection.execute(sa.update(table).where(table.c.id == i).values(ended_at=t)), identifier, at
        )
    assert await ended_jobs(database).run() == 1
    assert [job.id for job in await database.read(jobs.list_jobs)] == [recent, waiting]
    database.close()
