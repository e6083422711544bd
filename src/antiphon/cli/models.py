"""`antiphon models`: which models there are, and where they come from."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from antiphon.cli.connection import at, connect, data_option
from antiphon.cli.show import as_json, table


@click.group()
def models() -> None:
    """List, add, change and remove models."""


@models.command("list")
@click.option("--json", "json_", is_flag=True, help="As JSON.")
@data_option
def list_(json_: bool, data: Path | None, config: Path | None) -> None:
    """List models and bots by the names that they are asked by."""
    with connect(data, config) as server:
        found = server.get("/v1/models")["data"]
    if json_:
        as_json(found)
        return
    table(("name", "from"), [(one["id"], one["owned_by"]) for one in found], empty="No models.")


@models.command()
@click.argument("name")
@click.option("--provider", type=click.Choice(["openai-compatible"]), default="openai-compatible", show_default=True)
@click.option("--base-url", required=True, help="Where its API begins, with or without /v1.")
@click.option("--api-key-env", metavar="NAME", help="Variable of the server's environment that holds the key.")
@click.option("--api-key", help="The key itself; kept encrypted. Read from standard input when '-'.")
@click.option("--upstream", help="The model's name at its server (default: NAME).")
@click.option("--context", type=click.IntRange(min=256), help="Its context window in tokens.")
@click.option(
    "--for", "visibility", type=click.Choice(["private", "members", "public"]), default="members", show_default=True, help="Who may ask it."
)
@data_option
def add(
    name: str,
    provider: str,
    base_url: str,
    api_key_env: str | None,
    api_key: str | None,
    upstream: str | None,
    context: int | None,
    visibility: str,
    data: Path | None,
    config: Path | None,
) -> None:
    """Add model NAME served at a base URL."""
    body = {
        "name": name,
        "provider": provider,
        "base_url": base_url,
        "api_key_env": api_key_env,
        "api_key": _key(api_key),
        "upstream": upstream,
        "context_tokens": context,
        "visibility": visibility,
    }
    with connect(data, config) as server:
        server.post("/api/models", body)
    click.echo(f'Added {name}. Ask it with: antiphon ask --model {name} "Hello"')


@models.command("set")
@click.argument("name")
@click.option("--for", "visibility", type=click.Choice(["private", "members", "public"]), help="Who may ask it.")
@click.option("--api-key", help="A new key; kept encrypted. Read from standard input when '-'.")
@data_option
def set_(name: str, visibility: str | None, api_key: str | None, data: Path | None, config: Path | None) -> None:
    """Change who may ask model NAME (also a built-in one), or its key."""
    body = {"visibility": visibility, "api_key": _key(api_key)}
    with connect(data, config) as server:
        server.patch(at("api", "models", name), body)
    click.echo(f"Changed {name}.")


@models.command()
@click.argument("name")
@data_option
def remove(name: str, data: Path | None, config: Path | None) -> None:
    """Remove model NAME."""
    with connect(data, config) as server:
        server.delete(at("api", "models", name))
    click.echo(f"Removed {name}.")


def _key(given: str | None) -> str | None:
    return sys.stdin.readline().strip() if given == "-" else given
