"""The first administrator: from configuration, or by whoever holds the one-time link that the server prints while there is none.

Rule: exactly one, however many try at once. The decision and the row are one write, and there is one writer.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from antiphon.accounts import store
from antiphon.accounts.names import clean_email, clean_name, fold
from antiphon.accounts.opaque import digest, new_secret
from antiphon.accounts.passwords import Passwords
from antiphon.accounts.store import User
from antiphon.core.errors import BadRequest, Conflict, Unauthenticated
from antiphon.storage.database import Database
from antiphon.storage.ids import new_id, now_ms

PURPOSE: Final = "setup"
LINK_LIFE_MS: Final = 24 * 3600 * 1000


class Setup:
    """What can be done only while there is no administrator."""

    def __init__(self, database: Database, passwords: Passwords) -> None:
        self._database = database
        self._passwords = passwords

    async def from_configuration(self, email: str, password: str) -> User | None:
        """Make the administrator that the configuration names; None when there is one already (its password is left alone)."""
        if await self._database.read(store.has_admin):
            return None
        address = clean_email(email)
        return await self._database.write(_make_configured, address, await self._passwords.hash(password))

    async def link(self) -> str | None:
        """A new one-time secret for the set-up page, valid for a day; None when there is an administrator. An earlier one ends."""
        if await self._database.read(store.has_admin):
            return None
        secret = new_secret("setup-")
        await self._database.write(store.replace_link, PURPOSE, digest(secret), now_ms() + LINK_LIFE_MS)
        return secret

    async def claim(self, secret: str, name: str, email: str | None, password: str) -> User:
        """Become the administrator. Raises Unauthenticated for a link that does not hold, Conflict when somebody was faster."""
        name = clean_name(name)
        email = None if email is None else clean_email(email)
        await self._database.read(_require_link, digest(secret))
        return await self._database.write(_claim, digest(secret), name, email, await self._passwords.hash(password))


def _require_link(connection: sa.Connection, hash: str) -> None:
    """Before anything expensive is done for the caller."""
    if store.has_admin(connection):
        raise Conflict("This server has an administrator already.", code="set_up_already")
    if not store.valid_link(connection, PURPOSE, hash):
        raise Unauthenticated("This set-up link is not valid any more. Restart the server to get a new one.", code="invalid_credential")


def _claim(connection: sa.Connection, hash: str, name: str, email: str | None, password: str) -> User:
    _require_link(connection, hash)
    store.end_links(connection, PURPOSE)
    return store.add_user(connection, name, email, password, "admin")


def _make_configured(connection: sa.Connection, email: str, password: str) -> User | None:
    if store.has_admin(connection):
        return None
    store.end_links(connection, PURPOSE)
    found = store.user_to_sign_in(connection, email)
    if found is not None:
        store.set_password(connection, found[0].id, password)
        return store.set_role(connection, found[0].id, "admin")
    return store.add_user(connection, _free_name(connection, email), email, password, "admin")


def _free_name(connection: sa.Connection, email: str) -> str:
    """The part before the '@' where it can be a name and is free."""
    for candidate in (email.partition("@")[0], "admin"):
        try:
            name = clean_name(candidate)
        except BadRequest:
            continue
        if store.user_to_sign_in(connection, fold(name)) is None:
            return name
    return new_id("admin")
