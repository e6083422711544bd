"""Limits that several servers share, in a real Redis that this test starts; and what becomes of them when it dies."""

from __future__ import annotations

import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from antiphon.core.errors import OurError, RateLimited
from antiphon.storage.limits import RateLimits
from tests.support.upstream import closed_port

pytestmark = pytest.mark.anyio


class Redis:
    def __init__(self, folder: Path) -> None:
        self.port = closed_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(["redis-server", *options], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        deadline = time.monotonic() + 20
        while "Ready to accept connections" not in self._process.stdout.readline():
            assert time.monotonic() < deadline
            assert self._process.poll() is None

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    server = Redis(tmp_path)
    yield server
    server.stop()


@pytest.fixture
async def servers(redis: Redis) -> AsyncIterator[tuple[RateLimits, RateLimits]]:
    pair = RateLimits(redis.url), RateLimits(redis.url)
    yield pair
    for limits in pair:
        await limits.close()


async def test_two_servers_share_one_count(servers: tuple[RateLimits, RateLimits]) -> None:
    first, second = servers
    await first.hit("3/minute", "widget", "site", "203.0.113.5")
    await second.hit("3/minute", "widget", "site", "203.0.113.5")
    await first.hit("3/minute", "widget", "site", "203.0.113.5")
    with pytest.raises(RateLimited) as refused:
        await second.hit("3/minute", "widget", "site", "203.0.113.5")
    assert refused.value.retry_after is not None
    assert 1 <= refused.value.retry_after <= 60
    await second.hit("3/minute", "widget", "site", "203.0.113.6")


async def test_a_cleared_count_is_cleared_for_all(servers: tuple[RateLimits, RateLimits]) -> None:
    first, second = servers
    await first.hit("1/minute", "sign-in", "anna")
    await second.clear("1/minute", "sign-in", "anna")
    await first.hit("1/minute", "sign-in", "anna")


async def test_a_redis_that_dies_leaves_each_server_its_own_count(redis: Redis, servers: tuple[RateLimits, RateLimits]) -> None:
    limits, _ = servers
    await limits.hit("1/minute", "widget", "a")
    redis.stop()
    await limits.hit("1/minute", "widget", "a")
    with pytest.raises(RateLimited):
        await limits.hit("1/minute", "widget", "a")


async def test_an_address_that_is_no_redis_is_said_at_once() -> None:
    with pytest.raises(OurError):
        RateLimits("http://127.0.0.1:1")
