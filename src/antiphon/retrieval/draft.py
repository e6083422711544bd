"""A passage before it is stored: what a child process that reads and cuts a document hands back."""

from __future__ import annotations

import msgspec


class Draft(msgspec.Struct, frozen=True):
    """start, end: character range in the document's text. tokens: as `tokens.join` writes them; length: how many words among them.

    vector: as `dense.pack` writes it, or None without an embedder.
    """

    text: str
    tokens: str
    length: int
    language: str
    heading: tuple[str, ...] = ()
    page: int | None = None
    start: int = 0
    end: int = 0
    vector: bytes | None = None


def indexed_text(title: str, heading: tuple[str, ...], text: str) -> str:
    """What is tokenised and embedded for a passage: where it stands, then what it says."""
    path = [part for part in heading if part != title]
    return "\n".join([title.replace("_", " "), *path, text])
