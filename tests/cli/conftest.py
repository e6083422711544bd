"""Two data directories: one with a server on it, one without. Every verb must do the same on both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal
from tests.support.server import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("live") / "data") as server:
        yield server


@pytest.fixture(scope="session")
def live(server: Server) -> Terminal:
    return Terminal(server.data)


@pytest.fixture(scope="session", params=["a server runs", "no server runs"])
def terminal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    if request.param == "a server runs":
        found: Terminal = request.getfixturevalue("live")
        return found
    return Terminal(tmp_path_factory.mktemp("quiet") / "data")


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    """A folder of two pages that can be read, one that is empty, one of no known kind."""
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "hours.md").write_text("# Opening hours\n\nThe library opens at nine and closes at six.\n", encoding="utf-8")
    (folder / "cellar.md").write_text("# The cellar\n\nThe cellar key hangs behind the stove.\n", encoding="utf-8")
    (folder / "empty.md").write_text("\n", encoding="utf-8")
    (folder / "program.exe").write_bytes(b"MZ")
    return folder
