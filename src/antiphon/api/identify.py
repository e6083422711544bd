"""Who sent this request: a credential's owner, somebody on this machine, or nobody.

Rules: a credential that does not hold is an error, never a quiet step down to nobody. Forwarding headers count only from trusted proxies.
`local` needs every sign of a direct visit: a loopback peer, a loopback Host, HTTP/1.1 or later, no forwarding header, no foreign Origin,
and a server that has no public address; a proxy that somebody forgot to declare must not turn the whole world into neighbours.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit

import msgspec

from antiphon.accounts.authenticate import Authenticator
from antiphon.api.http import Scope
from antiphon.api.services import Options
from antiphon.core.actor import ANONYMOUS, Actor
from antiphon.dialects.base import Head

_FORWARDING: Final = ("forwarded", "via", "x-forwarded-", "x-real-ip")  # names, and beginnings of names
_LOOPBACK_HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?", re.IGNORECASE)


async def identify(authenticator: Authenticator, options: Options, scope: Scope, head: Head) -> Actor:
    """The actor of an API request; cookies are not looked at. Raises Unauthenticated for a credential that does not hold."""
    client = client_address(options, scope, head)
    actor = await authenticator.authenticate(head.headers)
    if actor is None:
        if options.local_access and is_local(options, scope, head):
            return Actor(kind="local", client=client)
        return msgspec.structs.replace(ANONYMOUS, client=client)
    return msgspec.structs.replace(actor, client=client)


def client_address(options: Options, scope: Scope, head: Head) -> str:
    """The caller's address: the last one in X-Forwarded-For that is not a trusted proxy's, when the peer is one; else the peer."""
    peer = scope["client"][0] if scope.get("client") else ""
    if not _trusted(options, peer):
        return peer
    for hop in reversed(head.headers.get("x-forwarded-for", "").split(",")):
        hop = hop.strip()
        if hop and not _trusted(options, hop):
            return hop if _address(hop) else peer
    return peer


def is_local(options: Options, scope: Scope, head: Head) -> bool:
    """True for a direct visit from this very machine."""
    peer = scope["client"][0] if scope.get("client") else ""
    address = _address(peer)
    if address is None or not address.is_loopback or options.public_url:
        return False
    if scope.get("http_version") == "1.0" or any(name.startswith(_FORWARDING) for name in head.headers):
        return False
    if head.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return False
    return _LOOPBACK_HOST.fullmatch(head.headers.get("host", "")) is not None and same_origin(options, scope, head)


def same_origin(options: Options, scope: Scope, head: Head) -> bool:
    """True when the request names no Origin, or this server's own."""
    origin = head.headers.get("origin")
    return origin is None or origin in own_origins(options, scope, head)


def own_origins(options: Options, scope: Scope, head: Head) -> frozenset[str]:
    """What pages of this server call themselves: the public address, else the address that was asked."""
    if options.public_url:
        return frozenset({"{0.scheme}://{0.netloc}".format(urlsplit(options.public_url))})
    return frozenset({f"{scope.get('scheme', 'http')}://{head.headers.get('host', '')}"})


def _trusted(options: Options, address: str) -> bool:
    known = _address(address)
    return known is not None and any(known in network for network in options.trusted_proxies)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """The address that a text is; on a socket of both families an IPv4 peer comes as ::ffff:a.b.c.d."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
