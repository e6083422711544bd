"""Tables in text: each row becomes one line that names its columns, so that a row found alone still says what its values are."""

from __future__ import annotations

import csv
import io
from typing import Final

from antiphon.retrieval.extract.document import Extracted, Unreadable, Writer, clean, one_line
from antiphon.retrieval.extract.encodings import decode
from antiphon.retrieval.extract.kinds import charset_of, stem_of

DELIMITERS: Final = ",;\t|"


def read(data: bytes, name: str, media_type: str | None) -> Extracted:
    text = clean(decode(data, declared=charset_of(media_type)))
    writer = Writer()
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)))
    except csv.Error as error:
        raise Unreadable("corrupt", "The table cannot be read: it is not well-formed CSV.", detail=str(error)) from error
    write_rows(writer, rows)
    return writer.done("csv", stem_of(name))


def _delimiter(text: str) -> str:
    """The delimiter that splits the first lines most evenly."""
    lines = [line for line in text[:20_000].split("\n") if line.strip()][:20]

    def evenness(delimiter: str) -> tuple[int, int]:
        counts = [line.count(delimiter) for line in lines]
        first = counts[0] if counts else 0
        return (sum(count == first for count in counts) if first else 0, first)

    return max(DELIMITERS, key=evenness)


def write_rows(writer: Writer, rows: list[list[str]]) -> None:
    """The first row with two or more filled cells names the columns; rows above it are written as they are."""
    table = [cells for row in rows if any(cells := [one_line(cell) for cell in row])]
    least = min(2, max((_filled(cells) for cells in table), default=0))
    names: list[str] | None = None
    for number, cells in enumerate(table):
        writer.block(" | ".join(filter(None, cells)) if names is None else row_text(names, cells), tight=number > 0)
        if names is None and _filled(cells) >= least:
            names = cells


def _filled(cells: list[str]) -> int:
    return sum(map(bool, cells))


def row_text(names: list[str], cells: list[str]) -> str:
    """`Name: value; Name: value`, leaving empty cells out."""
    parts = []
    for index, cell in enumerate(cells):
        if cell:
            name = names[index] if index < len(names) else ""
            parts.append(f"{name}: {cell}" if name else cell)
    return "; ".join(parts)
