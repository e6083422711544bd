"""The rows of grants: given, withdrawn, listed, and the three words for who sees a thing.

`private`: its owner, administrators and whoever was named. `members`: everybody signed in. `public`: anyone. They are nothing but the
presence of a row for `everyone` or `members`; a thing's other rows stay when its visibility changes.

Rule: a thing exists, for permissions, when it has rows; it always has an owner's, if only the server's.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec
import sqlalchemy as sa

from antiphon.permissions.kinds import Kind, Role
from antiphon.storage.ids import now_ms
from antiphon.storage.tables.grants import grants

EVERYONE: Final = "everyone"
MEMBERS: Final = "members"

Visibility = Literal["private", "members", "public"]
SERVER: Final = "user:system"
_SEEN_BY: Final[dict[Visibility, str | None]] = {"private": None, "members": MEMBERS, "public": EVERYONE}


class Grant(msgspec.Struct, frozen=True):
    subject: str
    role: Role


def give(connection: sa.Connection, kind: Kind, resource: str, subject: str, role: Role) -> None:
    """One role for each subject and thing: a second gift replaces the first."""
    take(connection, kind, resource, subject)
    connection.execute(grants.insert().values(kind=kind, resource=resource, subject=subject, role=role, created_at=now_ms()))


def take(connection: sa.Connection, kind: Kind, resource: str, subject: str) -> bool:
    """False when there was nothing to take."""
    gone = grants.delete().where(grants.c.kind == kind, grants.c.resource == resource, grants.c.subject == subject)
    return connection.execute(gone).rowcount > 0


def held(connection: sa.Connection, kind: Kind, resource: str) -> list[Grant]:
    query = sa.select(grants.c.subject, grants.c.role).where(grants.c.kind == kind, grants.c.resource == resource)
    return [Grant(*row) for row in connection.execute(query.order_by(grants.c.subject))]


def establish(connection: sa.Connection, kind: Kind, resource: str, owner: str | None, visibility: Visibility) -> None:
    """The first rows of a new thing; nothing when it has some already. owner: a user's id, or None for a thing of the server's own."""
    if held(connection, kind, resource):
        return
    give(connection, kind, resource, SERVER if owner is None else f"user:{owner}", "owner")
    show(connection, kind, resource, visibility)


def show(connection: sa.Connection, kind: Kind, resource: str, visibility: Visibility) -> None:
    """Set who sees it."""
    for subject in (EVERYONE, MEMBERS):
        take(connection, kind, resource, subject)
    if (subject_now := _SEEN_BY[visibility]) is not None:
        give(connection, kind, resource, subject_now, "reader")


def visibility(connection: sa.Connection, kind: Kind, resource: str) -> Visibility:
    subjects = {grant.subject for grant in held(connection, kind, resource)}
    return "public" if EVERYONE in subjects else "members" if MEMBERS in subjects else "private"


def forget(connection: sa.Connection, kind: Kind, resource: str) -> None:
    """When the thing itself is deleted; a later thing of the same id starts with nothing."""
    connection.execute(grants.delete().where(grants.c.kind == kind, grants.c.resource == resource))


def forget_subject(connection: sa.Connection, subject: str) -> None:
    """When the user, group or site is deleted. What it owned becomes the server's, so that nothing is lost from sight."""
    owned = sa.select(grants.c.kind, grants.c.resource).where(grants.c.subject == subject, grants.c.role == "owner")
    for kind, resource in connection.execute(owned).all():
        if not any(grant.role == "owner" and grant.subject != subject for grant in held(connection, kind, resource)):
            give(connection, kind, resource, SERVER, "owner")
    connection.execute(grants.delete().where(grants.c.subject == subject))
