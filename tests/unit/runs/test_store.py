from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from antiphon.conversations.store import ask, forget
from antiphon.core.actor import Actor
from antiphon.core.events import ErrorEvent, Event, RunEnd, RunStart, TextDelta, Usage
from antiphon.core.messages import Text
from antiphon.runs import store
from antiphon.runs.log import Run
from antiphon.runs.recorder import Record
from antiphon.storage.database import Database
from antiphon.storage.migrate import whole_metadata
from antiphon.storage.tables.conversations import runs

ANN = Actor(kind="key", user="user_ann", key="key_1")
START = RunStart("run_1", "m", 5, "b")
EVERY = sa.select(runs.c.id)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "runs.db")
    database.write_now(whole_metadata().create_all)
    yield database
    database.close()


def record_of(*events: Event, id: str = "run_1", created: int = 5, owner: Actor = ANN) -> Record:
    run = Run(id, owner, "openai", created)
    run.append(events)
    made = Record(run)
    made.answer = run.answer() if events else None
    made.first_token = 0.0124
    return made


def keep(database: Database, made: Record, *, text: bool = False) -> None:
    row = store.as_row(made, on_behalf_of="student 7", conversation=None, question="Why?", keep_text=text)
    database.write_now(store.insert, row)


def test_a_run_is_kept_and_listed(database: Database) -> None:
    usage = Usage(3, 4, estimated=True, cost=0.5)
    keep(database, record_of(START, TextDelta("Because."), usage, RunEnd("completed")))
    (row,) = database.read_now(store.recent, EVERY)
    assert row == store.RunRow(
        "run_1", "key_1", "student 7", "openai", "m", "b", "completed", None, 3, 4, True, 0.5, 5000, 12, row.ended_at
    )
    assert row.ended_at is not None


@pytest.mark.parametrize("stands", [True, False])
def test_what_was_used_counts_even_when_the_conversation_was_deleted(database: Database, stands: bool) -> None:
    conversation, _ = database.write_now(ask, "site", "s", (Text("Why?"),), 1_000_000)
    if not stands:
        database.write_now(forget, "site", "s")
    row = store.as_row(record_of(START, RunEnd("completed")), on_behalf_of=None, conversation=conversation, question="", keep_text=False)
    database.write_now(store.insert, row)
    assert database.read_now(lambda connection: connection.scalar(sa.select(runs.c.conversation))) == (conversation if stands else None)
    assert len(database.read_now(store.recent, EVERY)) == 1


def test_a_failure_is_kept_by_its_code(database: Database) -> None:
    keep(database, record_of(START, ErrorEvent("upstream_timeout", "upstream", "Too slow."), RunEnd("failed")))
    (row,) = database.read_now(store.recent, EVERY)
    assert (row.outcome, row.error, row.input_tokens, row.cost) == ("failed", "upstream_timeout", 0, None)


def test_a_run_without_events_is_kept_too(database: Database) -> None:
    keep(database, record_of())
    (row,) = database.read_now(store.recent, EVERY)
    assert (row.outcome, row.model, row.bot) == ("interrupted", "", None)


@pytest.mark.parametrize(("text", "kept"), [(False, (None, None)), (True, ("Why?", "Because."))])
def test_text_is_kept_only_where_it_is_switched_on(database: Database, text: bool, kept: tuple[str | None, str | None]) -> None:
    keep(database, record_of(START, TextDelta("Because."), RunEnd("completed")), text=text)
    assert database.read_now(lambda connection: connection.execute(sa.select(runs.c.question, runs.c.answer)).one()) == kept


def test_the_newest_come_first_among_those_that_may_be_read(database: Database) -> None:
    ben = Actor(kind="user", user="user_ben")
    for number, owner in ((1, ANN), (3, ben), (2, ANN)):
        keep(database, record_of(START, RunEnd("completed"), id=f"run_{number}", created=number, owner=owner))
    own = EVERY.where(runs.c.subject == "key_1")
    assert [row.id for row in database.read_now(store.recent, EVERY)] == ["run_3", "run_2", "run_1"]
    assert [row.id for row in database.read_now(store.recent, own)] == ["run_2", "run_1"]
    assert [row.id for row in database.read_now(store.recent, EVERY, limit=1)] == ["run_3"]


def test_what_ended_long_ago_is_deleted(database: Database) -> None:
    keep(database, record_of(START, RunEnd("completed")))
    (row,) = database.read_now(store.recent, EVERY)
    assert row.ended_at is not None
    assert database.write_now(store.expire, row.ended_at) == 0
    assert database.write_now(store.expire, row.ended_at + 1) == 1
    assert database.read_now(store.recent, EVERY) == []
