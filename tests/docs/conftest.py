"""A model server for the pages that add one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.background import Background
from tests.support.upstream import FakeUpstream


@pytest.fixture(scope="session")
def background() -> Iterator[Background]:
    with Background() as background:
        yield background


@pytest.fixture(scope="session")
def upstream(background: Background) -> Iterator[FakeUpstream]:
    async def make() -> FakeUpstream:
        return await FakeUpstream().__aenter__()

    upstream = background.run(make())
    yield upstream
    background.run(upstream.stop())
