from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Iterator
from typing import Literal

import pytest
from argon2 import PasswordHasher

from antiphon.accounts import passwords as room
from antiphon.accounts.passwords import Passwords
from antiphon.core.errors import BadRequest, Unavailable


@pytest.fixture
def cheap() -> Iterator[Passwords]:
    made = Passwords(memory_kib=64, rounds=1)
    yield made
    made.close()


@pytest.mark.anyio
async def test_what_is_stored_meets_the_recommendation() -> None:
    passwords = Passwords()
    try:
        stored = await passwords.hash("correct horse")
        found = re.match(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$", stored)
        assert found is not None
        memory, rounds, lanes = map(int, found.groups())
        assert memory >= 19 * 1024
        assert rounds >= 2
        assert lanes >= 1
        assert await passwords.verify(stored, "correct horse")
        assert not passwords.outdated(stored)
    finally:
        passwords.close()


@pytest.mark.anyio
async def test_right_and_wrong(cheap: Passwords) -> None:
    stored = await cheap.hash("correct horse")
    assert await cheap.verify(stored, "correct horse")
    for wrong in ("correct horsf", "correct hors", "", " correct horse", "correct horse\0", "\ud800" * 8, "x" * 1_000_000):
        assert not await cheap.verify(stored, wrong)


@pytest.mark.anyio
async def test_every_byte_counts(cheap: Passwords) -> None:
    long = "x" * 72
    stored = await cheap.hash(long + "a")
    assert not await cheap.verify(stored, long + "b")
    assert await cheap.verify(await cheap.hash("長" * 1024), "長" * 1024)


@pytest.mark.anyio
async def test_keyboards_compose_letters_differently(cheap: Passwords) -> None:
    stored = await cheap.hash("mật khẩu của tôi")
    assert await cheap.verify(stored, unicodedata.normalize("NFD", "mật khẩu của tôi"))


@pytest.mark.anyio
@pytest.mark.parametrize("password", ["", "seven77", "x" * 1025, "\ud800" * 8])
async def test_refused_before_it_costs_anything(cheap: Passwords, password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "QUEUE", 0)
    with pytest.raises(BadRequest) as refused:
        await cheap.hash(password)
    assert refused.value.param == "password"


class Counting(PasswordHasher):
    """Remembers what it compared with."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
        self.seen: list[str] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        self.seen.append(str(hash))
        return super().verify(hash, password)


@pytest.mark.anyio
async def test_nobody_has_no_password_but_costs_the_same_work(cheap: Passwords) -> None:
    cheap._hasher = hasher = Counting()
    stored = await cheap.hash("correct horse")
    for against in (stored, None):
        assert not await cheap.verify(against, "wrong password")
    assert not await cheap.verify(None, "nobody's password")
    parameters = re.compile(r"\$argon2id\$v=19\$m=64,t=1,p=1\$")
    assert len(hasher.seen) == 3
    assert all(parameters.match(hash) for hash in hasher.seen)


@pytest.mark.anyio
async def test_a_damaged_hash_is_a_wrong_password(cheap: Passwords) -> None:
    assert not await cheap.verify("not a hash", "correct horse")


@pytest.mark.anyio
async def test_a_flood_is_turned_away(cheap: Passwords) -> None:
    results = await asyncio.gather(*(cheap.hash("correct horse") for _ in range(room.QUEUE + 20)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, Unavailable)]
    assert len(refused) == 20
    assert await cheap.hash("correct horse")
