"""A headless Chromium, driven from plain test functions.

    async def visit(page):
        await page.goto(...)
        return await page.evaluate(...)

    seen = browser.visit(visit)         # in a context of its own, with nothing left of earlier visits

The browser is the system's own (Debian: `apt-get install chromium`).
"""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from typing import TypeVar

from playwright.async_api import Browser, Page, async_playwright

from tests.support.background import Background

T = TypeVar("T")
NAMES = ("chromium", "chromium-browser", "google-chrome")


def executable() -> str:
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    assert found is not None, "these tests need Chromium: apt-get install chromium"
    return found


class Chromium:
    """console: what pages wrote to their consoles during the last visit. errors: what no page caught during it."""

    def __init__(self, background: Background) -> None:
        self._background = background
        self.console: list[str] = []
        self.errors: list[str] = []
        background.run(self._start())

    async def _start(self) -> None:
        self._driver = await async_playwright().start()
        self._browser: Browser = await self._driver.chromium.launch(executable_path=executable(), args=["--no-sandbox"])

    def close(self) -> None:
        self._background.run(self._stop())

    async def _stop(self) -> None:
        await self._browser.close()
        await self._driver.stop()

    def visit(self, visit: Callable[[Page], Awaitable[T]]) -> T:
        """The result of `visit` with a fresh page."""
        return self._background.run(self._visit(visit))

    def _note(self, text: str) -> None:
        if not text.startswith("Failed to load resource"):  # the browser's own remark, on a missing icon for example
            self.console.append(text)

    async def _visit(self, visit: Callable[[Page], Awaitable[T]]) -> T:
        self.console, self.errors = [], []
        context = await self._browser.new_context()
        context.set_default_timeout(20_000)
        try:
            page = await context.new_page()
            page.on("console", lambda message: self._note(message.text))
            page.on("pageerror", lambda error: self.errors.append(str(error)))
            return await visit(page)
        finally:
            await context.close()
