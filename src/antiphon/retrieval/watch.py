"""Keeps a collection like a folder: looks at it again and again, takes in what is new or changed, lets go what is gone.

A file counts as changed when its time or size does; the content hash then decides whether anything is done. Only documents whose source
begins with the folder's name are ever let go.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from antiphon.retrieval import store
from antiphon.retrieval.ingest import Ingest, Ticket
from antiphon.retrieval.sources import Found, Skipped, scan
from antiphon.storage.database import Database


class Change(msgspec.Struct, frozen=True):
    """ticket: what was queued. deleted: sources that are gone. skipped is reported once a file."""

    ticket: Ticket
    deleted: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()


async def watch(
    ingest: Ingest,
    database: Database,
    collection: str,
    root: Path,
    *,
    url_prefix: str | None = None,
    name: str | None = None,
    pause: float = 2.0,
) -> AsyncIterator[Change]:
    """One Change at once, with all there is, then one whenever there is any. `pause` is in seconds. Ends only when closed."""
    stamps: dict[str, tuple[int, int]] = {}
    reported: set[str] = set()
    first = True
    folder = name or await asyncio.to_thread(lambda: root.resolve().name)
    while True:
        seen = await asyncio.to_thread(lambda: list(scan(root, url_prefix=url_prefix, name=name)))
        found = {item.source: item for item in seen if isinstance(item, Found)}
        skipped = tuple(item for item in seen if isinstance(item, Skipped) and item.source not in reported)
        reported |= {item.source for item in skipped}
        changed = [item for item in found.values() if stamps.get(item.source) != item.stamp]
        gone = await _delete_missing(ingest, database, collection, f"{folder}/", set(found))
        stamps = {source: item.stamp for source, item in found.items()}
        if first or changed or gone or skipped:
            yield Change(await ingest.add_found(collection, changed), gone, skipped)
        first = False
        await asyncio.sleep(pause)


async def _delete_missing(ingest: Ingest, database: Database, collection: str, prefix: str, present: set[str]) -> tuple[str, ...]:
    stored = await database.read(store.documents_under, collection, prefix)
    gone = tuple(source for source in stored if source not in present)
    for source in gone:
        await ingest.delete_document(collection, stored[source])
    return gone
