"""The one way out to an address that a user or a document named; server-side request forgery ends here.

The name is resolved once, every address it has is judged, and the connection goes to a judged address, with the name kept for `Host`, SNI
and the certificate. So a name server that changes its answer changes nothing. Each redirect goes through the same door. Size and time are
bounded, proxies of the environment are not asked, no cookies or credentials are kept or sent.

Rules: an address must be global after unwrapping IPv4 in IPv6 (mapped, NAT64, 6to4), and stand in no denied network; networks given
as `allowed` are exempt. No other module of retrieval opens connections.
Source: IANA special-purpose address registries; RFC 6052 (NAT64), RFC 3056 (6to4).
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import zlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import httpx2 as httpx
import msgspec

from antiphon.core.errors import (
    BadRequest,
    Refused,
    TooLarge,
    UpstreamBusy,
    UpstreamError,
    UpstreamInvalid,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

USER_AGENT: Final = "Antiphon"
MAX_REDIRECTS: Final = 5
MAX_ADDRESSES: Final = 3
MAX_BYTES: Final = 50 * 1024 * 1024
CONNECT_SECONDS: Final = 5.0
IDLE_SECONDS: Final = 20.0
TOTAL_SECONDS: Final = 60.0
_NAT64: Final = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_DENIED: Final[tuple[Network, ...]] = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
        *("224.0.0.0/3", "::/127", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16"),
        *("fc00::/7", "fe80::/9", "ff00::/8"),
    )
)
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\]")
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class Fetched(msgspec.Struct, frozen=True):
    """url: where it was found in the end. media_type: the Content-Type header as sent, or None."""

    url: str
    status: int
    media_type: str | None
    data: bytes


async def resolve(host: str, port: int) -> Sequence[str]:
    """The system's answer: every address of a name."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UpstreamUnreachable(f"The name {host[:100]} cannot be resolved.", detail=str(error)) from error
    return [str(entry[4][0]) for entry in found]


class Egress:
    """allowed: networks that may be reached though they are not public, e.g. `10.1.0.0/16`; `resolver` is for tests."""

    def __init__(self, *, allowed: Sequence[str] = (), resolver: Resolver = resolve, max_bytes: int = MAX_BYTES) -> None:
        self._allowed = tuple(ipaddress.ip_network(network) for network in allowed)
        self._resolver = resolver
        self._max_bytes = max_bytes

    async def fetch(self, url: str, *, accept: str = "*/*") -> Fetched:
        """GET, following redirects. Raises BadRequest or Refused for an address not to be asked, TooLarge, else an UpstreamError."""
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                return await self._follow(url, accept)
        except TimeoutError as error:
            raise UpstreamTimeout("The page took too long to arrive.") from error

    async def _follow(self, url: str, accept: str) -> Fetched:
        target = parse(url)
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._get(target, accept)
            if isinstance(answer, Fetched):
                return answer
            target = parse(str(target.join(answer)))
        raise UpstreamInvalid(f"The page redirects more than {MAX_REDIRECTS} times.")

    async def _get(self, url: httpx.URL, accept: str) -> Fetched | str:
        """The page, or where it redirects to."""
        failure: UpstreamError | None = None
        for address in (await self._judged(url))[:MAX_ADDRESSES]:
            try:
                return await self._get_from(address, url, accept)
            except UpstreamUnreachable as error:
                failure = error
        raise failure or UpstreamUnreachable("The page could not be fetched.")

    async def _get_from(self, address: Address, url: httpx.URL, accept: str) -> Fetched | str:
        headers = {"Host": url.netloc.decode("ascii"), "User-Agent": USER_AGENT, "Accept": accept, "Accept-Encoding": "identity"}
        timeout = httpx.Timeout(IDLE_SECONDS, connect=CONNECT_SECONDS)
        try:
            async with (
                httpx.AsyncClient(trust_env=False, timeout=timeout, follow_redirects=False) as client,
                client.stream(
                    "GET", url.copy_with(host=str(address)), headers=headers, extensions={"sni_hostname": url.raw_host.decode("ascii")}
                ) as response,
            ):
                location = response.headers.get("location")
                if response.status_code in _REDIRECTS and location:
                    return str(location)
                _check_status(response)
                data = await self._body(response)
                return Fetched(str(url), response.status_code, response.headers.get("content-type"), data)
        except httpx.TimeoutException as error:
            raise UpstreamTimeout("The page took too long to answer.", detail=repr(error)) from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise UpstreamUnreachable("The page could not be fetched.", detail=repr(error)) from error

    async def _judged(self, url: httpx.URL) -> list[Address]:
        """Addresses to connect to, IPv4 first. One bad address among several spoils them all: it is how rebinding looks."""
        host = url.raw_host.decode("ascii")
        port = url.port or (443 if url.scheme == "https" else 80)
        addresses = [_address(found) for found in await self._resolver(host, port)]
        if not addresses:
            raise UpstreamUnreachable(f"The name {host[:100]} has no address.")
        for address in addresses:
            if not self.permitted(address):
                raise Refused(f"{host[:100]} is not a public address, so it is not asked.", code="address_not_allowed", detail=str(address))
        return sorted(set(addresses), key=lambda address: (address.version, int(address)))

    def permitted(self, address: Address) -> bool:
        """Whether a connection to this address may be made."""
        inner = unwrap(address)
        if any(inner in network or address in network for network in self._allowed):
            return True
        if any(candidate in network for network in _DENIED for candidate in (address, inner)):
            return False
        return inner.is_global and not inner.is_multicast and not inner.is_reserved

    async def _body(self, response: httpx.Response) -> bytes:
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "", "gzip", "deflate"):
            raise UpstreamInvalid("The page is packed in a way that was not asked for.")
        unpack = zlib.decompressobj(zlib.MAX_WBITS | 32) if encoding in ("gzip", "deflate") else None
        parts: list[bytes] = []
        size = 0
        async for chunk in response.aiter_raw():
            try:
                part = unpack.decompress(chunk, self._max_bytes + 1 - size) if unpack else chunk
            except zlib.error as error:
                raise UpstreamInvalid("The page is packed in a way that cannot be unpacked.") from error
            size += len(part)
            if size > self._max_bytes:
                raise TooLarge(f"The page is larger than {self._max_bytes // 1024 // 1024} MiB.", code="page_too_large")
            parts.append(part)
        return b"".join(parts)


def parse(url: str) -> httpx.URL:
    """An http or https URL with a host and no credentials. Raises BadRequest."""
    if len(url) > 8_000 or _FORBIDDEN.search(url):
        raise BadRequest("The address is not a valid URL.", code="invalid_url")
    try:
        parsed = httpx.URL(url)
        parsed.raw_host.decode("ascii")
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise BadRequest("The address is not a valid URL.", code="invalid_url") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise BadRequest("Only addresses that begin with http:// or https:// can be fetched.", code="invalid_url")
    if parsed.userinfo:
        raise BadRequest("An address must not carry a user name or password.", code="invalid_url")
    return parsed.copy_with(fragment=None)


def unwrap(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    for inner in (address.ipv4_mapped, address.sixtofour):
        if inner is not None:
            return inner
    if any(address in network for network in _NAT64) or int(address) >> 32 == 0:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if int(address) > 1 else address
    return address


def _address(text: str) -> Address:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError as error:
        raise UpstreamUnreachable("The name server answered something that is not an address.") from error


def _check_status(response: httpx.Response) -> None:
    status = response.status_code
    if status < 400:
        return
    message = f"The page answered {status}."
    if status in (429, 503):
        raise UpstreamBusy(message)
    if status >= 500:
        raise UpstreamError(message)
    raise UpstreamRefused(message, code="page_not_found" if status in (404, 410) else None)
