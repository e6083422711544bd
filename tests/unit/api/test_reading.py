"""Documents as pages: nothing of them comes alive, nothing is lost, and what is quoted is what is marked."""

from __future__ import annotations

import re
from html import unescape

from hypothesis import given
from hypothesis import strategies as st

from antiphon.api.reading import article, markdown_blocks

MARKDOWN = """# Title

A paragraph over
two lines with <b>a tag</b> & more.

- an item
  goes on
- another

1. first

```
code <here>

# no heading
```

| a | b |
| c | d |

## Last words
The end."""

PIECES = st.lists(
    st.sampled_from(["# h", "text", "- i", "1. i", "```", "| a |", "", "<b>", "&amp;", '"', "  ", "\r", "\u2028", "中文"]), max_size=30
)
OURS = re.compile(r'</?(?:h2|p|pre|div|mark)(?: class="(?:item|plain)"| id="quote")?>')


def kinds(text: str) -> list[tuple[str, str]]:
    return [(block.kind, text[block.start : block.end].strip()) for block in markdown_blocks(text)]


def test_blocks_of_markdown() -> None:
    assert kinds(MARKDOWN) == [
        ("h2", "Title"),
        ("p", "A paragraph over\ntwo lines with <b>a tag</b> & more."),
        ("li", "- an item\n  goes on"),
        ("li", "- another"),
        ("li", "1. first"),
        ("pre", "code <here>\n\n# no heading"),
        ("pre", "| a | b |\n| c | d |"),
        ("h2", "Last words"),
        ("p", "The end."),
    ]


@given(PIECES, st.sampled_from(["text/markdown", "text/plain"]), st.integers(-5, 200), st.integers(-5, 200))
def test_only_our_own_elements(pieces: list[str], media_type: str, start: int, end: int) -> None:
    page = article("\n".join(pieces), media_type, start, end)
    assert "<" not in OURS.sub("", page)
    assert page.count('id="quote"') == (1 if "<mark" in page else 0)


@given(PIECES, st.data())
def test_what_is_quoted_is_marked(pieces: list[str], data: st.DataObject) -> None:
    """Of Markdown, its fences, heading signs and the white space between blocks are not shown, and so not marked either."""
    text = "\n".join(pieces)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    for media_type in ("text/markdown", "text/plain"):
        marked = "".join(re.findall(r"<mark[^>]*>(.*?)</mark>", article(text, media_type, start, end), re.DOTALL))
        shown = "".join(unescape(marked).split())
        quoted = "".join(text[start:end].split())
        if media_type == "text/plain":
            assert shown == quoted
        else:
            assert shown.replace("#", "").replace("`", "") == quoted.replace("#", "").replace("`", "")


@given(PIECES)
def test_nothing_is_lost(pieces: list[str]) -> None:
    text = "\n".join(pieces)
    for media_type in ("text/markdown", "text/plain"):
        shown = unescape(OURS.sub("", article(text, media_type, -1, -1)))
        assert "".join(re.sub(r"[#`]", "", shown).split()) == "".join(re.sub(r"[#`]", "", text).split())
