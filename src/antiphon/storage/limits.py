"""How often something may happen: moving windows, counted in memory or, when several servers share them, in Redis.

Redis is never needed: while it does not answer, each server counts for itself, so that a limit is never simply absent. What memory holds is
counted here and not by the library, whose asynchronous memory storage starts a task, and a thread job per key, for every hit.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Final, NamedTuple

import structlog
from limits import RateLimitItem, parse
from limits.aio.storage import RedisStorage
from limits.aio.storage.redis.redispy import RedispyBridge
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import ConfigurationError, StorageError
from limits.storage import storage_from_string

from antiphon.core.errors import OurError, RateLimited

RETRY_REDIS_SECONDS: Final = 10.0
SWEEP_AT: Final = 1_000

_log = structlog.get_logger(__name__)


class RateLimits:
    """Rules are written `5/minute`, `10 per 5 minutes`. redis_url: `redis://...`, or None to count in memory. clock: seconds.

    Raises OurError when a URL is given that this installation cannot use.
    """

    def __init__(self, redis_url: str | None = None, clock: Callable[[], float] = time.time) -> None:
        self._memory = _Memory(clock)
        self._storage = None if redis_url is None else _redis(redis_url)
        self._shared = None if self._storage is None else MovingWindowRateLimiter(self._storage)
        self._clock = clock
        self._redis_again = 0.0

    async def hit(self, rule: str, *who: str, message: str = "Too many requests. Try again later.") -> None:
        """Count one act of `who` under `rule`; raises RateLimited with retry_after (whole seconds) when there were too many.

        An act that is refused is not counted.
        """
        item = parse(rule)
        wait = None
        if (shared := self._reachable()) is not None:
            try:
                wait = await _hit_shared(shared, item, who, self._clock)
            except StorageError as error:
                self._redis_failed(error)
        if wait is None:
            wait = self._memory.hit(item, who)
        if wait > 0:
            raise RateLimited(message, retry_after=math.ceil(wait))

    async def clear(self, rule: str, *who: str) -> None:
        """Forget what was counted."""
        item = parse(rule)
        self._memory.clear(item, who)
        if (shared := self._reachable()) is not None:
            try:
                await shared.clear(item, *who)
            except StorageError as error:
                self._redis_failed(error)

    async def close(self) -> None:
        """Let go of Redis."""
        if self._storage is not None and isinstance(self._storage.bridge, RedispyBridge):
            await self._storage.bridge.storage.aclose()

    def _reachable(self) -> MovingWindowRateLimiter | None:
        return self._shared if self._clock() >= self._redis_again else None

    def _redis_failed(self, error: StorageError) -> None:
        self._redis_again = self._clock() + RETRY_REDIS_SECONDS
        _log.warning("redis does not answer; limits are counted by this server alone", error=type(error.storage_error).__name__)


def network_of(client: str) -> str:
    """Who an address is for a limit: `203.0.113.7` is itself, `2001:db8::1` is `2001:db8::/64`, since every machine owns a whole /64.

    What is no address is taken as it is.
    """
    try:
        address = ip_address(client)
    except ValueError:
        return client
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        return str(mapped)
    return str(address) if address.version == 4 else str(ip_network((address, 64), strict=False))


class _Window(NamedTuple):
    """times: of the acts that counted, oldest first. seconds: the window's length."""

    times: deque[float]
    seconds: int


class _Memory:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._windows: dict[str, _Window] = {}
        self._sweep_at = SWEEP_AT

    def hit(self, item: RateLimitItem, who: tuple[str, ...]) -> float:
        """0.0 when it was counted, else the seconds until it would be."""
        now = self._clock()
        key = item.key_for(*who)
        window = self._windows.get(key)
        if window is None:
            if len(self._windows) >= self._sweep_at:
                self._sweep(now)
            window = self._windows[key] = _Window(deque(), item.get_expiry())
        times = window.times
        while times and times[0] <= now - window.seconds:
            times.popleft()
        if len(times) >= item.amount:
            return times[0] + window.seconds - now
        times.append(now)
        return 0.0

    def clear(self, item: RateLimitItem, who: tuple[str, ...]) -> None:
        self._windows.pop(item.key_for(*who), None)

    def _sweep(self, now: float) -> None:
        """Drop windows in which nothing counts any more; next time when there are twice as many as are left."""
        self._windows = {key: window for key, window in self._windows.items() if window.times and window.times[-1] > now - window.seconds}
        self._sweep_at = max(SWEEP_AT, 2 * len(self._windows))


async def _hit_shared(limiter: MovingWindowRateLimiter, item: RateLimitItem, who: tuple[str, ...], clock: Callable[[], float]) -> float:
    if await limiter.hit(item, *who):
        return 0.0
    stats = await limiter.get_window_stats(item, *who)
    return max(1.0, stats.reset_time - clock())


def _redis(url: str) -> RedisStorage:
    try:
        storage = storage_from_string(f"async+{url}", implementation="redispy", wrap_exceptions=True)
    except (ConfigurationError, ValueError) as error:
        raise OurError(
            "REDIS_URL is set, but it is not a redis:// or rediss:// URL, or the Redis client is missing (pip install 'antiphon[redis]').",
            code="redis_unusable",
            detail=str(error),
        ) from None
    assert isinstance(storage, RedisStorage), "an async+redis URL gives the asynchronous storage of Redis"
    return storage
