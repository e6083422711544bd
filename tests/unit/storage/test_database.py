from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent

import pytest
import sqlalchemy as sa

from antiphon.core.errors import Unavailable
from antiphon.storage.database import Database

pytestmark = pytest.mark.anyio


def create(connection: sa.Connection) -> None:
    connection.exec_driver_sql("CREATE TABLE notes (id INTEGER PRIMARY KEY, note TEXT UNIQUE)")


def add(connection: sa.Connection, note: str) -> str:
    connection.execute(sa.text("INSERT INTO notes (note) VALUES (:note)"), {"note": note})
    return note


def notes(connection: sa.Connection) -> list[str]:
    return list(connection.execute(sa.text("SELECT note FROM notes ORDER BY id")).scalars())


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "test.db", busy_timeout=0.05)
    database.write_now(create)
    yield database
    database.close()


class Gate:
    """A unit of work that holds the writer, so that what is queued behind it becomes one group."""

    def __init__(self, database: Database) -> None:
        self._begun, self._go = threading.Event(), threading.Event()
        self.done = database.submit(self._wait)
        assert self._begun.wait(5)

    def _wait(self, connection: sa.Connection) -> None:
        self._begun.set()
        assert self._go.wait(5)

    def open(self) -> None:
        self._go.set()


async def test_what_is_written_is_read(database: Database) -> None:
    assert await database.write(add, "a") == "a"
    assert await database.read(notes) == ["a"]


async def test_it_is_as_durable_as_it_says(database: Database) -> None:
    def pragmas(connection: sa.Connection) -> list[object]:
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "foreign_keys")]

    assert await database.read(pragmas) == ["wal", 2, 1]
    assert await database.write(pragmas) == ["wal", 2, 1]


async def test_a_failing_unit_undoes_only_itself(database: Database) -> None:
    def half(connection: sa.Connection) -> None:
        add(connection, "half")
        raise KeyError("mine")

    gate = Gate(database)
    first, failing, twice, last = (database.submit(add, "a"), database.submit(half), database.submit(add, "a"), database.submit(add, "b"))
    gate.open()
    assert await asyncio.wrap_future(first) == "a"
    with pytest.raises(KeyError):
        await asyncio.wrap_future(failing)
    with pytest.raises(sa.exc.IntegrityError):
        await asyncio.wrap_future(twice)
    assert await asyncio.wrap_future(last) == "b"
    assert await database.read(notes) == ["a", "b"]


async def test_reads_see_only_what_is_committed(database: Database) -> None:
    written, go = threading.Event(), threading.Event()

    def slow(connection: sa.Connection) -> None:
        add(connection, "a")
        written.set()
        assert go.wait(5)

    pending = database.submit(slow)
    assert await asyncio.to_thread(written.wait, 5)
    assert await database.read(notes) == []
    go.set()
    await asyncio.wrap_future(pending)
    assert await database.read(notes) == ["a"]


async def test_one_read_sees_one_moment(database: Database) -> None:
    def twice(connection: sa.Connection) -> tuple[list[str], list[str]]:
        before = notes(connection)
        database.write_now(add, "meanwhile")
        return before, notes(connection)

    assert await database.read(twice) == ([], [])
    assert await database.read(notes) == ["meanwhile"]


async def test_many_writers_at_once(database: Database) -> None:
    def from_thread(number: int) -> list[str]:
        return [database.write_now(add, f"thread {number} {count}") for count in range(4)]

    async def from_task(number: int) -> list[str]:
        return [await database.write(add, f"task {number} {count}") for count in range(4)]

    with ThreadPoolExecutor(32) as pool:
        loop = asyncio.get_running_loop()
        threads = [loop.run_in_executor(pool, from_thread, number) for number in range(32)]
        written = await asyncio.gather(*threads, *(from_task(number) for number in range(32)))
    kept = await database.read(notes)
    assert sorted(kept) == sorted(note for batch in written for note in batch)
    for batch in written:
        assert [note for note in kept if note in batch] == batch


async def test_a_caller_that_gives_up_leaves_the_writer_alive(database: Database) -> None:
    gate = Gate(database)
    abandoned = asyncio.create_task(database.write(add, "abandoned"))
    await asyncio.sleep(0)
    abandoned.cancel()
    with pytest.raises(asyncio.CancelledError):
        await abandoned
    gate.open()
    assert await database.write(add, "a") == "a"
    assert await database.read(notes) == ["a"]


async def test_a_caller_that_gives_up_too_late_loses_only_the_answer(database: Database) -> None:
    begun, go = threading.Event(), threading.Event()

    def slow(connection: sa.Connection) -> None:
        begun.set()
        assert go.wait(5)
        add(connection, "late")

    abandoned = asyncio.create_task(database.write(slow))
    assert await asyncio.to_thread(begun.wait, 5)
    abandoned.cancel()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await abandoned
    assert await database.write(add, "a") == "a"
    assert await database.read(notes) == ["late", "a"]


def test_a_file_that_cannot_be_opened_fails_instead_of_hanging(tmp_path: Path) -> None:
    database = Database(tmp_path / "missing" / "test.db")
    for _ in range(2):
        with pytest.raises(sa.exc.OperationalError):
            database.submit(create).result(timeout=5)
    with pytest.raises(sa.exc.OperationalError):
        database.read_now(notes)
    (tmp_path / "missing").mkdir()
    database.submit(create).result(timeout=5)
    assert database.read_now(notes) == []
    database.close()


def test_closing_finishes_what_was_queued(database: Database) -> None:
    gate = Gate(database)
    queued = [database.submit(add, str(number)) for number in range(300)]
    closing = threading.Thread(target=database.close)
    closing.start()
    gate.open()
    closing.join(10)
    assert not closing.is_alive()
    assert [future.result(timeout=0) for future in queued] == [str(number) for number in range(300)]
    again = Database(database.path)
    assert len(again.read_now(notes)) == 300
    again.close()


async def test_a_closed_database_says_so(database: Database) -> None:
    await database.read(notes)
    database.close()
    database.close()
    with pytest.raises(Unavailable):
        await database.write(add, "a")
    with pytest.raises(Unavailable):
        await database.read(notes)


async def test_a_busy_database_is_told_after_the_timeout_and_recovers(database: Database) -> None:
    with sqlite3.connect(database.path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable) as busy:
            await database.write(add, "a")
        assert await database.read(notes) == []
        other.execute("ROLLBACK")
    other.close()
    assert (busy.value.code, busy.value.status, busy.value.retry_after) == ("storage_busy", 503, 1)
    assert await database.write(add, "b") == "b"
    assert await database.read(notes) == ["b"]


async def test_a_full_disk_acknowledges_nothing_it_did_not_keep(database: Database) -> None:
    def limit(connection: sa.Connection, pages: int) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    await database.write(add, "before")
    used = await database.write(lambda connection: connection.exec_driver_sql("PRAGMA page_count").scalar_one())
    await database.write(limit, used)
    gate = Gate(database)
    units = [database.submit(add, note) for note in ("small", "x" * 100_000, "after")]
    gate.open()
    answers = await asyncio.gather(*map(asyncio.wrap_future, units), return_exceptions=True)
    failures = [answer for answer in answers if not isinstance(answer, str)]
    assert answers[1] in failures
    assert all(isinstance(failure, Unavailable) and failure.code == "storage_full" for failure in failures)
    kept = ["before", *(answer for answer in answers if isinstance(answer, str))]
    assert await database.read(notes) == kept
    await database.write(limit, 1_000_000)
    await database.write(add, "y" * 100_000)
    assert await database.read(notes) == [*kept, "y" * 100_000]


async def test_a_table_named_full_or_busy_is_not_a_full_or_busy_disk(database: Database) -> None:
    with pytest.raises(sa.exc.OperationalError):
        await database.write(lambda connection: connection.exec_driver_sql("SELECT * FROM full_busy_locked"))


WRITER = """
    import sys
    from pathlib import Path

    import sqlalchemy as sa

    from antiphon.storage.database import Database

    def add(connection, note):
        connection.execute(sa.text("INSERT INTO notes (note) VALUES (:note)"), {"note": note})

    database = Database(Path(sys.argv[1]))
    for number in range(100_000):
        database.write_now(add, f"{sys.argv[2]} {number}")
        print(number, flush=True)
"""


def test_what_was_acknowledged_survives_a_killed_process(database: Database) -> None:
    acknowledged: list[str] = []
    for attempt in range(3):
        command = [sys.executable, "-c", dedent(WRITER), str(database.path), str(attempt)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            for line in child.stdout:
                acknowledged.append(f"{attempt} {int(line)}")
                if line.startswith("20"):
                    os.kill(child.pid, signal.SIGKILL)
                    break
            acknowledged += [f"{attempt} {int(line)}" for line in child.stdout if line.endswith("\n")]
        kept = database.read_now(notes)
        assert set(acknowledged) <= set(kept)
        assert database.read_now(lambda connection: connection.exec_driver_sql("PRAGMA integrity_check").scalar()) == "ok"
        assert len([note for note in kept if note.startswith(f"{attempt} ")]) >= 21
