"""Backup, restore, doctor, and who holds a data directory."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal
from tests.support.server import Server


def test_a_backup_of_a_running_server_put_back_elsewhere(live: Terminal, tmp_path: Path, papers: Path) -> None:
    live.good("ingest", str(papers), "--collection", "kept")
    live.good("user", "add", "keeper", "--password", "correct horse battery")
    file = tmp_path / "backup.antiphon"
    assert f"Wrote {file}" in live.good("backup", str(file))
    assert file.stat().st_mode & 0o077 == 0
    other = Terminal(tmp_path / "other")
    assert f"Restored {file}" in other.good("restore", str(file))
    assert "keeper" in other.good("user", "list")
    assert "kept" in other.good("collections", "list")
    assert "behind the stove" in other.good("ask", "Where does the cellar key hang?")
    other.good("collections", "delete", "kept", "--yes")
    assert "What was there before is in" in other.good("restore", str(file))
    assert "kept" in other.good("collections", "list")


def test_what_cannot_be_restored(live: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "backup.antiphon"
    live.good("backup", str(file))
    assert "Stop it first" in live.bad("restore", str(file))
    file.write_bytes(file.read_bytes()[:-100])
    quiet = Terminal(tmp_path / "quiet")
    assert "not a backup" in quiet.bad("restore", str(file))
    file.write_bytes(b"nothing of the kind")
    assert "not a backup" in quiet.bad("restore", str(file))
    assert quiet.run("restore", str(tmp_path / "none")).code == 2


def test_the_doctor(live: Terminal, tmp_path: Path, papers: Path) -> None:
    live.good("ingest", str(papers))
    assert "All is well." in live.good("doctor")
    quiet = Terminal(tmp_path / "data")
    ill = quiet.run("doctor")
    assert (ill.code, "no documents yet" in ill.out) == (1, True)
    quiet.good("ingest", str(papers))
    assert "All is well." in quiet.good("doctor")
    quiet.data.chmod(0o755)
    open_to_all = quiet.run("doctor")
    assert (open_to_all.code, "chmod 700" in open_to_all.out) == (1, True)
    quiet.data.chmod(0o700)
    unknown = quiet.run("doctor", ANTIPHON_NONSENSE="1")
    assert (unknown.code, "ANTIPHON_NONSENSE" in unknown.out) == (1, True)


def test_the_doctor_finds_a_damaged_database(tmp_path: Path, papers: Path) -> None:
    terminal = Terminal(tmp_path / "data")
    terminal.good("ingest", str(papers))
    database = terminal.data / "antiphon.db"
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    data = bytearray(database.read_bytes())
    data[8192:-8192] = os.urandom(len(data) - 16384)
    database.write_bytes(data)
    done = terminal.run("doctor")
    assert (done.code, "damaged" in done.out, "restore" in done.out) == (1, True, True)
    assert "Traceback" not in done.err


def test_a_directory_that_somebody_else_holds(tmp_path: Path) -> None:
    """Somebody who is no server, or none that can be reached yet."""
    terminal = Terminal(tmp_path / "data")
    terminal.good("user", "list")
    holder = os.open(terminal.data / "lock", os.O_RDWR)
    fcntl.flock(holder, fcntl.LOCK_EX)
    for verb in (("user", "list"), ("ask", "Hello"), ("serve", "--port", "0")):
        assert f"Another Antiphon uses {terminal.data}" in terminal.bad(*verb)
    os.close(holder)
    assert "No users yet" in terminal.good("user", "list")


def test_a_server_that_died_is_not_looked_for(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "data")
    terminal.good("user", "list")
    left = {"url": "http://127.0.0.1:9", "token": "local-x", "pid": 1}
    (terminal.data / "server.json").write_text(json.dumps(left), encoding="utf-8")
    assert "No users yet" in terminal.good("user", "list")


def test_only_the_owner_reads_the_local_token(server: Server) -> None:
    for name in ("server.json", "key"):
        assert (server.data / name).stat().st_mode & 0o777 == 0o600
    assert server.data.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("port", ["taken", "--host"])
def test_an_address_that_cannot_be_had(server: Server, tmp_path: Path, port: str) -> None:
    options = ("--port", str(server.port)) if port == "taken" else ("--host", "192.0.2.1")
    assert "Cannot listen on" in Terminal(tmp_path / "data").bad("serve", *options)
