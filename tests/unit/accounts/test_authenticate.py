from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
import sqlalchemy as sa

from antiphon.accounts import authenticate as room
from antiphon.accounts import store
from antiphon.accounts.sessions import COOKIE, Page
from antiphon.accounts.store import User
from antiphon.core.actor import Actor
from antiphon.core.errors import Refused, Unauthenticated
from tests.support.accounts import LOCAL_TOKEN, House, bearer

pytestmark = pytest.mark.anyio
READ = Page("GET", frozenset({"https://own.example"}))
WRITE = Page("POST", frozenset({"https://own.example"}))


async def user(house: House, name: str = "ada", role: str = "member") -> User:
    return await house.accounts.create_user(name, f"{name}@example.org", "correct horse", "admin" if role == "admin" else "member")


async def test_no_credential_is_nobody(house: House) -> None:
    assert await house.authenticator.authenticate({}) is None
    assert await house.authenticator.authenticate({"x-api-key": " ", "cookie": "a=b"}, READ) is None


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic YTpi", "token", "Token abc", "bearer"])
async def test_an_authorization_without_a_bearer_token_is_missing(house: House, value: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        await house.authenticator.authenticate({"authorization": value})
    assert refused.value.code == "missing_credential"


@pytest.mark.parametrize(
    "value", ["x", "sk-", "sk-" + "A" * 43, "null", "eyJhbGciOiJub25lIn0.e30.", "' OR 1=1 --", "é", "\ud800", "x" * 10_000]
)
@pytest.mark.parametrize("carrier", ["authorization", "x-api-key"])
async def test_what_does_not_hold_is_an_error_and_never_nobody(house: House, carrier: str, value: str) -> None:
    headers = {"authorization": bearer(value), "x-api-key": {"x-api-key": value}}[carrier]
    with pytest.raises(Unauthenticated) as refused:
        await house.authenticator.authenticate(headers, READ)
    assert refused.value.code == "invalid_credential"


@pytest.mark.parametrize("value", ["x", "sk-" + "A" * 43, "' OR 1=1 --", "é", "\ud800", "x" * 10_000])
async def test_a_session_that_does_not_hold_is_nobody(house: House, value: str) -> None:
    assert await house.authenticator.authenticate({"cookie": f"{COOKIE}={value}"}, READ) is None


async def test_every_carrier_of_one_user(house: House) -> None:
    ada = await user(house)
    token, _ = house.accounts.access_token(ada)
    key, secret = await house.accounts.create_key(ada.id, "laptop")
    session = await house.accounts.open_session(ada)
    known = Actor(kind="user", user=ada.id, name="ada", carrier="bearer")
    with_key = Actor(kind="key", user=ada.id, name="ada", key=key.id, carrier="bearer")
    authenticate = house.authenticator.authenticate
    for carrying, expected in ((token, known), (secret, with_key)):
        assert await authenticate(bearer(carrying)) == expected
        assert await authenticate({"authorization": f"bEARER  {carrying} "}) == expected
        assert await authenticate({"x-api-key": carrying}) == expected
        assert await authenticate(bearer(carrying) | {"x-api-key": carrying}) == expected
    assert await authenticate({"cookie": f"{COOKIE}={session}"}, READ) == Actor(kind="user", user=ada.id, name="ada", carrier="cookie")


async def test_a_cookie_is_not_looked_at_where_it_does_not_count(house: House) -> None:
    session = await house.accounts.open_session(await user(house))
    assert await house.authenticator.authenticate({"cookie": f"{COOKIE}={session}"}) is None


async def test_a_session_is_no_bearer_token_and_a_key_no_session(house: House) -> None:
    ada = await user(house)
    session = await house.accounts.open_session(ada)
    _, secret = await house.accounts.create_key(ada.id, "laptop")
    assert await house.authenticator.authenticate(bearer(secret)) is not None
    assert await house.authenticator.authenticate({"cookie": f"{COOKIE}={session}"}, READ) is not None
    assert await house.authenticator.authenticate({"cookie": f"{COOKIE}={secret}"}, READ) is None
    for headers in (bearer(session), {"x-api-key": session}):
        with pytest.raises(Unauthenticated):
            await house.authenticator.authenticate(headers, READ)


async def test_a_cookie_alone_changes_nothing_for_another_page(house: House) -> None:
    session = await house.accounts.open_session(await user(house))
    headers = {"cookie": f"{COOKIE}={session}"}
    for foreign in ({}, {"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        with pytest.raises(Refused):
            await house.authenticator.authenticate(headers | foreign, WRITE)
    own = await house.authenticator.authenticate(headers | {"origin": "https://own.example"}, WRITE)
    assert own is not None


async def test_a_bearer_token_needs_no_page(house: House) -> None:
    token, _ = house.accounts.access_token(await user(house))
    assert await house.authenticator.authenticate(bearer(token) | {"origin": "https://elsewhere.example"}, WRITE) is not None


async def test_two_different_credentials_are_one_too_many(house: House) -> None:
    ada = await user(house)
    token, _ = house.accounts.access_token(ada)
    with pytest.raises(Unauthenticated) as refused:
        await house.authenticator.authenticate(bearer(token) | {"x-api-key": "sk-other"})
    assert refused.value.code == "invalid_credential"


async def test_the_local_token_is_the_server_itself(house: House) -> None:
    actor = await house.authenticator.authenticate(bearer(LOCAL_TOKEN))
    assert actor is not None
    assert (actor.admin, actor.carrier, actor.user) == (True, "local-token", "system")


async def test_a_key_has_never_more_than_its_user_has_now(house: House) -> None:
    await user(house, "root", "admin")
    ada = await user(house, "ada", "admin")
    keys = {
        scopes: (await house.accounts.create_key(ada.id, "key", scopes))[1] for scopes in ((), ("admin",), ("chat",), ("chat", "ingest"))
    }

    async def admin(secret: str) -> bool:
        actor = await house.authenticator.authenticate(bearer(secret))
        assert actor is not None
        return actor.admin

    assert [await admin(secret) for secret in keys.values()] == [True, True, False, False]
    await house.accounts.set_role(ada.id, "member")
    assert [await admin(secret) for secret in keys.values()] == [False, False, False, False]


End = Callable[[House, User], Awaitable[object]]
ENDS: dict[str, tuple[End, frozenset[str]]] = {
    "sign out": (lambda house, ada: house.accounts.close_session(SESSION[ada.id]), frozenset({"session"})),
    "password": (lambda house, ada: house.accounts.change_password(ada.id, "another horse"), frozenset({"session", "token", "ticket"})),
    "suspend": (lambda house, ada: house.accounts.suspend(ada.id), frozenset({"session", "token", "ticket", "key"})),
    "delete": (lambda house, ada: house.accounts.delete_user(ada.id), frozenset({"session", "token", "ticket", "key"})),
    "role": (lambda house, ada: house.accounts.set_role(ada.id, "member"), frozenset()),
}
SESSION: dict[str, str] = {}


@pytest.mark.parametrize("event", ENDS)
async def test_what_ends_which_carrier_at_once(house: House, event: str) -> None:
    await user(house, "root", "admin")
    ada = await user(house, "ada", "admin")
    token, _ = house.accounts.access_token(ada)
    _, key = await house.accounts.create_key(ada.id, "laptop")
    SESSION[ada.id] = await house.accounts.open_session(ada)
    tickets = iter([await house.authenticator.issue_ticket(Actor(kind="user", user=ada.id)) for _ in range(2)])

    async def holds() -> dict[str, Actor]:
        found: dict[str, Actor] = {}
        for name, headers in {"token": bearer(token), "key": bearer(key), "session": {"cookie": f"{COOKIE}={SESSION[ada.id]}"}}.items():
            try:
                actor = await house.authenticator.authenticate(headers, READ)
            except Unauthenticated:
                continue
            if actor is not None:
                found[name] = actor
        with suppress(Unauthenticated):
            found["ticket"] = (await house.authenticator.redeem(next(tickets)))[0]
        return found

    assert all(actor.admin for actor in (await holds()).values())
    end, ended = ENDS[event]
    await end(house, ada)
    after = await holds()
    assert after.keys() == {"token", "key", "session", "ticket"} - ended
    assert [actor.admin for actor in after.values()] == [event != "role"] * len(after)


async def test_resumed_users_need_new_tokens_but_keep_their_keys(house: House) -> None:
    await user(house, "root", "admin")
    ada = await user(house)
    token, _ = house.accounts.access_token(ada)
    _, key = await house.accounts.create_key(ada.id, "laptop")
    await house.accounts.suspend(ada.id)
    await house.accounts.resume(ada.id)
    assert await house.authenticator.authenticate(bearer(key)) is not None
    with pytest.raises(Unauthenticated):
        await house.authenticator.authenticate(bearer(token))


async def test_revoked_and_expired_keys(house: House) -> None:
    ada = await user(house)
    key, secret = await house.accounts.create_key(ada.id, "laptop")
    actor = await house.authenticator.authenticate(bearer(secret))
    assert actor is not None
    await house.accounts.revoke_key(actor, key.id)
    with pytest.raises(Unauthenticated):
        await house.authenticator.authenticate(bearer(secret))


async def test_a_lookup_that_a_change_overtook_is_not_remembered(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = await user(house)
    token, _ = house.accounts.access_token(ada)
    real, begun, release = store.user_by_id, threading.Event(), threading.Event()

    def slow_at_first(connection: sa.Connection, id: str) -> User | None:
        found = real(connection, id)
        if not begun.is_set():
            begun.set()
            release.wait()
        return found

    monkeypatch.setattr(store, "user_by_id", slow_at_first)
    overtaken = asyncio.create_task(house.authenticator.authenticate(bearer(token)))
    await asyncio.to_thread(begun.wait)
    await house.accounts.change_password(ada.id, "another horse")
    release.set()
    assert await overtaken is not None
    with pytest.raises(Unauthenticated):
        await house.authenticator.authenticate(bearer(token))


async def test_the_cache_ends_with_the_token_and_after_seconds(house: House) -> None:
    ada = await user(house)
    token, _ = house.accounts._authenticator.issue_token(ada, 3)
    longer, _ = house.accounts.access_token(ada)
    assert await house.authenticator.authenticate(bearer(token)) is not None
    before = await house.authenticator.authenticate(bearer(longer))
    house.clock.ahead = 4
    with pytest.raises(Unauthenticated):
        await house.authenticator.authenticate(bearer(token))
    assert await house.authenticator.authenticate(bearer(longer)) is before
    house.clock.ahead = room.CACHE_SECONDS + 1
    assert await house.authenticator.authenticate(bearer(longer)) is not before


async def test_the_cache_is_bounded(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "CACHE_SIZE", 3)
    ada = await user(house)
    for _ in range(10):
        assert await house.authenticator.authenticate(bearer(house.accounts.access_token(ada)[0])) is not None
    assert len(house.authenticator._cache) <= 3


async def test_use_of_a_key_is_noted(house: House) -> None:
    ada = await user(house)
    _, secret = await house.accounts.create_key(ada.id, "laptop")
    me = Actor(kind="user", user=ada.id)
    assert [key.used_at for key in await house.accounts.list_keys(me)] == [None]
    await house.authenticator.authenticate(bearer(secret))
    await house.database.write(lambda connection: None)
    (key,) = await house.accounts.list_keys(me)
    assert key.used_at is not None
