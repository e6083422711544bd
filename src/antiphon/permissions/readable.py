"""The one query about things: lists, checks and passage search all go through `readable`, narrowed or joined as they need.

    list      SELECT ... FROM collections WHERE id IN (readable(actor, "collection"))
    check     readable(actor, "collection") with one id: `may`, `check`; or all its ids: `held`
    search    ... WHERE passages.collection IN (readable(actor, "collection"))

Rules: default deny. A thing that is unknown and one that is not yours give the same answer. Nothing here is cached: what was withdrawn is
gone for the next query.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from antiphon.core.actor import Actor
from antiphon.core.errors import NotFound, Refused
from antiphon.permissions.decide import decide
from antiphon.permissions.grants import EVERYONE, MEMBERS
from antiphon.permissions.kinds import GRANTED, ROLES, Action, Kind
from antiphon.storage.tables.accounts import api_keys, users
from antiphon.storage.tables.conversations import conversations, runs
from antiphon.storage.tables.documents import documents
from antiphon.storage.tables.grants import grants

Ids = sa.Select[str]


def readable(actor: Actor, kind: Kind, action: Action = "read") -> Ids:
    """SELECT of the ids of all things of this kind that the actor may read (write, manage). One column, no duplicates.

    Of a kind held by grants, a thing exists when it has rows: see `grants.establish`.
    """
    verdict = decide(actor, action, kind)
    if verdict == "deny":
        return _nothing()
    if kind == "document":
        inside = readable(actor, "collection", action).scalar_subquery()
        return sa.select(documents.c.id).where(documents.c.collection.in_(inside))
    if kind in GRANTED:
        return _granted(kind, action, None if verdict == "allow" else subjects(actor, kind))
    return _own(actor, kind, everybody=verdict == "allow")


def held(connection: sa.Connection, actor: Actor, kind: Kind) -> set[str]:
    """The same query, as the ids themselves: for kinds of which there are few."""
    return set(connection.execute(readable(actor, kind)).scalars())


def may(connection: sa.Connection, actor: Actor, action: Action, kind: Kind, id: str) -> bool:
    """The same query, narrowed to one id."""
    return connection.execute(_narrowed(readable(actor, kind, action)), {"wanted": id}).first() is not None


def check(connection: sa.Connection, actor: Actor, action: Action, kind: Kind, id: str) -> None:
    """Raises NotFound for what is unknown or not to be seen, Refused for what may be seen but not used so."""
    if may(connection, actor, action, kind, id):
        return
    if action != "read" and may(connection, actor, "read", kind, id):
        raise Refused(f"You may not change this {kind}.")
    raise NotFound(f"There is no such {kind}.", code=f"{kind}_not_found")


def subjects(actor: Actor, kind: Kind) -> tuple[str, ...]:
    """In whose name grants count for this actor. Whoever sits at the machine reads what members read, but is not given their models."""
    match actor.kind:
        case "user" | "key" if actor.user is not None:
            return (EVERYONE, MEMBERS, f"user:{actor.user}")
        case "local":
            return (EVERYONE,) if kind == "model" else (EVERYONE, MEMBERS)
        case "visitor" if actor.site is not None:
            return (EVERYONE, f"site:{actor.site}")
        case _:
            return (EVERYONE,)


@lru_cache(maxsize=1024)
def _granted(kind: Kind, action: Action, names: tuple[str, ...] | None) -> Ids:
    """Statements are kept, rows never: to build one costs more than to ask it. names: None for everything there is."""
    held = sa.select(grants.c.resource).where(grants.c.kind == kind).distinct()
    return held if names is None else held.where(grants.c.role.in_(ROLES[action]), grants.c.subject.in_(names))


@lru_cache(maxsize=1024)
def _narrowed(ids: Ids) -> Ids:
    return ids.where(ids.selected_columns[0] == sa.bindparam("wanted")).limit(1)


def _own(actor: Actor, kind: Kind, *, everybody: bool) -> Ids:
    """Kinds that name their owner in their own row."""
    mine: sa.ColumnElement[bool]
    column: sa.Column[Any]
    match kind:
        case "user":
            column, mine = users.c.id, users.c.id == actor.user
        case "key":
            column, mine = api_keys.c.id, api_keys.c.user == actor.user
        case "run":
            column, mine = runs.c.id, _own_runs(actor)
        case "conversation":
            column, mine = conversations.c.id, _own_conversations(actor)
        case _:
            return _nothing()
    return sa.select(column) if everybody else sa.select(column).where(mine)


def _own_runs(actor: Actor) -> sa.ColumnElement[bool]:
    """A user sees what was asked with his keys; a key sees only what was asked with it; the nameless see none."""
    if actor.kind == "key":
        return runs.c.subject == actor.key
    if actor.kind == "user":
        return sa.or_(runs.c.subject == actor.user, runs.c.subject.in_(sa.select(api_keys.c.id).where(api_keys.c.user == actor.user)))
    return sa.false()


def _own_conversations(actor: Actor) -> sa.ColumnElement[bool]:
    """A visitor's is not found by who he is, for he is nobody, but by naming its site and session: see conversations.store."""
    if actor.kind not in ("user", "key"):
        return sa.false()
    return sa.and_(conversations.c.deleted_at.is_(None), conversations.c.owner == actor.user)


def _nothing() -> Ids:
    return sa.select(grants.c.resource).where(sa.false())
