"""The database: many readers, one writer, plain functions in between.

Strategy: SQLAlchemy Core is used synchronously in threads. A *unit of work* is a function `fn(connection, *args)`. Reads run in a small
pool of reader threads, each in a transaction of its own. Writes queue for the one writer thread, which commits whatever has gathered in a
single transaction (group commit): each unit runs inside a savepoint, so that one failure undoes nobody else's work, and no caller is
answered before the commit.

Rules: WAL, synchronous=FULL (an acknowledged write survives power loss), BEGIN IMMEDIATE (a deferred transaction that upgrades fails at
once, whatever the busy timeout says). Never hold a connection across an await. Never on a network file system.
"""

from __future__ import annotations

import asyncio
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from antiphon.core.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")

READERS = min(4, os.cpu_count() or 1)
BUSY_TIMEOUT = 5.0
GROUP_LIMIT = 256
PATIENCE = 0.1  # seconds


class _Job(NamedTuple):
    fn: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    future: Future[Any]
    patient: bool


class Database:
    """One SQLite file. `await read(fn, ...)`, `await write(fn, ...)`; `close()` finishes what was queued."""

    def __init__(self, path: Path, busy_timeout: float = BUSY_TIMEOUT) -> None:
        """busy_timeout: seconds to wait for another process's transaction."""
        self.path = path
        self.engine = _engine(path, busy_timeout)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="db-read")
        self._local = threading.local()
        self._connections: list[sa.Connection] = []
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._lock = threading.Lock()
        self._closed = False

    async def read(self, fn: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run fn(connection, ...) in a reader thread; what it sees is one consistent snapshot."""
        if self._closed:
            raise _closed()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, lambda: self.read_now(fn, *args, **kwargs))

    async def write(self, fn: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run fn(connection, ...) in the writer thread; returns after the commit that holds it."""
        return await asyncio.wrap_future(self.submit(fn, *args, **kwargs))

    def read_now(self, fn: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`read` in the calling thread, for threads of ours that are not the event loop."""
        connection = self._reader()
        with _storage_errors(), connection.begin():
            return fn(connection, *args, **kwargs)

    def write_now(self, fn: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`write` for threads of ours that are not the event loop: waits for the commit."""
        return self.submit(fn, *args, **kwargs).result()

    def submit(self, fn: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Queue a write; the future resolves after its commit."""
        return self._queue(False, fn, *args, **kwargs)

    def submit_behind(self, fn: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Queue a write for which nobody waits: it may take up to PATIENCE for others to share its commit."""
        return self._queue(True, fn, *args, **kwargs)

    def _queue(self, patient: bool, fn: Callable[Concatenate[sa.Connection, P], T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise _closed()
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_loop, name="db-write", daemon=True)
                self._writer.start()
            self._jobs.put(_Job(fn, args, kwargs, future, patient))
        return future

    def close(self) -> None:
        """Finish queued writes, then close every connection. Safe to call twice."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            writer = self._writer
        if writer is not None:
            self._jobs.put(None)
            writer.join()
        self._readers.shutdown(wait=True)
        for connection in self._connections:
            connection.close()
        self.engine.dispose()

    def _reader(self) -> sa.Connection:
        connection: sa.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self.engine.connect().execution_options(antiphon_read=True)
            self._local.connection = connection
            with self._lock:
                self._connections.append(connection)
        return connection

    def _write_loop(self) -> None:
        connection: sa.Connection | None = None
        last = False
        while not last and (job := self._jobs.get()) is not None:
            group, last = self._gather(job)
            # From here on a caller that gives up can no longer cancel its unit; those that did so before are left out.
            group = [job for job in group if job.future.set_running_or_notify_cancel()]
            try:
                connection = connection or _writer(self.engine)
                results = _commit(connection, group)
            except BaseException as error:  # nobody's work was kept, and the thread must live on for the next group
                for job in group:
                    if not job.future.done():
                        job.future.set_exception(error)
                continue
            for future, result in results:
                future.set_result(result)
        if connection is not None:
            connection.close()

    def _gather(self, first: _Job) -> tuple[list[_Job], bool]:
        """What shares a commit, and whether it is the last: all that has queued up, and what comes while nobody in it is in a hurry."""
        group = [first]
        until = time.monotonic() + PATIENCE
        patient = first.patient
        while len(group) < GROUP_LIMIT:
            try:
                following = self._jobs.get(timeout=max(0.0, until - time.monotonic()) if patient else 0.0)
            except queue.Empty:
                break
            if following is None:
                return group, True
            group.append(following)
            patient = patient and following.patient
        return group, False


def _commit(connection: sa.Connection, group: list[_Job]) -> list[tuple[Future[Any], Any]]:
    """Run the group in one transaction. Tells a unit its own failure; returns the results of the others. Raises when nothing was kept."""
    results: list[tuple[Future[Any], Any]] = []
    with _storage_errors(), connection.begin():
        if len(group) == 1:  # the transaction is its savepoint
            (only,) = group
            return [(only.future, only.fn(connection, *only.args, **only.kwargs))]
        for job in group:
            savepoint = connection.begin_nested()
            try:
                result = job.fn(connection, *job.args, **job.kwargs)
                savepoint.commit()
            except Exception as error:  # the unit's own failure belongs to its caller, not to the group
                if not _in_transaction(connection):
                    raise  # a full disk may make SQLite undo everything; the commit that follows would then succeed and keep nothing
                savepoint.rollback()
                job.future.set_exception(_translated(error))
            else:
                results.append((job.future, result))
    return results


def _writer(engine: sa.Engine) -> sa.Connection:
    """It appends more than it reads: in a larger cache it would only gather what it has written."""
    connection = engine.connect()
    connection.connection.cursor().execute("PRAGMA cache_size=-2048")
    return connection


def _in_transaction(connection: sa.Connection) -> bool:
    driver: sqlite3.Connection | None = connection.connection.dbapi_connection  # type: ignore[assignment]
    return driver is not None and driver.in_transaction


def _closed() -> Unavailable:
    return Unavailable("The database is closed.")


def _engine(path: Path, busy_timeout: float) -> sa.Engine:
    engine = sa.create_engine(
        f"sqlite:///{path}",
        poolclass=sa.NullPool,
        connect_args={"check_same_thread": False, "timeout": busy_timeout, "isolation_level": None},
    )

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute("PRAGMA cache_size=-16384")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        reading = connection.get_execution_options().get("antiphon_read", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


class _storage_errors:
    """Turns a busy or full database into an error that a caller may see."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception):
            translated = _translated(error)
            if translated is not error:
                raise translated from error


def _translated(error: Exception) -> Exception:
    if not isinstance(error, OperationalError):
        return error
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF  # the high bits tell kinds of the same failure apart
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Unavailable("The database is busy. Try again in a moment.", code="storage_busy", retry_after=1)
    if code == sqlite3.SQLITE_FULL:
        return Unavailable("The disk is full, so nothing can be saved.", code="storage_full", detail=str(error.orig))
    return error
