"""What reading a document gives, and the one way in which reading it can fail.

`text` is the document from now on: passages, citations and the reader page index into it by character. It is NFC, has `\\n` line ends and
no control characters but tab and newline. Its form is Markdown, whatever the source was: headings with `#`, rows with `|`, code in fences.

Rules: pure; only the standard library and msgspec, so that the parent process may import it without any parser.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal

import msgspec

from antiphon.core.errors import BadRequest

Kind = Literal["markdown", "text", "html", "rst", "pdf", "docx", "pptx", "xlsx", "csv"]
Reason = Literal["unsupported", "empty", "encrypted", "scanned", "bomb", "corrupt", "encoding", "too_large", "too_slow"]

MAX_TEXT: Final = 20_000_000  # characters; far above any book, far below what hurts
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]")
_BLANK_LINES = re.compile(r"\n{3,}")


class Section(msgspec.Struct, frozen=True):
    """From `start` (character offset of the heading line) on, the text stands under `path`, outermost heading first."""

    start: int
    path: tuple[str, ...]


class Extracted(msgspec.Struct, frozen=True):
    """pages: offset at which each page starts, page 1 first; empty for kinds without pages. language: what the source declares.

    links: addresses an HTML page points to, as written there, for the crawler.
    """

    title: str
    text: str
    kind: Kind
    sections: tuple[Section, ...] = ()
    pages: tuple[int, ...] = ()
    language: str | None = None
    links: tuple[str, ...] = ()


class Unreadable(BadRequest):
    """A document that gives no text. `code` is `document_` + why; `message` says what to do, without naming the file."""

    def __init__(self, reason: Reason, message: str, *, detail: str | None = None) -> None:
        super().__init__(message, code=f"document_{reason}", detail=detail)
        self.reason = reason


def clean(text: str) -> str:
    """NFC, `\\n` line ends, no control characters. Form feeds become line ends."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return _CONTROL.sub("", unicodedata.normalize("NFC", text))


def one_line(text: str) -> str:
    """Every run of white space as one space."""
    return " ".join(text.split())


class Writer:
    """Gathers blocks into `text`, keeping the heading path and page starts. Blocks are parted by one blank line."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._sections: list[Section] = []
        self._pages: list[int] = []
        self._path: list[tuple[int, str]] = []
        self.first_heading: str | None = None

    def block(self, text: str, *, tight: bool = False) -> None:
        """A paragraph, list item, table or fence; `tight` puts it on the line after the block before it."""
        text = _BLANK_LINES.sub("\n\n", clean(text)).strip("\n").rstrip()
        if not text.strip():
            return
        if self._length:
            self._append("\n" if tight else "\n\n")
        self._append(text)

    def heading(self, level: int, text: str) -> None:
        """level counts from 1; deeper headings close when a shallower one opens."""
        text = one_line(clean(text))
        if not text:
            return
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        self._path.append((level, text))
        if self.first_heading is None:
            self.first_heading = text
        start = self._length + 2 if self._length else 0
        self.block("#" * min(level, 6) + " " + text)
        self._sections.append(Section(start, tuple(name for _, name in self._path)))

    def mark(self, start: int, level: int, text: str) -> None:
        """A heading that already stands in the text at `start`: only its place in the path is noted."""
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        self._path.append((level, text))
        if self.first_heading is None:
            self.first_heading = text
        self._sections.append(Section(start, tuple(name for _, name in self._path)))

    def page(self) -> None:
        """The next block stands on a new page."""
        self._pages.append(self._length + 2 if self._length else 0)

    @property
    def length(self) -> int:
        return self._length

    def done(self, kind: Kind, title: str, *, language: str | None = None, links: tuple[str, ...] = ()) -> Extracted:
        """Raises Unreadable `empty` when nothing but marks was written."""
        text = "".join(self._parts)
        pages = tuple(min(start, len(text)) for start in self._pages)
        title = one_line(clean(title))[:300]
        return finished(Extracted(title, text, kind, tuple(self._sections), pages, language, links))

    def _append(self, text: str) -> None:
        self._length += len(text)
        if self._length > MAX_TEXT:
            raise Unreadable("too_large", f"The document holds more than {MAX_TEXT:,} characters of text.")
        self._parts.append(text)


def finished(document: Extracted) -> Extracted:
    """The document itself, unless it is empty or too long to keep."""
    if not any(character.isalnum() for character in document.text):
        raise Unreadable("empty", "The document holds no text.")
    if len(document.text) > MAX_TEXT:
        raise Unreadable("too_large", f"The document holds more than {MAX_TEXT:,} characters of text.")
    return document
