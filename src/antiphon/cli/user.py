"""`antiphon user`: who may sign in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from antiphon.cli.connection import Server, at, connect, data_option
from antiphon.cli.show import as_json, table
from antiphon.core.errors import NotFound


@click.group()
def user() -> None:
    """Add, list and change users."""


@user.command()
@click.argument("name")
@click.option("--email", help="Address that also signs in.")
@click.option("--admin", is_flag=True, help="Make an administrator.")
@click.option("--password", help="Asked for when left out; read from standard input when '-'.")
@data_option
def add(name: str, email: str | None, admin: bool, password: str | None, data: Path | None, config: Path | None) -> None:
    """Add user NAME."""
    body = {"name": name, "email": email, "password": _password(password), "role": "admin" if admin else "member"}
    with connect(data, config) as server:
        made = server.post("/api/users", body)
    click.echo(f"Added {made['role']} {made['name']} ({made['id']}).")


@user.command("list")
@click.option("--json", "json_", is_flag=True, help="As JSON.")
@data_option
def list_(json_: bool, data: Path | None, config: Path | None) -> None:
    """List users."""
    with connect(data, config) as server:
        users = server.get("/api/users")["users"]
    if json_:
        as_json(users)
        return
    rows = [(one["name"], one["email"] or "", one["role"], "suspended" if one["suspended_at"] else "active", one["id"]) for one in users]
    table(("name", "e-mail", "role", "state", "id"), rows, empty="No users yet. Add one with: antiphon user add NAME")


@user.command()
@click.argument("name")
@click.option("--password", help="Asked for when left out; read from standard input when '-'.")
@data_option
def passwd(name: str, password: str | None, data: Path | None, config: Path | None) -> None:
    """Set the password of user NAME; ends all sessions and tokens."""
    _change(name, {"password": _password(password)}, data, config)


@user.command()
@click.argument("name")
@data_option
def suspend(name: str, data: Path | None, config: Path | None) -> None:
    """Lock user NAME out until `resume`."""
    _change(name, {"suspended": True}, data, config)


@user.command()
@click.argument("name")
@data_option
def resume(name: str, data: Path | None, config: Path | None) -> None:
    """Let user NAME in again."""
    _change(name, {"suspended": False}, data, config)


@user.command()
@click.argument("name")
@click.argument("role", type=click.Choice(["admin", "member"]))
@data_option
def role(name: str, role: str, data: Path | None, config: Path | None) -> None:
    """Make user NAME an admin or a member."""
    _change(name, {"role": role}, data, config)


@user.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_option
def delete(name: str, yes: bool, data: Path | None, config: Path | None) -> None:
    """Delete user NAME with keys, sessions and conversations."""
    if not yes:
        click.confirm(f"Delete {name} and everything that is only theirs?", abort=True)
    with connect(data, config) as server:
        server.delete(at("api", "users", find(server, name)["id"]))
    click.echo(f"Deleted {name}.")


def find(server: Server, name: str) -> dict[str, Any]:
    """A user by name, e-mail address or id. Raises NotFound."""
    for one in server.get("/api/users")["users"]:
        if name.casefold() in (one["id"].casefold(), one["name"].casefold(), (one["email"] or "").casefold()):
            found: dict[str, Any] = one
            return found
    raise NotFound(f"There is no user {name}.")


def _change(name: str, change: dict[str, Any], data: Path | None, config: Path | None) -> None:
    with connect(data, config) as server:
        changed = server.patch(at("api", "users", find(server, name)["id"]), change)
    click.echo(f"Changed {changed['name']}: {changed['role']}, {'suspended' if changed['suspended_at'] else 'active'}.")


def _password(given: str | None) -> str:
    if given == "-":
        return sys.stdin.readline().rstrip("\r\n")
    return given if given is not None else str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
