"""PPTX: one page a slide, its title as heading, then text, tables and speaker's notes in the order of the slide."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any, Final

import pptx
from pptx.exc import PackageNotFoundError

from antiphon.retrieval.extract import archive
from antiphon.retrieval.extract.document import Extracted, Unreadable, Writer, clean, one_line
from antiphon.retrieval.extract.kinds import stem_of

MAX_SLIDES: Final = 5_000
MAX_DEPTH: Final = 16


def read(data: bytes, name: str, media_type: str | None) -> Extracted:
    archive.check(data, "ppt/presentation.xml")
    try:
        presentation = pptx.Presentation(io.BytesIO(data))
        writer = Writer()
        if len(presentation.slides) > MAX_SLIDES:
            raise Unreadable("too_large", f"The presentation has more than {MAX_SLIDES:,} slides.")
        for slide in presentation.slides:
            _slide(slide, writer)
        title = one_line(clean(presentation.core_properties.title or ""))
    except (KeyError, ValueError, AttributeError, IndexError, SyntaxError, PackageNotFoundError) as error:
        raise Unreadable("corrupt", "The presentation is damaged and cannot be read.", detail=repr(error)) from error
    if title.lower() == "powerpoint presentation":
        title = ""
    return writer.done("pptx", title or writer.first_heading or stem_of(name))


def _slide(slide: Any, writer: Writer) -> None:
    writer.page()
    heading = slide.shapes.title
    if heading is not None and heading.has_text_frame:
        writer.heading(1, heading.text_frame.text)
    for shape in _shapes(slide.shapes, 0):
        if heading is not None and shape.shape_id == heading.shape_id:
            continue
        if shape.has_text_frame:
            _paragraphs(shape.text_frame, writer)
        elif getattr(shape, "has_table", False) and shape.has_table:
            _table(shape.table, writer)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        writer.block(slide.notes_slide.notes_text_frame.text)


def _shapes(shapes: Iterable[Any], depth: int) -> Iterator[Any]:
    """Shapes with those inside groups."""
    for shape in shapes:
        inner = getattr(shape, "shapes", None)
        if inner is None:
            yield shape
        elif depth < MAX_DEPTH:
            yield from _shapes(inner, depth + 1)


def _paragraphs(frame: Any, writer: Writer) -> None:
    paragraphs = [paragraph for paragraph in frame.paragraphs if paragraph.text.strip()]
    for number, paragraph in enumerate(paragraphs):
        text = one_line(paragraph.text)
        marker = "  " * paragraph.level + "- " if len(paragraphs) > 1 else ""
        writer.block(marker + text, tight=number > 0)


def _table(table: Any, writer: Writer) -> None:
    for number, row in enumerate(table.rows):
        cells = [one_line(cell.text).replace("|", "\\|") for cell in row.cells]
        writer.block("| " + " | ".join(cells) + " |", tight=number > 0)
        if number == 0:
            writer.block("|" + " --- |" * len(cells), tight=True)
