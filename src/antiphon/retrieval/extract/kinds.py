"""Which kind a document is, by the media type it came with, else by its name's suffix; never by running anything over it.

Content has the last word only where a wrong guess is common and certain: PDF and ZIP open with their own signature.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final

from antiphon.retrieval.extract.document import Kind, Unreadable

SUFFIXES: Final[dict[str, Kind]] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".mdx": "markdown",
    ".txt": "text",
    ".text": "text",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".rst": "rst",
    ".rest": "rst",
    ".pdf": "pdf",
    ".docx": "docx",
    ".pptx": "pptx",
    ".xlsx": "xlsx",
    ".csv": "csv",
    ".tsv": "csv",
}
MEDIA_TYPES: Final[dict[str, Kind]] = {
    "text/markdown": "markdown",
    "text/x-markdown": "markdown",
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/x-rst": "rst",
    "text/prs.fallenstein.rst": "rst",
    "application/pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/csv": "csv",
    "text/tab-separated-values": "csv",
    "text/plain": "text",
}


def media_type_of(kind: Kind) -> str:
    """The media type by which a kind is stored and shown."""
    return next(name for name, named in MEDIA_TYPES.items() if named == kind)


def suffix_of(name: str) -> str:
    """The lower-case suffix of a path or URL path, with its dot."""
    return PurePosixPath(name.replace("\\", "/").rsplit("/", 1)[-1]).suffix.lower()


def known(name: str) -> bool:
    """Whether the name's suffix is one that can be read."""
    return suffix_of(name) in SUFFIXES


def kind_of(data: bytes, name: str, media_type: str | None) -> Kind:
    """Raises Unreadable `unsupported` for a kind that cannot be read."""
    if data[:1024].lstrip().startswith(b"%PDF-"):
        return "pdf"
    by_name = SUFFIXES.get(suffix_of(name))
    base = (media_type or "").partition(";")[0].strip().lower()
    by_type = MEDIA_TYPES.get(base)
    # Servers label Markdown and reStructuredText as plain text: there the suffix knows more.
    kind = by_name if by_type in (None, "text") and by_name else by_type
    if kind is None:
        shown = suffix_of(name) or base or "no suffix"
        raise Unreadable("unsupported", f"Files of this kind ({shown}) cannot be read. Known: {', '.join(sorted(SUFFIXES))}.")
    return kind


def charset_of(media_type: str | None) -> str | None:
    """The `charset` parameter of a media type, if it has one."""
    for part in (media_type or "").split(";")[1:]:
        key, _, value = part.partition("=")
        if key.strip().lower() == "charset" and value.strip():
            return value.strip().strip("\"'")
    return None


def stem_of(name: str) -> str:
    """A title for a document that has none of its own."""
    last = name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    return PurePosixPath(last).stem.replace("_", " ").strip() or last or "Untitled"
