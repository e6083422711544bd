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
from antiphon.core.events import ErrorEvent, Outcome, ReasoningDelta, RunEnd, TextDelta, ToolCallStart, Usage
from antiphon.core.fold import Answer, IllegalOrder
from antiphon.runs.log import Run

log = structlog.get_logger(__name__)

_SPEAKS = (TextDelta, ReasoningDelta, ToolCallStart)


class Record:
    """What a finished run came to. first_token: seconds from start to the first delta, None if there was none.

    chunks: batches passed on. finished: it has been handed over.
    """

    __slots__ = ("answer", "chunks", "finished", "first_token", "run", "seconds")

    def __init__(self, run: Run) -> None:
        self.run = run
        self.answer: Answer | None = None
        self.chunks = 0
        self.finished = False
        self.first_token: float | None = None
        self.seconds = 0.0

    @property
    def outcome(self) -> Outcome:
        return (self.answer.outcome if self.answer else None) or "interrupted"


async def record(run: Run, batches: Batches, finish: Callable[[Record], object], count: Callable[[Answer], Usage | None]) -> Batches:
    """Pass the turn on, recorded. `finish` is called once: when the run has ended, before its last batch is passed on.

    When the reader leaves (this generator is closed) or the task is cancelled, the log ends with `run.outcome_if_cut`; what was used until
    then is asked of `count`, since the turn itself can say nothing more. A run that was never begun leaves no record.
    """
    started = time.monotonic()
    result = Record(run)
    passed = 0
    try:
        async with aclosing(batches):
            async for batch in batches:
                run.append(batch)
                passed += len(batch)
                result.chunks += 1
                if result.first_token is None and any(isinstance(event, _SPEAKS) for event in batch):
                    result.first_token = time.monotonic() - started
                if run.ended:
                    _finish(result, started, finish)
                yield batch
        if not run.ended:
            raise IllegalOrder("the turn stopped without run-end")
    except (GeneratorExit, asyncio.CancelledError):
        _end(run, count, RunEnd(run.outcome_if_cut))
        _finish(result, started, finish)
        raise
    except Exception:
        log.exception("turn failed", run=run.id, dialect=run.dialect)
        _end(run, count, RunEnd("failed"), ErrorEvent.of(OurError("Something went wrong on our side. The problem has been logged.")))
        _finish(result, started, finish)
        if not run.events:
            raise
        if passed < len(run.events):
            yield run.events[passed:]


def _end(run: Run, count: Callable[[Answer], Usage | None], end: RunEnd, error: ErrorEvent | None = None) -> None:
    """End a log that its turn did not end; one that has not begun stays empty."""
    if run.ended or not run.events:
        return
    answer = run.answer()
    usage = count(answer) if answer.usage is None else None
    run.append([event for event in (error if answer.error is None else None, usage, end) if event is not None])


def _finish(result: Record, started: float, finish: Callable[[Record], object]) -> None:
    """Make the record, unless it has been made. Its failure is ours to know, and takes nothing from the reader."""
    if result.finished:
        return
    result.finished = True
    run = result.run
    result.answer = run.answer() if run.events else None
    result.seconds = time.monotonic() - started
    try:
        finish(result)
    except Exception:
        log.exception("a run could not be recorded", run=run.id, dialect=run.dialect)
