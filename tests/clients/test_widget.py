"""A React hook and component on another site's page, in a browser: asking, sources, history, clearing, failures."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from playwright.async_api import Page as Tab
from playwright.async_api import expect

from tests.clients.answers import BURST, POLYGLOT
from tests.clients.curl import curl, post
from tests.clients.library import Library
from tests.clients.subjects import BOTS, Subject, name
from tests.support import node
from tests.support.browser import Chromium
from tests.support.pages import Pages
from tests.support.replies import TEXT


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    script = node.bundle(node.FOLDER / "browser" / "widget.tsx", tmp_path_factory.mktemp("bundle") / "widget.js")
    with Pages(script) as pages:
        yield pages


@pytest.fixture(scope="module")
def sites(server: Library, pages: Pages) -> None:
    """A site for every subject's model, open to the page."""
    for model in ("antiphon", "m", "polyglot", "burst", "error-event"):
        server.open(f"site-{model}", bot=model, origins=(pages.origin,))


class Widget:
    """The widget on its page."""

    def __init__(self, tab: Tab, server: Library) -> None:
        self.tab = tab
        self._server = server

    async def mount(self, site: str, session: str = "session-1", language: str = "en") -> None:
        place = {"apiUrl": self._server.url, "site": site, "session": session, "language": language}
        await self.tab.evaluate("place => window.mount(place)", place)
        await expect(self.tab.locator("section")).to_have_attribute("data-loaded", "true")

    async def ask(self, question: str) -> None:
        await self.tab.fill("input", question)
        await self.tab.click("button[type=submit]")
        await expect(self.tab.locator("section")).to_have_attribute("data-busy", "false")

    async def entries(self) -> list[str]:
        return await self.tab.locator(".entries p").all_text_contents()

    async def sources(self) -> list[tuple[str, str]]:
        links = await self.tab.evaluate("() => [...document.querySelectorAll('.entries a')].map((link) => [link.textContent, link.href])")
        return [(title, url) for title, url in links]

    async def statuses(self) -> list[str]:
        return await self.tab.locator(".statuses li").all_text_contents()


Visit = Callable[[Widget], Awaitable[Any]]


@pytest.fixture
def on_page(server: Library, chromium: Chromium, pages: Pages, sites: None) -> Callable[[Visit], Any]:
    def run(visit: Visit) -> Any:
        async def open_page(tab: Tab) -> Any:
            await tab.goto(pages.origin)
            return await visit(Widget(tab, server))

        seen = chromium.visit(open_page)
        assert chromium.errors == []
        return seen

    return run


@pytest.mark.parametrize("subject", BOTS, ids=name)
@pytest.mark.parametrize("language", ["en", "zh", "vi"])
def test_ask(on_page: Callable[[Visit], Any], subject: Subject, language: str) -> None:
    async def visit(widget: Widget) -> Any:
        await widget.mount("site-antiphon", f"ask-{language}-{name(subject)}", language)
        await widget.ask(subject.question)
        return await widget.entries(), await widget.sources(), await widget.statuses()

    entries, sources, statuses = on_page(visit)
    assert entries[0] == subject.question
    subject.check(entries[1])
    assert sources
    assert all(url.startswith("http") for _, url in sources)
    assert len(statuses) == 2
    if language == "en":
        assert statuses[0] == "Searching for relevant information..."
        assert re.fullmatch(r"Found \d+ relevant sources\. Generating answer\.\.\.", statuses[1])


@pytest.mark.parametrize(("model", "says"), [("m", TEXT), ("polyglot", POLYGLOT), ("burst", BURST)])
def test_ask_a_model(on_page: Callable[[Visit], Any], model: str, says: str) -> None:
    """What a model says arrives whole, if only the documents have something about the question."""

    async def visit(widget: Widget) -> Any:
        await widget.mount(f"site-{model}", f"model-{model}")
        await widget.ask(BOTS[0].question)
        return await widget.entries()

    _, answer = on_page(visit)
    assert answer == says


def test_history_and_clearing(on_page: Callable[[Visit], Any]) -> None:
    first, second = BOTS

    async def visit(widget: Widget) -> Any:
        await widget.mount("site-antiphon", "history-1")
        await widget.ask(first.question)
        await widget.ask(second.question)
        before, sources = await widget.entries(), await widget.sources()
        await widget.mount("site-antiphon", "history-1")
        after, kept = await widget.entries(), await widget.sources()
        roles = await widget.tab.evaluate("() => [...document.querySelectorAll('.entries li')].map((entry) => entry.dataset.role)")
        await widget.mount("site-antiphon", "history-2")
        other = await widget.entries()
        await widget.mount("site-antiphon", "history-1")
        async with widget.tab.expect_response(lambda response: response.request.method == "DELETE"):
            await widget.tab.click("text=Clear")
        await expect(widget.tab.locator(".entries li")).to_have_count(0)
        await widget.mount("site-antiphon", "history-1")
        return before, after, sources, kept, roles, other, await widget.entries()

    before, after, sources, kept, roles, other, cleared = on_page(visit)
    assert len(before) == 4
    assert after == before
    assert kept == sources
    assert roles == ["user", "assistant", "user", "assistant"]
    assert other == []
    assert cleared == []


def test_nothing_found(on_page: Callable[[Visit], Any]) -> None:
    async def visit(widget: Widget) -> Any:
        await widget.mount("site-antiphon", "nothing")
        await widget.ask("Which bus goes to the airport on New Year's Eve?")
        return await widget.entries()

    assert on_page(visit)[1] == "Error: No relevant information found for this question."


def test_a_failure_in_mid_stream(on_page: Callable[[Visit], Any]) -> None:
    async def visit(widget: Widget) -> Any:
        await widget.mount("site-error-event", "failure")
        await widget.ask(BOTS[0].question)
        return await widget.entries()

    assert on_page(visit)[1].startswith("Error: ")


def test_a_page_that_may_not(server: Library, chromium: Chromium, pages: Pages) -> None:
    """The browser keeps the answer from a page whose origin the site does not name."""
    server.open("elsewhere", bot="antiphon", origins=("https://docs.example.org",))

    async def visit(tab: Tab) -> Any:
        await tab.goto(pages.origin)
        widget = Widget(tab, server)
        await widget.mount("elsewhere")
        await widget.ask(BOTS[0].question)
        return await widget.entries()

    assert chromium.visit(visit)[1].startswith("Error: ")
    body = {"tokenSlug": "elsewhere", "question": "x"}
    assert post(f"{server.url}/api/chat/stream", body, "-H", f"Origin: {pages.origin}").status == 403


def test_too_many(server: Library, pages: Pages) -> None:
    server.open("narrow", bot="antiphon", origins=(pages.origin,), per_minute=5)
    body = {"tokenSlug": "narrow", "question": BOTS[0].question, "language": "en", "sessionId": "many"}
    pages_seen = [post(f"{server.url}/api/chat/stream", body, "-H", f"Origin: {pages.origin}") for _ in range(6)]
    assert [page.status for page in pages_seen] == [200] * 5 + [429]
    assert int(pages_seen[-1].headers["retry-after"]) > 0
    assert pages_seen[-1].headers["access-control-allow-origin"] == pages.origin


def test_unknown_sessions_are_empty(server: Library, sites: None) -> None:
    page = curl(f"{server.url}/api/chat-history/nobody?tokenSlug=site-antiphon")
    assert (page.status, page.json) == (200, {"messages": []})
