"""A document's text as HTML that reads well: headings, paragraphs, lists and code of Markdown, anything else line by line. Pure.

Rules: everything is escaped; nothing in a document becomes an element or an address. The quoted range is marked wherever it lies, and the
first mark is what the page opens at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import Final, NamedTuple

_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+")
_HEADING: Final = re.compile(r"#{1,6}[ \t]+")
_ITEM: Final = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+")
_FENCE: Final = re.compile(r"[ \t]*(?:```|~~~)")


class Block(NamedTuple):
    """kind: p, h2, pre or li; start and end count characters of the whole text."""

    kind: str
    start: int
    end: int


def article(text: str, media_type: str, start: int, end: int) -> str:
    """start, end: the range of characters to mark, if it is one."""
    quoted = (start, end) if 0 <= start < end <= len(text) else None
    blocks = markdown_blocks(text) if media_type == "text/markdown" else iter([Block("pre", 0, len(text))])
    parts: list[str] = []
    marked = False
    for block in blocks:
        inner, touched = _marked(text, block, quoted, first=not marked)
        marked = marked or touched
        extra = ' class="item"' if block.kind == "li" else ' class="plain"' if media_type != "text/markdown" else ""
        tag = "p" if block.kind == "li" else "div" if extra == ' class="plain"' else block.kind
        parts.append(f"<{tag}{extra}>{inner}</{tag}>")
    return "".join(parts)


def markdown_blocks(text: str) -> Iterator[Block]:
    """Blocks in order. Fences and empty lines belong to none; lists are one block an item, with its marker."""
    open_block: Block | None = None
    fenced = False
    for line in _LINE.finditer(text):
        kind = _kind(line.group(), fenced)
        if kind == "fence":
            fenced = not fenced
        if kind == "p" and open_block is not None and open_block.kind == "li":
            kind = "li+"
        grows = open_block is not None and (kind == "li+" or (kind == open_block.kind and kind in ("p", "pre")))
        if grows and open_block is not None:
            open_block = open_block._replace(end=line.end())
            continue
        if open_block is not None:
            yield open_block
        skipped = _HEADING.match(line.group()) if kind == "h2" else None
        start = line.start() + (skipped.end() if skipped else 0)
        open_block = Block(kind, start, line.end()) if kind in ("p", "h2", "li", "pre") else None
    if open_block is not None:
        yield open_block


def _kind(line: str, fenced: bool) -> str:
    if _FENCE.match(line):
        return "fence"
    if fenced or line.lstrip().startswith("|"):
        return "pre"
    if not line.strip():
        return "empty"
    if _HEADING.match(line):
        return "h2"
    return "li" if _ITEM.match(line) else "p"


def _marked(text: str, block: Block, quoted: tuple[int, int] | None, *, first: bool) -> tuple[str, bool]:
    """The block's text, and whether any of it is marked."""
    stop = block.start + len(text[block.start : block.end].rstrip())
    start, end = (max(quoted[0], block.start), min(quoted[1], stop)) if quoted else (stop, stop)
    if start >= end:
        return escape(text[block.start : stop]), False
    identifier = ' id="quote"' if first else ""
    return f"{escape(text[block.start : start])}<mark{identifier}>{escape(text[start:end])}</mark>{escape(text[end:stop])}", True
