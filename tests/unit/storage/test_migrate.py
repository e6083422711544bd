from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from antiphon.core.errors import OurError
from antiphon.storage import migrate
from antiphon.storage.database import Database
from tests.support.database import new_database


def execute(path: Path, statement: str, *values: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, values)


def schema(path: Path) -> set[tuple[str, str, str]]:
    """Everything that was created, apart from the migration tool's own table."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master WHERE tbl_name <> 'alembic_version'").fetchall()
    return {(kind, name, " ".join(sql.split())) for kind, name, sql in rows}


def test_an_empty_directory_gets_the_whole_schema(tmp_path: Path) -> None:
    assert migrate.upgrade(tmp_path / "antiphon.db") is True
    (tmp_path / "declared").mkdir()
    new_database(tmp_path / "declared").close()
    assert schema(tmp_path / "antiphon.db") == schema(tmp_path / "declared" / "antiphon.db")


def test_the_migrated_schema_is_the_declared_one(tmp_path: Path) -> None:
    path = tmp_path / "antiphon.db"
    migrate.upgrade(path)
    declared = migrate.whole_metadata()
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_name": lambda name, kind, _: kind != "table" or name in declared.tables}
        )
        assert compare_metadata(context, declared) == []
        assert {"users", "grants", "settings", "conversations", "documents"} <= set(sa.inspect(connection).get_table_names())
    engine.dispose()


def test_the_second_time_there_is_nothing_to_do(tmp_path: Path) -> None:
    path = tmp_path / "antiphon.db"
    migrate.upgrade(path)
    before = schema(path)
    assert migrate.upgrade(path) is False
    assert schema(path) == before


def test_the_head_is_the_scripts_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.SCRIPTS))
    assert ScriptDirectory.from_config(config).get_heads() == [migrate.HEAD]


def test_a_usual_start_does_not_load_the_migration_tool(tmp_path: Path) -> None:
    path = tmp_path / "antiphon.db"
    migrate.upgrade(path)
    program = (
        "import sys; from pathlib import Path; from antiphon.storage.migrate import upgrade; "
        "changed = upgrade(Path(sys.argv[1])); sys.exit(2 if changed or 'alembic' in sys.modules else 0)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(path)], check=False).returncode == 0


@pytest.mark.parametrize("revision", ["9999", "0001; DROP TABLE users"])
def test_a_newer_database_is_left_alone(tmp_path: Path, revision: str) -> None:
    path = tmp_path / "antiphon.db"
    migrate.upgrade(path)
    execute(path, "UPDATE alembic_version SET version_num = ?", revision)
    before = schema(path)
    with pytest.raises(OurError, match="newer version") as refused:
        migrate.upgrade(path)
    assert refused.value.code == "schema_too_new"
    assert schema(path) == before


@pytest.mark.parametrize("obstacle", ["CREATE VIEW runs AS SELECT 1", "CREATE TABLE ix_runs_subject (x)"])
def test_a_step_that_fails_leaves_nothing_behind(tmp_path: Path, obstacle: str) -> None:
    path = tmp_path / "antiphon.db"
    execute(path, obstacle)
    before = schema(path)
    with pytest.raises(sa.exc.OperationalError, match="runs"):
        migrate.upgrade(path)
    assert schema(path) == before


def test_rows_survive_reopening(tmp_path: Path) -> None:
    path = tmp_path / "antiphon.db"
    migrate.upgrade(path)
    execute(path, "INSERT INTO settings VALUES ('a', '1', 0)")
    migrate.upgrade(path)
    database = Database(path)
    try:
        assert database.read_now(lambda connection: connection.exec_driver_sql("SELECT count(*) FROM settings").scalar()) == 1
    finally:
        database.close()


def test_a_damaged_file_is_said_in_words(tmp_path: Path) -> None:
    path = tmp_path / "antiphon.db"
    path.write_bytes(b"this is no database" * 1000)
    with pytest.raises(OurError, match="damaged"):
        migrate.upgrade(path)
