import pytest

from antiphon.retrieval.extract.dispatch import extract
from antiphon.retrieval.extract.document import Unreadable

PAGE = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html>
<html lang="en"><head><title>Kiln  care</title><style>p { color: red }</style><base href="/docs/"></head>
<body>
<nav><a href="/index.html">Home</a> <a href="kiln.html">Kiln</a></nav>
<div class="sidebar">Latest news</div>
<main>
  <h1>Care of the kiln<a class="headerlink" href="#x">¶</a></h1>
  <p>The kiln is <b>heated</b>
     slowly.<br>Twice.</p><script>alert(1)</script>
  <h2>Steps</h2>
  <ul><li>Open the lid.</li><li><p>Stack shelves:</p><ol><li>low</li><li>high</li></ol></li></ul>
  <p>Run <code>kiln --check</code> first &amp; wait.</p>
  <pre>line one
  line two</pre>
  <table><tr><th>Glaze</th><th>Degrees</th></tr><tr><td>Celadon</td><td><p>1280</p><p>max</p></td></tr></table>
  <p hidden>secret</p><p style="display: none">also secret</p><!-- and this -->
  <a href="glaze.html#top">Glazes</a> <a href="ads" rel="nofollow">x</a>
</main>
<footer>Imprint</footer></body></html>"""


def test_the_main_content_becomes_markdown() -> None:
    page = extract(PAGE.encode(), name="kiln.html")
    assert page.title == "Kiln care"
    assert page.language == "en"
    assert page.text == (
        "# Care of the kiln\n\nThe kiln is heated slowly.\nTwice.\n\n## Steps\n\n- Open the lid.\n- Stack shelves:\n  1. low\n  1. high\n\n"
        "Run `kiln --check` first & wait.\n\n```\nline one\n  line two\n```\n\n"
        "| Glaze | Degrees |\n| --- | --- |\n| Celadon | 1280 max |\n\nGlazes x"
    )
    assert [(section.path, page.text[section.start :][:7]) for section in page.sections] == [
        (("Care of the kiln",), "# Care "),
        (("Care of the kiln", "Steps"), "## Step"),
    ]


def test_links_are_kept_for_the_crawler_with_the_base_first() -> None:
    assert extract(PAGE.encode(), name="x.html").links == ("/docs/", "/index.html", "kiln.html", "glaze.html#top")


def test_a_page_without_landmarks_gives_its_body() -> None:
    page = extract(b"<p>Alone</p><div>and <i>again</i></div><header>Banner</header>", name="x", media_type="text/html; charset=utf-8")
    assert page.text == "Alone\n\nand again"
    assert page.title == "x"


def test_a_page_that_opens_no_body_still_has_its_content() -> None:
    page = extract(b"<title>Start</title><main>Words of <a href='/a'>this page</a>.</main><p>More.</p>", name="x.html")
    assert (page.title, page.text, page.links) == ("Start", "Words of this page.\n\nMore.", ("", "/a"))


def test_the_encoding_may_stand_in_the_header_or_in_the_page() -> None:
    body = "<p>借书证在前台办理</p>"
    assert "借书证" in extract(body.encode("gbk"), name="x", media_type="text/html; charset=GBK").text
    assert "借书证" in extract(f"<meta charset=gb2312>{body}".encode("gbk"), name="x.htm").text


def test_deep_nesting_is_read_or_refused_but_never_cut() -> None:
    assert extract(b"<div>" * 1_500 + b"deep" + b"</div>" * 1_500 + b"<p>after</p>", name="x.html").text == "deep\n\nafter"
    with pytest.raises(Unreadable) as raised:
        extract(b"<div>" * 50_000 + b"deep" + b"</div>" * 50_000 + b"<p>after</p>", name="x.html")
    assert "nested too deeply" in raised.value.message


@pytest.mark.parametrize("data", [b"<html></html>", b"<script>x()</script>", b"<nav>Home</nav>", b"<!-- a -->"])
def test_a_page_without_words_is_empty(data: bytes) -> None:
    with pytest.raises(Unreadable) as raised:
        extract(data, name="x.html")
    assert raised.value.reason in ("empty", "corrupt")


def test_entities_from_outside_are_not_resolved() -> None:
    page = b'<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd">]><html><body><p>a &x; b</p></body></html>'
    assert "root:" not in extract(page, name="x.html").text
