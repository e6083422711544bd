import gzip
import ipaddress

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.errors import AntiphonError, BadRequest, Refused, TooLarge, UpstreamInvalid, UpstreamRefused, UpstreamUnreachable
from antiphon.retrieval.egress import MAX_REDIRECTS, Egress, parse, unwrap
from tests.unit.retrieval.site import Names, Reply, Site, page, redirect

pytestmark = pytest.mark.anyio
PUBLIC = "93.184.215.14"
LOOPBACK = "127.0.0.0/8"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "0177.0.0.1", "0", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]"]
    + ["[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::127.0.0.1]", "127.0.0.1.", "①②⑦.⓪.⓪.①"],
)
async def test_no_spelling_of_loopback_reaches_it(host: str) -> None:
    async with Site({"/": page("secret")}) as site:
        with pytest.raises((Refused, BadRequest, UpstreamUnreachable)):
            await Egress().fetch(site.url("/", host))
        assert site.asked == []


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "100.64.0.1", "168.63.129.16", "169.254.169.254", "172.16.9.9", "192.168.1.1", "192.0.0.1", "198.18.0.1", "192.0.2.1"]
    + [
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "0.0.0.0",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a00:1",
        "2002:a9fe:a9fe::1",
    ]
    + [
        "::ffff:10.0.0.1",
        "::10.0.0.1",
        "fe80::1",
        "fc00::1",
        "fd12::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "2001::1",
        "100::1",
        "::",
        "::1",
    ],
)
async def test_no_address_inside_is_permitted(address: str) -> None:
    assert not Egress().permitted(ipaddress.ip_address(address))
    with pytest.raises(Refused):
        await Egress(resolver=Names({"evil.example": [[address]]})).fetch("http://evil.example/")


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"])
async def test_public_addresses_are_permitted(address: str) -> None:
    assert Egress().permitted(ipaddress.ip_address(address))


@given(st.ip_addresses())
def test_what_is_permitted_is_global(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if Egress().permitted(address):
        assert unwrap(address).is_global
        assert not unwrap(address).is_multicast


async def test_one_inside_address_among_public_ones_is_enough_to_refuse() -> None:
    with pytest.raises(Refused):
        await Egress(resolver=Names({"evil.example": [[PUBLIC, "127.0.0.1"]]})).fetch("http://evil.example/")


async def test_the_name_is_asked_once_and_the_judged_address_connected_to() -> None:
    """A name server that flips to an inside address after the check gains nothing: nobody asks again."""
    names = Names({"flip.example": [["127.0.0.1"], ["127.0.0.2"]]})
    async with Site({"/": page("hello")}) as site:
        found = await Egress(allowed=["127.0.0.1/32"], resolver=names).fetch(site.url("/", "flip.example"))
        assert found.data == b"hello"
        assert site.hosts == [f"flip.example:{site.port}"]
        assert names.asked == ["flip.example"]
        with pytest.raises(Refused):
            await Egress(allowed=["127.0.0.1/32"], resolver=names).fetch(site.url("/", "flip.example"))
        assert len(site.asked) == 1


async def test_every_hop_of_a_redirect_goes_through_the_same_door() -> None:
    names = Names({"front.example": [["127.0.0.1"]], "back.example": [["127.0.0.2"]]})
    async with Site({}) as site:
        site.pages |= {"/in": redirect(site.url("/secret", "back.example")), "/out": redirect("/fine", 307), "/fine": page("fine")}
        site.pages |= {"/file": redirect("file:///etc/passwd"), "/user": redirect(f"http://a:b@front.example:{site.port}/fine")}
        egress = Egress(allowed=["127.0.0.1/32"], resolver=names)
        for path in ("/in", "/file", "/user"):
            with pytest.raises((Refused, BadRequest)):
                await egress.fetch(site.url(path, "front.example"))
        assert "/secret" not in site.asked
        found = await egress.fetch(site.url("/out", "front.example"))
        assert (found.url, found.data) == (site.url("/fine", "front.example"), b"fine")


async def test_redirects_end() -> None:
    async with Site({"/": redirect("/")}) as site:
        with pytest.raises(UpstreamInvalid):
            await Egress(allowed=[LOOPBACK]).fetch(site.url())
        assert len(site.asked) == MAX_REDIRECTS + 1


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://x/",
        "javascript:alert(1)",
        "http://",
        "http:///x",
        "//example.org",
        "example.org",
    ]
    + [
        "http://user@example.org/",
        "http://u:p@example.org/",
        "http://exa mple.org/",
        "http://example.org\\@evil/",
        "http://a\n.b/",
        "http://[::1",
        "",
    ],
)
def test_only_plain_http_addresses_are_parsed(url: str) -> None:
    with pytest.raises(BadRequest):
        parse(url)


def packed(bomb: bool) -> Reply:
    def reply(_: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(bytes(5_000_000) if bomb else b"hello"), headers={"Content-Encoding": "gzip"})

    return reply


async def test_size_is_bounded_packed_or_not() -> None:
    async with Site(
        {"/big": page("x" * 70_000), "/bomb": packed(True), "/small": packed(False), "/odd": page("x", headers={"Content-Encoding": "br"})}
    ) as site:
        egress = Egress(allowed=[LOOPBACK], max_bytes=60_000)
        for path in ("/big", "/bomb"):
            with pytest.raises(TooLarge):
                await egress.fetch(site.url(path))
        assert (await egress.fetch(site.url("/small"))).data == b"hello"
        with pytest.raises(UpstreamInvalid):
            await egress.fetch(site.url("/odd"))


@pytest.mark.parametrize(("status", "retryable"), [(404, False), (401, False), (500, False), (503, True), (429, True)])
async def test_a_refusal_is_the_sites_fault(status: int, retryable: bool) -> None:
    async with Site({"/": page("<b>their own words</b>", status=status)}) as site:
        with pytest.raises(AntiphonError) as raised:
            await Egress(allowed=[LOOPBACK]).fetch(site.url())
        assert raised.value.fault == "upstream"
        assert raised.value.retryable is retryable
        assert "their own words" not in str(raised.value)


async def test_nobody_there() -> None:
    async with Site({}) as site:
        gone = site.url()
    with pytest.raises(UpstreamUnreachable):
        await Egress(allowed=[LOOPBACK]).fetch(gone)
    with pytest.raises(UpstreamUnreachable):
        await Egress().fetch("http://no-such-host.invalid/")


async def test_a_missing_page_has_a_code_of_its_own() -> None:
    async with Site({}) as site:
        with pytest.raises(UpstreamRefused) as raised:
            await Egress(allowed=[LOOPBACK]).fetch(site.url("/none"))
        assert raised.value.code == "page_not_found"
