"""Accounts as the rest of the house uses them: users, signing in, sessions, keys.

Rules: who may do it was decided before it comes here (permissions). Every change that could end somebody's access is told to the listeners
after it was committed: the authenticator forgets what it knew, open streams of that user can be ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from antiphon.accounts import store
from antiphon.accounts.attempts import Attempts
from antiphon.accounts.authenticate import KEY_PREFIX, Authenticator
from antiphon.accounts.names import clean_email, clean_name
from antiphon.accounts.opaque import digest, new_secret
from antiphon.accounts.passwords import Passwords
from antiphon.accounts.setup import Setup
from antiphon.accounts.store import ApiKey, Role, User
from antiphon.core.actor import Actor
from antiphon.core.errors import BadRequest, NotFound, Unauthenticated
from antiphon.permissions.kinds import SCOPES
from antiphon.permissions.readable import check, readable
from antiphon.storage.database import Database
from antiphon.storage.ids import now_ms
from antiphon.storage.limits import RateLimits

LONGEST_USERNAME: Final = 320
PREFIX_SHOWN: Final = len(KEY_PREFIX) + 6


class Terms(msgspec.Struct, frozen=True):
    """How long what we give out lasts, in seconds; how often one account may be tried from one network within five minutes."""

    token_seconds: int = 12 * 3600
    session_seconds: int = 14 * 24 * 3600
    sign_in_tries: int = 10


class Accounts:
    """One for each server. `terms` may be replaced while it runs."""

    def __init__(
        self,
        database: Database,
        authenticator: Authenticator,
        limits: RateLimits,
        *,
        terms: Terms | None = None,
        passwords: Passwords | None = None,
    ) -> None:
        self._database = database
        self._authenticator = authenticator
        self._attempts = Attempts(limits)
        self._passwords = passwords or Passwords()
        self._listeners: list[Callable[[str], object]] = [lambda _: authenticator.forget()]
        self.setup = Setup(database, self._passwords)
        self.terms = terms or Terms()

    def listen(self, listener: Callable[[str], object]) -> None:
        """Call listener(user id) whenever that user's rights may have shrunk."""
        self._listeners.append(listener)

    def close(self) -> None:
        self._passwords.close()

    async def sign_in(self, username: str, password: str, client: str) -> User:
        """The user of that name or e-mail address. client: the caller's address.

        Raises Unauthenticated, the same for an unknown user, a wrong password and a suspended user, after the same work; RateLimited.
        """
        self._attempts.tries = self.terms.sign_in_tries
        await self._attempts.begin(username, client)
        found = None
        if _is_text(username) and len(username) <= LONGEST_USERNAME:
            found = await self._database.read(store.user_to_sign_in, username)
        stored = None if found is None else found[1]
        if not await self._passwords.verify(stored, password) or found is None or stored is None:
            raise Unauthenticated("The name or the password is wrong.", code="invalid_credential")
        user = found[0]
        await self._attempts.succeeded(username, client)
        if self._passwords.outdated(stored):
            await self._database.write(store.refresh_password, user.id, stored, await self._passwords.hash(password))
        await self._database.write(store.note_sign_in, user.id)
        return user

    def access_token(self, user: User) -> tuple[str, int]:
        """A token (JWT) and when it expires, in seconds since the epoch."""
        token, claims = self._authenticator.issue_token(user, self.terms.token_seconds)
        return token, claims.exp

    async def open_session(self, user: User) -> str:
        """The secret of a new session, for the cookie."""
        secret = new_secret("")
        expires_at = now_ms() + self.terms.session_seconds * 1000
        await self._database.write(store.add_session, user.id, digest(secret), expires_at)
        return secret

    async def close_session(self, secret: str) -> None:
        """Sign out."""
        await self._database.write(store.end_session, digest(secret))
        self._authenticator.forget()

    async def create_user(self, name: str, email: str | None, password: str | None, role: Role = "member") -> User:
        """Raises BadRequest for what cannot be a name, address or password, Conflict when name or address is taken."""
        name = clean_name(name)
        email = None if email is None else clean_email(email)
        hashed = None if password is None else await self._passwords.hash(password)
        return await self._database.write(store.add_user, name, email, hashed, role)

    async def list_users(self, actor: Actor) -> list[User]:
        return await self._database.read(store.list_users, readable(actor, "user"))

    async def get_user(self, actor: Actor, user: str) -> User:
        """Raises NotFound."""
        await self._database.read(check, actor, "read", "user", user)
        return await self._database.read(store.existing_user, user)

    async def find_user(self, username: str) -> User:
        """By name or e-mail address, for the command line. Raises NotFound."""
        found = await self._database.read(store.user_to_sign_in, username)
        if found is None:
            raise NotFound("There is no such user.", code="user_not_found")
        return found[0]

    async def change_password(self, user: str, password: str, *, current: str | None = None) -> None:
        """Ends all sessions and tokens of the user, not his keys. current: checked when given (one's own password), else an admin's act."""
        if current is not None and not await self._passwords.verify(await self._database.read(store.password_of, user), current):
            raise Unauthenticated("The current password is wrong.", code="invalid_credential")
        await self._database.write(store.set_password, user, await self._passwords.hash(password))
        self._changed(user)

    async def set_role(self, user: str, role: Role) -> User:
        """Raises Conflict for the last administrator."""
        changed = await self._database.write(store.set_role, user, role)
        self._changed(user)
        return changed

    async def suspend(self, user: str) -> User:
        """Ends sessions and tokens; keys do not work until `resume`. Raises Conflict for the last administrator."""
        changed = await self._database.write(store.suspend, user)
        self._changed(user)
        return changed

    async def resume(self, user: str) -> User:
        return await self._database.write(store.resume, user)

    async def delete_user(self, user: str) -> None:
        """Raises Conflict for the last administrator."""
        await self._database.write(store.delete_user, user)
        self._changed(user)

    async def create_key(self, user: str, name: str, scopes: Iterable[str] = (), expires_at: int | None = None) -> tuple[ApiKey, str]:
        """The new key's row, and the key itself: the only time that it is seen. scopes: none gives all that the user may.

        expires_at: milliseconds since the epoch. Raises BadRequest, NotFound.
        """
        wanted = frozenset(scopes)
        if unknown := sorted(wanted.difference(SCOPES)):
            raise BadRequest(f"There is no scope '{unknown[0]}'. Scopes are {', '.join(SCOPES)}.", param="scopes", code="unknown_scope")
        if expires_at is not None and expires_at <= now_ms():
            raise BadRequest("The key would have expired already.", param="expires_at", code="invalid_expiry")
        secret = new_secret(KEY_PREFIX)
        shown = secret[:PREFIX_SHOWN]
        return await self._database.write(store.add_key, user, clean_name(name), digest(secret), shown, sorted(wanted), expires_at), secret

    async def list_keys(self, actor: Actor) -> list[ApiKey]:
        """Keys that the actor may see: his own, or all for an administrator."""
        return await self._database.read(store.list_keys, readable(actor, "key"))

    async def revoke_key(self, actor: Actor, key: str) -> None:
        """Raises NotFound for a key that is unknown, not the actor's to see, or revoked already."""
        await self._database.read(check, actor, "manage", "key", key)
        user = await self._database.write(store.revoke_key, key)
        self._changed(user)

    def _changed(self, user: str) -> None:
        for listener in self._listeners:
            listener(user)


def _is_text(text: str) -> bool:
    """Whether it can be asked of a database: no lone surrogates, no NUL."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
