"""`antiphon collections`: what is searched together, and who may."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from antiphon.cli.connection import Server, at, connect, data_option
from antiphon.cli.show import as_json, table
from antiphon.core.errors import NotFound


@click.group()
def collections() -> None:
    """List, make, show, open and delete collections."""


@collections.command("list")
@click.option("--json", "json_", is_flag=True, help="As JSON.")
@data_option
def list_(json_: bool, data: Path | None, config: Path | None) -> None:
    """List collections."""
    with connect(data, config) as server:
        found = server.get("/api/collections")["collections"]
    if json_:
        as_json(found)
        return
    rows = [(one["name"], one["visibility"], one["passages"], one["url_prefix"] or "") for one in found]
    table(
        ("name", "seen by", "passages", "URL prefix"), rows, empty="No collections yet. Begin with: antiphon ingest PATH --collection NAME"
    )


@collections.command()
@click.argument("name")
@data_option
def documents(name: str, data: Path | None, config: Path | None) -> None:
    """List the documents of collection NAME with their status."""
    rows: list[tuple[Any, ...]] = []
    with connect(data, config) as server:
        after = ""
        while page := server.get(at("api", "collections", name, "documents"), after=after, limit=1000)["documents"]:
            rows += [(one["source"], one["status"], one["passages"], one["error"] or "", one["id"]) for one in page]
            after = page[-1]["id"]
    table(("source", "status", "passages", "problem", "id"), rows, empty="No documents yet. Add some with: antiphon ingest PATH")


@collections.command("set")
@click.argument("name")
@click.option("--public", "visibility", flag_value="public", help="Anyone may ask it, and it gets a site for the widget.")
@click.option("--members", "visibility", flag_value="members", help="Everybody who is signed in may read it.")
@click.option("--private", "visibility", flag_value="private", help="Only its owner and administrators may read it.")
@click.option("--origin", "origins", multiple=True, help="Origin of a page that may hold the widget, as https://host; repeatable.")
@click.option("--bot", help="Bot that answers on the site.")
@click.option("--per-minute", type=click.IntRange(1, 1000), help="Answers a minute for one visitor of the site.")
@click.option("--url-prefix", help="Put before a document's path to make its address.")
@data_option
def set_(
    name: str,
    visibility: str | None,
    origins: tuple[str, ...],
    bot: str | None,
    per_minute: int | None,
    url_prefix: str | None,
    data: Path | None,
    config: Path | None,
) -> None:
    """Change collection NAME, making it if it is missing; --public makes the site of that name."""
    with connect(data, config) as server:
        ensure(server, name)
        server.patch(at("api", "collections", name), {"visibility": visibility, "url_prefix": url_prefix})
        site = {"collection": name, "bot": bot, "origins": list(origins) or None, "per_minute": per_minute}
        if visibility == "public" or any(value for key, value in site.items() if key != "collection"):
            made = server.put(at("api", "sites", name), site | {"public": None if visibility is None else visibility == "public"})
            click.echo(
                f"Site {name}: {'public' if made['public'] else 'not public'}, origins {', '.join(made['origins']) or 'same origin only'}."
            )
        elif visibility is not None:
            _close_site(server, name)
        shown = server.get(at("api", "collections", name))
    click.echo(f"Collection {name}: {shown['visibility']}, {shown['passages']} passages.")


@collections.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_option
def delete(name: str, yes: bool, data: Path | None, config: Path | None) -> None:
    """Delete collection NAME with its documents."""
    if not yes:
        click.confirm(f"Delete collection {name} with all its documents?", abort=True)
    with connect(data, config) as server:
        server.delete(at("api", "collections", name))
    click.echo(f"Deleted {name}.")


def ensure(server: Server, name: str) -> None:
    """Make the collection if it is missing."""
    if not any(one["name"] == name for one in server.get("/api/collections")["collections"]):
        server.post("/api/collections", {"name": name})


def _close_site(server: Server, name: str) -> None:
    """A collection that is public no more has no public site."""
    try:
        server.get(at("api", "sites", name))
    except NotFound:
        return
    server.put(at("api", "sites", name), {"collection": name, "public": False})
