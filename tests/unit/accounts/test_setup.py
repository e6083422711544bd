from __future__ import annotations

import asyncio

import pytest

from antiphon.accounts import setup
from antiphon.accounts.store import User
from antiphon.core.actor import SYSTEM
from antiphon.core.errors import BadRequest, Conflict, Unauthenticated
from tests.support.accounts import House

pytestmark = pytest.mark.anyio


async def admins(house: House) -> list[str]:
    return [user.name for user in await house.accounts.list_users(SYSTEM) if user.admin]


async def test_the_link_makes_the_administrator_once(house: House) -> None:
    secret = await house.accounts.setup.link()
    assert secret is not None
    made = await house.accounts.setup.claim(secret, "ada", "ada@example.org", "correct horse")
    assert made.admin
    assert (await house.accounts.sign_in("ada@example.org", "correct horse", "192.0.2.1")).active
    assert await house.accounts.setup.link() is None
    with pytest.raises(Conflict):
        await house.accounts.setup.claim(secret, "eve", None, "correct horse")
    assert await admins(house) == ["ada"]


async def test_fifty_at_once_make_one(house: House) -> None:
    secret = await house.accounts.setup.link()
    assert secret is not None
    claims = (house.accounts.setup.claim(secret, f"user{number}", None, "correct horse") for number in range(50))
    results = await asyncio.gather(*claims, return_exceptions=True)
    assert len([result for result in results if isinstance(result, User)]) == 1
    assert all(isinstance(result, User | Conflict | Unauthenticated) for result in results)
    assert len(await admins(house)) == 1
    assert len(await house.accounts.list_users(SYSTEM)) == 1


async def test_link_and_configuration_at_once_make_one(house: House) -> None:
    secret = await house.accounts.setup.link()
    assert secret is not None
    await asyncio.gather(
        *(house.accounts.setup.from_configuration("root@example.org", "correct horse") for _ in range(10)),
        *(house.accounts.setup.claim(secret, f"user{number}", None, "correct horse") for number in range(10)),
        return_exceptions=True,
    )
    assert len(await admins(house)) == 1


@pytest.mark.parametrize("secret", ["", "setup-", "setup-" + "A" * 43, "\ud800", "' OR 1=1"])
async def test_a_wrong_link(house: House, secret: str) -> None:
    await house.accounts.setup.link()
    with pytest.raises(Unauthenticated):
        await house.accounts.setup.claim(secret, "eve", None, "correct horse")
    assert await admins(house) == []


async def test_a_new_start_ends_the_old_link(house: House) -> None:
    old, new = await house.accounts.setup.link(), await house.accounts.setup.link()
    assert old is not None
    assert new is not None
    with pytest.raises(Unauthenticated):
        await house.accounts.setup.claim(old, "ada", None, "correct horse")
    assert (await house.accounts.setup.claim(new, "ada", None, "correct horse")).active


async def test_a_link_ends_after_a_day(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "LINK_LIFE_MS", 0)
    secret = await house.accounts.setup.link()
    assert secret is not None
    with pytest.raises(Unauthenticated):
        await house.accounts.setup.claim(secret, "ada", None, "correct horse")


async def test_a_slip_does_not_use_up_the_link(house: House) -> None:
    secret = await house.accounts.setup.link()
    assert secret is not None
    for name, email, password in [("", None, "correct horse"), ("ada", "nowhere", "correct horse"), ("ada", None, "short")]:
        with pytest.raises(BadRequest):
            await house.accounts.setup.claim(secret, name, email, password)
    assert (await house.accounts.setup.claim(secret, "ada", None, "correct horse")).active


async def test_configuration_names_the_first_administrator_only(house: House) -> None:
    made = await house.accounts.setup.from_configuration("Root@Example.org", "correct horse")
    assert made is not None
    assert (made.name, made.email, made.admin) == ("Root", "Root@Example.org", True)
    assert await house.accounts.setup.from_configuration("root@example.org", "another horse") is None
    assert (await house.accounts.sign_in("root@example.org", "correct horse", "192.0.2.1")).active


async def test_configuration_may_name_somebody_known(house: House) -> None:
    ada = await house.accounts.create_user("ada", "ada@example.org", "old horse staple")
    made = await house.accounts.setup.from_configuration("ADA@example.org", "correct horse")
    assert made is not None
    assert (made.id, made.admin) == (ada.id, True)
    assert (await house.accounts.sign_in("ada", "correct horse", "192.0.2.1")).active


async def test_a_name_that_is_taken_is_left_to_its_owner(house: House) -> None:
    await house.accounts.create_user("root", None, None)
    await house.accounts.create_user("admin", None, None)
    made = await house.accounts.setup.from_configuration("root@example.org", "correct horse")
    assert made is not None
    assert made.name.startswith("admin_")


async def test_nothing_secret_is_stored(house: House) -> None:
    secret = await house.accounts.setup.link()
    assert secret is not None
    await house.accounts.setup.claim(secret, "ada", None, "correct horse")
    ada = await house.accounts.find_user("ada")
    session = await house.accounts.open_session(ada)
    _, key = await house.accounts.create_key(ada.id, "laptop")
    again = await house.accounts.sign_in("ada", "correct horse", "192.0.2.1")
    token, _ = house.accounts.access_token(again)
    house.accounts.close()
    house.database.close()
    stored = b"".join(path.read_bytes() for path in house.database.path.parent.glob("antiphon.db*"))
    for sentinel in (secret, "correct horse", session, key, token):
        assert sentinel.encode() not in stored
