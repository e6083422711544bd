"""Documents into collections: what is asked for becomes durable jobs, one a document, and jobs become passages.

A job goes queued -> extracting -> indexing -> ready, or failed with a reason. Documents are read in child processes, several at once, and
written in one transaction for all that were claimed together; each is its own savepoint, in which the passages are replaced, counted in
the index and the job ended. So a crash leaves either the old passages and a job to repeat, or the new ones and a job that is done.

Rules: a document's content hash names its bytes and everything that made passages of them; the same hash means there is nothing to do.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import sqlalchemy as sa

from antiphon.core.errors import AntiphonError, BadRequest, NotFound, OurError, UpstreamError
from antiphon.retrieval import store, tokens
from antiphon.retrieval.crawl import USUAL, Bounds, crawl
from antiphon.retrieval.draft import Draft, indexed_text
from antiphon.retrieval.egress import Egress, parse
from antiphon.retrieval.extract.document import Extracted, clean, one_line
from antiphon.retrieval.extract.kinds import kind_of, media_type_of
from antiphon.retrieval.reading.pool import Extractor
from antiphon.retrieval.sources import Found, Skipped, Spool, read, scan
from antiphon.retrieval.vectors import Embedder
from antiphon.storage import jobs
from antiphon.storage.database import Database
from antiphon.storage.ids import new_id
from antiphon.storage.jobs import Job, NewJob

DOCUMENT: Final = "document"
CRAWL: Final = "crawl"
READING_VERSION: Final = 1  # grows when the same bytes come to give another text or other passages
_ENQUEUED_TOGETHER: Final = 500
_READ_TOGETHER: Final = 8
_WRITTEN_TOGETHER: Final = 2_000_000  # characters
_LONGEST_NAME: Final = 1_000
_PROBLEMS: Final = 100


class Ticket(msgspec.Struct, frozen=True):
    """What was accepted: ask `progress` for the batch. deleted: sources whose files are gone."""

    batch: str
    jobs: int
    skipped: tuple[Skipped, ...] = ()
    deleted: tuple[str, ...] = ()


class Problem(msgspec.Struct, frozen=True):
    source: str
    code: str
    message: str


class Progress(msgspec.Struct, frozen=True):
    """ready counts documents, those unchanged included. finished: nothing of the batch is queued or running."""

    batch: str
    queued: int
    running: int
    ready: int
    unchanged: int
    failed: int
    passages: int
    finished: bool
    problems: tuple[Problem, ...]


class _Read(msgspec.Struct, frozen=True):
    """What became of one job's bytes before anything is written."""

    content_hash: str = ""
    unchanged: bool = False
    document: Extracted | None = None
    passages: tuple[Draft, ...] = ()
    error: AntiphonError | None = None


class Ingest:
    """Takes requests, and is the handler of their jobs (see jobs.worker): `kinds`, `claim`, `run`. on_queued: called when there is work."""

    kinds = (DOCUMENT, CRAWL)
    claim = 32

    def __init__(
        self, database: Database, extractor: Extractor, egress: Egress, spool: Path, *, embedder: Embedder | None = None, readers: int = 2
    ) -> None:
        self.embedder = embedder
        self.on_queued: Callable[[], object] = lambda: None
        self._database = database
        self._extractor = extractor
        self._egress = egress
        self._spool = Spool(spool)
        self._followed: dict[tuple[str, str], tuple[dict[str, tuple[int, int]], frozenset[Skipped]]] = {}
        self._readers = asyncio.Semaphore(readers)

    # Requests

    async def add_path(self, collection: str, root: Path, *, url_prefix: str | None = None, name: str | None = None) -> Ticket:
        """A file or a whole folder. Raises BadRequest when there is none."""
        found, skipped = await self._scan(root, url_prefix, name)
        ticket = await self._enqueue(collection, [_of_file(item) for item in found])
        return msgspec.structs.replace(ticket, skipped=skipped)

    async def follow_path(self, collection: str, root: Path, *, url_prefix: str | None = None, name: str | None = None) -> Ticket:
        """What `add_path` would bring that is new since this process last looked; documents whose file is gone are deleted.

        A file counts as new when its time or size is; only documents whose source begins with the folder's name are ever deleted.
        """
        found, skipped = await self._scan(root, url_prefix, name)
        stamps, reported = self._followed.get((collection, str(root)), ({}, frozenset()))
        new = [item for item in found if stamps.get(item.source) != item.stamp]
        deleted = await self._delete_missing(collection, root, name, {item.source for item in found})
        ticket = await self._enqueue(collection, [_of_file(item) for item in new])
        self._followed[collection, str(root)] = ({item.source: item.stamp for item in found}, frozenset(skipped))
        unreported = tuple(item for item in skipped if item not in reported)
        return msgspec.structs.replace(ticket, skipped=unreported, deleted=deleted)

    async def _scan(self, root: Path, url_prefix: str | None, name: str | None) -> tuple[list[Found], tuple[Skipped, ...]]:
        seen = await asyncio.to_thread(lambda: list(scan(root, url_prefix=url_prefix, name=name)))
        return [item for item in seen if isinstance(item, Found)], tuple(item for item in seen if isinstance(item, Skipped))

    async def _delete_missing(self, collection: str, root: Path, name: str | None, present: set[str]) -> tuple[str, ...]:
        folder = name or await asyncio.to_thread(lambda: root.resolve().name)
        stored = await self._database.read(store.documents_under, collection, f"{folder}/")
        gone = tuple(source for source in stored if source not in present)
        for source in gone:
            await self.delete_document(stored[source])
        return gone

    async def add_bytes(
        self, collection: str, data: bytes, *, name: str, media_type: str | None = None, url: str | None = None, batch: str | None = None
    ) -> Ticket:
        """An upload; `name` becomes its source. Raises Unreadable for a kind that cannot be read, BadRequest for a name without letters."""
        name = one_line(clean(name))[:_LONGEST_NAME]
        if not name:
            raise BadRequest("The document needs a name.", param="name")
        if data.strip():
            kind_of(data, urlsplit(name).path if "://" in name else name, media_type)
        spooled = await asyncio.to_thread(self._spool.put, data)
        return await self._enqueue(collection, [{"source": name, "url": url, "spool": spooled, "media_type": media_type}], batch)

    async def add_url(self, collection: str, url: str, bounds: Bounds = USUAL, *, batch: str | None = None) -> Ticket:
        """A page, and what it links to on its site within `bounds`; max_pages=1 takes the page alone. Raises BadRequest for no URL."""
        batch = batch or new_id("batch")
        url = str(parse(url))
        payload = {"url": url, "bounds": msgspec.to_builtins(bounds)}
        job = NewJob(CRAWL, collection, label=url, payload=payload, batch=batch)
        await self._database.write(jobs.enqueue, [job])
        self.on_queued()
        return Ticket(batch, 1)

    async def progress(self, collection: str, batch: str) -> Progress:
        """How far a request to this collection is; all zero for an unknown one."""
        return await self._database.read(_progress, collection, batch)

    # Deletion

    async def delete_document(self, document: str) -> bool:
        """The document with passages, index entries, vectors, jobs and waiting bytes. False when there was none."""
        return await self._delete(_delete_document, document)

    async def delete_collection(self, collection: str) -> bool:
        """The collection with all its documents, jobs and waiting bytes."""
        return await self._delete(_delete_collection, collection)

    async def _delete(self, delete: Callable[[sa.Connection, str], tuple[bool, list[dict[str, Any]]]], identifier: str) -> bool:
        found, payloads = await self._database.write(delete, identifier)
        for payload in payloads:
            if "spool" in payload:
                await asyncio.to_thread(self._spool.drop, payload["spool"])
        return found

    async def _enqueue(self, collection: str, documents: Sequence[dict[str, Any]], batch: str | None = None) -> Ticket:
        batch = batch or new_id("batch")
        for at in range(0, len(documents), _ENQUEUED_TOGETHER):
            await self._database.write(_enqueue_documents, collection, batch, documents[at : at + _ENQUEUED_TOGETHER])
            self.on_queued()
        return Ticket(batch, len(documents))

    # Jobs

    async def run(self, owner: str, claimed: Sequence[Job]) -> None:
        """Work off jobs held under `owner`; each ends or is queued again."""
        documents = [job for job in claimed if job.kind == DOCUMENT]
        if documents:
            await self._run_documents(owner, documents)
        for job in claimed:
            if job.kind == CRAWL:
                await self._run_crawl(owner, job)

    def rest(self) -> None:
        """Nothing is left to do for now: let the reading processes go."""
        self._extractor.rest()

    async def sweep(self, before: float) -> int:
        """Clear up what a crash may leave, last touched before a time in seconds: waiting bytes and waiting documents without a job."""
        waiting = await self._database.read(jobs.open_payloads, DOCUMENT)
        documents = frozenset(str(payload["document"]) for payload in waiting)
        stranded = await self._database.write(store.fail_stranded, documents, int(before * 1000))
        spooled = frozenset(str(payload["spool"]) for payload in waiting if "spool" in payload)
        return stranded + await asyncio.to_thread(self._spool.sweep, spooled, before)

    async def _run_documents(self, owner: str, claimed: Sequence[Job]) -> None:
        """Reads a few at a time and writes whenever enough has gathered, so that many large documents do not fill the memory."""
        await self._database.write(jobs.set_stage, owner, [job.id for job in claimed], "extracting")
        known = await self._database.read(store.content_hashes, [str(job.payload["document"]) for job in claimed])
        gathered: list[tuple[Job, _Read]] = []
        for at in range(0, len(claimed), _READ_TOGETHER):
            part = claimed[at : at + _READ_TOGETHER]
            gathered += zip(part, await asyncio.gather(*(self._read(job, known) for job in part)), strict=True)
            if sum(len(item.document.text) for _, item in gathered if item.document) > _WRITTEN_TOGETHER:
                await self._index(owner, gathered)
                gathered = []
        await self._index(owner, gathered)

    async def _index(self, owner: str, gathered: Sequence[tuple[Job, _Read]]) -> None:
        await self._database.write(jobs.set_stage, owner, [job.id for job, _ in gathered], "indexing")
        embedded = await asyncio.gather(*(self._embed(item) for _, item in gathered))
        ended = await self._database.write(self._commit, owner, [(job, item) for (job, _), item in zip(gathered, embedded, strict=True)])
        for job in ended:
            if "spool" in job.payload:
                await asyncio.to_thread(self._spool.drop, job.payload["spool"])

    async def _read(self, job: Job, known: dict[str, str | None]) -> _Read:
        async with self._readers:
            try:
                return await asyncio.to_thread(self._read_now, job.payload, known.get(job.payload["document"]))
            except AntiphonError as error:
                return _Read(error=error)
            except Exception as error:  # one document's surprise must not hold up those claimed with it
                return _Read(error=OurError("The document could not be read.", detail=repr(error)))

    def _read_now(self, payload: dict[str, Any], known: str | None) -> _Read:
        data = self._spool.get(payload["spool"]) if "spool" in payload else read(payload["path"])
        content_hash = self._content_hash(data)
        if content_hash == known:
            return _Read(content_hash, unchanged=True)
        source = payload["source"]
        name = urlsplit(source).path if "://" in source else source
        answer = self._extractor.extract(data, name=name, media_type=payload["media_type"])
        return _Read(content_hash, document=answer.document, passages=answer.passages)

    def _content_hash(self, data: bytes) -> str:
        model = self.embedder.model if self.embedder else ""
        return f"{hashlib.sha256(data).hexdigest()}:{READING_VERSION}.{tokens.VERSION}:{model}"

    async def _embed(self, item: _Read) -> _Read:
        if self.embedder is None or item.document is None or not item.passages:
            return item
        from antiphon.retrieval.dense import pack  # lazy: brings numpy, which words alone do without

        title = item.document.title
        try:
            vectors = await self.embedder.embed([indexed_text(title, passage.heading, passage.text) for passage in item.passages])
        except AntiphonError as error:
            return _Read(error=error)
        passages = tuple(
            msgspec.structs.replace(passage, vector=pack(vector)) for passage, vector in zip(item.passages, vectors, strict=True)
        )
        return msgspec.structs.replace(item, passages=passages)

    def _commit(self, connection: sa.Connection, owner: str, done: Sequence[tuple[Job, _Read]]) -> list[Job]:
        """Write all, each for itself; the jobs that have ended for good."""
        model = self.embedder.model if self.embedder else None
        ended = []
        for job, item in done:
            try:
                with connection.begin_nested():
                    over = _write(connection, owner, job, item, model)
            except AntiphonError as error:
                over = _fail(connection, owner, job, error)
            except (sa.exc.IntegrityError, sa.exc.DataError) as error:
                over = _fail(connection, owner, job, OurError("The document could not be stored.", detail=repr(error)))
            if over:
                ended.append(job)
        return ended

    async def _run_crawl(self, owner: str, job: Job) -> None:
        bounds = msgspec.convert(job.payload["bounds"], Bounds)
        problems: list[dict[str, str]] = []
        pages = 0
        try:
            async for page in crawl(self._egress, self._extractor, job.payload["url"], bounds):
                if page.found is None:
                    problems.append({"source": page.url, "message": page.problem or ""})
                    continue
                pages += 1
                await self.add_bytes(
                    job.subject, page.found.data, name=page.url, media_type=page.found.media_type, url=page.url, batch=job.batch
                )
        except AntiphonError as error:
            retry = isinstance(error, UpstreamError) and error.retryable
            await self._database.write(jobs.fail, owner, job.id, error=error.code, message=error.message, retry=retry)
            return
        await self._database.write(jobs.finish, owner, job.id, {"pages": pages, "problems": problems[:_PROBLEMS]})


def _write(connection: sa.Connection, owner: str, job: Job, item: _Read, model: str | None) -> bool:
    """Passages and the job's end together. Raises for what the document or the index is to blame for."""
    if item.error is not None:
        raise item.error
    identifier = str(job.payload["document"])
    if item.document is None:
        store.update_document(connection, identifier, status="ready", error=None, url=job.payload["url"])
        result: dict[str, Any] = {"unchanged": 1, "passages": 0}
    else:
        written = store.replace_passages(
            connection,
            identifier,
            item.passages,
            text=item.document.text,
            content_hash=item.content_hash,
            title=item.document.title,
            url=job.payload["url"],
            media_type=media_type_of(item.document.kind),
            model=model,
        )
        if written != len(item.passages):
            raise OurError("The index does not hold every passage, so nothing was changed.", code="index_mismatch")
        result = {"unchanged": 0, "passages": written}
    if not jobs.finish(connection, owner, job.id, result):
        raise NotFound("The job went to another worker.", code="job_lost")
    return True


def _fail(connection: sa.Connection, owner: str, job: Job, error: AntiphonError) -> bool:
    status = jobs.fail(connection, owner, job.id, error=error.code, message=error.message, retry=error.retryable or error.fault == "ours")
    if status == "failed":
        store.update_document(connection, str(job.payload["document"]), status="failed", error=error.message)
    return status == "failed"


def _enqueue_documents(connection: sa.Connection, collection: str, batch: str, wanted: Iterable[dict[str, Any]]) -> None:
    new = []
    for payload in wanted:
        source = str(payload["source"])
        document = store.upsert_document(connection, collection, source, media_type=payload["media_type"] or "", url=payload["url"])
        new.append(NewJob(DOCUMENT, collection, label=source, payload={**payload, "document": document}, batch=batch))
    jobs.enqueue(connection, new)


def _delete_document(connection: sa.Connection, document: str) -> tuple[bool, list[dict[str, Any]]]:
    return store.delete_document(connection, document), jobs.forget(connection, document=document)


def _delete_collection(connection: sa.Connection, collection: str) -> tuple[bool, list[dict[str, Any]]]:
    store.delete_collection(connection, collection)
    return True, jobs.forget(connection, subject=collection)


def _progress(connection: sa.Connection, collection: str, batch: str) -> Progress:
    counts = jobs.counts(connection, batch, subject=collection, kind=DOCUMENT)
    crawls = jobs.counts(connection, batch, subject=collection, kind=CRAWL)
    failures = jobs.list_jobs(connection, batch=batch, subject=collection, status="failed", limit=_PROBLEMS)
    problems = [Problem(job.label, job.error or "", job.message or "") for job in failures]
    for job in jobs.list_jobs(connection, batch=batch, subject=collection, kind=CRAWL, status="done"):
        problems += [Problem(found["source"], "page_failed", found["message"]) for found in (job.result or {}).get("problems", [])]
    queued, running = (counts.get(status, 0) + crawls.get(status, 0) for status in ("queued", "running"))
    return Progress(
        batch=batch,
        queued=queued,
        running=running,
        ready=counts.get("done", 0),
        unchanged=jobs.total(connection, batch, "unchanged", subject=collection),
        failed=counts.get("failed", 0) + crawls.get("failed", 0),
        passages=jobs.total(connection, batch, "passages", subject=collection),
        finished=queued + running == 0,
        problems=tuple(problems),
    )


def _of_file(item: Found) -> dict[str, Any]:
    return {"source": item.source, "url": item.url, "path": item.path, "media_type": None}
