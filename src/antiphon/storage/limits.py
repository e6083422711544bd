"""How often something may happen: moving windows, counted in memory or, when several servers share them, in Redis.

Redis is never needed: while it does not answer, each server counts for itself, so that a limit is never simply absent.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final

import structlog
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import ConfigurationError, StorageError
from limits.storage import storage_from_string

from antiphon.core.errors import OurError, RateLimited

RETRY_REDIS_SECONDS: Final = 10.0

_log = structlog.get_logger(__name__)


class RateLimits:
    """Rules are written `5/minute`, `10 per 5 minutes`. redis_url: `redis://...`, or None to count in memory.

    Raises OurError when a URL is given that this installation cannot use.
    """

    def __init__(self, redis_url: str | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._memory = MovingWindowRateLimiter(MemoryStorage())
        self._shared = None if redis_url is None else _redis(redis_url)
        self._clock = clock
        self._redis_again = 0.0

    async def hit(self, rule: str, *who: str, message: str = "Too many requests. Try again later.") -> None:
        """Count one act of `who` under `rule`; raises RateLimited with retry_after (whole seconds) when there were too many."""
        item = parse(rule)
        limiter = self._current()
        try:
            allowed, wait = await _hit(limiter, item, who)
        except StorageError as error:
            self._redis_failed(error)
            allowed, wait = await _hit(self._memory, item, who)
        if not allowed:
            raise RateLimited(message, retry_after=wait)

    async def clear(self, rule: str, *who: str) -> None:
        """Forget what was counted."""
        try:
            await self._current().clear(parse(rule), *who)
        except StorageError as error:
            self._redis_failed(error)

    def _current(self) -> MovingWindowRateLimiter:
        if self._shared is None or self._clock() < self._redis_again:
            return self._memory
        return self._shared

    def _redis_failed(self, error: StorageError) -> None:
        self._redis_again = self._clock() + RETRY_REDIS_SECONDS
        _log.warning("redis does not answer; limits are counted by this server alone", error=type(error.storage_error).__name__)


async def _hit(limiter: MovingWindowRateLimiter, item: RateLimitItem, who: tuple[str, ...]) -> tuple[bool, int]:
    """Whether it is allowed, and after how many seconds it would be."""
    if await limiter.hit(item, *who):
        return True, 0
    stats = await limiter.get_window_stats(item, *who)
    return False, max(1, math.ceil(stats.reset_time - time.time()))


def _redis(url: str) -> MovingWindowRateLimiter:
    try:
        storage = storage_from_string(f"async+{url}", implementation="redispy", wrap_exceptions=True)
    except ConfigurationError as error:
        raise OurError(
            "REDIS_URL is set, but it is not a redis:// or rediss:// URL, or the Redis client is missing (pip install 'antiphon[redis]').",
            code="redis_unusable",
            detail=str(error),
        ) from None
    return MovingWindowRateLimiter(storage)
