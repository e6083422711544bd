"""From a credential to an Actor, whatever carries it.

    Authorization: Bearer <token | sk-... | local token>      x-api-key: <the same>      the session cookie, where a Page allows it

Rules: a token or key that does not hold is an error, never a quiet step down to nobody; two different ones are one too. A session that is
over is nobody: browsers send its cookie unasked, and its owner must be able to sign in again. What is cached is keyed by the SHA-256 of
the whole credential, kept for at most `CACHE_SECONDS`, and dropped when an account changes.
Rights are computed anew from the user each time: a key of a demoted administrator is an ordinary user's key.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import msgspec

from antiphon.accounts import store
from antiphon.accounts.opaque import digest
from antiphon.accounts.secrets import Keyring
from antiphon.accounts.sessions import Page, from_own_page, read_cookie
from antiphon.accounts.store import ApiKey, User
from antiphon.accounts.tickets import Ticket, Tickets
from antiphon.accounts.tokens import Claims, TokenSigner
from antiphon.core.actor import SYSTEM, Actor, Carrier
from antiphon.core.errors import Refused, Unauthenticated
from antiphon.storage.database import Database
from antiphon.storage.ids import now_ms

KEY_PREFIX: Final = "sk-"
CACHE_SECONDS: Final = 5.0
CACHE_SIZE: Final = 10_000
LONGEST_CREDENTIAL: Final = 4_096
_NOTE_USE_AFTER_MS: Final = 60_000


class _Known(NamedTuple):
    actor: Actor
    until: float


class Authenticator:
    """local_token: what proves the owner of the data directory (the command line). clock: seconds since the epoch."""

    def __init__(
        self, database: Database, keyring: Keyring, *, local_token: str | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._tokens = TokenSigner(keyring, "access-token", clock)
        self._tickets = Tickets(keyring, clock)
        self._local = None if local_token is None else digest(local_token)
        self._clock = clock
        self._cache: dict[str, _Known] = {}
        self._changes = 0

    async def authenticate(self, headers: Mapping[str, str], page: Page | None = None) -> Actor | None:
        """Who sent these headers (lower-case names); None when they carry no credential. page: given where the cookie counts too.

        Raises Unauthenticated: `missing_credential` for an Authorization header without a Bearer token, `invalid_credential` for one that
        does not hold. Raises Refused for a cookie that another site's page made the browser send.
        """
        credential = _credential(headers)
        if credential is not None:
            return await self._known(credential, "bearer")
        if page is None or (secret := read_cookie(headers)) is None:
            return None
        if not from_own_page(headers, page):
            raise Refused("This request did not come from a page of this server.", code="cross_site")
        try:
            return await self._known(secret, "cookie")
        except Unauthenticated:
            return None

    async def redeem(self, ticket: str, resume: str | None = None) -> tuple[Actor, Ticket]:
        """Whose ticket this is, and for what. resume: the run named by Last-Event-ID. Raises Unauthenticated."""
        found, claims = self._tickets.redeem(ticket, resume)
        actor = await self._by_claims(claims)
        return msgspec.structs.replace(actor, carrier="ticket"), found

    def ticket_started(self, ticket: Ticket, run: str) -> None:
        self._tickets.started(ticket, run)

    async def issue_ticket(self, actor: Actor, run: str | None = None) -> str:
        """A ticket for this run, or for one new question. Raises Unauthenticated for who has no account to bind it to."""
        user = None if actor.user is None else await self._database.read(store.user_by_id, actor.user)
        if user is None:
            raise Unauthenticated("Tickets are given to users and API keys.", code="missing_credential")
        return self._tickets.issue(user.id, user.token_version, key=actor.key, run=run)

    def issue_token(self, user: User, seconds: int) -> tuple[str, Claims]:
        """An access token (JWT) of this user."""
        return self._tokens.issue(user.id, user.token_version, seconds)

    def forget(self) -> None:
        """Look everybody up again: an account has changed."""
        self._changes += 1
        self._cache.clear()

    async def _known(self, credential: str, carrier: Carrier) -> Actor:
        fingerprint = f"{carrier}:{digest(credential)}"
        known = self._cache.get(fingerprint)
        if known is not None and self._clock() < known.until:
            return known.actor
        changes = self._changes
        actor, until = await (self._by_session(credential) if carrier == "cookie" else self._by_bearer(credential))
        if changes == self._changes:
            if len(self._cache) >= CACHE_SIZE:
                self._cache.clear()
            self._cache[fingerprint] = _Known(actor, until)
        return actor

    async def _by_bearer(self, credential: str) -> tuple[Actor, float]:
        until = self._clock() + CACHE_SECONDS
        if credential.startswith(KEY_PREFIX):
            return await self._by_key(credential), until
        if self._local is not None and hmac.compare_digest(digest(credential), self._local):
            return msgspec.structs.replace(SYSTEM, carrier="local-token"), until
        claims = self._tokens.verify(credential)
        return await self._by_claims(claims), min(until, claims.exp)

    async def _by_key(self, credential: str) -> Actor:
        found = await self._database.read(store.usable_key, hash=digest(credential))
        if found is None:
            raise Unauthenticated("This API key is unknown, expired or revoked.", code="invalid_credential")
        key, user = found
        if key.used_at is None or now_ms() - key.used_at > _NOTE_USE_AFTER_MS:
            self._database.submit(store.note_key_use, key.id)
        return _key_actor(key, user)

    async def _by_session(self, secret: str) -> tuple[Actor, float]:
        user = await self._database.read(store.session_user, digest(secret))
        if user is None:
            raise Unauthenticated("Your session is over. Sign in again.", code="invalid_credential")
        return _user_actor(user, "cookie"), self._clock() + CACHE_SECONDS

    async def _by_claims(self, claims: Claims) -> Actor:
        """A key's ticket lives and dies with the key, everything else with the user's token_version."""
        if claims.key is not None:
            found = await self._database.read(store.usable_key, id=claims.key)
            if found is not None and found[1].id == claims.sub:
                return _key_actor(*found)
        else:
            user = await self._database.read(store.user_by_id, claims.sub)
            if user is not None and user.active and user.token_version == claims.ver:
                return _user_actor(user, "bearer")
        raise Unauthenticated("The token is expired, withdrawn or not one of ours.", code="invalid_credential")


def _credential(headers: Mapping[str, str]) -> str | None:
    """The one credential in the headers, None when there is none."""
    api_key = headers.get("x-api-key", "").strip()
    authorization = headers.get("authorization")
    if authorization is None:
        found = api_key
        if not found:
            return None
    else:
        scheme, _, found = authorization.strip().partition(" ")
        found = found.strip()
        if scheme.lower() != "bearer" or not found:
            raise Unauthenticated("The Authorization header must be 'Bearer ' and a token.", code="missing_credential")
        if api_key and api_key != found:
            raise Unauthenticated("Two different credentials were sent. Send one.", code="invalid_credential")
    if len(found) > LONGEST_CREDENTIAL:
        raise Unauthenticated("The credential is too long to be one of ours.", code="invalid_credential")
    return found


def _user_actor(user: User, carrier: Carrier) -> Actor:
    return Actor(kind="user", user=user.id, name=user.name, admin=user.admin, carrier=carrier)


def _key_actor(key: ApiKey, user: User) -> Actor:
    """Administrator only if the user is one now, and the key was not confined to less."""
    scopes = frozenset(key.scopes)
    admin = user.admin and (not scopes or "admin" in scopes)
    return Actor(kind="key", user=user.id, name=user.name, admin=admin, key=key.id, scopes=scopes, carrier="bearer")
