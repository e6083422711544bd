"""The rows of changed settings. What they mean, and which secrets are sealed, is known to `antiphon.settings` alone."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from antiphon.storage.ids import now_ms
from antiphon.storage.tables.settings import settings


def stored(connection: sa.Connection) -> dict[str, Any]:
    """Every stored setting, name to value."""
    return {name: json.loads(value) for name, value in connection.execute(sa.select(settings.c.name, settings.c.value))}


def store(connection: sa.Connection, name: str, value: Any) -> None:
    connection.execute(settings.delete().where(settings.c.name == name))
    connection.execute(settings.insert().values(name=name, value=json.dumps(value, ensure_ascii=False), changed_at=now_ms()))


def forget(connection: sa.Connection, name: str) -> bool:
    """False when it was not stored."""
    return connection.execute(settings.delete().where(settings.c.name == name)).rowcount > 0
