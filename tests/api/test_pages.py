"""The pages that the server draws: in Chromium as an owner and a reader see them, and what they may hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import pytest
from playwright.async_api import Page as Tab
from playwright.async_api import expect

from antiphon.api.page_texts import TEXTS, preferred
from tests.api.town import Town
from tests.support.background import Background
from tests.support.browser import Chromium
from tests.support.server import Server


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    with Background() as background:
        chromium = Chromium(background)
        yield chromium
        chromium.close()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "data") as server:
        yield server


def test_setting_up(fresh: Server, chromium: Chromium) -> None:
    """From the printed link to a signed-in administrator; the link works once."""
    link = next(word for word in fresh.log().split() if "/setup#" in word)

    async def visit(tab: Tab) -> None:
        await tab.goto(fresh.url)
        await expect(tab.locator("h2").first).to_have_text(TEXTS["en"].admin)
        await tab.goto(link.partition("#")[0])
        await expect(tab.locator("[role=alert]")).to_have_text(TEXTS["en"].no_link)
        await tab.goto("about:blank")
        await tab.goto(link)
        await expect(tab.locator("[role=alert]")).to_be_empty()
        await tab.fill("input[name=name]", "ro@ot")
        await tab.fill("input[name=password]", "correct horse battery")
        await tab.click("button")
        await expect(tab.locator("[role=alert]")).to_contain_text("'@'")
        await tab.fill("input[name=name]", "Root O'Hara")
        await tab.click("button")
        await expect(tab.locator("#next h1")).to_be_focused()
        await expect(tab.locator("form")).to_be_hidden()
        await expect(tab.locator("#next pre")).to_contain_text("--user 'Root O'\\''Hara' laptop")
        assert "#" not in tab.url
        assert await tab.evaluate("document.cookie") == ""
        me = await tab.evaluate("fetch('/api/me').then((response) => response.json())")
        assert (me["name"], me["admin"]) == ("Root O'Hara", True)
        await tab.goto("about:blank")
        await tab.goto(link)
        await expect(tab.locator("h1")).to_have_text(TEXTS["en"].setup_over)
        await tab.goto(fresh.url)
        await expect(tab.locator("h2").first).to_have_text(TEXTS["en"].documents)

    chromium.visit(visit)
    assert chromium.errors == []
    secret = link.partition("#")[2]
    again = httpx.post(fresh.url + "/api/setup", json={"token": secret, "name": "second", "password": "long enough"}, trust_env=False)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "set_up_already")
    assert secret not in fresh.log().replace(link, "")


def test_reading_opens_at_the_quoted_words(town: Town, chromium: Chromium, tmp_path: Path) -> None:
    """Whatever a document holds is text: no element of it comes alive."""
    lines = "\n\n".join(f"Paragraph number {number} of a long page." for number in range(300))
    hostile = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
    folder = tmp_path / "long"
    folder.mkdir()
    (folder / "page.md").write_text(f"# A long page\n\n{hostile}\n\n{lines}\n\n- an item\n\n```\ncode here\n```\n", encoding="utf-8")
    town.cli("ingest", str(folder), "--collection", "shared")
    document = next(one["id"] for one in town.api("GET", "/api/collections/shared/documents")["documents"] if "page.md" in one["source"])
    text = town.api("GET", f"/api/documents/{document}")["text"]
    quote = "number 250 of a long page.\n\nParagraph number 251"
    start = text.index(quote)

    async def visit(tab: Tab) -> tuple[list[str], str, bool]:
        await tab.goto(f"{town.url}/documents/{document}?start={start}&end={start + len(quote)}#quote")
        marks = await tab.locator("mark").all_text_contents()
        await expect(tab.locator("#quote")).to_be_in_viewport()
        return marks, await tab.title(), await tab.locator("article script, article img").count() == 0

    marks, title, inert = chromium.visit(visit)
    assert " ".join(marks) == "number 250 of a long page. Paragraph number 251"
    assert title == "A long page"
    assert inert
    assert chromium.errors == []


@pytest.mark.parametrize("query", ["", "?start=5", "?start=9&end=3", "?start=-5&end=3", "?start=0&end=99999999"])
def test_a_range_that_is_none_marks_nothing(town: Town, query: str) -> None:
    page = town.ask("GET", f"/documents/{town.document('open')}{query}")
    assert page.status_code == 200
    assert "<mark" not in page.text


WANTED = [
    ("", "en"),
    ("fr", "en"),
    ("vi-VN,vi;q=0.9,en;q=0.5", "vi"),
    ("zh-CN,zh;q=0.9", "zh-Hans"),
    ("zh-TW", "zh-Hant"),
    ("zh-Hant-HK;q=0.8, en;q=0.7", "zh-Hant"),
    ("fr, vi;q=0.2", "vi"),
    ("en;q=0.1, zh;q=x, vi;q=0.05", "en"),
    ('"><script>', "en"),
]


@pytest.mark.parametrize(("header", "language"), WANTED)
def test_pages_speak_the_browsers_language(town: Town, header: str, language: str) -> None:
    assert preferred(header) == language
    for path in ("/", "/setup", "/documents/none"):
        page = town.ask("GET", path, headers={"Accept-Language": header})
        assert page.text.startswith(f'<!doctype html><html lang="{language}">')
        assert page.headers["content-language"] == language
        assert "Accept-Language" in page.headers["vary"]


@pytest.mark.parametrize("path", ["/", "/setup", "/docs", "/documents/none"])
def test_pages_run_nothing_but_our_own(town: Town, path: str) -> None:
    page = town.ask("GET", path, "admin-jwt")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "style=" not in page.text
    assert "<script>" not in page.text
