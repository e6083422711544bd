from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from antiphon.storage import jobs
from antiphon.storage.jobs import NewJob
from antiphon.storage.tables.jobs import jobs as table

KIND = ("work",)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sa.Connection]:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'jobs.db'}")
    table.create(engine)
    with engine.begin() as opened:
        yield opened
    engine.dispose()


def queue(connection: sa.Connection, count: int = 1, **values: object) -> list[str]:
    return jobs.enqueue(connection, [NewJob("work", "col_1", label=str(number), batch="b", **values) for number in range(count)])  # type: ignore[arg-type]


def lapse(connection: sa.Connection) -> None:
    """Let every lease run out."""
    connection.execute(sa.update(table).where(table.c.status == "running").values(lease_until=1))


def test_jobs_are_claimed_once_oldest_first(connection: sa.Connection) -> None:
    ids = queue(connection, 5)
    assert [job.id for job in jobs.claim(connection, "a", KIND, 3)] == ids[:3]
    assert [job.id for job in jobs.claim(connection, "b", KIND, 3)] == ids[3:]
    assert jobs.claim(connection, "c", KIND, 3) == []
    assert jobs.claim(connection, "c", ("other",), 3) == []


def test_a_job_is_not_due_before_its_time(connection: sa.Connection) -> None:
    queue(connection, run_at=1 << 50)
    assert jobs.claim(connection, "a", KIND) == []
    assert jobs.next_due(connection, KIND) == 1 << 50
    assert jobs.next_due(connection, ("other",)) is None


def test_a_lapsed_lease_makes_the_job_anybodys_and_the_first_owner_powerless(connection: sa.Connection) -> None:
    (identifier,) = queue(connection)
    jobs.claim(connection, "a", KIND)
    lapse(connection)
    (again,) = jobs.claim(connection, "b", KIND)
    assert (again.id, again.attempts) == (identifier, 2)
    assert not jobs.finish(connection, "a", identifier)
    assert jobs.fail(connection, "a", identifier, error="x", message="x", retry=True) is None
    assert jobs.heartbeat(connection, "a") == 0
    assert jobs.finish(connection, "b", identifier, {"passages": 3})
    assert not jobs.finish(connection, "b", identifier)


def test_a_heartbeat_keeps_the_lease(connection: sa.Connection) -> None:
    queue(connection)
    jobs.claim(connection, "a", KIND)
    lapse(connection)
    assert jobs.heartbeat(connection, "a") == 1
    assert jobs.claim(connection, "b", KIND) == []


def test_failures_are_tried_again_later_then_given_up(connection: sa.Connection) -> None:
    (identifier,) = queue(connection, max_attempts=2)
    jobs.claim(connection, "a", KIND)
    assert jobs.fail(connection, "a", identifier, error="busy", message="Busy.", retry=True) == "queued"
    assert jobs.claim(connection, "a", KIND) == []
    connection.execute(sa.update(table).values(run_at=0))
    jobs.claim(connection, "a", KIND)
    assert jobs.fail(connection, "a", identifier, error="busy", message="Busy.", retry=True) == "failed"
    (job,) = jobs.list_jobs(connection, status="failed")
    assert (job.error, job.message, job.attempts) == ("busy", "Busy.", 2)
    assert job.ended_at is not None


def test_work_that_kills_its_worker_every_time_is_given_up(connection: sa.Connection) -> None:
    queue(connection, max_attempts=3)
    for _ in range(3):
        assert len(jobs.claim(connection, "a", KIND)) == 1
        lapse(connection)
    assert jobs.claim(connection, "a", KIND) == []
    (job,) = jobs.list_jobs(connection)
    assert (job.status, job.error) == ("failed", "job_abandoned")


def test_work_given_back_does_not_count_as_tried(connection: sa.Connection) -> None:
    queue(connection, 2)
    jobs.claim(connection, "a", KIND, 2)
    assert jobs.release(connection, "a") == 2
    assert [job.attempts for job in jobs.claim(connection, "b", KIND, 2)] == [1, 1]
    assert jobs.expire_leases(connection) == 2
    assert [job.attempts for job in jobs.claim(connection, "c", KIND, 2)] == [2, 2]


def test_counts_totals_and_pages(connection: sa.Connection) -> None:
    ids = queue(connection, 4)
    jobs.claim(connection, "a", KIND, 2)
    jobs.set_stage(connection, "a", ids[:1], "indexing")
    jobs.finish(connection, "a", ids[1], {"passages": 7})
    assert jobs.counts(connection, "b", subject="col_1", kind="work") == {"queued": 2, "running": 1, "done": 1}
    assert jobs.total(connection, "b", "passages", subject="col_1") == 7
    assert jobs.total(connection, "b", "passages", subject="other") == 0
    assert [job.stage for job in jobs.list_jobs(connection, status="running")] == ["indexing"]
    first = jobs.list_jobs(connection, batch="b", subject="col_1", kind="work", limit=3)
    assert [job.id for job in first + jobs.list_jobs(connection, after=first[-1].id)] == ids


def test_ended_jobs_are_swept_and_forgotten_ones_hand_back_what_they_point_to(connection: sa.Connection) -> None:
    ids = queue(connection, 3, payload={"document": "doc_1", "spool": "file_1"})
    jobs.claim(connection, "a", KIND)
    jobs.finish(connection, "a", ids[0])
    assert jobs.sweep(connection, 1) == 0
    assert jobs.sweep(connection, 1 << 60) == 1
    assert len(jobs.open_payloads(connection, "work")) == 2
    assert jobs.forget(connection, document="doc_2") == []
    assert jobs.forget(connection, document="doc_1") == [{"document": "doc_1", "spool": "file_1"}] * 2
    queue(connection)
    assert len(jobs.forget(connection, subject="col_1")) == 1
    assert jobs.list_jobs(connection) == []


class Lives(RuleBasedStateMachine):
    """Whatever workers do and however they die, each job is held by at most one and ends at most once."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = sa.create_engine("sqlite://")
        self.connection = self.engine.connect()
        table.create(self.connection)
        self.ended: dict[str, int] = {}
        self.holders: dict[str, str] = {}

    @rule(count=st.integers(1, 3))
    def enqueue(self, count: int) -> None:
        queue(self.connection, count, max_attempts=5)

    @rule(owner=st.sampled_from("abc"), limit=st.integers(1, 3))
    def claim(self, owner: str, limit: int) -> None:
        for job in jobs.claim(self.connection, owner, KIND, limit):
            assert job.id not in self.ended
            assert job.id not in self.holders
            self.holders[job.id] = owner

    @rule(owner=st.sampled_from("abc"))
    def finish(self, owner: str) -> None:
        for job in jobs.list_jobs(self.connection):
            done = jobs.finish(self.connection, owner, job.id)
            assert done is (self.holders.get(job.id) == owner)
            if done:
                del self.holders[job.id]
                self.ended[job.id] = self.ended.get(job.id, 0) + 1

    @rule()
    def die(self) -> None:
        lapse(self.connection)
        self.holders.clear()
        self.connection.execute(sa.update(table).where(table.c.status == "running").values(lease_owner="dead"))

    @rule(owner=st.sampled_from("abc"))
    def stop(self, owner: str) -> None:
        jobs.release(self.connection, owner)
        self.holders = {job: holder for job, holder in self.holders.items() if holder != owner}

    @invariant()
    def each_ends_once(self) -> None:
        assert all(times == 1 for times in self.ended.values())
        counts = jobs.counts(self.connection, "b", subject="col_1", kind="work")
        assert counts.get("done", 0) == len(self.ended)

    def teardown(self) -> None:
        self.connection.close()
        self.engine.dispose()


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
