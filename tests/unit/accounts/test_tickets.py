from __future__ import annotations

import pytest

from antiphon.accounts.tickets import LIFE_SECONDS, RESUME_SECONDS
from antiphon.core.actor import ANONYMOUS, SYSTEM, Actor
from antiphon.core.errors import Unauthenticated
from tests.support.accounts import House, bearer

pytestmark = pytest.mark.anyio


async def member(house: House) -> Actor:
    ada = await house.accounts.create_user("ada", None, None)
    return Actor(kind="user", user=ada.id, name="ada")


async def test_one_stream_for_one_ticket(house: House) -> None:
    ada = await member(house)
    ticket = await house.authenticator.issue_ticket(ada)
    actor, redeemed = await house.authenticator.redeem(ticket)
    assert (actor.user, actor.carrier, redeemed.run) == (ada.user, "ticket", None)
    with pytest.raises(Unauthenticated):
        await house.authenticator.redeem(ticket)


async def test_its_own_stream_may_reconnect_and_no_other(house: House) -> None:
    ticket = await house.authenticator.issue_ticket(await member(house))
    _, redeemed = await house.authenticator.redeem(ticket)
    house.authenticator.ticket_started(redeemed, "run_1")
    house.authenticator.ticket_started(redeemed, "run_2")
    house.clock.ahead = LIFE_SECONDS + 60
    for _ in range(3):
        assert (await house.authenticator.redeem(ticket, "run_1"))[1].run == "run_1"
    for resume in ("run_2", "", None):
        with pytest.raises(Unauthenticated):
            await house.authenticator.redeem(ticket, resume)
    house.clock.ahead = LIFE_SECONDS + RESUME_SECONDS
    with pytest.raises(Unauthenticated):
        await house.authenticator.redeem(ticket, "run_1")


async def test_a_ticket_for_a_run_opens_that_run(house: House) -> None:
    ada = await member(house)
    with pytest.raises(Unauthenticated):
        await house.authenticator.redeem(await house.authenticator.issue_ticket(ada, "run_1"), "run_2")
    ticket = await house.authenticator.issue_ticket(ada, "run_1")
    assert (await house.authenticator.redeem(ticket))[1].run == "run_1"
    assert (await house.authenticator.redeem(ticket, "run_1"))[1].run == "run_1"


async def test_a_ticket_lives_a_minute(house: House) -> None:
    ticket = await house.authenticator.issue_ticket(await member(house))
    house.clock.ahead = LIFE_SECONDS + 1
    for resume in (None, "run_1"):
        with pytest.raises(Unauthenticated):
            await house.authenticator.redeem(ticket, resume)


async def test_a_keys_ticket_has_the_keys_rights_and_ends_with_it(house: House) -> None:
    ada = await member(house)
    assert ada.user is not None
    key, secret = await house.accounts.create_key(ada.user, "page", ["chat"])
    actor = await house.authenticator.authenticate(bearer(secret))
    assert actor is not None
    tickets = [await house.authenticator.issue_ticket(actor) for _ in range(2)]
    redeemed, _ = await house.authenticator.redeem(tickets[0])
    assert (redeemed.kind, redeemed.key, redeemed.scopes) == ("key", key.id, frozenset({"chat"}))
    await house.accounts.revoke_key(ada, key.id)
    with pytest.raises(Unauthenticated):
        await house.authenticator.redeem(tickets[1])


@pytest.mark.parametrize("actor", [ANONYMOUS, SYSTEM, Actor(kind="local"), Actor(kind="visitor", site="docs")])
async def test_nobody_gets_none(house: House, actor: Actor) -> None:
    with pytest.raises(Unauthenticated):
        await house.authenticator.issue_ticket(actor)


async def test_an_access_token_is_no_ticket_and_a_ticket_no_access_token(house: House) -> None:
    ada = await member(house)
    ticket = await house.authenticator.issue_ticket(ada)
    token, _ = house.accounts.access_token(await house.accounts.find_user("ada"))
    with pytest.raises(Unauthenticated):
        await house.authenticator.redeem(token)
    with pytest.raises(Unauthenticated):
        await house.authenticator.authenticate(bearer(ticket))


async def test_used_tickets_are_forgotten_in_time(house: House) -> None:
    ada = await member(house)
    for _ in range(5):
        await house.authenticator.redeem(await house.authenticator.issue_ticket(ada))
    house.clock.ahead = LIFE_SECONDS + RESUME_SECONDS + 1
    await house.authenticator.redeem(await house.authenticator.issue_ticket(ada))
    assert len(house.authenticator._tickets._used) == 1
