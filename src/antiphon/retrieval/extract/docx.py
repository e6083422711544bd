"""DOCX: paragraphs and tables in the order of the text; heading styles and outline levels make the headings."""

from __future__ import annotations

import io
import re
from typing import Any, Final

import docx
from docx.table import Table
from docx.text.paragraph import Paragraph

from antiphon.retrieval.extract import archive
from antiphon.retrieval.extract.document import Extracted, Unreadable, Writer, clean, one_line
from antiphon.retrieval.extract.kinds import stem_of

_HEADING = re.compile(r"^heading (\d)$", re.IGNORECASE)
_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def read(data: bytes, name: str, media_type: str | None) -> Extracted:
    archive.check(data, "word/document.xml")
    try:
        document = docx.Document(io.BytesIO(data))
        writer = Writer()
        tight = False
        for block in document.iter_inner_content():
            tight = _table(block, writer) if isinstance(block, Table) else _paragraph(block, writer, tight)
        title = one_line(clean(document.core_properties.title or ""))
    except (KeyError, ValueError, AttributeError, IndexError, SyntaxError) as error:
        raise Unreadable("corrupt", "The document is damaged and cannot be read.", detail=repr(error)) from error
    return writer.done("docx", title or writer.first_heading or stem_of(name))


def _paragraph(paragraph: Paragraph, writer: Writer, tight: bool) -> bool:
    """Returns whether it was a list item, so that the next one follows without a blank line."""
    text = paragraph.text.strip()
    if not text:
        return False
    level = _level(paragraph)
    if level is not None:
        writer.heading(level, text)
        return False
    listed = _is_listed(paragraph)
    writer.block(("- " if listed else "") + text, tight=listed and tight)
    return listed


def _level(paragraph: Paragraph) -> int | None:
    style: Any = paragraph.style
    for _ in range(8):  # a style may stand on another, and a file may make them a ring
        if style is None:
            return None
        name = style.name or ""
        if name == "Title":
            return 1
        found = _HEADING.match(name)
        if found:
            return int(found.group(1))
        outline = style.element.find(f"{_W}pPr/{_W}outlineLvl")
        if outline is not None and (outline.get(f"{_W}val") or "").isdigit():
            level = int(outline.get(f"{_W}val")) + 1
            return level if level <= 9 else None
        style = style.base_style
    return None


def _is_listed(paragraph: Paragraph) -> bool:
    style = paragraph.style
    if style is not None and (style.name or "").startswith("List"):
        return True
    return paragraph._p.find(f"{_W}pPr/{_W}numPr") is not None


def _table(table: Table, writer: Writer) -> bool:
    width = 0
    for number, row in enumerate(table.rows):
        cells: list[str] = []
        last: Any = None
        for cell in row.cells:
            if cell._tc is not last:  # a cell that spans columns is handed out once for each
                cells.append(one_line(cell.text).replace("|", "\\|"))
            last = cell._tc
        if not any(cells):
            continue
        writer.block("| " + " | ".join(cells) + " |", tight=width > 0)
        if width == 0:
            writer.block("|" + " --- |" * len(cells), tight=True)
        width = number + 1
    return False
