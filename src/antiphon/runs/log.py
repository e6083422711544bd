"""A run is a numbered log of events; everything else reads that log.

`append` gives every event its sequence number (its index, from 0, without gaps). `tail(after)` is the only way to read: it yields what is
there beyond `after`, then what comes, and ends with the run. A reader costs an integer, not a queue. `stop` asks the producer to end.

Here the log lives in memory. Rules: one producer per run; an ended run takes no more events; a run that ended is forgotten `keep` seconds
later, or at once when nobody can come back for it (keep = 0).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Final

from antiphon.core.actor import Actor
from antiphon.core.events import Event, Outcome
from antiphon.core.fold import Answer, Folder

MAX_RETAINED: Final = 10_000


class Run:
    """One answer being made. id is fresh and never reused. owner is who asked: nobody else may read or stop it.

    outcome_if_cut: what a producer that is cancelled ends with; stopped by people, interrupted by a shutdown.
    """

    __slots__ = ("_folder", "_grown", "_stop", "created", "dialect", "ended", "events", "id", "outcome_if_cut", "owner", "stopping")

    def __init__(self, id: str, owner: Actor, dialect: str, created: int) -> None:
        self.id = id
        self.owner = owner
        self.dialect = dialect
        self.created = created
        self.events: list[Event] = []
        self.ended = False
        self.stopping = False
        self.outcome_if_cut: Outcome = "stopped"
        self._folder = Folder()
        self._grown: asyncio.Event | None = None
        self._stop: Callable[[], object] | None = None

    def append(self, batch: Sequence[Event]) -> None:
        """Number and keep a batch, then wake the readers.

        Raises core.fold.IllegalOrder at an event that is out of order; those before it are kept.
        """
        feed, keep = self._folder.feed, self.events.append
        try:
            for event in batch:
                feed(event)
                keep(event)
        finally:
            if self._folder.phase == "ended":
                self.ended = True
            if self._grown is not None:
                self._grown.set()
                self._grown = None

    def answer(self) -> Answer:
        """The answer as far as it goes."""
        return self._folder.answer()

    async def tail(self, after: int = -1) -> AsyncGenerator[tuple[int, Sequence[Event]], None]:
        """Yield (sequence number of the first, events) for everything beyond `after` until the run has ended and been read."""
        position = after + 1
        while True:
            if position < len(self.events):
                batch = self.events[position:]
                yield position, batch
                position += len(batch)
            elif self.ended:
                return
            else:
                if self._grown is None:
                    self._grown = asyncio.Event()
                await self._grown.wait()

    def on_stop(self, stop: Callable[[], object]) -> None:
        """Tell the run how its producer is stopped."""
        self._stop = stop
        if self.stopping:
            stop()

    def stop(self) -> None:
        """Ask the producer to end now; safe to call twice and after the end."""
        if self.ended or self.stopping:
            return
        self.stopping = True
        if self._stop is not None:
            self._stop()


class RunLog:
    """The runs of this process, by id."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._leaving: dict[str, asyncio.TimerHandle] = {}

    def open(self, run: Run) -> Run:
        """Make a run known, so that readers find it."""
        self._runs[run.id] = run
        return run

    def find(self, id: str) -> Run | None:
        return self._runs.get(id)

    def active(self, owner: Actor | None = None, dialect: str | None = None) -> list[Run]:
        """Runs that have not ended, of one owner (same subject) and dialect when given."""
        return [
            run
            for run in self._runs.values()
            if not run.ended and (owner is None or run.owner.subject == owner.subject) and (dialect is None or run.dialect == dialect)
        ]

    def close(self, run: Run, keep: float = 0) -> None:
        """Forget an ended run after `keep` seconds, whatever was said before; the oldest go first when there are too many."""
        if keep <= 0:
            self._forget(run.id)
            return
        if (before := self._leaving.get(run.id)) is not None:
            before.cancel()
        self._leaving[run.id] = asyncio.get_running_loop().call_later(keep, self._forget, run.id)
        if len(self._runs) > MAX_RETAINED:
            oldest = next((old.id for old in self._runs.values() if old.ended), None)
            if oldest is not None:
                self._forget(oldest)

    def _forget(self, id: str) -> None:
        self._runs.pop(id, None)
        if (timer := self._leaving.pop(id, None)) is not None:
            timer.cancel()
