"""What the tests read of a Markdown page: its fenced blocks, headings and links.

A block in `sh` is run by the tests, as it stands, in the order of the page; `<!-- not run: REASON -->` on the line before one says why not.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from tests.house.tree import ROOT

DOCS = ROOT / "docs"
_FENCE = re.compile(r"(?:^<!-- not run: (?P<reason>[^\n]+) -->\n)?^```(?P<language>[a-z]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


class Block(NamedTuple):
    """reason: why it is not run, None when it is. line: where it begins, from 1."""

    language: str
    text: str
    reason: str | None
    line: int


def pages() -> list[Path]:
    """Every page for readers: the README, and docs/ but for what is generated."""
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def blocks(path: Path, language: str) -> list[Block]:
    text = path.read_text(encoding="utf-8")
    found = [Block(m["language"], m["text"], m["reason"], text.count("\n", 0, m.start()) + 1) for m in _FENCE.finditer(text)]
    return [block for block in found if block.language == language]


def prose(path: Path) -> str:
    """The page without its blocks."""
    return _FENCE.sub("", path.read_text(encoding="utf-8"))


def headings(path: Path) -> list[str]:
    return re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)


def anchors(path: Path) -> set[str]:
    """Headings as links name them: lower case, spaces as hyphens, without other signs."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings(path)}


def links(path: Path) -> list[str]:
    """Targets of links within the repository."""
    return [target for target in _LINK.findall(prose(path)) if not re.match(r"[a-z]+:", target)]
