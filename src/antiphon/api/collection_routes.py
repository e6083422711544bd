"""Collections, their documents, and search."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from starlette.datastructures import UploadFile

from antiphon.api.http import head_of, read_body
from antiphon.api.management import Asker, Given, Input, Json, Route, needs
from antiphon.api.services import Services
from antiphon.core.actor import Actor
from antiphon.core.errors import BadRequest, NotFound, Refused
from antiphon.core.passages import Hit
from antiphon.permissions import grants
from antiphon.permissions.kinds import Action
from antiphon.permissions.readable import check, readable
from antiphon.retrieval import store
from antiphon.retrieval.crawl import Bounds
from antiphon.retrieval.ingest import Ticket
from antiphon.retrieval.sources import url_of
from antiphon.retrieval.store import Collection
from antiphon.storage import jobs
from antiphon.storage.ids import new_id
from antiphon.wire import json

router = APIRouter(prefix="/api", tags=["collections"], route_class=Route)


class Search(Input):
    query: str = Field(min_length=1, max_length=4_000)
    topK: int = Field(default=5, ge=1, le=50)
    minScore: float = Field(default=0.7, ge=0, le=1, strict=False)
    useHybrid: bool = True


class NewCollection(Input):
    name: str = Field(pattern=r"^[^\s/\\?#%]{1,100}$")
    visibility: Literal["private", "members", "public"] = "members"
    url_prefix: str | None = Field(default=None, max_length=2_000)


class CollectionChange(Input):
    """What is left out stays."""

    visibility: Literal["private", "members", "public"] | None = None
    url_prefix: str | None = Field(default=None, max_length=2_000)


class Sources(Input):
    """Where documents come from: web addresses (with their sites, up to `pages` each), or a path on the server's own disk.

    A path is for the command line on the server's machine; `changed` takes only what is new there since the last such request, and deletes
    the documents whose files are gone. url_prefix: makes the address of each file; else the collection's own.
    """

    urls: list[str] = Field(default=[], max_length=100)
    pages: int = Field(default=1, ge=1, le=10_000)
    path: str | None = Field(default=None, min_length=1, max_length=4_000)
    changed: bool = False
    url_prefix: str | None = Field(default=None, max_length=2_000)


@router.get("/collections", dependencies=[needs("read", "collection")])
async def list_collections(services: Given, actor: Asker) -> Response:
    found = await services.db.read(store.list_collections, readable(actor, "collection"))
    seen = [await services.db.read(grants.visibility, "collection", collection.id) for collection in found]
    return Json({"collections": [_shown(collection, how) for collection, how in zip(found, seen, strict=True)]})


@router.post("/collections", dependencies=[needs("create", "collection")], status_code=201)
async def create_collection(body: NewCollection, services: Given, actor: Asker) -> Response:
    def create(connection: sa.Connection) -> Collection:
        made = store.create_collection(connection, body.name, {"url_prefix": body.url_prefix} if body.url_prefix else {})
        grants.establish(connection, "collection", made.id, None if actor.carrier == "local-token" else actor.user, body.visibility)
        return made

    return Json(_shown(await services.db.write(create), body.visibility), 201)


@router.get("/collections/{name}", dependencies=[needs("read", "collection")])
async def read_collection(name: str, services: Given, actor: Asker) -> Response:
    found = await _find(services, actor, name, "read")
    return Json(_shown(found, await services.db.read(grants.visibility, "collection", found.id)))


@router.patch("/collections/{name}", dependencies=[needs("manage", "collection")])
async def change_collection(name: str, body: CollectionChange, services: Given, actor: Asker) -> Response:
    found = await _find(services, actor, name, "manage")

    def change(connection: sa.Connection) -> None:
        if body.url_prefix is not None:
            store.update_collection(connection, found.id, settings=found.settings | {"url_prefix": body.url_prefix or None})
        if body.visibility is not None:
            grants.show(connection, "collection", found.id, body.visibility)

    await services.db.write(change)
    return await read_collection(name, services, actor)


@router.delete("/collections/{name}", dependencies=[needs("manage", "collection")], status_code=204)
async def delete_collection(name: str, services: Given, actor: Asker) -> Response:
    found = await _find(services, actor, name, "manage")

    await services.db.write(grants.forget, "collection", found.id)
    await services.ingest.delete_collection(found.id)
    return Response(status_code=204)


@router.post("/collections/{name}/search", dependencies=[needs("ask", "search")])
async def search(name: str, body: Search, services: Given, actor: Asker) -> Response:
    """What the collection holds on a question, and how sure it is. Below minScore there are no hits."""
    found = await _find(services, actor, name, "read")
    result = await services.retriever.search(
        actor, body.query, collections=(found.id,), top_k=body.topK, min_score=body.minScore, hybrid=body.useHybrid
    )
    return Json({"confidence": result.confidence, "searched": result.searched, "hits": [_hit(hit) for hit in result.hits]})


@router.get("/collections/{name}/documents", dependencies=[needs("read", "document")])
async def list_documents(
    name: str, services: Given, actor: Asker, after: str = "", limit: Annotated[int, Query(ge=1, le=1_000)] = 100
) -> Response:
    """In order of id; `after` is the last id of the page before."""
    found = await _find(services, actor, name, "read")
    return Json({"documents": await services.db.read(store.list_documents, found.id, after=after, limit=limit)})


@router.post("/collections/{name}/documents", dependencies=[needs("write", "document")], status_code=202)
async def add_documents(name: str, request: Request, services: Given, actor: Asker) -> Response:
    """Add or replace documents: a multipart upload of files, or a JSON body as `Sources` describes. Ask the batch for its progress."""
    found = await _find(services, actor, name, "write")
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        return Json(await _upload(services, found, request), 202)
    asked = Sources.model_validate(json.decode(await read_body(head_of(request.scope), request.receive, services.options.body_limit)))
    return Json(await _fetch(services, actor, found, asked), 202)


async def _upload(services: Services, collection: Collection, request: Request) -> Ticket:
    batch, count = new_id("batch"), 0
    async with request.form(max_files=1_000, max_fields=10) as form:
        for _, value in form.multi_items():
            if isinstance(value, UploadFile):
                name = value.filename or "upload"
                url = url_of(collection.settings.get("url_prefix"), name)
                data = await value.read()
                await services.ingest.add_bytes(collection.id, data, name=name, media_type=value.content_type, url=url, batch=batch)
                count += 1
    if not count:
        raise BadRequest("There is no file in this upload.", param="file")
    return Ticket(batch, count)


async def _fetch(services: Services, actor: Actor, collection: Collection, asked: Sources) -> Ticket:
    prefix = asked.url_prefix or collection.settings.get("url_prefix")
    if asked.path is not None:
        if actor.carrier != "local-token":
            raise Refused("Paths on the server's disk are for its own command line. Upload the files instead.")
        add = services.ingest.follow_path if asked.changed else services.ingest.add_path
        return await add(collection.id, Path(asked.path), url_prefix=prefix)
    if not asked.urls:
        raise BadRequest("Name at least one URL.", param="urls")
    batch = new_id("batch")
    for url in asked.urls:
        await services.ingest.add_url(collection.id, url, Bounds(max_pages=asked.pages), batch=batch)
    return Ticket(batch, len(asked.urls))


@router.get("/collections/{name}/batches/{batch}", dependencies=[needs("read", "document")])
async def batch_progress(name: str, batch: str, services: Given, actor: Asker) -> Response:
    """How far an upload or a crawl is, and what failed, by name."""
    found = await _find(services, actor, name, "write")
    if not await services.db.read(jobs.is_about, batch, found.id):
        raise NotFound("There is no such batch.", code="batch_not_found")
    return Json(await services.ingest.progress(found.id, batch))


@router.get("/documents/{id}", dependencies=[needs("read", "document")])
async def read_document(id: str, services: Given, actor: Asker) -> Response:
    """A document with its extracted text."""
    return Json(await services.db.read(store.read_document, id, readable(actor, "collection")))


@router.delete("/documents/{id}", dependencies=[needs("write", "document")], status_code=204)
async def delete_document(id: str, services: Given, actor: Asker) -> Response:
    await services.db.read(check, actor, "write", "document", id)
    await services.ingest.delete_document(id)
    return Response(status_code=204)


async def _find(services: Services, actor: Actor, name: str, action: Action) -> Collection:
    """Raises NotFound for what is unknown or not to be seen, Refused for what may be seen but not changed."""
    found = await services.db.read(store.find_collection, name, readable(actor, "collection"))
    if action != "read":
        await services.db.read(check, actor, action, "collection", found.id)
    return found


def _shown(collection: Collection, visibility: str) -> dict[str, Any]:
    return {
        "id": collection.id,
        "name": collection.name,
        "visibility": visibility,
        "url_prefix": collection.settings.get("url_prefix"),
        "passages": collection.passages,
    }


def _hit(hit: Hit) -> dict[str, Any]:
    passage = hit.passage
    return {
        "document": {"id": passage.document, "title": passage.title, "source": passage.source, "url": passage.url},
        "text": passage.text,
        "score": hit.score,
        "components": hit.components,
        "range": [passage.start, passage.end],
        "page": passage.page,
        "heading": passage.heading,
    }
