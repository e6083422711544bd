"""A fresh database with two collections."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from antiphon.permissions import grants
from antiphon.storage.database import Database
from antiphon.storage.migrate import upgrade
from antiphon.storage.tables.documents import collections


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "antiphon.db"
    upgrade(path)
    database = Database(path)
    for number, name in enumerate(("docs", "secret"), 1):
        database.write_now(_add, name, number)
    yield database
    database.close()


def _add(connection: sa.Connection, name: str, number: int) -> None:
    connection.execute(collections.insert().values(id=f"col_{name}", number=number, name=name, settings={}, created_at=1, updated_at=1))
    grants.establish(connection, "collection", f"col_{name}", None, "private")
