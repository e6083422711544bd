import pytest

from antiphon.retrieval.extract.dispatch import extract


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_each_row_names_its_columns(delimiter: str) -> None:
    rows = [("Article", "Price", "Note"), ("Clay", "14", ""), ('"Glaze', ' red"', "9")]
    table = "\r\n".join(delimiter.join(row) for row in rows)
    page = extract(table.encode(), name="prices.csv")
    assert page.title == "prices"
    assert page.text.startswith("Article | Price | Note\nArticle: Clay; Price: 14")


def test_quoted_cells_may_hold_line_ends() -> None:
    page = extract(b'Day,Hours\nFriday,"14:00\nto 20:00"\n', name="h.csv")
    assert page.text == "Day | Hours\nDay: Friday; Hours: 14:00 to 20:00"


def test_lines_above_the_names_and_cells_beyond_them_are_kept() -> None:
    page = extract("价目表\n品名,价格\n陶土,14,新\n".encode("gb18030"), name="x.csv")
    assert page.text == "价目表\n品名 | 价格\n品名: 陶土; 价格: 14; 新"


def test_one_column_and_one_row() -> None:
    assert extract(b"Name\nAnn\nBo\n", name="x.csv").text == "Name\nName: Ann\nName: Bo"
    assert extract(b"just,one,row\n", name="x.csv").text == "just | one | row"
