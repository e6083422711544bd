"""XLSX: each sheet under its name, each row as one line that names its columns. Values as last saved; formulas are never computed."""

from __future__ import annotations

import datetime
import io
import zipfile
from typing import Any, Final
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from antiphon.retrieval.extract import archive
from antiphon.retrieval.extract.csv import write_rows
from antiphon.retrieval.extract.document import Extracted, Unreadable, Writer, clean, one_line
from antiphon.retrieval.extract.kinds import stem_of

MAX_CELLS: Final = 2_000_000


def read(data: bytes, name: str, media_type: str | None) -> Extracted:
    archive.check(data, "xl/workbook.xml")
    try:
        workbook = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        writer = Writer()
        seen = 0
        for sheet in workbook.worksheets:
            rows, seen = _rows(sheet, seen)
            if rows:
                writer.heading(1, sheet.title)
                write_rows(writer, rows)
        title = one_line(clean(workbook.properties.title or ""))
        workbook.close()
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, ParseError, SyntaxError) as error:
        raise Unreadable("corrupt", "The workbook is damaged and cannot be read.", detail=repr(error)) from error
    except (InvalidFileException, zipfile.BadZipFile) as error:
        raise Unreadable("corrupt", "The workbook is damaged and cannot be read.", detail=repr(error)) from error
    return writer.done("xlsx", title or stem_of(name))


def _rows(sheet: Any, seen: int) -> tuple[list[list[str]], int]:
    """Filled rows, and how many cells were looked at so far. The size a sheet declares is not believed."""
    sheet.reset_dimensions()
    rows: list[list[str]] = []
    for values in sheet.iter_rows(values_only=True):
        seen += len(values) + 1
        if seen > MAX_CELLS:
            raise Unreadable("too_large", f"The workbook has more than {MAX_CELLS:,} cells.")
        row = [_cell(value) for value in values]
        while row and not row[-1]:
            row.pop()
        if row:
            rows.append(row)
    return rows, seen


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ", "minutes")
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
