import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from antiphon.core.errors import BadRequest, UpstreamBusy
from antiphon.retrieval import store
from antiphon.retrieval.crawl import Bounds
from antiphon.retrieval.dense import Floats
from antiphon.retrieval.egress import Egress
from antiphon.retrieval.extract.document import Unreadable
from antiphon.retrieval.ingest import Ingest, Progress, Ticket
from antiphon.retrieval.reading.pool import Extractor
from antiphon.storage import jobs
from antiphon.storage.database import Database
from antiphon.storage.migrate import whole_metadata
from antiphon.storage.tables.documents import documents, passages, vectors
from tests.unit.retrieval.extract.files import docx_file, pdf
from tests.unit.retrieval.site import Site, page

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def extractor() -> Iterator[Extractor]:
    pool = Extractor(2)
    yield pool
    pool.close()


class Bench:
    """A database with one collection, and an ingest whose jobs run when the test says so."""

    def __init__(self, database: Database, extractor: Extractor, folder: Path, collection: str) -> None:
        self.database = database
        self.folder = folder
        self.collection = collection
        self.ingest = Ingest(database, extractor, Egress(allowed=["127.0.0.0/8"]), folder / "spool")

    async def work(self, owner: str = "me") -> None:
        """Until nothing is due."""
        while claimed := await self.database.write(jobs.claim, owner, self.ingest.kinds, 3):
            await self.ingest.run(owner, claimed)

    async def done(self, ticket: Ticket) -> Progress:
        await self.work()
        return await self.ingest.progress(self.collection, ticket.batch)

    async def rows(self, *columns: sa.Column[object]) -> list[tuple[object, ...]]:
        return await self.database.read(lambda connection: [tuple(row) for row in connection.execute(sa.select(*columns))])

    async def matches(self, word: str) -> int:
        """How many index entries hold a word, and that every entry has its passage."""

        def count(connection: sa.Connection) -> int:
            connection.exec_driver_sql("INSERT INTO passages_fts(passages_fts, rank) VALUES ('integrity-check', 1)")
            found = connection.exec_driver_sql("SELECT count(*) FROM passages_fts WHERE passages_fts MATCH ?", (f'"{word}"',))
            return int(found.scalar_one())

        return await self.database.write(count)

    def files(self, **texts: str) -> Path:
        root = self.folder / "docs"
        root.mkdir(exist_ok=True)
        for name, text in texts.items():
            (root / f"{name}.md").write_text(text)
        return root


@pytest.fixture
async def bench(tmp_path: Path, extractor: Extractor) -> AsyncIterator[Bench]:
    database = Database(tmp_path / "a.db")
    await database.write(lambda connection: whole_metadata().create_all(connection))
    collection = await database.write(store.create_collection, "docs")
    yield Bench(database, extractor, tmp_path, collection.id)
    database.close()


async def test_a_folder_becomes_passages_and_bad_files_are_named(bench: Bench) -> None:
    root = bench.files(kiln="# Kiln\n\nHeat the kiln slowly.", empty="", saw="# Saw\n\nThe saw hangs left.")
    (root / "scan.pdf").write_bytes(pdf(["1"], picture=True))
    (root / "rules.docx").write_bytes(docx_file())
    (root / "notes.xyz").write_text("?")
    ticket = await bench.ingest.add_path(bench.collection, root, url_prefix="https://docs.example")
    assert (ticket.jobs, [item.source for item in ticket.skipped]) == (5, ["docs/notes.xyz"])
    before = await bench.ingest.progress(bench.collection, ticket.batch)
    assert (before.queued, before.finished) == (5, False)
    progress = await bench.done(ticket)
    assert (progress.ready, progress.failed, progress.finished) == (3, 2, True)
    assert {(problem.source, problem.code) for problem in progress.problems} == {
        ("docs/empty.md", "document_empty"),
        ("docs/scan.pdf", "document_scanned"),
    }
    assert progress.passages == len(await bench.rows(passages.c.id))
    assert await bench.matches("kiln") == 2
    found = {row[0]: row[1:] for row in await bench.rows(documents.c.source, documents.c.title, documents.c.status, documents.c.url)}
    assert found["docs/kiln.md"] == ("Kiln", "ready", "https://docs.example/kiln.md")
    assert found["docs/empty.md"][1] == "failed"


async def test_unchanged_files_are_passed_over_and_changed_ones_replaced(bench: Bench) -> None:
    root = bench.files(a="# A\n\nold words", b="# B\n\nkept words")
    await bench.done(await bench.ingest.add_path(bench.collection, root))
    bench.files(a="# A\n\nfresh words")
    progress = await bench.done(await bench.ingest.add_path(bench.collection, root, url_prefix="https://new.example"))
    assert (progress.ready, progress.unchanged, progress.passages) == (2, 1, 1)
    assert (await bench.matches("old"), await bench.matches("fresh"), await bench.matches("kept")) == (0, 1, 1)
    assert {row[0] for row in await bench.rows(documents.c.url)} == {"https://new.example/a.md", "https://new.example/b.md"}


async def test_a_failure_keeps_the_earlier_passages(bench: Bench) -> None:
    root = bench.files(a="# A\n\nold words")
    await bench.done(await bench.ingest.add_path(bench.collection, root))
    bench.files(a=" ")
    progress = await bench.done(await bench.ingest.add_path(bench.collection, root))
    assert progress.failed == 1
    assert await bench.matches("old") == 1
    bench.files(a="# A\n\nold words")
    await bench.done(await bench.ingest.add_path(bench.collection, root))
    assert await bench.rows(documents.c.status, documents.c.error) == [("ready", None)]


async def test_an_upload_waits_in_the_spool_and_leaves_nothing_there(bench: Bench) -> None:
    ticket = await bench.ingest.add_bytes(bench.collection, docx_file(), name="../../etc/rules.docx", url="https://x.example/r")
    assert len(list((bench.folder / "spool").iterdir())) == 1
    assert await bench.ingest.sweep(1e12) == 0
    assert (await bench.done(ticket)).ready == 1
    assert list((bench.folder / "spool").iterdir()) == []
    assert await bench.rows(documents.c.source, documents.c.title) == [("../../etc/rules.docx", "Care of the kiln")]


async def test_an_unknown_kind_is_refused_at_the_door(bench: Bench) -> None:
    with pytest.raises(Unreadable) as raised:
        await bench.ingest.add_bytes(bench.collection, b"MZ", name="tool.exe", media_type="application/octet-stream")
    assert raised.value.code == "document_unsupported"
    assert await bench.rows(documents.c.id) == []


async def test_what_is_no_name_or_no_address_is_the_callers_fault(bench: Bench) -> None:
    for name in ("", " \x00 ", "\ud800"):
        with pytest.raises(BadRequest):
            await bench.ingest.add_bytes(bench.collection, b"text", name=name, media_type="text/plain")
    await bench.ingest.add_bytes(bench.collection, b"text", name="a\x00\ud800\nb.txt")
    assert await bench.rows(documents.c.source) == [("a b.txt",)]
    for url in ("file:///etc/passwd", "http://u:p@example.org/", "nonsense"):
        with pytest.raises(BadRequest):
            await bench.ingest.add_url(bench.collection, url)


async def test_an_address_inside_is_never_fetched(bench: Bench, extractor: Extractor) -> None:
    async with Site({"/": page("secret"), "/robots.txt": page("")}) as site:
        guarded = Ingest(bench.database, extractor, Egress(), bench.folder / "spool")
        ticket = await guarded.add_url(bench.collection, site.url())
        await guarded.run("me", await bench.database.write(jobs.claim, "me", guarded.kinds, 5))
        progress = await guarded.progress(bench.collection, ticket.batch)
        assert (progress.failed, progress.problems[0].code) == (1, "address_not_allowed")
        assert site.asked == []


async def test_deleting_leaves_nothing_behind(bench: Bench) -> None:
    await bench.done(await bench.ingest.add_path(bench.collection, bench.files(a="# A\n\nalpha", b="# B\n\nbeta")))
    await bench.ingest.add_bytes(bench.collection, b"gamma", name="c.txt")
    found = {row[0]: row[1] for row in await bench.rows(documents.c.source, documents.c.id)}
    for source in ("docs/a.md", "c.txt"):
        assert await bench.ingest.delete_document(str(found[source]))
    assert not await bench.ingest.delete_document(str(found["c.txt"]))
    assert (await bench.matches("alpha"), await bench.matches("beta")) == (0, 1)
    await bench.work()
    assert list((bench.folder / "spool").iterdir()) == []
    await bench.ingest.delete_collection(bench.collection)
    assert await bench.rows(passages.c.id) == []
    assert await bench.matches("beta") == 0
    assert await bench.database.read(jobs.list_jobs) == []


async def test_a_document_deleted_while_it_is_read_stays_deleted(bench: Bench) -> None:
    ticket = await bench.ingest.add_path(bench.collection, bench.files(a="# A\n\nalpha"))
    claimed = await bench.database.write(jobs.claim, "me", bench.ingest.kinds, 5)
    await bench.database.write(store.delete_document, claimed[0].payload["document"])
    await bench.ingest.run("me", claimed)
    progress = await bench.ingest.progress(bench.collection, ticket.batch)
    assert (progress.failed, progress.problems[0].code) == (1, "document_not_found")
    assert await bench.rows(documents.c.id) == []


async def test_a_worker_that_lost_its_lease_changes_nothing(bench: Bench) -> None:
    ticket = await bench.ingest.add_path(bench.collection, bench.files(a="# A\n\nalpha"))
    late = await bench.database.write(jobs.claim, "late", bench.ingest.kinds, 5)
    await bench.database.write(jobs.expire_leases)
    await bench.work("second")
    bench.files(a="# A\n\nlate words")
    await bench.ingest.run("late", late)
    assert (await bench.ingest.progress(bench.collection, ticket.batch)).ready == 1
    assert (await bench.matches("alpha"), await bench.matches("late")) == (1, 0)


class Cut(Exception):
    """Stands for the moment at which a process dies."""


class FailingDatabase:
    """Passes everything on, until the n-th call."""

    def __init__(self, database: Database, calls: int, *, after: bool) -> None:
        self._database = database
        self._left = calls
        self._after = after

    async def _pass(self, call: object, *args: object, **kwargs: object) -> object:
        self._left -= 1
        if self._left <= 0 and not self._after:
            raise Cut
        result = await call(*args, **kwargs)  # type: ignore[operator]
        if self._left <= 0:
            raise Cut
        return result

    async def read(self, *args: object, **kwargs: object) -> object:
        return await self._pass(self._database.read, *args, **kwargs)

    async def write(self, *args: object, **kwargs: object) -> object:
        return await self._pass(self._database.write, *args, **kwargs)


@pytest.mark.parametrize("after", [False, True])
async def test_killed_at_any_step_it_resumes_to_the_same_end(bench: Bench, extractor: Extractor, after: bool) -> None:
    root = bench.files(a="# A\n\nold alpha", b="# B\n\nold beta")
    await bench.done(await bench.ingest.add_path(bench.collection, root))
    for cut in range(1, 6):
        bench.files(a=f"# A\n\nalpha take{cut}x{after:d}", b=f"# B\n\nbeta take{cut}x{after:d}")
        ticket = await bench.ingest.add_path(bench.collection, root)
        failing = FailingDatabase(bench.database, cut, after=after)
        dying = Ingest(failing, extractor, Egress(), bench.folder / "spool")  # type: ignore[arg-type]
        claimed = await bench.database.write(jobs.claim, "dying", dying.kinds, 5)
        with contextlib.suppress(Cut):
            await dying.run("dying", claimed)
        assert len(await bench.rows(passages.c.id)) == 2
        assert len({row[0] for row in await bench.rows(documents.c.content_hash)}) == 2
        await bench.database.write(jobs.expire_leases)
        progress = await bench.done(ticket)
        assert (progress.ready, progress.failed, progress.finished) == (2, 0, True)
        assert await bench.matches(f"take{cut}x{after:d}") == 2
        assert len(await bench.rows(passages.c.id)) == 2


class Embedder:
    model = "letters"
    busy = False

    async def embed(self, texts: Sequence[str]) -> Floats:
        if self.busy:
            raise UpstreamBusy("The embedder is busy.")
        return np.array([[text.count(letter) + 0.1 for letter in "abcdefgh"] for text in texts], np.float32)


async def test_passages_get_vectors_when_there_is_an_embedder(bench: Bench) -> None:
    root = bench.files(a="# A\n\nalpha", b="# B\n\nbeta")
    await bench.done(await bench.ingest.add_path(bench.collection, root))
    assert await bench.rows(vectors.c.passage) == []
    embedder = Embedder()
    bench.ingest.embedder = embedder
    progress = await bench.done(await bench.ingest.add_path(bench.collection, root))
    assert (progress.ready, progress.unchanged) == (2, 0)
    assert await bench.rows(vectors.c.model, vectors.c.dims) == [("letters", 8)] * 2
    embedder.busy = True
    bench.files(a="# A\n\nalpha again")
    progress = await bench.done(await bench.ingest.add_path(bench.collection, root))
    assert (progress.ready, progress.queued, progress.failed) == (1, 1, 0)
    assert await bench.matches("again") == 0


async def test_a_site_is_crawled_into_documents(bench: Bench) -> None:
    async with Site({}) as site:
        site.pages |= {
            "/": page('<title>Start</title><main>Words of the start page. <a href="/a">a</a> <a href="/gone">b</a></main>'),
            "/a": page("<title>Second</title><p>Words of the second page.</p>"),
        }
        progress = await bench.done(await bench.ingest.add_url(bench.collection, site.url()))
        assert (progress.ready, progress.failed, progress.finished) == (2, 0, True)
        assert [(problem.source, problem.message) for problem in progress.problems] == [(site.url("/gone"), "The page answered 404.")]
        assert set(await bench.rows(documents.c.source, documents.c.url, documents.c.title)) == {
            (site.url("/"), site.url("/"), "Start"),
            (site.url("/a"), site.url("/a"), "Second"),
        }
        progress = await bench.done(await bench.ingest.add_url(bench.collection, site.url("/none"), Bounds(max_pages=1)))
        assert (progress.failed, progress.problems[0].code) == (1, "page_not_found")


async def test_following_a_folder_takes_in_what_changes_and_lets_go_what_is_gone(bench: Bench) -> None:
    root = bench.files(a="# A\n\nalpha", b="# B\n\nbeta")
    (root / "x.exe").write_text("?")
    await bench.ingest.add_bytes(bench.collection, b"elsewhere", name="other.txt")
    first = await bench.ingest.follow_path(bench.collection, root)
    assert (first.jobs, first.deleted, [item.source for item in first.skipped]) == (2, (), ["docs/x.exe"])
    await bench.work()
    (root / "a.md").unlink()
    bench.files(c="# C\n\ngamma")
    second = await bench.ingest.follow_path(bench.collection, root)
    assert (second.jobs, second.deleted, second.skipped) == (1, ("docs/a.md",), ())
    await bench.work()
    assert [await bench.matches(word) for word in ("alpha", "beta", "gamma", "elsewher")] == [0, 1, 1, 1]
    third = await bench.ingest.follow_path(bench.collection, root)
    assert (third.jobs, third.deleted) == (0, ())


async def test_a_batch_shows_itself_to_its_own_collection_only(bench: Bench) -> None:
    ticket = await bench.ingest.add_path(bench.collection, bench.files(a=""))
    await bench.work()
    foreign = await bench.ingest.progress("col_other", ticket.batch)
    assert (foreign.failed, foreign.problems) == (0, ())


async def test_a_document_whose_job_is_lost_does_not_wait_for_ever(bench: Bench) -> None:
    await bench.ingest.add_path(bench.collection, bench.files(a="# A", b="# B"))
    waiting = await bench.database.read(jobs.list_jobs)
    await bench.database.write(jobs.forget, document=waiting[0].payload["document"])
    assert await bench.ingest.sweep(0) == 0
    assert await bench.ingest.sweep(1e12) == 1
    assert sorted(await bench.rows(documents.c.source, documents.c.status)) == [("docs/a.md", "failed"), ("docs/b.md", "queued")]


async def test_many_requests_at_once_lose_nothing(bench: Bench) -> None:
    tickets = await asyncio.gather(
        *(bench.ingest.add_bytes(bench.collection, f"number {number}".encode(), name=f"{number % 5}.txt") for number in range(20))
    )
    await bench.work()
    assert all([(await bench.ingest.progress(bench.collection, ticket.batch)).ready == 1 for ticket in tickets])
    assert len(await bench.rows(documents.c.id)) == 5
    assert len(await bench.rows(passages.c.id)) == 5
