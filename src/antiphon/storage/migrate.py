"""Brings a database to the schema of this program, before anything else opens it.

The stored revision is read first; the migration tool is loaded only when there is something to do, so that a usual start does not pay
for it. A database written by a newer program is refused: an older one could damage what it does not know.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Final

import sqlalchemy as sa

from antiphon.core.errors import OurError
from antiphon.storage import tables
from antiphon.storage.database import Database
from antiphon.storage.tables.metadata import metadata

HEAD: Final = "0001"
SCRIPTS: Final = Path(__file__).parent / "migrations"


def upgrade(path: Path) -> bool:
    """Create or upgrade the database at `path`; True when it changed. Raises OurError when it is damaged or belongs to a newer program.

    All steps run in one transaction: a failure leaves the database as it was.
    """
    database = Database(path)
    try:
        found = _stored_revision(database)
        if found == HEAD:
            return False
        database.write_now(_run_scripts, found)
        return True
    finally:
        database.close()


def _stored_revision(database: Database) -> str | None:
    try:
        return database.read_now(revision)
    except sa.exc.DatabaseError as error:
        message = "The database is damaged, or is not one of Antiphon's. Restore a backup: antiphon restore FILE."
        raise OurError(message, code="bad_database", detail=str(error)) from None


def revision(connection: sa.Connection) -> str | None:
    """The schema's revision, None for an empty database."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def whole_metadata() -> sa.MetaData:
    """The metadata with every table module loaded."""
    for module in iter_modules(tables.__path__, f"{tables.__name__}."):
        import_module(module.name)
    return metadata


def _run_scripts(connection: sa.Connection, found: str | None) -> None:
    from alembic import command  # lazy: a usual start has nothing to migrate
    from alembic.config import Config  # lazy: see above
    from alembic.script import ScriptDirectory  # lazy: see above

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise OurError(
            f"The data directory was written by a newer version of Antiphon (schema {found}; this program knows {HEAD}). "
            "Upgrade Antiphon, or restore a backup made with this version.",
            code="schema_too_new",
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
