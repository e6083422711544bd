from __future__ import annotations

import pytest

from antiphon.accounts.attempts import Attempts
from antiphon.core.errors import RateLimited
from antiphon.storage.limits import RateLimits


async def tried(attempts: Attempts, username: str, client: str, times: int) -> int:
    """How many of so many attempts were let through."""
    passed = 0
    for _ in range(times):
        try:
            await attempts.begin(username, client)
        except RateLimited:
            continue
        passed += 1
    return passed


@pytest.mark.anyio
async def test_one_account_from_one_network() -> None:
    attempts = Attempts(RateLimits(), tries=5)
    assert await tried(attempts, "ada", "192.0.2.1", 20) == 5
    assert await tried(attempts, " ADA ", "192.0.2.1", 5) == 0
    assert await tried(attempts, "ada", "192.0.2.2", 5) == 5
    assert await tried(attempts, "bob", "192.0.2.1", 5) == 5


@pytest.mark.anyio
async def test_a_whole_network_of_addresses_is_one() -> None:
    attempts = Attempts(RateLimits(), tries=5)
    assert sum([await tried(attempts, "ada", f"2001:db8::{number:x}", 1) for number in range(20)]) == 5


@pytest.mark.anyio
async def test_one_account_from_everywhere_and_all_accounts_from_one_network() -> None:
    attempts = Attempts(RateLimits(), tries=5)
    assert sum([await tried(attempts, "ada", f"198.51.100.{number}", 1) for number in range(200)]) == 100
    assert sum([await tried(attempts, f"user{number}", "192.0.2.9", 1) for number in range(400)]) == 300


@pytest.mark.anyio
async def test_success_forgives() -> None:
    attempts = Attempts(RateLimits(), tries=5)
    for _ in range(30):
        await attempts.begin("ada", "192.0.2.1")
        await attempts.succeeded("ada", "192.0.2.1")
    assert await tried(attempts, "ada", "192.0.2.1", 20) == 5
