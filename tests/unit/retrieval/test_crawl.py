from collections.abc import Iterator

import pytest

from antiphon.core.errors import AntiphonError, Refused, UpstreamError
from antiphon.retrieval.crawl import Bounds, Page, crawl
from antiphon.retrieval.egress import Egress
from antiphon.retrieval.reading.pool import Extractor
from tests.unit.retrieval.extract.files import pdf
from tests.unit.retrieval.site import Names, Site, page, redirect

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def extractor() -> Iterator[Extractor]:
    pool = Extractor(2)
    yield pool
    pool.close()


def links(*targets: str) -> str:
    return "<main><p>A page of words.</p>" + "".join(f'<a href="{target}">x</a>' for target in targets) + "</main>"


async def walked(extractor: Extractor, start: str, bounds: Bounds | None = None, egress: Egress | None = None) -> list[Page]:
    door = egress or Egress(allowed=["127.0.0.0/8"])
    return [found async for found in crawl(door, extractor, start, bounds or Bounds())]


async def test_it_follows_links_within_the_site_and_nothing_else(extractor: Extractor) -> None:
    async with Site({}) as site:
        site.pages |= {
            "/docs/": page(
                links("a.html#part", "../b", "http://other.example/x", "mailto:a@b", "pic.png", "javascript:x()", "a.html", "http://[")
            ),
            "/docs/a.html": page(links("/docs/deep", "/gone", "/manual.pdf")),
            "/b": page("plain words", media_type="text/plain"),
            "/docs/deep": page(links("/docs/")),
            "/manual.pdf": page(pdf(["Manual"]).decode("latin-1"), media_type="application/pdf"),
        }
        pages = await walked(extractor, site.url("/docs/"))
        assert [found.url for found in pages] == [
            site.url(path) for path in ("/docs/", "/docs/a.html", "/b", "/docs/deep", "/gone", "/manual.pdf")
        ]
        assert [found.problem for found in pages if found.problem] == ["The page answered 404."]
        assert site.asked.count("/docs/a.html") == 1


async def test_robots_are_obeyed(extractor: Extractor) -> None:
    rules = "User-agent: *\nDisallow: /private\n\nUser-agent: antiphon\nDisallow: /ours\n"
    async with Site(
        {"/robots.txt": page(rules, media_type="text/plain"), "/": page(links("/ours", "/private")), "/private": page("p")}
    ) as site:
        assert [found.url for found in await walked(extractor, site.url())] == [site.url(), site.url("/private")]
        assert "/ours" not in site.asked
        with pytest.raises(Refused) as raised:
            await walked(extractor, site.url("/ours"))
        assert raised.value.code == "robots_disallowed"


async def test_a_site_whose_robots_cannot_be_read_is_left_alone(extractor: Extractor) -> None:
    async with Site({"/robots.txt": page("", status=500), "/": page("words")}) as site:
        with pytest.raises(UpstreamError):
            await walked(extractor, site.url())
        assert site.asked == ["/robots.txt"]


async def test_bounds_hold(extractor: Extractor) -> None:
    pages = {f"/{number}": page(links(f"/{number + 1}", f"/{number}x")) for number in range(50)}
    async with Site({**pages, **{f"/{number}x": page("leaf") for number in range(50)}}) as site:
        assert len(await walked(extractor, site.url("/0"), Bounds(max_pages=7))) == 7
        assert [found.url for found in await walked(extractor, site.url("/0"), Bounds(max_depth=1))] == [
            site.url(p) for p in ("/0", "/1", "/0x")
        ]
        assert len(await walked(extractor, site.url("/0"), Bounds(max_pages=1))) == 1


async def test_a_link_that_leads_inside_or_off_the_site_brings_nothing(extractor: Extractor) -> None:
    names = Names({"site.example": [["127.0.0.1"]], "inside.example": [["127.0.0.2"]]})
    async with Site({}) as site:
        site.pages |= {"/": page(links("/hop", "/off")), "/hop": redirect(site.url("/secret", "inside.example")), "/off": redirect("/fine")}
        site.pages |= {"/fine": page("fine"), "/secret": page("secret")}
        door = Egress(allowed=["127.0.0.1/32"], resolver=names)
        pages = await walked(extractor, site.url("/", "site.example"), egress=door)
        assert [found.url for found in pages if found.found] == [site.url(path, "site.example") for path in ("/", "/fine")]
        assert "/secret" not in site.asked


async def test_the_first_page_s_failure_is_the_crawl_s(extractor: Extractor) -> None:
    async with Site({}) as site:
        with pytest.raises(AntiphonError) as raised:
            await walked(extractor, site.url("/none"))
        assert raised.value.code == "page_not_found"
