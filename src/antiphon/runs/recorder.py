"""Between a turn and its readers: numbers what the turn says, and when it is over meters it and hands it to whoever keeps it.

Rules: nothing per batch but the append; nothing is awaited between an event and its reader; the record is made exactly once, however the
run ends. A defect of ours inside a turn is logged with its trace and told to the reader as a plain internal error.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing

import structlog

from antiphon.chat.ports import Batches
from antiphon.core.errors import OurError
from antiphon.core.events import ErrorEvent, Event, Outcome, ReasoningDelta, RunEnd, TextDelta, ToolCallStart
from antiphon.core.fold import Answer
from antiphon.runs.log import Run

log = structlog.get_logger(__name__)

_SPEAKS = (TextDelta, ReasoningDelta, ToolCallStart)


class Record:
    """What a finished run came to. first_token: seconds from start to the first delta, None if there was none. chunks: batches passed on."""

    __slots__ = ("answer", "chunks", "first_token", "run", "seconds")

    def __init__(self, run: Run) -> None:
        self.run = run
        self.answer: Answer | None = None
        self.chunks = 0
        self.first_token: float | None = None
        self.seconds = 0.0

    @property
    def outcome(self) -> Outcome:
        return (self.answer.outcome if self.answer else None) or "interrupted"


async def record(run: Run, batches: Batches, finish: Callable[[Record], object]) -> Batches:
    """Pass the turn on, recorded. `finish` is called once: when the run has ended, before its last batch is passed on.

    When the reader leaves (this generator is closed) or the task is cancelled, the log ends with `run.outcome_if_cut`.
    """
    started = time.monotonic()
    result = Record(run)

    def over() -> None:
        result.answer = run.answer() if run.events else None
        result.seconds = time.monotonic() - started
        finish(result)

    try:
        async with aclosing(batches):
            async for batch in batches:
                run.append(batch)
                result.chunks += 1
                if result.first_token is None and isinstance(batch[0], _SPEAKS):
                    result.first_token = time.monotonic() - started
                if run.ended:
                    over()
                yield batch
    except (GeneratorExit, asyncio.CancelledError):
        if not run.ended:
            run.append([RunEnd(run.outcome_if_cut)] if run.events else [])
            over()
        raise
    except Exception:
        log.exception("turn failed", run=run.id, dialect=run.dialect)
        if run.ended or not run.events:
            raise
        error = OurError("Something went wrong on our side. The problem has been logged.")
        last: list[Event] = [ErrorEvent.of(error), RunEnd("failed")]
        run.append(last)
        over()
        yield last
