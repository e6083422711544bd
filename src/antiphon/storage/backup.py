"""A backup is one file: a consistent copy of the database, the key that its secrets are sealed with, and a manifest.

Rules: made while the server runs (SQLite's own backup), written beside its place and moved there whole. Whoever holds a backup holds
the keys, so the file is 0600. Restoring checks everything before the first byte of the data directory is touched, and keeps what was there.
"""

from __future__ import annotations

import io
import os
import sqlite3
import tarfile
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from antiphon.core.errors import BadRequest, Conflict
from antiphon.storage.directory import DataDirectory
from antiphon.storage.ids import now_ms

FORMAT: Final = 1
_MEMBERS: Final = ("manifest.json", "antiphon.db", "key")


class Manifest(msgspec.Struct, frozen=True):
    """format: of the backup file. made_at: milliseconds since the epoch. version: the program's."""

    format: int
    version: str
    made_at: int


def backup(directory: DataDirectory, target: Path, version: str) -> int:
    """Write a backup to `target`, which must not exist. Returns its size in bytes."""
    if target.exists():
        raise Conflict(f"{target} exists already. A backup never overwrites a file.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".antiphon-backup-") as folder:
        copy = Path(folder) / "antiphon.db"
        _copy_database(directory.database, copy)
        draft = Path(folder) / "backup"
        manifest = msgspec.json.encode(Manifest(FORMAT, version, now_ms()))
        with tarfile.open(draft, "x:gz", compresslevel=6) as archive:
            _add_bytes(archive, "manifest.json", manifest)
            archive.add(copy, "antiphon.db", filter=_plain)
            _add_bytes(archive, "key", directory.key.read_bytes())
        draft.chmod(0o600)
        os.link(draft, target)
    return target.stat().st_size


def restore(directory: DataDirectory, source: Path) -> Path | None:
    """Put a backup in place of what the directory holds. Needs the lock. Returns where the earlier database went, if there was one.

    Raises BadRequest for a file that is no backup, or is damaged.
    """
    with tempfile.TemporaryDirectory(dir=directory.path, prefix=".restore-") as folder:
        inside = Path(folder)
        _unpack(source, inside)
        if not is_sound(inside / "antiphon.db"):
            raise BadRequest("The database in this backup is damaged.")
        kept = _set_aside(directory)
        (inside / "key").chmod(0o600)
        (inside / "key").replace(directory.key)
        (inside / "antiphon.db").replace(directory.database)
    return kept


def _copy_database(source: Path, target: Path) -> None:
    reading, writing = sqlite3.connect(source), sqlite3.connect(target)
    try:
        reading.backup(writing, pages=4_096)
    finally:
        writing.close()
        reading.close()


def _add_bytes(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o600
    archive.addfile(info, io.BytesIO(data))


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """Nothing of this machine's users in the file."""
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mode = 0o600
    return info


def _unpack(source: Path, folder: Path) -> None:
    """Takes the known members by name; whatever else an archive holds is left in it."""
    try:
        with tarfile.open(source, "r:gz") as archive:
            for name in _MEMBERS:
                member = archive.extractfile(archive.getmember(name))
                if member is None:
                    raise BadRequest(f"{source} is not a backup of Antiphon.")
                with open(folder / name, "xb") as file:
                    while block := member.read(1 << 20):
                        file.write(block)
        manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    except (OSError, EOFError, KeyError, tarfile.TarError, msgspec.DecodeError):
        raise BadRequest(f"{source} is not a backup of Antiphon, or it is damaged.") from None
    if manifest.format > FORMAT:
        raise BadRequest(f"{source} was made by a newer Antiphon ({manifest.version}).")


def is_sound(path: Path) -> bool:
    """Whether a database file holds together; it may be in use."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))
    except sqlite3.DatabaseError:
        return False
    finally:
        connection.close()


def _set_aside(directory: DataDirectory) -> Path | None:
    if not directory.database.exists():
        return None
    aside = directory.path / f"before-restore-{now_ms()}"
    aside.mkdir(mode=0o700)
    for name in ("antiphon.db", "antiphon.db-wal", "antiphon.db-shm", "key"):
        if (directory.path / name).exists():
            (directory.path / name).replace(aside / name)
    return aside
