"""Windows that several servers share, counted in Redis by the library `limits`.

Rules: Redis is never needed. While it does not answer, every call here says so at once, and it is asked again only after a while.
Source of the URLs: the library's documentation, "Storage scheme"; we take `redis://`, `rediss://` and what else it gives to Redis.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog
from limits import parse
from limits.aio.storage import RedisStorage
from limits.aio.storage.redis.redispy import RedispyBridge
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import ConfigurationError, StorageError
from limits.storage import storage_from_string

from antiphon.core.errors import OurError

RETRY_SECONDS: Final = 10.0

_log = structlog.get_logger(__name__)


class SharedLimits:
    """clock: seconds. Raises OurError for a URL that this installation cannot use."""

    def __init__(self, url: str, clock: Callable[[], float]) -> None:
        self._storage = _redis(url)
        self._limiter = MovingWindowRateLimiter(self._storage)
        self._clock = clock
        self._again = 0.0

    async def hit(self, rule: str, who: tuple[str, ...]) -> float | None:
        """0.0 when it was counted, else the seconds until it would be; None when Redis does not answer."""
        if self._clock() < self._again:
            return None
        item = parse(rule)
        try:
            if await self._limiter.hit(item, *who):
                return 0.0
            stats = await self._limiter.get_window_stats(item, *who)
        except StorageError as error:
            self._failed(error)
            return None
        return max(1.0, stats.reset_time - self._clock())

    async def clear(self, rule: str, who: tuple[str, ...]) -> None:
        """Forget what was counted, if Redis answers."""
        if self._clock() < self._again:
            return
        try:
            await self._limiter.clear(parse(rule), *who)
        except StorageError as error:
            self._failed(error)

    async def close(self) -> None:
        if isinstance(self._storage.bridge, RedispyBridge):
            await self._storage.bridge.storage.aclose()

    def _failed(self, error: StorageError) -> None:
        self._again = self._clock() + RETRY_SECONDS
        _log.warning("redis does not answer; limits are counted by this server alone", error=type(error.storage_error).__name__)


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
