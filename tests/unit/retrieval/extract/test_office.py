"""DOCX, PPTX, XLSX, and what is refused before a parser sees it."""

from collections.abc import Callable

import pytest

from antiphon.retrieval.extract.dispatch import extract
from antiphon.retrieval.extract.document import Unreadable
from antiphon.retrieval.reading import child
from antiphon.retrieval.reading.protocol import Failure, Task
from tests.unit.retrieval.extract.files import docx_file, encrypted_office_file, repacked, xlsx_file, zip_file
from tests.unit.retrieval.extract.slides import pptx_file

ENTITIES = b'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]><w>&x;</w>'
MAIN = {"docx": "word/document.xml", "pptx": "ppt/presentation.xml", "xlsx": "xl/workbook.xml"}
MADE = {"docx": docx_file, "pptx": pptx_file, "xlsx": xlsx_file}


def test_docx() -> None:
    document = extract(docx_file(), name="x.docx")
    assert document.title == "Care of the kiln"
    assert document.text == (
        "# Firing\n\nThe kiln is heated slowly.\n\n## Cooling\n\n- Open it below 80 degrees.\n- Wear gloves.\n\n"
        "| Glaze | Degrees |\n| --- | --- |\n| Celadon | 1280 |"
    )
    assert [section.path for section in document.sections] == [("Firing",), ("Firing", "Cooling")]


def test_pptx_has_a_page_for_each_slide() -> None:
    document = extract(pptx_file(), name="x.pptx")
    assert document.title == "Welcome"
    assert document.text == (
        "# Welcome\n\n- Bring your card\n- Sign the list\n\n# Tools\n\nSaws hang on the left wall\n\n"
        "| Tool | Shelf |\n| --- | --- |\n| Plane | B4 |\n\nMention the first-aid box."
    )
    assert [document.text[start:].split("\n")[0] for start in document.pages] == ["# Welcome", "# Tools"]


def test_xlsx_names_the_columns_in_every_row() -> None:
    document = extract(xlsx_file(), name="dir/price list.xlsx")
    assert document.title == "price list"
    assert document.text == (
        "# Prices\n\nArticle | Price\nArticle: Clay, 10 kg; Price: 14\nArticle: Glaze; Price: 9.5\n\n"
        "# Hours\n\nDay | From\nDay: Friday; From: 14:00"
    )


@pytest.mark.parametrize("kind", ["docx", "pptx", "xlsx"])
def test_entities_are_never_expanded(kind: str) -> None:
    for data in (
        repacked(MADE[kind](), {"customXml/item1.xml": ENTITIES}),
        repacked(MADE[kind](), {MAIN[kind]: ENTITIES.decode().encode("utf-16")}),
    ):
        with pytest.raises(Unreadable) as raised:
            extract(data, name=f"x.{kind}")
        assert raised.value.reason == "corrupt"
        assert "entities" in raised.value.message


@pytest.mark.parametrize("kind", ["docx", "pptx", "xlsx"])
@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (lambda data, main: repacked(data, {"word/media/blank.bin": bytes(64 * 1024 * 1024)}), "bomb"),
        (lambda data, main: repacked(data, {f"x/{number}": b"" for number in range(10_001)}), "bomb"),
        (lambda data, main: data[: len(data) // 2], "corrupt"),
        (lambda data, main: zip_file({"readme.txt": b"no document"}), "corrupt"),
        (lambda data, main: repacked(data, {main: b"<not-xml"}), "corrupt"),
        (lambda data, main: encrypted_office_file(), "encrypted"),
        (lambda data, main: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "unsupported"),
        (lambda data, main: b"hello", "corrupt"),
    ],
)
def test_bad_files_say_what_is_wrong(kind: str, bad: Callable[[bytes, str], bytes], reason: str) -> None:
    answer = child.answer(Task(bad(MADE[kind](), MAIN[kind]), f"x.{kind}", None, 10))
    assert isinstance(answer, Failure)
    assert answer.reason == reason
    assert answer.message.endswith(".")
