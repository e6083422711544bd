"""The fifth document: a React hook and its widget, compiled and mounted on another site's page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page as Tab
from playwright.async_api import expect

from tests.clients.curl import post
from tests.clients.library import Library
from tests.clients.printed.documents import Document, objects, replaced
from tests.clients.subjects import BOTS, PLAIN, Subject, name
from tests.support import node
from tests.support.browser import Chromium
from tests.support.pages import Pages

ENTRY = """
import React from "react";
import { createRoot } from "react-dom/client";
import { useChatStream } from "./hooks/useChatStream";
import { ChatWidget } from "./components/ChatWidget";

function Session({ tokenSlug, apiUrl, sessionId }) {
  const { messages, isStreaming, sendMessage, clearMessages } = useChatStream(tokenSlug, apiUrl, sessionId);
  window.session = { messages, isStreaming, sendMessage, clearMessages };
  return null;
}

let root = null;
const place = (element) => {
  root?.unmount();
  root = createRoot(document.getElementById("place"));
  root.render(element);
};
window.mountWidget = (given) => place(<ChatWidget {...given} />);
window.mountSession = (given) => place(<Session {...given} />);
"""


@pytest.fixture(scope="module")
def pages(seeds: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """The printed files in the folders that they name; the hook gets its import, and its last function is hoisted as it must be."""
    document = Document(seeds, "004")
    folder = tmp_path_factory.mktemp("printed")
    hook = replaced(
        document.block("export const useChatStream"),
        ("import { useState, useCallback } from 'react'", "import { useState, useCallback, useEffect } from 'react'"),
        ("const generateSessionId = () => {", "function generateSessionId() {"),
    )
    for path, text in (
        ("hooks/useChatStream.ts", hook),
        ("components/ChatWidget.tsx", document.block("export const ChatWidget")),
        ("entry.tsx", ENTRY),
    ):
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    with Pages(node.bundle(folder / "entry.tsx", folder / "bundle.js")) as pages:
        yield pages


@pytest.fixture(scope="module")
def site(server: Library, pages: Pages) -> str:
    server.open("printed", bot="antiphon", origins=(pages.origin,))
    return "printed"


@pytest.mark.parametrize("subject", BOTS, ids=name)
def test_widget(server: Library, chromium: Chromium, pages: Pages, site: str, subject: Subject) -> None:
    async def visit(tab: Tab) -> Any:
        await tab.goto(pages.origin)
        await tab.evaluate("given => window.mountWidget(given)", {"tokenSlug": site, "apiUrl": server.url})
        await tab.wait_for_load_state("networkidle")
        await tab.fill("input[type=text]", subject.question)
        await tab.click("button[type=submit]")
        await expect(tab.locator(".citation-link").first).to_be_visible()
        await expect(tab.locator("button[type=submit]")).to_have_text("Send")
        await expect(tab.locator(".streaming")).to_have_count(0)
        texts = await tab.locator(".message-content").all_text_contents()
        links = await tab.evaluate("() => [...document.querySelectorAll('.citation-link')].map((link) => [link.textContent, link.href])")
        await tab.click("text=Clear")
        await expect(tab.locator(".message")).to_have_count(0)
        return texts, links

    (asked, answer), links = chromium.visit(visit)
    assert asked == subject.question
    subject.check(answer)
    assert all(title and url.startswith("http") for title, url in links)
    assert "Status: Searching for relevant information..." in chromium.console
    assert chromium.errors == []


def test_nothing_found(server: Library, chromium: Chromium, pages: Pages, site: str) -> None:
    async def visit(tab: Tab) -> Any:
        await tab.goto(pages.origin)
        await tab.evaluate("given => window.mountWidget(given)", {"tokenSlug": site, "apiUrl": server.url})
        await tab.fill("input[type=text]", "Which bus goes to the airport on New Year's Eve?")
        await tab.click("button[type=submit]")
        await expect(tab.locator(".message-content").last).to_contain_text("Error: ")
        await expect(tab.locator("button[type=submit]")).to_have_text("Send")
        return await tab.locator(".message-content").last.text_content()

    assert chromium.visit(visit) == "Error: No relevant information found for this question."


def test_session(server: Library, chromium: Chromium, pages: Pages, site: str) -> None:
    """A session is there again for whoever mounts it again, until it is cleared."""
    subject = BOTS[1]
    given = {"tokenSlug": site, "apiUrl": server.url, "sessionId": "session_1"}

    async def mounted(tab: Tab) -> Any:
        async with tab.expect_response(lambda response: "chat-history" in response.url) as response:
            await tab.evaluate("given => window.mountSession(given)", given)
        held = await (await response.value).json()
        await tab.wait_for_function("count => window.session.messages.length === count", arg=len(held["messages"]))
        return await tab.evaluate("() => window.session.messages")

    async def visit(tab: Tab) -> Any:
        await tab.goto(pages.origin)
        assert await mounted(tab) == []
        await tab.evaluate("question => window.session.sendMessage(question)", subject.question)
        await tab.wait_for_function("() => !window.session.isStreaming")
        lived = await tab.evaluate("() => window.session.messages")
        kept = await mounted(tab)
        await tab.evaluate("() => window.session.clearMessages()")
        return lived, kept, await mounted(tab)

    lived, kept, cleared = chromium.visit(visit)
    assert [message["content"] for message in kept] == [message["content"] for message in lived]
    assert kept[1]["citations"] == lived[1]["citations"]
    assert [message["role"] for message in kept] == ["user", "assistant"]
    assert all(message["id"] and message["timestamp"] for message in kept)
    assert cleared == []


@pytest.mark.parametrize("mark", ["temperature: 0.7", "max_tokens: 1000"])
def test_defaults(server: Library, seeds: Path, mark: str) -> None:
    """The printed parameters of a model are what a site's model is asked with."""
    assert mark in Document(seeds, "004").text
    server.open("defaults", bot="m")
    page = post(f"{server.url}/api/chat/stream", {"tokenSlug": "defaults", "question": BOTS[0].question})
    PLAIN.check("".join(value["data"] for value in objects(page.body) if value["type"] == "content"))
    field, _, value = mark.partition(": ")
    assert server.upstream.chats[-1].json[field] == json.loads(value)
