import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.retrieval.extract.dispatch import extract
from antiphon.retrieval.extract.document import Unreadable

PAGE = """---
title: "Opening hours"
lang: en
---

<!-- internal: ask Ann
```
still inside the comment
``` -->

# Hours {#hours}

We open at **nine**. ![front door](img/door.png) See [the map](../map.md), [our site](https://example.org/a) and `<b>` &amp; `&lt;`.

- [Hours](#hours)
- [Closing](#closing)

Closing
-------

```sh
# not a heading
echo "<!-- kept -->"
```

<table><tr><td><p>Day</p></td><td>From</td></tr>
<tr><td>Friday</td>

<td>a|b</td></tr></table>

### Holidays

Use `<name>` as in <name>. <a name="x"></a>None.
"""


def test_the_source_stays_less_what_is_no_content() -> None:
    page = extract(PAGE.encode(), name="hours.md")
    assert page.title == "Opening hours"
    assert page.language == "en"
    assert "internal" not in page.text
    assert "still inside" not in page.text
    assert "front door" in page.text
    assert "door.png" not in page.text
    assert "See the map, [our site](https://example.org/a) and `<b>` & `&lt;`." in page.text
    assert "(#hours)" not in page.text
    assert '# not a heading\necho "<!-- kept -->"' in page.text
    assert "| Day | From |\n| --- | --- |\n| Friday | a\\|b |" in page.text
    assert "Use `<name>` as in <name>. None." in page.text


def test_headings_know_their_place() -> None:
    page = extract(PAGE.encode(), name="hours.md")
    assert [section.path for section in page.sections] == [("Hours",), ("Hours", "Closing"), ("Hours", "Closing", "Holidays")]
    for section in page.sections:
        line = page.text[section.start :].split("\n", 1)[0]
        assert line.lstrip("# ") == section.path[-1]


def test_the_first_heading_is_the_title_where_none_is_declared() -> None:
    assert extract("Über *uns*\n===\n\nText".encode(), name="x.md").title == "Über uns"
    assert extract(b"no heading at all", name="dir/my_notes.md").title == "my notes"


@pytest.mark.parametrize("data", [b"", b" \n", b"<!-- only a comment -->", b"---\ntitle: x\n---\n", b"***\n\n- - -\n", b"![](a.png)"])
def test_a_page_without_words_is_empty(data: bytes) -> None:
    with pytest.raises(Unreadable) as raised:
        extract(data, name="x.md")
    assert raised.value.code == "document_empty"


@given(st.text(alphabet=st.sampled_from("#`~-=<>!&|[]() \n\tab你" + "\r\u2028\x00\ufeff"), max_size=200))
def test_sections_always_point_at_their_headings(source: str) -> None:
    try:
        page = extract(source.encode(), name="x.md")
    except Unreadable:
        return
    for section in page.sections:
        assert page.text[section.start] == "#"
        assert section.path[-1] in page.text[section.start :]
    assert not set(page.text) & {"\r", "\x00", "\u2028", "\ufeff"}
