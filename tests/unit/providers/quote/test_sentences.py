from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.providers.quote.sentences import LONGEST, sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("Use e.g. version 1.2.3 of it. Then stop.", ["Use e.g. version 1.2.3 of it.", "Then stop."]),
        ("第一句。第二句！第三句", ["第一句。", "第二句！", "第三句"]),
        ("他说“好。”然后走了。", ["他说“好。”然后走了。"]),
        ("A line\nthat goes on. And more.", ["A line that goes on.", "And more."]),
        ("# Heading\n\nText.", ["Text."]),
        ("- one\n- two\n  goes on\n1. three", ["one", "two goes on", "three"]),
        ("> quoted\n\n---\n\n![picture](x.png)", ["quoted"]),
        ("| a | b |\n|---|---|\n| c | d |", ["a | b", "c | d"]),
        ("Run:\n\n```sh\nls -l\nrm x\n```\n", ["Run:", "ls -l", "rm x"]),
        ("end of code\n```\n\nText.\n\n```sh\nls\n```\n\n# Heading\n\nMore.", ["end of code", "Text.", "ls", "More."]),
        ("```name``` is a file.\n\n# Heading", ["```name``` is a file."]),
        ("Cited [1]. Plain.", ["Plain."]),
        ("", []),
        ("***\n\n...", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert [sentence.text for sentence in sentences(text)] == expected


def test_a_sentence_stands_under_its_headings_and_what_introduces_it() -> None:
    text = (
        "# A\n\nOne.\n\n## B\n\nNow. Two:\n\n- three\n- four:\n\n  ```\n  five\n  ```\n\nSix.\n\n- seven\n\n## C\n\nEight:\n\n## D\n\nNine."
    )
    assert [(sentence.text, sentence.under) for sentence in sentences(text)] == [
        ("One.", "A"),
        ("Now.", "A\nB"),
        ("Two:", "A\nB"),
        ("three", "A\nB\nTwo:"),
        ("four:", "A\nB\nTwo:"),
        ("five", "A\nB\nfour:"),
        ("Six.", "A\nB\nfour:"),
        ("seven", "A\nB"),
        ("Eight:", "A\nC"),
        ("Nine.", "A\nD"),
    ]


def test_of_a_long_sentence_the_beginning_is_quoted() -> None:
    (found,) = sentences("word " * 300)
    assert len(found.text) <= LONGEST
    assert found.text.endswith("word")


@given(
    st.lists(
        st.sampled_from(["Hello there. ", "你好。", "\n", "\n\n", "- ", "x = 1; ", "| a | b |\n", "**bold** ", "1.5 ", "> "]), max_size=40
    )
)
def test_a_sentence_stands_in_its_text(pieces: list[str]) -> None:
    text = "".join(pieces)
    squeezed = "".join(character for character in text if character not in " \n|->")
    for sentence in sentences(text):
        assert "".join(character for character in sentence.text if character not in " \n|->") in squeezed
