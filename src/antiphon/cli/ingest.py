"""`antiphon ingest`: documents in, with a progress bar and every failure by name.

A document that cannot be read is told by name and is no failure of the whole: among hundreds of pages there are always empty ones. The exit
code is 1 when nothing at all could be taken in, or, with --strict, when anything could not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from antiphon.cli.collections import ensure
from antiphon.cli.connection import Server, at, connect, data_option
from antiphon.core.errors import OurError

_POLL_SECONDS = 0.2
_WATCH_SECONDS = 2.0
_PROBLEMS_SHOWN = 50


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="PATH|URL...")
@click.option("--collection", "-c", default="docs", show_default=True, help="Collection; made if it is missing.")
@click.option("--url-prefix", help="Put before a file's path to make the address that citations link to.")
@click.option("--pages", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Pages to follow on a URL's site.")
@click.option("--watch", is_flag=True, help="Go on looking at the paths: take in what changes, let go what is deleted.")
@click.option("--strict", is_flag=True, help="Exit with 1 when any document could not be taken in, not only when none could.")
@data_option
def ingest(
    sources: tuple[str, ...],
    collection: str,
    url_prefix: str | None,
    pages: int,
    watch: bool,
    strict: bool,
    data: Path | None,
    config: Path | None,
) -> None:
    """Put files, folders or web pages into a collection.

    Reads Markdown, text, HTML, reStructuredText, PDF, DOCX, PPTX, XLSX and CSV. What is there already is replaced when it has changed.
    What cannot be read is told by name.
    """
    urls = [source for source in sources if source.startswith(("http://", "https://"))]
    paths = [Path(source).resolve() for source in sources if source not in urls]
    for path in paths:
        if not path.exists():
            raise click.BadParameter(f"there is no file or folder {path}", param_hint="PATH")
    if watch and not paths:
        raise click.UsageError("--watch looks at files and folders; name one.")
    asked: list[dict[str, Any]] = [{"path": str(path), "url_prefix": url_prefix, "changed": watch} for path in paths]
    with connect(data, config) as server:
        ensure(server, collection)
        address = at("api", "collections", collection)
        tickets = [server.post(f"{address}/documents", body) for body in asked]
        tickets += [server.post(f"{address}/documents", {"urls": [url], "pages": pages}) for url in urls]
        ready, failed = _follow(server, address, tickets)
        if watch:
            with suppress(KeyboardInterrupt):
                _watch(server, address, asked)
            return
    if failed and (strict or not ready):
        raise OurError(f"{failed} could not be taken in; see above." if ready else "Nothing could be taken in; see above.")


def _watch(server: Server, address: str, asked: Sequence[dict[str, Any]]) -> NoReturn:
    """Until it is interrupted, which is how it is meant to end."""
    click.echo("Watching for changes. Ctrl-C ends it.", err=True)
    while True:
        time.sleep(_WATCH_SECONDS)
        again = [server.post(f"{address}/documents", body) for body in asked]
        if any(ticket["jobs"] or ticket["deleted"] or ticket["skipped"] for ticket in again):
            _follow(server, address, again)


def _follow(server: Server, address: str, tickets: Sequence[dict[str, Any]]) -> tuple[int, int]:
    """Wait for the batches with a bar; tells every problem by name. How many documents are ready, how many failed."""
    for ticket in tickets:
        for gone in ticket["deleted"]:
            click.echo(f"{gone}: gone, deleted")
        _name(ticket["skipped"], lambda one: f"{one['source']}: {one['reason']}, passed over")
    states = _bar(server, address, [ticket["batch"] for ticket in tickets if ticket["jobs"]])
    for state in states:
        _name(state["problems"], lambda one: f"{one['source']}: {one['message']}")
    total = {name: sum(state[name] for state in states) for name in ("ready", "unchanged", "failed", "passages")}
    click.echo(
        f"{total['ready'] - total['unchanged']} documents taken in ({total['passages']} passages), "
        f"{total['unchanged']} unchanged, {total['failed']} failed."
    )
    return total["ready"], total["failed"]


def _name(problems: Sequence[dict[str, Any]], told: Callable[[dict[str, Any]], str]) -> None:
    for one in problems[:_PROBLEMS_SHOWN]:
        click.echo(told(one), err=True)
    if len(problems) > _PROBLEMS_SHOWN:
        click.echo(f"... and {len(problems) - _PROBLEMS_SHOWN} more", err=True)


def _bar(server: Server, address: str, batches: Sequence[str]) -> list[dict[str, Any]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Reading", total=None)
        while True:
            states = [server.get(f"{address}/batches/{batch}") for batch in batches]
            done = sum(state["ready"] + state["failed"] for state in states)
            bar.update(task, total=done + sum(state["queued"] + state["running"] for state in states), completed=done)
            if all(state["finished"] for state in states):
                return states
            time.sleep(_POLL_SECONDS)
