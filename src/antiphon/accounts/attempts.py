"""How often a password may be tried.

Three windows: one account from one network (what a person forgets), everything from one network (what a scanner does), one account from
anywhere (what a botnet does). All are counted before the password is looked at; success forgives the first and the last. Windows move, so
nobody is locked out for good. A network is an IPv4 address or an IPv6 /64, since every machine owns a whole /64.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Final

from antiphon.accounts.names import fold
from antiphon.accounts.opaque import digest
from antiphon.storage.limits import RateLimits

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


def network_of(client: str) -> str:
    """`203.0.113.7` -> itself, `2001:db8::1` -> `2001:db8::/64`; what is no address is taken as it is."""
    try:
        address = ip_address(client)
    except ValueError:
        return client
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        return str(mapped)
    return str(address) if address.version == 4 else str(ip_network((address, 64), strict=False))


def _account(username: str) -> str:
    return digest(fold(username.strip()))
