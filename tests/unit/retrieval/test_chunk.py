from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from antiphon.retrieval.chunk import chunk
from antiphon.retrieval.draft import indexed_text
from antiphon.retrieval.extract.document import Extracted, Section

TEXT = "# Guide\n\n## Install\n\n" + "Put the disc in. " * 120 + "\n\n## Remove\n\nTake the disc out."


def document(text: str, **values: object) -> Extracted:
    return Extracted("Guide", text, "markdown", **values)  # type: ignore[arg-type]


def sections() -> tuple[Section, ...]:
    return (
        Section(0, ("Guide",)),
        Section(TEXT.index("## Install"), ("Guide", "Install")),
        Section(TEXT.index("## Remove"), ("Guide", "Remove")),
    )


def test_a_passage_is_exactly_its_range() -> None:
    for passage in chunk(document(TEXT)):
        assert TEXT[passage.start : passage.end] == passage.text


def test_the_heading_is_the_one_over_the_first_words() -> None:
    passages = chunk(document(TEXT, sections=sections()))
    assert passages[0].heading == ("Guide", "Install")
    assert passages[-1].heading == ("Guide", "Remove")


def test_headings_and_title_are_indexed_but_not_shown() -> None:
    passages = chunk(document(TEXT, sections=sections()))
    assert " guid " in passages[-1].tokens
    assert "Guide" not in passages[-1].text
    assert indexed_text("Guide", ("Guide", "Remove"), "x") == "Guide\nRemove\nx"


def test_pages_count_from_one() -> None:
    text = "First page.\n\n" + "word " * 300 + "\n\nLast page."
    passages = chunk(document(text, pages=(0, text.index("Last"))))
    assert passages[0].page == 1
    assert chunk(document(text))[0].page is None


def test_nothing_but_marks_gives_no_passage() -> None:
    assert chunk(document("--- *** !!!")) == []


@given(st.text(alphabet="ab #\n中。", max_size=3000))
def test_ranges_are_in_order_and_keep_every_word(text: str) -> None:
    passages = chunk(document(text))
    assert all(one.end <= two.start for one, two in pairwise(passages))
    covered = "".join(one.text for one in passages)
    for letter in "ab中":
        assert covered.count(letter) == text.count(letter)
