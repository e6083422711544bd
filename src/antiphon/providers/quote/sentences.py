"""Cuts a passage into the sentences that may be quoted. Pure.

A sentence is a verbatim stretch of the passage, up to white space: marks at the beginning of a line (heading, list, quotation, table)
stay outside, marks within it stay inside, so that a quotation can be found again in its document. Headings, rules and pictures are not
sentences; of what is too long the beginning is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

LONGEST: Final = 500

_FENCE = re.compile(r"^\s*(?:```|~~~)")
_OWN_LINE = re.compile(r"^\s*(?:[-*+]\s|\d{1,3}[.)]\s|>|\||\[[ xX]\]\s)")
_LEADING = re.compile(r"^\s*(?:[-*+]\s+|>\s?|\d{1,3}[.)]\s+|\[[ xX]\]\s+|\|\s*)*")
_NOT_TEXT = re.compile(r"^\s*(?:#{1,6}\s|!\[|[-=*_|:\s]+$|<)")
_END = re.compile(
    r"(?<=[。！？；])(?=[^”’」』）)])|(?<=[.!?])(?<!\b[A-Za-z]\.)(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\betc\.)(?<!\bvs\.)(?<!\bNo\.)\s+(?=\S)"
)
_MARK = re.compile(r"\[\d{1,2}(?:\s*,\s*\d{1,2})*\]")
_WORD = re.compile(r"\w")


def sentences(text: str) -> list[str]:
    """In the order of the text, white space collapsed. None holds something that reads like a citation mark of ours."""
    found: list[str] = []
    for block in _blocks(text):
        for piece in _END.split(block):
            sentence = " ".join(piece.split())
            if len(sentence) > LONGEST:
                sentence = sentence[:LONGEST].rpartition(" ")[0] or sentence[:LONGEST]
            if _WORD.search(sentence) and not _MARK.search(sentence):
                found.append(sentence)
    return found


def _blocks(text: str) -> Iterator[str]:
    """Paragraphs, and each list item, table row and line of code on its own."""
    paragraph: list[str] = []
    fenced = False
    for line in text.split("\n"):
        if _FENCE.match(line):
            fenced = not fenced
            line = ""
        alone = fenced or bool(_OWN_LINE.match(line))
        if alone or not line.strip() or _NOT_TEXT.match(line):
            if paragraph:
                yield "\n".join(paragraph)
            paragraph = []
        if not line.strip() or (not fenced and _NOT_TEXT.match(line)):
            continue
        paragraph.append(line if fenced else _LEADING.sub("", line).rstrip().rstrip("|").rstrip())
        if fenced:
            yield paragraph.pop()
    if paragraph:
        yield "\n".join(paragraph)
