"""Looks at an Office file's ZIP before any parser does: size, count and ratio of what is inside, and no document type declarations.

The sizes a ZIP declares bound what Python's zipfile hands out, so the sums below hold for what the parsers can come to see.
Source: ECMA-376 part 2 (packages are ZIP files; XML parts must not hold document type declarations).
"""

from __future__ import annotations

import io
import zipfile
from typing import Final

from antiphon.retrieval.extract.document import Unreadable

MAX_ENTRIES: Final = 10_000
MAX_TOTAL: Final = 512 * 1024 * 1024
MAX_XML: Final = 128 * 1024 * 1024
RATIO: Final = 100
RATIO_FROM: Final = 16 * 1024 * 1024
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_CHUNK: Final = 1 << 20
_DECLARATIONS: Final = tuple(word.encode(codec) for word in ("<!DOCTYPE", "<!ENTITY") for codec in ("utf-8", "utf-16-le", "utf-16-be"))


def check(data: bytes, main: str) -> None:
    """Raises Unreadable unless `data` is a harmless ZIP with the part `main` in it."""
    if data.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise Unreadable("encrypted", "The file is protected by a password. Remove the password and try again.")
        raise Unreadable("unsupported", "The file is in the old binary Office format. Save it as DOCX, PPTX or XLSX and try again.")
    if not data:
        raise Unreadable("empty", "The file is empty.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_entries(archive, main)
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, RuntimeError, zipfile.LargeZipFile) as error:
        raise Unreadable("corrupt", "The file is damaged or not what its name says.", detail=repr(error)) from error


def _check_entries(archive: zipfile.ZipFile, main: str) -> None:
    entries = archive.infolist()
    total = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if len(entries) > MAX_ENTRIES or total > MAX_TOTAL or (total > RATIO_FROM and total > RATIO * max(packed, 1)):
        raise Unreadable("bomb", "The file unpacks to far more than it should, so it was not opened.")
    if any(entry.flag_bits & 1 for entry in entries):
        raise Unreadable("encrypted", "The file is protected by a password. Remove the password and try again.")
    if main not in {entry.filename for entry in entries}:
        raise Unreadable("corrupt", "The file is damaged or not what its name says.", detail=f"no {main}")
    for entry in entries:
        if entry.filename.lower().endswith((".xml", ".rels", ".vml")):
            _check_xml(archive, entry)


def _check_xml(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    if entry.file_size > MAX_XML:
        raise Unreadable("too_large", f"A part of the file holds more than {MAX_XML // 1024 // 1024} MiB of text.")
    tail = b""
    with archive.open(entry) as part:
        while chunk := part.read(_CHUNK):
            window = tail + chunk
            if any(word in window for word in _DECLARATIONS):
                raise Unreadable("corrupt", "The file declares entities of its own, which Office files never do, so it was not opened.")
            tail = window[-32:]
