"""Documents of every kind, made when the tests run: by the libraries that write them, or by hand where a file must be odd."""

from __future__ import annotations

import io
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Sequence

import docx
import openpyxl


def cp1258(text: str) -> bytes:
    """Vietnamese as Windows writes it: a tone is a byte of its own after its vowel."""
    return "".join(character if _fits(character) else _tone_apart(character) for character in text).encode("cp1258")


def _tone_apart(character: str) -> str:
    marks = unicodedata.normalize("NFD", character)
    tones = [mark for mark in marks if mark in "\u0300\u0301\u0303\u0309\u0323"]
    return unicodedata.normalize("NFC", "".join(mark for mark in marks if mark not in tones)) + "".join(tones)


def _fits(character: str) -> bool:
    try:
        character.encode("cp1258")
    except UnicodeEncodeError:
        return False
    return True


def pdf(
    pages: Sequence[str], *, title: str = "", outline: Sequence[tuple[str, int]] = (), picture: bool = False, encrypted: bool = False
) -> bytes:
    """A PDF with one line of text for each line of each page. outline: (title, page from 0). picture: one image on each page."""
    objects: list[bytes] = []

    def add(body: bytes) -> int:
        objects.append(body)
        return len(objects)

    catalog, tree, font, info = (add(b"") for _ in range(4))
    image = add(_stream(b"\xff\x00\x00", b"/Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceRGB /BitsPerComponent 8"))
    numbers = []
    for text in pages:
        lines = " T* ".join("(" + line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)") + ") Tj" for line in text.split("\n"))
        draw = f"BT /F1 12 Tf 14 TL 72 720 Td {lines} ET".encode("latin-1") + (b" q 400 0 0 400 72 72 cm /I1 Do Q" if picture else b"")
        content = add(_stream(draw))
        numbers.append(
            add(
                f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 612 792] /Contents {content} 0 R"
                f" /Resources << /Font << /F1 {font} 0 R >> /XObject << /I1 {image} 0 R >> >> >>".encode()
            )
        )
    first = len(objects) + 2
    items = [
        f"<< /Title ({name}) /Parent {first - 1} 0 R /Dest [{numbers[page]} 0 R /Fit]"
        + (f" /Next {first + at + 1} 0 R" if at + 1 < len(outline) else "")
        + (f" /Prev {first + at - 1} 0 R" if at else "")
        + " >>"
        for at, (name, page) in enumerate(outline)
    ]
    outlines = ""
    if items:
        top = add(f"<< /Type /Outlines /First {first} 0 R /Last {first + len(items) - 1} 0 R /Count {len(items)} >>".encode())
        outlines = f" /Outlines {top} 0 R"
        for item in items:
            add(item.encode())
    objects[catalog - 1] = f"<< /Type /Catalog /Pages {tree} 0 R{outlines} >>".encode()
    objects[tree - 1] = f"<< /Type /Pages /Kids [{' '.join(f'{number} 0 R' for number in numbers)}] /Count {len(numbers)} >>".encode()
    objects[font - 1] = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
    objects[info - 1] = f"<< /Title ({title}) >>".encode()
    locked = ""
    if encrypted:
        key = "00" * 32
        number = add(f"<< /Filter /Standard /V 1 /R 2 /O <{key}> /U <{key}> /P -4 >>".encode())
        locked = f" /Encrypt {number} 0 R /ID [<00> <00>]"
    return _assemble(objects, f"/Root {catalog} 0 R /Info {info} 0 R{locked}")


def _stream(data: bytes, entries: bytes = b"") -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), entries, data)


def _assemble(objects: Sequence[bytes], trailer: str) -> bytes:
    out = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += f"trailer\n<< /Size {len(objects) + 1} {trailer} >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


def flate_bomb_pdf(megabytes: int) -> bytes:
    """A page whose few packed bytes unpack, twice over, to a content stream of the given size."""
    content = zlib.compress(zlib.compress(b"q " * (megabytes * 512 * 1024), 9), 9)
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << >> >>"
    return _assemble(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            page,
            _stream(content, b"/Filter [/FlateDecode /FlateDecode]"),
        ],
        "/Root 1 0 R",
    )


def docx_file() -> bytes:
    document = docx.Document()
    document.core_properties.title = "Care of the kiln"
    document.add_heading("Firing", 1)
    document.add_paragraph("The kiln is heated slowly.")
    document.add_heading("Cooling", 2)
    document.add_paragraph("Open it below 80 degrees.", style="List Bullet")
    document.add_paragraph("Wear gloves.", style="List Bullet")
    table = document.add_table(2, 2)
    for row, cells in zip(table.rows, [("Glaze", "Degrees"), ("Celadon", "1280")], strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    return _saved(document)


def xlsx_file() -> bytes:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.title = "Prices"
    for row in (("Article", "Price"), ("Clay, 10 kg", 14), ("Glaze", 9.5)):
        sheet.append(row)
    hours = workbook.create_sheet("Hours")
    hours.append(("Day", "From"))
    hours.append(("Friday", "14:00"))
    return _saved(workbook)


def _saved(document: object) -> bytes:
    out = io.BytesIO()
    document.save(out)  # type: ignore[attr-defined]
    return out.getvalue()


def zip_file(parts: dict[str, bytes], *, level: int = 9) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


def repacked(data: bytes, changes: dict[str, bytes]) -> bytes:
    """A ZIP with some parts replaced or added."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return zip_file({**parts, **changes})


def encrypted_office_file() -> bytes:
    """The opening of a compound file with the stream name that a password leaves behind."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + struct.pack("<64x") + "EncryptedPackage".encode("utf-16-le") + bytes(1024)
