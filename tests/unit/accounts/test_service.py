from __future__ import annotations

import asyncio
import unicodedata

import pytest
import sqlalchemy as sa

from antiphon.accounts.passwords import Passwords
from antiphon.accounts.service import Accounts, Terms
from antiphon.core.actor import SYSTEM, Actor
from antiphon.core.errors import AntiphonError, BadRequest, Conflict, NotFound, RateLimited, Unauthenticated
from antiphon.permissions import grants
from antiphon.storage.ids import now_ms
from antiphon.storage.limits import RateLimits
from antiphon.storage.tables.conversations import conversations, runs
from tests.support.accounts import House

pytestmark = pytest.mark.anyio
CLIENT = "192.0.2.1"


async def test_signing_in_by_name_or_address_however_written(house: House) -> None:
    ada = await house.accounts.create_user("Ngọc Ánh", "Anh@Example.org", "correct horse")
    for username in ("Ngọc Ánh", " ngọc ánh ", unicodedata.normalize("NFD", "NGỌC ÁNH"), "anh@example.org", "ANH@EXAMPLE.ORG"):
        assert (await house.accounts.sign_in(username, "correct horse", CLIENT)).id == ada.id
    assert (await house.accounts.find_user("ngọc ánh")).signed_in_at is not None


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("ada", "wrong horse"),
        ("ada", ""),
        ("ada", "correct horse "),
        ("nobody", "correct horse"),
        ("", "correct horse"),
        ("%", "correct horse"),
        ("' OR '1'='1", "correct horse"),
        ("ada\0", "correct horse"),
        ("\ud800", "correct horse"),
        ("ada", "\ud800"),
        ("x" * 1_000_000, "correct horse"),
        ("ada", "x" * 1_000_000),
        ("silent", "correct horse"),
        ("silent", ""),
        ("gone", "correct horse"),
    ],
)
async def test_every_failure_to_sign_in_reads_the_same(house: House, username: str, password: str) -> None:
    await house.accounts.create_user("ada", None, "correct horse")
    await house.accounts.create_user("silent", None, None)
    gone = await house.accounts.create_user("gone", None, "correct horse")
    await house.accounts.suspend(gone.id)
    with pytest.raises(Unauthenticated) as refused:
        await house.accounts.sign_in(username, password, CLIENT)
    assert (refused.value.message, refused.value.code) == ("The name or the password is wrong.", "invalid_credential")


async def test_guessing_is_limited_even_at_once_and_says_when_to_return(house: House) -> None:
    await house.accounts.create_user("ada", None, "correct horse")
    tries = (house.accounts.sign_in("ada", f"wrong {number} horse", CLIENT) for number in range(40))
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert len([result for result in results if isinstance(result, Unauthenticated)]) == house.accounts.terms.sign_in_tries
    limited = [result for result in results if isinstance(result, RateLimited)]
    assert len(limited) == 40 - house.accounts.terms.sign_in_tries
    assert all(result.retry_after for result in limited)
    assert (await house.accounts.sign_in("ada", "correct horse", "192.0.2.77")).active


async def test_tries_follow_the_terms(house: House) -> None:
    house.accounts.terms = Terms(sign_in_tries=1)
    with pytest.raises(Unauthenticated):
        await house.accounts.sign_in("ada", "wrong horse", CLIENT)
    with pytest.raises(RateLimited):
        await house.accounts.sign_in("ada", "wrong horse", CLIENT)


@pytest.mark.parametrize(("name", "email"), [("ADA", None), ("e\u0301ve", None), ("other", "Ada@example.ORG"), ("ada", "new@example.org")])
async def test_names_and_addresses_are_unique_in_folded_form(house: House, name: str, email: str | None) -> None:
    await house.accounts.create_user("ada", "ada@example.org", None)
    await house.accounts.create_user("Éve", None, None)
    with pytest.raises(Conflict) as refused:
        await house.accounts.create_user(name, email, None)
    assert refused.value.code == "user_exists"


async def test_a_name_is_never_somebodys_address(house: House) -> None:
    with pytest.raises(BadRequest):
        await house.accounts.create_user("ada@example.org", None, "correct horse")


async def test_a_password_made_with_old_parameters_is_made_anew(house: House) -> None:
    await house.accounts.create_user("ada", None, "correct horse")
    stronger = Accounts(house.database, house.authenticator, RateLimits(), passwords=Passwords(memory_kib=128, rounds=1))
    try:
        before = await stronger.sign_in("ada", "correct horse", CLIENT)
        assert (await stronger.sign_in("ada", "correct horse", CLIENT)).token_version == before.token_version
        stored = await house.database.read(lambda connection: connection.exec_driver_sql("SELECT password FROM users").scalar())
        assert "m=128," in str(stored)
    finally:
        stronger.close()


async def test_changing_ones_own_password_needs_the_old_one(house: House) -> None:
    ada = await house.accounts.create_user("ada", None, "correct horse")
    with pytest.raises(Unauthenticated):
        await house.accounts.change_password(ada.id, "another horse", current="wrong horse")
    with pytest.raises(BadRequest):
        await house.accounts.change_password(ada.id, "short", current="correct horse")
    await house.accounts.change_password(ada.id, "another horse", current="correct horse")
    assert (await house.accounts.sign_in("ada", "another horse", CLIENT)).active
    with pytest.raises(Unauthenticated):
        await house.accounts.sign_in("ada", "correct horse", CLIENT)


async def test_there_is_always_an_administrator(house: House) -> None:
    root = await house.accounts.create_user("root", None, None, "admin")
    other = await house.accounts.create_user("other", None, None, "admin")
    await house.accounts.suspend(other.id)
    for act in (house.accounts.suspend(root.id), house.accounts.delete_user(root.id), house.accounts.set_role(root.id, "member")):
        with pytest.raises(Conflict):
            await act
    await house.accounts.resume(other.id)
    assert not (await house.accounts.set_role(root.id, "member")).admin


async def test_two_administrators_who_remove_each_other_at_once(house: House) -> None:
    one = await house.accounts.create_user("one", None, None, "admin")
    two = await house.accounts.create_user("two", None, None, "admin")
    results = await asyncio.gather(house.accounts.suspend(one.id), house.accounts.delete_user(two.id), return_exceptions=True)
    assert len([result for result in results if isinstance(result, Conflict)]) == 1


@pytest.mark.parametrize("act", ["suspend", "resume", "delete_user"])
async def test_unknown_users(house: House, act: str) -> None:
    with pytest.raises(NotFound):
        await getattr(house.accounts, act)("user_none")
    with pytest.raises(NotFound):
        await house.accounts.change_password("user_none", "correct horse")
    with pytest.raises(NotFound):
        await house.accounts.create_key("user_none", "key")


async def test_members_see_themselves_alone(house: House) -> None:
    ada = await house.accounts.create_user("ada", None, None)
    bob = await house.accounts.create_user("bob", None, None)
    me = Actor(kind="user", user=ada.id)
    assert [user.name for user in await house.accounts.list_users(me)] == ["ada"]
    assert [user.name for user in await house.accounts.list_users(SYSTEM)] == ["ada", "bob"]
    answers = []
    for id in (bob.id, "user_none"):
        with pytest.raises(NotFound) as refused:
            await house.accounts.get_user(me, id)
        answers.append((refused.value.code, refused.value.message, refused.value.param))
    assert answers[0] == answers[1]


async def test_a_key_is_shown_once_and_only_its_beginning_after(house: House) -> None:
    ada = await house.accounts.create_user("ada", None, None)
    key, secret = await house.accounts.create_key(ada.id, "laptop", ["search", "chat", "chat"])
    assert secret.startswith("sk-")
    assert len(secret) >= 46
    (listed,) = await house.accounts.list_keys(Actor(kind="user", user=ada.id))
    assert listed == key
    assert listed.scopes == ("chat", "search")
    assert secret.startswith(listed.prefix)
    assert len(listed.prefix) < 12
    assert secret not in repr(listed)


async def test_keys_of_others(house: House) -> None:
    ada = await house.accounts.create_user("ada", None, None)
    bob = await house.accounts.create_user("bob", None, None)
    key, _ = await house.accounts.create_key(ada.id, "laptop")
    assert await house.accounts.list_keys(Actor(kind="user", user=bob.id)) == []
    for id in (key.id, "key_none"):
        with pytest.raises(NotFound):
            await house.accounts.revoke_key(Actor(kind="user", user=bob.id), id)
    await house.accounts.revoke_key(SYSTEM, key.id)
    assert await house.accounts.list_keys(SYSTEM) == []


@pytest.mark.parametrize(
    ("name", "scopes", "expires"),
    [
        ("", [], None),
        ("x", ["everything"], None),
        ("x", ["chat", ""], None),
        ("x", [], 0),
        ("x", [], -1),
        ("x\0", [], None),
        ("x" * 65, [], None),
    ],
)
async def test_keys_that_are_refused(house: House, name: str, scopes: list[str], expires: int | None) -> None:
    ada = await house.accounts.create_user("ada", None, None)
    with pytest.raises(BadRequest):
        await house.accounts.create_key(ada.id, name, scopes, expires)


async def test_listeners_hear_of_every_loss_of_rights(house: House) -> None:
    await house.accounts.create_user("root", None, None, "admin")
    ada = await house.accounts.create_user("ada", None, None)
    heard: list[str] = []
    house.accounts.listen(heard.append)
    key, _ = await house.accounts.create_key(ada.id, "laptop")
    await house.accounts.change_password(ada.id, "another horse")
    await house.accounts.revoke_key(SYSTEM, key.id)
    await house.accounts.suspend(ada.id)
    await house.accounts.delete_user(ada.id)
    assert heard == [ada.id] * 4


async def test_deleting_takes_what_was_said_and_leaves_what_was_used(house: House) -> None:
    await house.accounts.create_user("root", None, None, "admin")
    ada = await house.accounts.create_user("ada", None, None)
    key, _ = await house.accounts.create_key(ada.id, "laptop")

    def belongings(connection: sa.Connection) -> None:
        now = now_ms()
        connection.execute(conversations.insert().values(id="conv_1", owner=ada.id, created_at=now, updated_at=now))
        for id, subject in (("run_1", ada.id), ("run_2", key.id), ("run_3", "user_other")):
            row = {
                "id": id,
                "subject": subject,
                "dialect": "ask",
                "model": "m",
                "question": "secret?",
                "answer": "secret!",
                "started_at": now,
            }
            connection.execute(runs.insert(), row)
        grants.establish(connection, "collection", "hers", ada.id, "private")

    await house.database.write(belongings)
    await house.accounts.delete_user(ada.id)

    def left(connection: sa.Connection) -> tuple[object, ...]:
        texts = connection.execute(sa.select(runs.c.id, runs.c.question).order_by(runs.c.id)).all()
        gone = connection.execute(sa.select(sa.func.count()).select_from(conversations)).scalar()
        return [tuple(row) for row in texts], gone, grants.held(connection, "collection", "hers")

    texts, talks, held = await house.database.read(left)
    assert texts == [("run_1", None), ("run_2", None), ("run_3", "secret?")]
    assert talks == 0
    assert held == [grants.Grant("user:system", "owner")]


async def test_errors_never_repeat_a_password(house: House) -> None:
    sentinel = "sentinel" * 200
    for act in (
        house.accounts.create_user("ada", None, sentinel),
        house.accounts.sign_in("ada", sentinel, CLIENT),
        house.accounts.setup.from_configuration("a@example.org", sentinel),
    ):
        with pytest.raises(AntiphonError) as refused:
            await act
        assert "sentinel" not in f"{refused.value.message}{refused.value.detail}{refused.value.param}"
