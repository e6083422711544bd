"""Cuts a document into passages: at headings and paragraphs where possible, each small enough to cite and large enough to understand.

A passage's text is exactly `text[start:end]` of the document. Title and heading path are part of what is indexed and embedded, not of what
is shown. Pure and light to import, so that it can run in a child process next to the extractor.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final

from semantic_text_splitter import MarkdownSplitter

from antiphon.retrieval.draft import Draft, indexed_text
from antiphon.retrieval.extract.document import Extracted
from antiphon.retrieval.tokens import join, language_of, tokenize

_WIDE: Final = (400, 700)  # characters of a passage in Chinese; each says more than a letter does
_NARROW: Final = (1000, 1600)
_TINY: Final = 8  # a piece under an eighth of the largest is joined to the one after it
_HEADINGS = re.compile(r"(?:\s*#{1,6}[^\n]*\n)+\s*")
_WORDLIKE = re.compile(r"\w")


def chunk(document: Extracted) -> list[Draft]:
    """Passages of a document in order; none for a text without a letter or digit."""
    return [_draft(document, start, end) for start, end in _cut(document.text)]


def _cut(text: str) -> list[tuple[int, int]]:
    smallest, largest = _WIDE if language_of(text[:20_000]) == "zh" else _NARROW
    pieces = [
        (start, start + len(piece)) for start, piece in MarkdownSplitter((smallest, largest)).chunk_indices(text) if _WORDLIKE.search(piece)
    ]
    joined: list[tuple[int, int]] = []
    for start, end in pieces:
        if joined and joined[-1][1] - joined[-1][0] < largest // _TINY and end - joined[-1][0] <= largest + largest // _TINY:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _draft(document: Extracted, start: int, end: int) -> Draft:
    text = document.text[start:end]
    heading = _heading(document, start, end)
    page = bisect_right(document.pages, start) if document.pages else None
    tokens = tokenize(indexed_text(document.title, heading, text))
    return Draft(text, join(tokens), len(tokens.words), tokens.language, heading, page or None, start, end)


def _heading(document: Extracted, start: int, end: int) -> tuple[str, ...]:
    """The path over the first words of a passage that are not a heading themselves."""
    opening = _HEADINGS.match(document.text, start, end)
    body = min(opening.end(), end - 1) if opening else start
    at = bisect_right(document.sections, body, key=lambda section: section.start) - 1
    return document.sections[at].path if at >= 0 else ()
