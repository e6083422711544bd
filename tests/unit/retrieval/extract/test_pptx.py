"""Slides: their order, what stands in groups, alternate content and notes, and files that hold less than they promise."""

import pytest

from antiphon.retrieval.extract.dispatch import extract
from antiphon.retrieval.extract.document import Unreadable
from antiphon.retrieval.extract.pptx import MAX_DEPTH, MAX_SLIDES
from tests.unit.retrieval.extract.files import repacked
from tests.unit.retrieval.extract.slides import STRICT, group, paragraph, pptx_file, presentation, shape, slide, table

ALTERNATE = (
    '<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
    "<mc:Choice>{choice}</mc:Choice><mc:Fallback>{fallback}</mc:Fallback></mc:AlternateContent>"
)


def text_of(*shapes: str) -> str:
    return extract(presentation([slide(*shapes)]), name="x.pptx").text


def test_slides_come_in_the_order_in_which_they_are_shown() -> None:
    slides = [slide(shape(name, stands_for="ctrTitle")) for name in ("One", "Two", "Three")]
    document = extract(presentation(slides), name="x.pptx")
    assert document.text == "# One\n\n# Two\n\n# Three"
    assert [section.path for section in document.sections] == [("One",), ("Two",), ("Three",)]
    assert document.pages == (0, 7, 14)


def test_the_title_stands_first_wherever_it_is_drawn() -> None:
    assert text_of(shape("below"), shape("Above\nall", stands_for="title")) == "# Above all\n\nbelow"


def test_shapes_in_groups_are_read_where_the_group_stands() -> None:
    assert text_of(shape("a"), group(shape("b"), group(shape("c"), table(("d", "e|f")))), shape("g")) == (
        "a\n\nb\n\nc\n\n| d | e\\|f |\n| --- | --- |\n\ng"
    )


def test_groups_deeper_than_anyone_draws_are_left_out() -> None:
    def nested(depth: int) -> str:
        inner = shape("deep")
        for _ in range(depth):
            inner = group(inner)
        return inner

    assert text_of(shape("here"), nested(MAX_DEPTH)) == "here\n\ndeep"
    assert text_of(shape("here"), nested(MAX_DEPTH + 1)) == "here"


def test_levels_indent_and_line_breaks_are_spaces() -> None:
    lines = (paragraph("first\nhalf"), paragraph("under", 1), paragraph(" "), paragraph("far off", 10**9), paragraph("back", -3))
    assert text_of(shape(*lines)) == "- first half\n  - under\n" + "  " * 8 + "- far off\n- back"


def test_of_alternate_content_one_is_read() -> None:
    assert text_of(ALTERNATE.format(choice=shape("with a formula"), fallback=shape("its picture"))) == "with a formula"


def test_notes_are_the_speakers_words_alone() -> None:
    said = {1: "First I wave.\nThen I bow."}
    assert extract(presentation([slide(shape("Hello"))], said=said), name="x.pptx").text == "Hello\n\nFirst I wave.\nThen I bow."


def test_the_strict_form_reads_the_same() -> None:
    slides, said = [slide(shape("Hello", stands_for="title"), table(("a", "b")))], {1: "A note."}
    strict = extract(presentation(slides, said=said, title="Greetings", names=STRICT), name="x.pptx")
    assert strict == extract(presentation(slides, said=said, title="Greetings"), name="x.pptx")
    assert strict.title == "Greetings"


@pytest.mark.parametrize(
    ("title", "expected"), [("Talk\u00a0of the town", "Talk of the town"), ("PowerPoint Presentation", "Hello"), ("", "Hello")]
)
def test_the_title_is_the_files_own_unless_it_says_nothing(title: str, expected: str) -> None:
    assert extract(presentation([slide(shape("Hello", stands_for="title"))], title=title), name="x.pptx").title == expected


def test_without_any_title_the_name_is_one() -> None:
    data = presentation([slide(shape("Hello"))])
    assert extract(data, name="the talk.pptx").title == "the talk"
    assert extract(repacked(data, {"_rels/.rels": b"<Relationships/>"}), name="the talk.pptx").title == "the talk"


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("ppt/_rels/presentation.xml.rels", b"<Relationships/>"),
        ("ppt/_rels/presentation.xml.rels", b'<Relationships><Relationship Id="rId9" Target="../../etc/passwd"/></Relationships>'),
        ("ppt/slides/slide1.xml", b"<cut"),
        ("ppt/slides/slide1.xml", b""),
        ("ppt/slides/slide1.xml", slide(shape('<a:p><a:pPr lvl="x"/><a:r><a:t>a</a:t></a:r></a:p>')).encode()),
    ],
)
def test_what_is_missing_or_cut_is_damage(part: str, content: bytes) -> None:
    with pytest.raises(Unreadable) as raised:
        extract(repacked(pptx_file(), {part: content}), name="x.pptx")
    assert raised.value.reason == "corrupt"


def test_entities_stay_unread_in_a_part_of_any_name() -> None:
    declared = b'<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY y "inside">]>'
    part = declared + b"<s><cSld><spTree><sp><txBody><p><r><t>a&x;&y;b</t></r></p></txBody></sp></spTree></cSld></s>"
    relations = b'<Relationships><Relationship Id="rId9" Target="slides/one.bin"/></Relationships>'
    changes = {"ppt/_rels/presentation.xml.rels": relations, "ppt/slides/one.bin": part}
    text = extract(repacked(presentation([slide()]), changes), name="x.pptx").text
    assert "inside" not in text
    assert "root" not in text


def test_there_are_only_so_many_slides() -> None:
    with pytest.raises(Unreadable) as raised:
        extract(presentation([slide(shape("a"))] * (MAX_SLIDES + 1)), name="x.pptx")
    assert raised.value.reason == "too_large"


def test_a_presentation_without_text_is_empty() -> None:
    with pytest.raises(Unreadable) as raised:
        extract(presentation([slide(), slide(shape(" ")), slide(table(("", "")))]), name="x.pptx")
    assert raised.value.reason == "empty"
