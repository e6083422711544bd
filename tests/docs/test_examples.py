"""What the pages tell readers to type is typed here, page by page, against a real server; only ports are changed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import Page

from antiphon.settings.layers import Settings
from tests.docs.markdown import DOCS, blocks, pages
from tests.house.tree import ROOT, named
from tests.support.background import Background
from tests.support.browser import Chromium
from tests.support.pages import Pages
from tests.support.server import ANTIPHON, Server
from tests.support.upstream import FakeUpstream

README = ROOT / "README.md"
ADDRESS, MODEL_SERVER = "127.0.0.1:8000", "127.0.0.1:11434"
QUESTION = "Can I bring my child to the workshop?"
# A status of failure is a failure of the command.
SHELL = 'set -euo pipefail\ncurl() { command curl --silent --show-error --fail-with-body --max-time 60 "$@"; }\n'


def runnable(path: Path) -> str:
    return "\n".join(block.text for block in blocks(path, "sh") if block.reason is None)


def type_in(server: Server, folder: Path, script: str, **environment: str) -> str:
    """What the commands print when they are typed in `folder`, one after the other, in one shell."""
    paths = {"PATH": f"{ANTIPHON.parent}:{os.environ['PATH']}", "ANTIPHON_OLLAMA_URL": "", "LC_ALL": "C.UTF-8"}
    script = SHELL + script.replace(ADDRESS, f"127.0.0.1:{server.port}")
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=paths | environment, capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A place like a clone: the demonstration corpus is in it, and the data directory comes into it."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "corpus").symlink_to(ROOT / "tests" / "corpus")
    return tmp_path


def test_commands_of_the_readme(folder: Path) -> None:
    with Server(folder / "antiphon-data") as server:
        printed = type_in(server, folder, runnable(README))
    assert "20 documents taken in" in printed
    assert printed.count("[DONE]") == 1
    assert printed.count("event: close") == 1
    assert '"event":"done"' in printed
    assert '{"type":"done"}' in printed
    assert '"object":"list"' in printed
    assert printed.count("childrens-evenings") >= 5, "every dialect names the source"


OTHERS = [path for path in pages() if path != README and runnable(path)]


@pytest.mark.parametrize("path", OTHERS, ids=named)
def test_commands_of_the_pages(path: Path, folder: Path, upstream: FakeUpstream) -> None:
    """They may count on documents in the collection `docs`, and on an administrator's key."""
    script = runnable(path).replace(MODEL_SERVER, f"127.0.0.1:{upstream.port}")
    with Server(folder / "antiphon-data") as server:
        server.cli("ingest", str(ROOT / "tests" / "corpus" / "en"), str(ROOT / "tests" / "corpus" / "zh"), "--collection", "docs")
        server.cli("collections", "set", "docs", "--public")
        server.cli("user", "add", "anna", "--admin", "--password", "-", typed="a long password")
        type_in(server, folder, script, KEY=server.cli("keys", "create", "--user", "anna").strip())


def test_the_readmes_widget_answers_in_a_browser(folder: Path, background: Background) -> None:
    (snippet,) = blocks(README, "html")
    chromium = Chromium(background)
    try:
        with Server(folder / "antiphon-data") as server, Pages(html=snippet.text.replace(ADDRESS, f"127.0.0.1:{server.port}")) as site:
            server.cli("ingest", str(ROOT / "tests" / "corpus" / "en"), "--collection", "docs")
            server.cli("collections", "set", "docs", "--public", "--origin", site.origin)

            async def visit(page: Page) -> str:
                await page.goto(site.origin)
                await page.fill("input", QUESTION)
                await page.press("input", "Enter")
                await page.wait_for_selector("#answer a")
                return await page.inner_text("#answer")

            shown = chromium.visit(visit)
    finally:
        chromium.close()
    assert "between seven and twelve" in shown
    assert "[1] Evenings for children" in shown
    assert chromium.errors == []


@pytest.mark.parametrize("language", ["yaml", "toml"])
def test_configuration_files_shown_are_understood(language: str, tmp_path: Path) -> None:
    (block,) = blocks(DOCS / "operation.md", language)
    file = tmp_path / f"antiphon.{language}"
    file.write_text(block.text, encoding="utf-8")
    values = Settings({}, {}, file).values
    assert values.server.public_url == "https://chat.example.org"
    assert values.retrieval.top_k == 6


def test_json_shown_is_json() -> None:
    for path in pages():
        for block in blocks(path, "json"):
            msgspec.json.decode(block.text)
