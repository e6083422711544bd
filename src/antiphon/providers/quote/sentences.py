"""Cuts a passage into the sentences that may be quoted. Pure.

A sentence is a verbatim stretch of the passage, up to white space: marks at the beginning of a line (heading, list, quotation, table)
stay outside, marks within it stay inside, so that a quotation can be found again in its document. Headings, rules and pictures are not
sentences; of what is too long the beginning is.

A sentence means something under its headings and, as an item, a row or a line of code, after the line that introduces it (`Run this:`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

LONGEST: Final = 500

_FENCE = re.compile(r"^\s*(?:```|~~~)\s*([^`]*)$")
_OWN_LINE = re.compile(r"^\s*(?:[-*+]\s|\d{1,3}[.)]\s|>|\||\[[ xX]\]\s)")
_LEADING = re.compile(r"^\s*(?:[-*+]\s+|>\s?|\d{1,3}[.)]\s+|\[[ xX]\]\s+|\|\s*)*")
_HEADING = re.compile(r"^\s*(#{1,6})\s+(.*)")
_NOT_TEXT = re.compile(r"^\s*(?:#{1,6}\s|!\[|[-=*_|:\s]+$|<)")
_END = re.compile(
    r"(?<=[。！？；])(?=[^”’」』）)])|(?<=[.!?])(?<!\b[A-Za-z]\.)(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\betc\.)(?<!\bvs\.)(?<!\bNo\.)\s+(?=\S)"
)
_MARK = re.compile(r"\[\d{1,2}(?:\s*,\s*\d{1,2})*\]")
_WORD = re.compile(r"\w")


class Sentence(NamedTuple):
    """under: the headings above it and the line that introduces it, as one text; '' when it stands alone."""

    text: str
    under: str = ""


def sentences(text: str) -> list[Sentence]:
    """In the order of the text, white space collapsed. None holds something that reads like a citation mark of ours."""
    found: list[Sentence] = []
    for block in _blocks(text):
        for piece in _END.split(block.text):
            sentence = " ".join(piece.split())
            if len(sentence) > LONGEST:
                sentence = sentence[:LONGEST].rpartition(" ")[0] or sentence[:LONGEST]
            if _WORD.search(sentence) and not _MARK.search(sentence):
                found.append(Sentence(sentence, block.under))
    return found


def introduces(text: str) -> bool:
    """Whether what follows a text belongs to it."""
    return text.endswith((":", "\uff1a"))


def _blocks(text: str) -> Iterator[Sentence]:
    """Paragraphs, and each list item, table row and line of code on its own."""
    place = _Place()
    paragraph: list[str] = []
    fenced = item = False
    for line in text.split("\n"):
        if fence := _FENCE.match(line):
            fenced = bool(fence[1]) or not fenced  # one with a language opens, even when the passage began within code
            line = ""
        own = bool(_OWN_LINE.match(line))
        if paragraph and (fenced or own or not line.strip() or _NOT_TEXT.match(line)):
            yield Sentence("\n".join(paragraph), place.under)
            place.leave(paragraph, item)
            paragraph = []
        if fenced and line.strip():
            yield Sentence(line, place.under)
        elif heading := _HEADING.match(line):
            place.enter(len(heading[1]), heading[2])
        elif line.strip() and not _NOT_TEXT.match(line):
            item = own if not paragraph else item
            paragraph.append(_LEADING.sub("", line).rstrip().rstrip("|").rstrip())
    if paragraph:
        yield Sentence("\n".join(paragraph), place.under)


class _Place:
    """Where in the text a block stands: its headings, and the line that introduces it."""

    def __init__(self) -> None:
        self._headings: list[str] = []
        self._introduction = ""

    @property
    def under(self) -> str:
        return "\n".join((*self._headings, self._introduction)).strip()

    def enter(self, level: int, heading: str) -> None:
        self._headings[level - 1 :] = [heading]
        self._introduction = ""

    def leave(self, paragraph: list[str], item: bool) -> None:
        """A block is over. What is introduced goes on over items and code, to the end of the next paragraph."""
        last = _END.split("\n".join(paragraph))[-1]
        if introduces(last):
            self._introduction = last
        elif not item:
            self._introduction = ""
