"""How often something may happen: moving windows, counted in memory or, when several servers share them, in Redis.

Redis is never needed: while it does not answer, each server counts for itself, so that a limit is never simply absent. What memory holds is
counted here and not by the library that counts in Redis, whose asynchronous memory storage starts a task, and a thread job per key, for
every hit.
"""

from __future__ import annotations

import math
import re
import time
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Final, NamedTuple

from antiphon.core.errors import RateLimited

if TYPE_CHECKING:
    from antiphon.storage.shared_limits import SharedLimits

SWEEP_AT: Final = 1_000
_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
_RULE = re.compile(r"(\d+) ?(?:/|per) ?(\d+)? ?(second|minute|hour|day)s?")


class RateLimits:
    """Rules are written `5/minute`, `10 per 5 minutes`. redis_url: `redis://...`, or None to count in memory. clock: seconds.

    Raises OurError when a URL is given that this installation cannot use.
    """

    def __init__(self, redis_url: str | None = None, clock: Callable[[], float] = time.time) -> None:
        self._memory = _Memory(clock)
        self._shared = None if redis_url is None else _shared(redis_url, clock)

    async def hit(self, rule: str, *who: str, message: str = "Too many requests. Try again later.") -> None:
        """Count one act of `who` under `rule`; raises RateLimited with retry_after (whole seconds) when there were too many.

        An act that is refused is not counted.
        """
        wait = None if self._shared is None else await self._shared.hit(rule, who)
        if wait is None:
            wait = self._memory.hit(parse(rule), who)
        if wait > 0:
            raise RateLimited(message, retry_after=math.ceil(wait))

    async def clear(self, rule: str, *who: str) -> None:
        """Forget what was counted."""
        self._memory.clear(parse(rule), who)
        if self._shared is not None:
            await self._shared.clear(rule, who)

    async def close(self) -> None:
        """Let go of Redis."""
        if self._shared is not None:
            await self._shared.close()


class Rule(NamedTuple):
    """So many in so many seconds."""

    amount: int
    seconds: int


@lru_cache(maxsize=256)
def parse(rule: str) -> Rule:
    """`5/minute`, `10 per 5 minutes`, in seconds, minutes, hours or days. Raises ValueError for anything else."""
    found = _RULE.fullmatch(rule)
    if found is None:
        raise ValueError(f"no rule for a limit: {rule!r}")
    amount, count, unit = found.groups()
    return Rule(int(amount), int(count or 1) * _SECONDS[unit])


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


class _Memory:
    """Times of the acts that counted, oldest first, by rule and by who did them."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._windows: dict[tuple[Rule, tuple[str, ...]], deque[float]] = {}
        self._sweep_at = SWEEP_AT

    def hit(self, rule: Rule, who: tuple[str, ...]) -> float:
        """0.0 when it was counted, else the seconds until it would be."""
        now = self._clock()
        times = self._windows.get((rule, who))
        if times is None:
            if len(self._windows) >= self._sweep_at:
                self._sweep(now)
            times = self._windows[rule, who] = deque()
        while times and times[0] <= now - rule.seconds:
            times.popleft()
        if len(times) >= rule.amount:
            return times[0] + rule.seconds - now
        times.append(now)
        return 0.0

    def clear(self, rule: Rule, who: tuple[str, ...]) -> None:
        self._windows.pop((rule, who), None)

    def _sweep(self, now: float) -> None:
        """Drop windows in which nothing counts any more; next time when there are twice as many as are left."""
        self._windows = {key: times for key, times in self._windows.items() if times and times[-1] > now - key[0].seconds}
        self._sweep_at = max(SWEEP_AT, 2 * len(self._windows))


def _shared(url: str, clock: Callable[[], float]) -> SharedLimits:
    from antiphon.storage.shared_limits import SharedLimits  # lazy: a library that only servers with a Redis need

    return SharedLimits(url, clock)
