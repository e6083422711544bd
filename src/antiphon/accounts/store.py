"""The SQL of accounts. Plain functions on a connection; every change that must be atomic is one function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from antiphon.accounts.names import fold
from antiphon.core.errors import Conflict, NotFound
from antiphon.permissions import grants
from antiphon.storage.ids import new_id, now_ms
from antiphon.storage.tables.accounts import api_keys, links, sessions, users
from antiphon.storage.tables.conversations import conversations, runs

Role = Literal["admin", "member"]


class User(msgspec.Struct, frozen=True):
    """A user as others may see them; times in milliseconds since the epoch."""

    id: str
    name: str
    email: str | None
    role: Role
    token_version: int
    created_at: int
    suspended_at: int | None
    signed_in_at: int | None

    @property
    def admin(self) -> bool:
        return self.role == "admin"

    @property
    def active(self) -> bool:
        return self.suspended_at is None


class ApiKey(msgspec.Struct, frozen=True):
    """A key as it is listed: never the key itself. prefix: its first characters."""

    id: str
    user: str
    name: str
    prefix: str
    scopes: tuple[str, ...]
    created_at: int
    expires_at: int | None
    used_at: int | None
    revoked_at: int | None


_USER = tuple(users.c[name] for name in User.__struct_fields__)
_KEY = tuple(api_keys.c[name] for name in ApiKey.__struct_fields__)


def _user(row: Sequence[Any] | None) -> User | None:
    return None if row is None else User(*row)


def user_by_id(connection: sa.Connection, id: str) -> User | None:
    return _user(connection.execute(sa.select(*_USER).where(users.c.id == id)).first())


def user_to_sign_in(connection: sa.Connection, username: str) -> tuple[User, str | None] | None:
    """The active user of that name or e-mail address, with the stored password hash."""
    key = fold(username.strip())
    query = sa.select(*_USER, users.c.password).where(sa.or_(users.c.name_key == key, users.c.email_key == key))
    row = connection.execute(query.where(users.c.suspended_at.is_(None))).first()
    return None if row is None else (User(*row[:-1]), row[-1])


def list_users(connection: sa.Connection, readable: sa.Select[str]) -> list[User]:
    return [User(*row) for row in connection.execute(sa.select(*_USER).where(users.c.id.in_(readable)).order_by(users.c.id))]


def add_user(connection: sa.Connection, name: str, email: str | None, password: str | None, role: Role) -> User:
    """Raises Conflict when the name or the address is taken."""
    row = {
        "id": new_id("user"),
        "name": name,
        "name_key": fold(name),
        "email": email,
        "email_key": None if email is None else fold(email),
        "password": password,
        "role": role,
        "created_at": now_ms(),
    }
    try:
        connection.execute(users.insert(), row)
    except IntegrityError:
        raise Conflict("A user of this name or e-mail address exists already.", code="user_exists") from None
    return existing_user(connection, str(row["id"]))


def existing_user(connection: sa.Connection, id: str) -> User:
    """Raises NotFound."""
    user = user_by_id(connection, id)
    if user is None:
        raise NotFound("There is no such user.", code="user_not_found")
    return user


def has_admin(connection: sa.Connection) -> bool:
    return connection.execute(sa.select(users.c.id).where(users.c.role == "admin").limit(1)).first() is not None


def set_password(connection: sa.Connection, user: str, password: str) -> None:
    """Ends every session and token of the user. Raises NotFound."""
    existing_user(connection, user)
    values = {"password": password, "token_version": users.c.token_version + 1}
    connection.execute(users.update().where(users.c.id == user).values(values))
    connection.execute(sessions.delete().where(sessions.c.user == user))


def password_of(connection: sa.Connection, user: str) -> str | None:
    """The stored hash."""
    found: str | None = connection.execute(sa.select(users.c.password).where(users.c.id == user)).scalar()
    return found


def refresh_password(connection: sa.Connection, user: str, old: str, new: str) -> None:
    """The same password hashed with newer parameters; nothing ends."""
    connection.execute(users.update().where(users.c.id == user, users.c.password == old).values(password=new))


def set_role(connection: sa.Connection, user: str, role: Role) -> User:
    """Raises NotFound, Conflict for the last administrator."""
    if role != "admin":
        _keep_an_admin(connection, user)
    existing_user(connection, user)
    connection.execute(users.update().where(users.c.id == user).values(role=role))
    return existing_user(connection, user)


def suspend(connection: sa.Connection, user: str) -> User:
    """Ends every session and token; keys stop working as long as it lasts. Raises NotFound, Conflict for the last administrator."""
    _keep_an_admin(connection, user)
    existing_user(connection, user)
    values = {"suspended_at": now_ms(), "token_version": users.c.token_version + 1}
    connection.execute(users.update().where(users.c.id == user, users.c.suspended_at.is_(None)).values(values))
    connection.execute(sessions.delete().where(sessions.c.user == user))
    return existing_user(connection, user)


def resume(connection: sa.Connection, user: str) -> User:
    """Raises NotFound."""
    connection.execute(users.update().where(users.c.id == user).values(suspended_at=None))
    return existing_user(connection, user)


def delete_user(connection: sa.Connection, user: str) -> None:
    """With sessions, keys, grants, conversations and the texts of runs. What was used stays, for the sums. Raises NotFound, Conflict."""
    _keep_an_admin(connection, user)
    existing_user(connection, user)
    keys = sa.select(api_keys.c.id).where(api_keys.c.user == user)
    own_runs = sa.or_(runs.c.subject == user, runs.c.subject.in_(keys))
    connection.execute(runs.update().where(own_runs).values(question=None, answer=None))
    connection.execute(conversations.delete().where(conversations.c.owner == user))
    grants.forget_subject(connection, f"user:{user}")
    connection.execute(users.delete().where(users.c.id == user))


def _keep_an_admin(connection: sa.Connection, user: str) -> None:
    """Raises Conflict when nobody else could administer the server."""
    admins = connection.scalars(sa.select(users.c.id).where(users.c.role == "admin", users.c.suspended_at.is_(None))).all()
    if list(admins) == [user]:
        raise Conflict("This is the only administrator. Make somebody else one first.", code="last_admin")


def add_session(connection: sa.Connection, user: str, hash: str, expires_at: int) -> None:
    """Also clears away sessions whose time is over."""
    now = now_ms()
    connection.execute(sessions.delete().where(sessions.c.expires_at <= now))
    connection.execute(sessions.insert().values(hash=hash, user=user, created_at=now, expires_at=expires_at))


def note_sign_in(connection: sa.Connection, user: str) -> None:
    connection.execute(users.update().where(users.c.id == user).values(signed_in_at=now_ms()))


def session_user(connection: sa.Connection, hash: str) -> User | None:
    """The active user behind a session that is not over."""
    query = sa.select(*_USER).join(sessions, sessions.c.user == users.c.id)
    query = query.where(sessions.c.hash == hash, sessions.c.expires_at > now_ms(), users.c.suspended_at.is_(None))
    return _user(connection.execute(query).first())


def end_session(connection: sa.Connection, hash: str) -> None:
    connection.execute(sessions.delete().where(sessions.c.hash == hash))


def add_key(
    connection: sa.Connection, user: str, name: str, hash: str, prefix: str, scopes: Sequence[str], expires_at: int | None
) -> ApiKey:
    """Raises NotFound for the user."""
    existing_user(connection, user)
    id = new_id("key")
    row = {"id": id, "user": user, "name": name, "hash": hash, "prefix": prefix, "scopes": sorted(scopes), "expires_at": expires_at}
    connection.execute(api_keys.insert(), row | {"created_at": now_ms()})
    return _key(connection.execute(sa.select(*_KEY).where(api_keys.c.id == id)).one())


def list_keys(connection: sa.Connection, readable: sa.Select[str]) -> list[ApiKey]:
    """Keys that were not revoked, oldest first."""
    query = sa.select(*_KEY).where(api_keys.c.id.in_(readable), api_keys.c.revoked_at.is_(None)).order_by(api_keys.c.id)
    return [_key(row) for row in connection.execute(query)]


def revoke_key(connection: sa.Connection, key: str) -> str:
    """Returns the user whose key it was. Raises NotFound."""
    statement = api_keys.update().where(api_keys.c.id == key, api_keys.c.revoked_at.is_(None)).values(revoked_at=now_ms())
    user = connection.execute(statement.returning(api_keys.c.user)).scalar()
    if user is None:
        raise NotFound("There is no such key.", code="key_not_found")
    return str(user)


def usable_key(connection: sa.Connection, *, hash: str | None = None, id: str | None = None) -> tuple[ApiKey, User] | None:
    """The key of that hash (or id) and its user, if both may still be used."""
    now = now_ms()
    query = sa.select(*_KEY, *_USER).join(users, users.c.id == api_keys.c.user)
    query = query.where(api_keys.c.hash == hash if hash is not None else api_keys.c.id == id)
    query = query.where(api_keys.c.revoked_at.is_(None), sa.or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > now))
    row = connection.execute(query.where(users.c.suspended_at.is_(None))).first()
    return None if row is None else (_key(row[: len(_KEY)]), User(*row[len(_KEY) :]))


def note_key_use(connection: sa.Connection, key: str) -> None:
    connection.execute(api_keys.update().where(api_keys.c.id == key).values(used_at=now_ms()))


def _key(row: Sequence[Any]) -> ApiKey:
    values = dict(zip(ApiKey.__struct_fields__, row, strict=True))
    return ApiKey(**values | {"scopes": tuple(values["scopes"])})


def replace_link(connection: sa.Connection, purpose: str, hash: str, expires_at: int) -> None:
    """The one valid link of this purpose; any earlier one ends."""
    end_links(connection, purpose)
    connection.execute(links.insert().values(hash=hash, purpose=purpose, created_at=now_ms(), expires_at=expires_at))


def valid_link(connection: sa.Connection, purpose: str, hash: str) -> bool:
    query = sa.select(links.c.hash).where(links.c.hash == hash, links.c.purpose == purpose, links.c.expires_at > now_ms())
    return connection.execute(query).first() is not None


def end_links(connection: sa.Connection, purpose: str) -> None:
    connection.execute(links.delete().where(links.c.purpose == purpose))
