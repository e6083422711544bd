"""A database for one test: the whole schema, in a file of its own."""

from __future__ import annotations

from pathlib import Path

from antiphon.storage.database import Database
from antiphon.storage.migrate import whole_metadata


def new_database(directory: Path) -> Database:
    """Made from the tables as declared; that migrations give the same is tested apart. The caller closes it."""
    database = Database(directory / "antiphon.db")
    database.write_now(lambda connection: whole_metadata().create_all(connection))
    return database
