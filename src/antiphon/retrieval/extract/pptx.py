"""PPTX: one page a slide, its title as heading, then text, tables and speaker's notes in the order of the slide.

Source: ECMA-376 part 1, sections 13 (parts of a presentation), 19.3 (slides) and 21.1 (text and tables); part 2 (relationships); part 3
(alternate content). Elements are known by their local names, because the strict form of the format has other namespaces.

Rules: entities are never expanded, nothing is loaded, and no part is looked for outside of the file.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final

from lxml import etree

from antiphon.retrieval.extract import archive
from antiphon.retrieval.extract.document import Extracted, Unreadable, Writer, clean, one_line
from antiphon.retrieval.extract.kinds import stem_of

MAX_SLIDES: Final = 5_000
MAX_DEPTH: Final = 16
_MAIN: Final = "ppt/presentation.xml"
_TITLES: Final = frozenset({"title", "ctrTitle"})
_DEEPEST_LEVEL: Final = 8
_PARSER: Final = etree.XMLParser(
    resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
)


def read(data: bytes, name: str, media_type: str | None) -> Extracted:
    archive.check(data, _MAIN)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            writer = Writer()
            for slide in _slides(parts):
                _slide(parts, slide, writer)
            title = _title(parts)
    except (KeyError, ValueError, SyntaxError, zipfile.BadZipFile, zlib.error) as error:
        if isinstance(error, etree.XMLSyntaxError) and error.code in (0, etree.ErrorTypes.ERR_NO_MEMORY):  # 0: none left to say so
            raise MemoryError from error
        raise Unreadable("corrupt", "The presentation is damaged and cannot be read.", detail=repr(error)) from error
    return writer.done("pptx", title or writer.first_heading or stem_of(name))


def _slides(parts: zipfile.ZipFile) -> list[str]:
    """Names of the parts that hold the slides, in the order in which they are shown. Raises KeyError for a slide that nothing points to."""
    targets = {identifier: target for identifier, _, target in _relations(parts, _MAIN)}
    entries = _parse(parts, _MAIN).findall("{*}sldIdLst/{*}sldId")
    if len(entries) > MAX_SLIDES:
        raise Unreadable("too_large", f"The presentation has more than {MAX_SLIDES:,} slides.")
    return [targets[value] for entry in entries for key, value in entry.items() if key.endswith("}id")]


def _title(parts: zipfile.ZipFile) -> str:
    """What the properties say, unless it is what PowerPoint calls every new file."""
    for _, kind, target in _relations(parts, ""):
        if kind.endswith("/core-properties"):
            title = one_line(clean(_parse(parts, target).findtext("{*}title") or ""))
            return "" if title.lower() == "powerpoint presentation" else title
    return ""


def _slide(parts: zipfile.ZipFile, name: str, writer: Writer) -> None:
    writer.page()
    tree = _parse(parts, name).find("{*}cSld/{*}spTree")
    shapes = [] if tree is None else list(_shapes(tree, 0))
    heading = next((shape for shape in shapes if shape.getparent() is tree and _placeholder(shape) in _TITLES), None)
    if heading is not None:
        writer.heading(1, _text(heading))
    for shape in shapes:
        if shape is not heading:
            _paragraphs(shape, writer)
            _table(shape, writer)
    for _, kind, target in _relations(parts, name):
        if kind.endswith("/notesSlide"):
            _notes(_parse(parts, target), writer)


def _shapes(tree: etree._Element, depth: int) -> Iterator[etree._Element]:
    """Shapes with those inside groups. Of alternate content the first choice, which has the text where the fallback is a picture."""
    for shape in tree:
        kind = etree.QName(shape).localname
        if kind in ("sp", "graphicFrame"):
            yield shape
        elif depth < MAX_DEPTH and kind in ("grpSp", "AlternateContent"):
            inner = shape if kind == "grpSp" else shape.find("{*}Choice")
            if inner is not None:
                yield from _shapes(inner, depth + 1)


def _placeholder(shape: etree._Element) -> str | None:
    """What a shape stands for on its slide: `title`, `body`, ...; None when it stands for itself."""
    found = shape.find("{*}nvSpPr/{*}nvPr/{*}ph")
    return None if found is None else found.get("type", "obj")


def _paragraphs(shape: etree._Element, writer: Writer) -> None:
    found = [(paragraph, one_line(_line(paragraph))) for paragraph in shape.iterfind("{*}txBody/{*}p")]
    paragraphs = [(paragraph, text) for paragraph, text in found if text]
    for number, (paragraph, text) in enumerate(paragraphs):
        marker = "  " * _level(paragraph) + "- " if len(paragraphs) > 1 else ""
        writer.block(marker + text, tight=number > 0)


def _level(paragraph: etree._Element) -> int:
    properties = paragraph.find("{*}pPr")
    return 0 if properties is None else min(max(int(properties.get("lvl", "0")), 0), _DEEPEST_LEVEL)


def _table(shape: etree._Element, writer: Writer) -> None:
    for number, row in enumerate(shape.iterfind("{*}graphic/{*}graphicData/{*}tbl/{*}tr")):
        cells = [one_line(_text(cell)).replace("|", "\\|") for cell in row.iterfind("{*}tc")]
        writer.block("| " + " | ".join(cells) + " |", tight=number > 0)
        if number == 0:
            writer.block("|" + " --- |" * len(cells), tight=True)


def _notes(root: etree._Element, writer: Writer) -> None:
    """The speaker's own words; beside them stand a picture of the slide and its number."""
    for shape in root.iterfind("{*}cSld/{*}spTree/{*}sp"):
        if _placeholder(shape) == "body":
            writer.block(_text(shape))


def _text(holder: etree._Element) -> str:
    """All of a shape's or a cell's text, a line for each paragraph."""
    return "\n".join(_line(paragraph) for paragraph in holder.iterfind("{*}txBody/{*}p"))


def _line(paragraph: etree._Element) -> str:
    """Runs and fields; a line break ends a line."""
    return "".join("\n" if etree.QName(part).localname == "br" else part.findtext("{*}t") or "" for part in paragraph)


def _parse(parts: zipfile.ZipFile, name: str) -> etree._Element:
    return etree.fromstring(parts.read(name), _PARSER)


def _relations(parts: zipfile.ZipFile, name: str) -> list[tuple[str, str, str]]:
    """Id, type and part of each thing inside of the file that a part, or with "" the file itself, points to."""
    folder, own = posixpath.split(name)
    source = posixpath.join(folder, "_rels", f"{own}.rels")
    if source not in parts.NameToInfo:
        return []
    return [
        (entry.get("Id", ""), entry.get("Type", ""), posixpath.normpath(posixpath.join("/", folder, entry.get("Target", ""))).lstrip("/"))
        for entry in _parse(parts, source).iterfind("{*}Relationship")
        if entry.get("TargetMode") != "External"
    ]
