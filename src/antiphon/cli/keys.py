"""`antiphon keys`: API keys for programs."""

from __future__ import annotations

import time
from pathlib import Path

import click

from antiphon.cli.connection import at, connect, data_option
from antiphon.cli.show import as_json, table
from antiphon.cli.user import find

DAY_MS = 86_400_000


@click.group()
def keys() -> None:
    """Make, list and revoke API keys."""


@keys.command()
@click.argument("name", default="key")
@click.option("--user", "owner", required=True, help="Whose key: a name or an e-mail address.")
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice(["chat", "search", "ingest", "admin"]), help="Confine the key; repeatable."
)
@click.option("--days", type=click.IntRange(min=1), help="Days until it expires (default: never).")
@data_option
def create(name: str, owner: str, scopes: tuple[str, ...], days: int | None, data: Path | None, config: Path | None) -> None:
    """Make a key called NAME and print it, this once."""
    with connect(data, config) as server:
        expires = None if days is None else int(time.time() * 1000) + days * DAY_MS
        body = {"name": name, "scopes": list(scopes), "expires_at": expires, "user": find(server, owner)["id"]}
        made = server.post("/api/keys", body)
    click.echo(made["key"])
    click.echo("Keep it now: it is not shown again.", err=True)


@keys.command("list")
@click.option("--json", "json_", is_flag=True, help="As JSON.")
@data_option
def list_(json_: bool, data: Path | None, config: Path | None) -> None:
    """List keys; never the keys themselves."""
    with connect(data, config) as server:
        found = server.get("/api/keys")["keys"]
        names = {one["id"]: one["name"] for one in server.get("/api/users")["users"]}
    if json_:
        as_json(found)
        return
    rows = [(key["name"], key["prefix"] + "...", names.get(key["user"], ""), ", ".join(key["scopes"]) or "all", key["id"]) for key in found]
    table(("name", "key", "user", "scopes", "id"), rows, empty="No keys yet. Make one with: antiphon keys create NAME --user USER")


@keys.command()
@click.argument("id")
@data_option
def revoke(id: str, data: Path | None, config: Path | None) -> None:
    """End the key with this ID at once."""
    with connect(data, config) as server:
        server.delete(at("api", "keys", id))
    click.echo("Revoked.")
