"""`antiphon ingest`: documents in, with a progress bar and every failure by name."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from antiphon.cli.collections import ensure
from antiphon.cli.connection import Server, connect, data_option
from antiphon.core.errors import OurError

_POLL_SECONDS = 0.2
_PROBLEMS_SHOWN = 50


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="PATH|URL...")
@click.option("--collection", "-c", default="docs", show_default=True, help="Collection; made if it is missing.")
@click.option("--url-prefix", help="Put before a file's path to make the address that citations link to.")
@click.option("--pages", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Pages to follow on a URL's site.")
@click.option("--watch", is_flag=True, help="Go on looking at the paths, and take in what changes.")
@data_option
def ingest(
    sources: tuple[str, ...], collection: str, url_prefix: str | None, pages: int, watch: bool, data: Path | None, config: Path | None
) -> None:
    """Put files, folders or web pages into a collection.

    Reads Markdown, text, HTML, reStructuredText, PDF, DOCX, PPTX, XLSX and CSV. What is there already is replaced when it has changed.
    """
    urls = [source for source in sources if source.startswith(("http://", "https://"))]
    paths = [Path(source).resolve() for source in sources if source not in urls]
    for path in paths:
        if not path.exists():
            raise click.BadParameter(f"there is no file or folder {path}", param_hint="PATH")
    with connect(data, config) as server:
        ensure(server, collection)
        address = f"/api/collections/{collection}/documents"
        tickets = [server.post(address, {"path": str(path), "url_prefix": url_prefix}) for path in paths]
        tickets += [server.post(address, {"urls": [url], "pages": pages}) for url in urls]
        failed = _follow(server, collection, tickets)
        while watch:
            time.sleep(2)
            again = [server.post(address, {"path": str(path), "url_prefix": url_prefix, "changed": True}) for path in paths]
            if any(ticket["jobs"] or ticket["deleted"] for ticket in again):
                for ticket in again:
                    for gone in ticket["deleted"]:
                        click.echo(f"{gone}: gone, deleted")
                _follow(server, collection, again)
    if failed:
        raise OurError(f"{failed} could not be ingested; see above.")


def _follow(server: Server, collection: str, tickets: Sequence[dict[str, Any]]) -> int:
    """Wait for the batches with a bar; tells every problem by name and returns how many failed."""
    for ticket in tickets:
        for skipped in ticket["skipped"][:_PROBLEMS_SHOWN]:
            click.echo(f"{skipped['source']}: {skipped['reason']}, passed over", err=True)
    states = _bar(server, collection, [ticket["batch"] for ticket in tickets if ticket["jobs"]])
    for state in states:
        for problem in state["problems"][:_PROBLEMS_SHOWN]:
            click.echo(f"{problem['source']}: {problem['message']}", err=True)
    total = {name: sum(state[name] for state in states) for name in ("ready", "unchanged", "failed", "passages")}
    click.echo(
        f"{total['ready'] - total['unchanged']} documents taken in ({total['passages']} passages), "
        f"{total['unchanged']} unchanged, {total['failed']} failed."
    )
    return int(total["failed"])


def _bar(server: Server, collection: str, batches: Sequence[str]) -> list[dict[str, Any]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Reading", total=None)
        while True:
            states = [server.get(f"/api/collections/{collection}/batches/{batch}") for batch in batches]
            done = sum(state["ready"] + state["failed"] for state in states)
            bar.update(task, total=done + sum(state["queued"] + state["running"] for state in states), completed=done)
            if all(state["finished"] for state in states):
                return states
            time.sleep(_POLL_SECONDS)
