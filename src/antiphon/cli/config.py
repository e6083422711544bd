"""`antiphon config`: every setting, its value, and where that comes from."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from antiphon.cli.connection import at, connect, data_option
from antiphon.cli.show import as_json, table


@click.group()
def config() -> None:
    """Show and change settings."""


@config.command()
@click.option("--origin", is_flag=True, help="Say where each value comes from.")
@click.option("--json", "json_", is_flag=True, help="As JSON.")
@data_option
def show(origin: bool, json_: bool, data: Path | None, config: Path | None) -> None:
    """Show every setting as it is now."""
    with connect(data, config) as server:
        found = server.get("/api/settings")["settings"]
    if json_:
        as_json(found)
        return
    rows = []
    for one in found:
        value = one["value"] if isinstance(one["value"], str) else msgspec.json.encode(one["value"]).decode()
        where = " ".join(part for part in (one["origin"]["layer"], one["origin"]["place"]) if part)
        rows.append((one["name"], value, *([where] if origin else [])))
    table(("setting", "value", *(["from"] if origin else [])), rows, empty="No settings.")


@config.command("set")
@click.argument("name")
@click.argument("value")
@data_option
def set_(name: str, value: str, data: Path | None, config: Path | None) -> None:
    """Set NAME (group.setting) to VALUE: text, or JSON for numbers, lists and mappings."""
    try:
        parsed = msgspec.json.decode(value)
    except msgspec.DecodeError:
        parsed = value
    with connect(data, config) as server:
        row = server.put(at("api", "settings", name), {"value": parsed})
    if row["origin"]["layer"] != "database":
        click.echo(f"Stored, but {row['origin']['place']} ({row['origin']['layer']}) counts more.")
    elif row["waiting"]:
        click.echo("Stored. It counts after a restart of the server.")
    else:
        click.echo("Done; it counts from now on.")


@config.command()
@click.argument("name")
@data_option
def unset(name: str, data: Path | None, config: Path | None) -> None:
    """Go back to what NAME would be without the stored value."""
    with connect(data, config) as server:
        server.delete(at("api", "settings", name))
    click.echo("Done.")
