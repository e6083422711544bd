"""A fresh database, and a cipher that is none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from antiphon.core.errors import OurError
from antiphon.models.servers import Cipher
from antiphon.providers.transport import Transport
from antiphon.storage.database import Database
from antiphon.storage.migrate import upgrade
from tests.support.upstream import FakeUpstream


class Backwards:
    """Seals a text by reversing it; shows at a glance what was stored and to what it was bound."""

    def seal(self, secret: str, context: str) -> str:
        return f"{context}|{secret[::-1]}"

    def open(self, sealed: str, context: str) -> str:
        bound, _, reversed_secret = sealed.partition("|")
        if bound != context:
            raise OurError("unreadable")
        return reversed_secret[::-1]


@pytest.fixture
def box() -> Cipher:
    return Backwards()


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "antiphon.db"
    upgrade(path)
    database = Database(path)
    yield database
    database.close()


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    client = Transport()
    yield client
    await client.close()
