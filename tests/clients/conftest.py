"""What the clients share for a whole session: the server they visit, the upstream behind it, a browser.

The clients that documents print are collected only when a directory of such documents is given.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.answers import MODELS
from tests.clients.library import Library
from tests.support.background import Background
from tests.support.browser import Chromium
from tests.support.upstream import FakeUpstream


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if collection_path.name == "printed" and config.getoption("--seeds") is None:
        return True
    return None


@pytest.fixture(scope="session")
def background() -> Iterator[Background]:
    with Background() as background:
        yield background


@pytest.fixture(scope="session")
def upstream(background: Background) -> Iterator[FakeUpstream]:
    async def make() -> FakeUpstream:
        return await FakeUpstream(models=MODELS).__aenter__()

    upstream = background.run(make())
    yield upstream
    background.run(upstream.stop())


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, upstream: FakeUpstream) -> Iterator[Library]:
    with Library(tmp_path_factory.mktemp("library") / "data", upstream) as server:
        server.furnish()
        yield server


@pytest.fixture(scope="session")
def chromium(background: Background) -> Iterator[Chromium]:
    chromium = Chromium(background)
    yield chromium
    chromium.close()
