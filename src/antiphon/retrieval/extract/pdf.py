"""PDF: text page by page; bookmarks become headings where their page starts or, better, where their words stand on it.

A page whose text is a handful of characters around a picture is a scan: there is nothing to quote, so the document is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import pypdfium2
from pypdfium2 import raw

from antiphon.retrieval.extract.document import Extracted, Unreadable, Writer, clean, one_line
from antiphon.retrieval.extract.kinds import stem_of

MAX_PAGES: Final = 5_000
_SCAN_LETTERS: Final = 32  # a page number and a stamp, not a text
_HYPHEN = re.compile(r"\ufffe\r?\n?|\u00ad\r?\n")
_SPACES = re.compile(r"[ \t]+$", re.MULTILINE)
_JUNK_TITLE = re.compile(r"^(untitled|microsoft word - .*|.*\.(docx?|tex|dvi|indd|qxd|pdf))$", re.IGNORECASE)


def read(data: bytes, name: str, media_type: str | None) -> Extracted:
    if not data.strip():
        raise Unreadable("empty", "The file is empty.")
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if error.err_code == raw.FPDF_ERR_PASSWORD:
            raise Unreadable("encrypted", "The PDF is protected by a password. Remove the password and try again.") from error
        raise Unreadable("corrupt", "The PDF is damaged and cannot be opened.", detail=str(error)) from error
    try:
        return _read(document, name)
    except pypdfium2.PdfiumError as error:
        raise Unreadable("corrupt", "The PDF is damaged: a page of it cannot be read.", detail=str(error)) from error
    finally:
        document.close()


def _read(document: pypdfium2.PdfDocument, name: str) -> Extracted:
    count = len(document)
    if count == 0:
        raise Unreadable("empty", "The PDF has no pages.")
    if count > MAX_PAGES:
        raise Unreadable("too_large", f"The PDF has more than {MAX_PAGES:,} pages.")
    bookmarks = _bookmarks(document)
    writer = Writer()
    letters = pictured = 0
    for number in range(count):
        text, pictures = _page(document, number)
        letters += sum(character.isalnum() for character in text)
        pictured += pictures
        writer.page()
        _write(writer, text, bookmarks.get(number, []))
    if pictured and letters < _SCAN_LETTERS * count:
        raise Unreadable("scanned", "The PDF is a scan without a text layer. Run text recognition (OCR) over it and try again.")
    title = one_line(clean(str(document.get_metadata_dict().get("Title") or "")))
    if not title or _JUNK_TITLE.match(title):
        title = writer.first_heading or stem_of(name)
    return writer.done("pdf", title)


def _page(document: pypdfium2.PdfDocument, number: int) -> tuple[str, bool]:
    page = document[number]
    try:
        text_page = page.get_textpage()
        try:
            text = text_page.get_text_bounded()
        finally:
            text_page.close()
        pictures = any(True for _ in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=3))
    finally:
        page.close()
    return _SPACES.sub("", clean(_HYPHEN.sub("", text))), pictures


def _bookmarks(document: pypdfium2.PdfDocument) -> dict[int, list[tuple[int, str]]]:
    """page -> (level from 1, title) in the order of the outline."""
    found: dict[int, list[tuple[int, str]]] = {}
    for level, title, page in _outline(document):
        if title and page is not None:
            found.setdefault(page, []).append((level, title))
    return found


def _outline(document: pypdfium2.PdfDocument) -> Iterator[tuple[int, str, int | None]]:
    for bookmark in document.get_toc(max_depth=8):
        target = bookmark.get_dest()
        yield bookmark.level + 1, one_line(clean(bookmark.get_title())), None if target is None else target.get_index()


def _write(writer: Writer, text: str, bookmarks: list[tuple[int, str]]) -> None:
    start = writer.length + 2 if writer.length else 0
    lead = len(text) - len(text.lstrip("\n"))
    after = 0
    for level, title in bookmarks:
        place = _find(text, title, after)
        after = place or after
        writer.mark(start + max((place or after) - lead, 0), level, title)
    writer.block(text)


def _find(text: str, title: str, after: int) -> int | None:
    """Where the bookmark's words stand on the page, whatever the white space between them."""
    words = [re.escape(word) for word in title.split()[:12]]
    found = re.compile(r"\s+".join(words)).search(text, after) if words else None
    return found.start() if found else None
