"""How often a password may be tried.

Three windows: one account from one network (what a person forgets), everything from one network (what a scanner does), one account from
anywhere (what a botnet does). All are counted before the password is looked at; success forgives the first and the last. Windows move, so
nobody is locked out for good.
"""

from __future__ import annotations

from typing import Final

from antiphon.accounts.names import fold
from antiphon.accounts.opaque import digest
from antiphon.storage.limits import RateLimits, network_of

MESSAGE: Final = "Too many attempts to sign in. Try again later."
PER_NETWORK: Final = "300 per 5 minutes"
PER_ACCOUNT: Final = "100 per hour"


class Attempts:
    """tries: how often one account may be tried from one network within five minutes."""

    def __init__(self, limits: RateLimits, tries: int = 10) -> None:
        self._limits = limits
        self.tries = tries

    async def begin(self, username: str, client: str) -> None:
        """Count an attempt. client: the caller's address. Raises RateLimited."""
        account, network = _account(username), network_of(client)
        await self._limits.hit(PER_NETWORK, "sign-in", network, message=MESSAGE)
        await self._limits.hit(self._pair, "sign-in", account, network, message=MESSAGE)
        await self._limits.hit(PER_ACCOUNT, "sign-in", account, message=MESSAGE)

    async def succeeded(self, username: str, client: str) -> None:
        account, network = _account(username), network_of(client)
        await self._limits.clear(self._pair, "sign-in", account, network)
        await self._limits.clear(PER_ACCOUNT, "sign-in", account)

    @property
    def _pair(self) -> str:
        return f"{self.tries} per 5 minutes"


def _account(username: str) -> str:
    return digest(fold(username.strip()))
