"""Where documents come from on disk: folders to walk, files to open, and the spool in which uploads wait for their job.

Rules: nothing is read outside the folder that was named (links that lead out are reported, not followed). Hidden files are passed over,
files of unknown kinds reported by name. Files in the spool have names of our own making; a sender's name never becomes a path.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec

from antiphon.core.errors import BadRequest
from antiphon.retrieval.extract.document import Unreadable
from antiphon.retrieval.extract.kinds import known, suffix_of
from antiphon.retrieval.reading.pool import MAX_DOCUMENT
from antiphon.storage.ids import new_id

_URL_JOINTS: Final = ("/", "=", "#", "?", "&")


class Found(msgspec.Struct, frozen=True):
    """A file to ingest. source: `<folder>/<path within>`, its name in the collection. stamp: changes when the file does."""

    path: str
    source: str
    url: str | None
    stamp: tuple[int, int]


class Skipped(msgspec.Struct, frozen=True):
    """A file that was passed over, and why."""

    source: str
    reason: str


def scan(root: Path, *, url_prefix: str | None = None, name: str | None = None) -> Iterator[Found | Skipped]:
    """Every file under `root`, or `root` itself if it is one, in order of name. Raises BadRequest when there is no such path.

    name: stands for the folder in sources, by default its own. url_prefix: put before the path within the folder to make the URL.
    """
    top = root.resolve()
    if top.is_file():
        yield _found(top, top.name if name is None else name, url_of(url_prefix, top.name))
    elif top.is_dir():
        for path in _walk(top):
            yield _judged(top, path, name or top.name, url_prefix)
    else:
        raise BadRequest(f"There is no file or folder {root}.", code="path_not_found")


def _walk(top: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(top):
        folders[:] = sorted(inner for inner in folders if not inner.startswith("."))
        for file in sorted(files):
            if not file.startswith("."):
                yield Path(folder) / file


def _judged(top: Path, path: Path, name: str, url_prefix: str | None) -> Found | Skipped:
    within = path.relative_to(top).as_posix()
    source = f"{name}/{within}" if name else within
    if _unspeakable(within):
        return Skipped(source.encode("utf-8", "replace").decode(), "its name is not valid text")
    if not known(path.name):
        return Skipped(source, f"files of this kind ({suffix_of(path.name) or 'no suffix'}) cannot be read")
    try:
        real = path.resolve(strict=True)
        if not real.is_relative_to(top):
            return Skipped(source, "it links to a place outside the folder")
        if not stat.S_ISREG(real.stat().st_mode):
            return Skipped(source, "it is not a regular file")
        return _found(real, source, url_of(url_prefix, within))
    except (OSError, RuntimeError):
        return Skipped(source, "it cannot be opened")


def _found(path: Path, source: str, url: str | None) -> Found:
    status = path.stat()
    return Found(str(path), source, url, (status.st_mtime_ns, status.st_size))


def _unspeakable(name: str) -> bool:
    """File names are bytes; those that are no UTF-8 cannot be stored or shown."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return True
    return False


def url_of(prefix: str | None, within: str) -> str | None:
    """`https://host/docs` + `a b.md` -> `https://host/docs/a%20b.md`."""
    if not prefix:
        return None
    return prefix + ("" if prefix.endswith(_URL_JOINTS) else "/") + quote(within)


def read(path: str) -> bytes:
    """The bytes of a regular file. Raises Unreadable; the message does not name the path."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise Unreadable("unsupported", "It is not a regular file.")
            if status.st_size > MAX_DOCUMENT:
                raise Unreadable("too_large", f"The document is larger than {MAX_DOCUMENT // 1024 // 1024} MiB.")
            return file.read()
    except OSError as error:
        raise Unreadable("corrupt", f"The file cannot be opened ({error.strerror}).", detail=str(error)) from error


class Spool:
    """A folder of ours for bytes that no file holds: uploads and fetched pages, until their job has ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, data: bytes) -> str:
        """Write durably; the name to `get` it by."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = new_id("file")
        with open(self._folder / name, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return name

    def get(self, name: str) -> bytes:
        """Raises Unreadable when it is gone."""
        return read(str(self._folder / name))

    def drop(self, name: str) -> None:
        """Safe to call twice."""
        (self._folder / name).unlink(missing_ok=True)

    def sweep(self, kept: frozenset[str], before: float) -> int:
        """Delete files that no job names and that were last written before a time in seconds; how many."""
        if not self._folder.is_dir():
            return 0
        old = [file for file in self._folder.iterdir() if file.name not in kept and file.stat().st_mtime < before]
        for file in old:
            file.unlink(missing_ok=True)
        return len(old)
