import pytest

from antiphon.retrieval.extract.dispatch import extract
from antiphon.retrieval.extract.document import Unreadable
from tests.unit.retrieval.extract.files import pdf

PAGES = ["Care of the kiln\nHeat it slowly and keep the lid closed.", "Cooling down\nOpen it below 80 degrees.\nGloves\nWear them."]


def test_pages_and_bookmarks_know_their_place() -> None:
    document = extract(pdf(PAGES, title="Kiln manual", outline=[("Cooling down", 1), ("Gloves", 1)]), name="kiln.pdf")
    assert document.title == "Kiln manual"
    assert document.text.replace("\n\n", "\n") == "\n".join(PAGES)
    assert document.text[document.pages[1] :].startswith("Cooling down")
    assert len(document.pages) == 2
    assert [(section.path, document.text[section.start :].split("\n")[0]) for section in document.sections] == [
        (("Cooling down",), "Cooling down"),
        (("Gloves",), "Gloves"),
    ]


def test_the_content_says_that_it_is_a_pdf_whatever_the_name() -> None:
    assert extract(pdf(["Some text of a page"]), name="download.html").kind == "pdf"


def test_the_file_name_is_the_title_where_the_stored_one_is_none() -> None:
    assert extract(pdf(["Some text"], title="Microsoft Word - draft3.doc"), name="a/kiln_rules.pdf").title == "kiln rules"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (pdf(["Stamp 7"], picture=True), "scanned"),
        (pdf(["", "12"], picture=True), "scanned"),
        (pdf([""]), "empty"),
        (pdf(["Secret"], encrypted=True), "encrypted"),
        (pdf(["Some text"])[:200], "corrupt"),
        (b"%PDF-1.7\n" + bytes(500), "corrupt"),
    ],
)
def test_a_file_without_text_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as raised:
        extract(data, name="x.pdf")
    assert raised.value.reason == reason


def test_a_page_of_text_with_a_picture_is_no_scan() -> None:
    assert "Heat it" in extract(pdf(PAGES, picture=True), name="x.pdf").text
