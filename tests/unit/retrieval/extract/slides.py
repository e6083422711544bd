"""Presentations by hand: slides of shapes, and the parts that hold them together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

from tests.unit.retrieval.extract.files import zip_file

TRANSITIONAL: Final = {
    "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
    "p": "http://schemas.openxmlformats.org/presentationml/2006/main",
    "r": "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
}
STRICT: Final = {
    "a": "http://purl.oclc.org/ooxml/drawingml/main",
    "p": "http://purl.oclc.org/ooxml/presentationml/main",
    "r": "http://purl.oclc.org/ooxml/officeDocument/relationships",
}
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"


def paragraph(text: str, level: int | None = None) -> str:
    """Line ends become line breaks; each line is in two runs, as an editor leaves them."""
    lines = [f"<a:r><a:t>{escape(line[:1])}</a:t></a:r><a:r><a:t>{escape(line[1:])}</a:t></a:r>" for line in text.split("\n")]
    properties = "" if level is None else f'<a:pPr lvl="{level}"/>'
    return f"<a:p>{properties}{'<a:br/>'.join(lines)}</a:p>"


def shape(*paragraphs: str, stands_for: str | None = None) -> str:
    """paragraphs: XML or plain text. stands_for: the placeholder's type, "" for one without."""
    body = "".join(text if text.startswith("<") else paragraph(text) for text in paragraphs)
    kind = f' type="{stands_for}"' if stands_for else ""
    place = "" if stands_for is None else f"<p:ph{kind}/>"
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="2" name="s"/><p:cNvSpPr/><p:nvPr>{place}</p:nvPr></p:nvSpPr>'
        f"<p:spPr/><p:txBody><a:bodyPr/>{body}</p:txBody></p:sp>"
    )


def group(*shapes: str) -> str:
    return f"<p:grpSp><p:nvGrpSpPr/><p:grpSpPr/>{''.join(shapes)}</p:grpSp>"


def table(*rows: Sequence[str]) -> str:
    lines = "".join(
        "<a:tr>" + "".join(f"<a:tc><a:txBody><a:bodyPr/>{paragraph(cell)}</a:txBody></a:tc>" for cell in row) + "</a:tr>" for row in rows
    )
    return f"<p:graphicFrame><a:graphic><a:graphicData><a:tbl><a:tblGrid/>{lines}</a:tbl></a:graphicData></a:graphic></p:graphicFrame>"


def slide(*shapes: str) -> str:
    return _root("p:sld", f"<p:cSld><p:spTree><p:nvGrpSpPr/><p:grpSpPr/>{''.join(shapes)}</p:spTree></p:cSld>")


def notes(text: str) -> str:
    shapes = (shape("", stands_for="sldImg"), shape(*text.split("\n"), stands_for="body"), shape("7", stands_for="sldNum"))
    return _root("p:notes", f"<p:cSld><p:spTree>{''.join(shapes)}</p:spTree></p:cSld>")


def presentation(
    slides: Sequence[str], *, said: dict[int, str] | None = None, title: str = "", names: dict[str, str] = TRANSITIONAL
) -> bytes:
    """said: notes by the slide's number from 1. Slides are stored under numbers against their order. names: prefix -> namespace."""
    files = [f"slide{len(slides) - at}.xml" for at in range(len(slides))]
    entries = "".join(f'<p:sldId id="{256 + at}" r:id="rId{at + 9}"/>' for at in range(len(slides)))
    parts = {
        "_rels/.rels": _relations(
            ("rId1", f"{names['r']}/officeDocument", "ppt/presentation.xml"),
            ("rId2", f"{_PACKAGE}/relationships/metadata/core-properties", "docProps/core.xml"),
        ),
        "docProps/core.xml": f'<c:coreProperties xmlns:c="{_PACKAGE}/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>{escape(title)}</dc:title></c:coreProperties>",
        "ppt/presentation.xml": _root("p:presentation", f"<p:sldIdLst>{entries}</p:sldIdLst>"),
        "ppt/_rels/presentation.xml.rels": _relations(
            *((f"rId{at + 9}", f"{names['r']}/slide", f"slides/{file}") for at, file in enumerate(files))
        ),
    }
    for number, (file, text) in enumerate(zip(files, slides, strict=True), 1):
        parts[f"ppt/slides/{file}"] = text
        if said and number in said:
            parts[f"ppt/notesSlides/{number}.xml"] = notes(said[number])
            parts[f"ppt/slides/_rels/{file}.rels"] = _relations(("rId1", f"{names['r']}/notesSlide", f"/ppt/notesSlides/{number}.xml"))
    return zip_file({name: _in(names, text).encode() for name, text in parts.items()})


def pptx_file() -> bytes:
    """Two slides: text in paragraphs, then text, a table and notes."""
    return presentation(
        [
            slide(shape("Welcome", stands_for="title"), shape("Bring your card", "Sign the list", stands_for="")),
            slide(
                shape("Tools", stands_for="title"),
                shape("Saws hang on the left wall", stands_for=""),
                table(("Tool", "Shelf"), ("Plane", "B4")),
            ),
        ],
        said={2: "Mention the first-aid box."},
        title="PowerPoint Presentation",
    )


def _root(name: str, inner: str) -> str:
    return f"<{name}>{inner}</{name}>"


def _in(names: dict[str, str], text: str) -> str:
    """The part with its namespaces declared."""
    first, rest = text.split(">", 1)
    if first.startswith("<p:"):
        first += "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in names.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>{first}>{rest}'


def _relations(*entries: tuple[str, str, str]) -> str:
    lines = "".join(f'<Relationship Id="{identifier}" Type="{kind}" Target="{target}"/>' for identifier, kind, target in entries)
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{lines}</Relationships>'
