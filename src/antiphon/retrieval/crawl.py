"""Walks a web site from one page, breadth first, within its host and within bounds.

robots.txt is obeyed (RFC 9309: unreachable means keep out, missing means welcome), a crawl delay is kept, few pages are asked for at a
time. Pages are parsed by the extractor's child processes; nothing of a page is parsed here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final
from urllib.parse import urldefrag, urljoin, urlsplit
from urllib.robotparser import RobotFileParser

import msgspec

from antiphon.core.errors import AntiphonError, Refused, UpstreamError, UpstreamRefused
from antiphon.retrieval.egress import USER_AGENT, Egress, Fetched, parse
from antiphon.retrieval.extract.document import Unreadable
from antiphon.retrieval.extract.kinds import kind_of, known, suffix_of
from antiphon.retrieval.reading.pool import Extractor

ACCEPT: Final = "text/html,application/xhtml+xml,text/markdown,text/plain,application/pdf;q=0.9,*/*;q=0.5"
_LONGEST_DELAY: Final = 10.0
_PAGE_SUFFIXES: Final = frozenset({"", ".php", ".asp", ".aspx", ".jsp", ".shtml"})


class Bounds(msgspec.Struct, frozen=True):
    """max_depth: links away from the first page. concurrency: pages asked for at once, on this one host."""

    max_pages: int = 200
    max_depth: int = 4
    concurrency: int = 4


USUAL: Final = Bounds()


class Page(msgspec.Struct, frozen=True):
    """One address that was tried: what was found there, or why nothing."""

    url: str
    found: Fetched | None = None
    problem: str | None = None


async def crawl(egress: Egress, extractor: Extractor, start: str, bounds: Bounds = USUAL) -> AsyncIterator[Page]:
    """The first page's failure is raised; every later one is a Page with a problem."""
    site = _Site(egress, extractor, bounds)
    first = await site.enter(start)
    yield Page(first.url, first)
    tried, frontier = 1, await site.links(first)
    for _ in range(bounds.max_depth):
        level, frontier = frontier, []
        while level and tried < bounds.max_pages:
            now, level = level[: min(site.concurrency, bounds.max_pages - tried)], level[site.concurrency :]
            tried += len(now)
            for page, links in await asyncio.gather(*(site.visit(url) for url in now)):
                frontier += links
                if page is not None:
                    yield page
            await asyncio.sleep(site.delay)


class _Site:
    def __init__(self, egress: Egress, extractor: Extractor, bounds: Bounds) -> None:
        self._egress = egress
        self._extractor = extractor
        self._robots = RobotFileParser()
        self._seen: set[str] = set()
        self._origin = ("", "")
        self.concurrency = max(1, bounds.concurrency)
        self.delay = 0.0

    async def enter(self, start: str) -> Fetched:
        """Fetch the first page; where it redirects to decides which site this is."""
        url = str(parse(start))
        await self._read_robots(url)
        self._check(url)
        first = await self._egress.fetch(url, accept=ACCEPT)
        if origin(first.url) != self._origin:
            await self._read_robots(first.url)
            self._check(first.url)
        self._seen |= {url, first.url}
        return first

    async def visit(self, url: str) -> tuple[Page | None, list[str]]:
        """The page, unless it is no document or leads off the site, and the links to go on with."""
        try:
            found = await self._egress.fetch(url, accept=ACCEPT)
            if origin(found.url) != self._origin or (found.url != url and found.url in self._seen):
                return None, []
            self._seen.add(found.url)
            self._check(found.url)
            kind_of(found.data, urlsplit(found.url).path, found.media_type)
        except Unreadable:
            return None, []
        except AntiphonError as error:
            return Page(url, problem=error.message), []
        return Page(found.url, found), await self.links(found)

    async def links(self, found: Fetched) -> list[str]:
        """Addresses on this site that the page points to and that were not seen before."""
        name = urlsplit(found.url).path
        try:
            if kind_of(found.data, name, found.media_type) != "html":
                return []
            answer = await asyncio.to_thread(self._extractor.extract, found.data, name=name, media_type=found.media_type)
        except Unreadable:
            return []
        return list(self._fresh(found.url, answer.document.links))

    def _fresh(self, page: str, links: Sequence[str]) -> Iterable[str]:
        base = _join(page, links[0]) or page if links else page
        for link in links[1:]:
            url = _join(base, link)
            if url is None or url in self._seen or origin(url) != self._origin:
                continue
            self._seen.add(url)
            path = urlsplit(url).path
            if (suffix_of(path) in _PAGE_SUFFIXES or known(path)) and self._robots.can_fetch(USER_AGENT, url):
                yield url

    async def _read_robots(self, url: str) -> None:
        self._origin = origin(url)
        self._robots = RobotFileParser()
        try:
            found = await self._egress.fetch(urljoin(url, "/robots.txt"), accept="text/plain")
            self._robots.parse(found.data[:512_000].decode("utf-8", "replace").splitlines())
        except UpstreamRefused:
            self._robots.parse([])
        except UpstreamError as error:
            raise UpstreamError("The site's robots.txt cannot be read, so the site is left alone.", detail=error.message) from error
        delay = self._robots.crawl_delay(USER_AGENT)
        if delay:
            self.concurrency, self.delay = 1, min(float(delay), _LONGEST_DELAY)

    def _check(self, url: str) -> None:
        if not self._robots.can_fetch(USER_AGENT, url):
            raise Refused("The site's robots.txt asks not to fetch this page.", code="robots_disallowed")


def origin(url: str) -> tuple[str, str]:
    """(scheme, host with port) of an address."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _join(base: str, link: str) -> str | None:
    """The absolute address of a link without its fragment; None for one that cannot be fetched."""
    try:
        return str(parse(urldefrag(urljoin(base, link.strip())).url))
    except (AntiphonError, ValueError):
        return None
