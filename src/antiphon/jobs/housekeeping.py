"""Chores that come round: what has expired is deleted, each kind at its own interval. app.py says which there are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec
import structlog

from antiphon.storage import jobs
from antiphon.storage.database import Database
from antiphon.storage.ids import now_ms

ENDED_JOBS_KEPT_MS: Final = 30 * 24 * 3_600_000

log = structlog.get_logger(__name__)


class Chore(msgspec.Struct, frozen=True):
    """every: seconds from the end of one round to the next; the first round comes at the start. run: how many things it did."""

    name: str
    every: float
    run: Callable[[], Awaitable[int]]


class Housekeeper:
    """`start` and `stop`. A chore that fails is logged and comes round again."""

    def __init__(self, chores: Sequence[Chore]) -> None:
        self._chores = chores
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self._tasks = [asyncio.create_task(_repeat(chore), name=f"chore {chore.name}") for chore in self._chores]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []


async def _repeat(chore: Chore) -> None:
    while True:
        try:
            done = await chore.run()
            if done:
                log.info("chore_done", chore=chore.name, count=done)
        except Exception as error:  # tomorrow is another day
            log.error("chore_failed", chore=chore.name, error=repr(error))
        await asyncio.sleep(chore.every)


def ended_jobs(database: Database) -> Chore:
    """Jobs that ended a month ago."""
    return Chore("ended jobs", 3_600, lambda: database.write(jobs.sweep, now_ms() - ENDED_JOBS_KEPT_MS))
