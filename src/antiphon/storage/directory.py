"""The data directory: where everything lies, who holds it, and how a live server is found.

    antiphon.db (-wal, -shm)   the database          key            the one key everything is sealed and signed with (0600)
    spool/                     uploads being read    server.json    address and local token of the live server (0600)
    models/                    converted weights     lock           held by the one process that may write here

Rules: one writer of a data directory. The lock is the operating system's (flock), so it ends with the process, however that ends;
server.json may outlive it and is only believed while the lock is held.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

import msgspec

from antiphon.core.errors import Conflict

_LOCK: Final = "lock"


class LiveServer(msgspec.Struct, frozen=True):
    """How a command reaches the server that holds the directory. url: `http://127.0.0.1:8000` plus the root path."""

    url: str
    token: str
    pid: int


class DataDirectory:
    """Makes the directory (0700) if it is missing. `lock` before writing, `release` at the end."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock: int | None = None

    @property
    def database(self) -> Path:
        return self.path / "antiphon.db"

    @property
    def key(self) -> Path:
        return self.path / "key"

    @property
    def spool(self) -> Path:
        return self.path / "spool"

    @property
    def models(self) -> Path:
        return self.path / "models"

    def lock(self) -> None:
        """Become the one process that writes here. Raises Conflict when another one is."""
        descriptor = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise Conflict(f"Another Antiphon uses {self.path}. Stop it first, or choose another directory with --data.") from None
        self._lock = descriptor

    def release(self) -> None:
        """Give the directory up; safe to call twice."""
        if self._lock is not None:
            (self.path / "server.json").unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    def announce(self, live: LiveServer) -> None:
        """Tell other commands where the server is. Needs the lock."""
        target = self.path / "server.json"
        draft = self.path / "server.json.new"
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(live))
        draft.replace(target)

    def live_server(self) -> LiveServer | None:
        """The server that holds this directory now; None when nobody does, or whoever does has not announced itself."""
        if not self._held():
            return None
        try:
            return msgspec.json.decode((self.path / "server.json").read_bytes(), type=LiveServer)
        except (OSError, msgspec.DecodeError):
            return None

    def _held(self) -> bool:
        try:
            descriptor = os.open(self.path / _LOCK, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        else:
            return False
        finally:
            os.close(descriptor)
