"""Web pages: the main content as Markdown, without what surrounds it.

The page's own landmarks decide (main, article, role=main); without one, the body less navigation, banners and footers. Comments, scripts,
styles, hidden parts and forms are dropped. The tree is walked without recursion, so that deep nesting costs nothing.

Rules: the parser is told the encoding and never loads anything. A page deeper than it can go is refused, not cut.
"""

from __future__ import annotations

import re
from typing import Final

from lxml import etree, html

from antiphon.retrieval.extract.document import Extracted, Unreadable, Writer, clean, one_line
from antiphon.retrieval.extract.encodings import decode
from antiphon.retrieval.extract.kinds import charset_of, stem_of

_DROP: Final = frozenset(
    {"script", "style", "noscript", "template", "nav", "form", "iframe", "svg", "button", "select", "object", "embed", "canvas", "head"}
    | {"audio", "video", "textarea", "input", "dialog"}
)
_AROUND: Final = frozenset({"header", "footer", "aside"})
_AROUND_ROLES: Final = frozenset({"navigation", "banner", "contentinfo", "search", "complementary", "dialog", "alert"})
_AROUND_NAMES: Final = frozenset(
    {"nav", "navbar", "navigation", "menu", "sidebar", "breadcrumb", "breadcrumbs", "pagination", "toc", "footer", "cookie", "cookies"}
    | {"headerlink", "toctree-wrapper", "skip-link", "sr-only", "advertisement", "sphinxsidebar", "related"}
)
_BLOCK: Final = frozenset(
    {"p", "div", "section", "article", "main", "body", "li", "ul", "ol", "dl", "dt", "dd", "blockquote", "figure", "figcaption", "details"}
    | {"summary", "table", "caption", "tr", "hr", "address", "fieldset", "header", "footer", "aside", "center", "tbody", "thead", "tfoot"}
)
_OF_HEAD: Final = frozenset({"title", "meta", "link", "script", "style", "base", "noscript", "template"})
_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_SPACES = re.compile(r"[ \t\n]+")
_MAX_LINKS: Final = 5_000


def read(data: bytes, name: str, media_type: str | None) -> Extracted:
    source = _DECLARATION.sub("", clean(decode(data, declared=charset_of(media_type), html=True)))
    if not source.strip():
        raise Unreadable("empty", "The page is empty.")
    parser = html.HTMLParser(no_network=True, huge_tree=True, remove_comments=True, remove_pis=True)
    try:
        root = html.document_fromstring(source, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        if isinstance(error, etree.XMLSyntaxError) and error.code in (0, etree.ErrorTypes.ERR_NO_MEMORY):  # 0: none left to say so
            raise MemoryError from error
        raise Unreadable("corrupt", "The page cannot be read as HTML.", detail=str(error)) from error
    if any("depth" in entry.message for entry in parser.error_log):  # the parser stops there, so what follows would be lost unsaid
        raise Unreadable("corrupt", "The page is nested too deeply to be read.")
    _settle(root)
    page = _Page()
    page.walk(_content(root))
    declared = root.findtext(".//head/title") or root.findtext(".//title")
    title = one_line(declared or "") or page.writer.first_heading or stem_of(name)
    return page.writer.done("html", title, language=root.get("lang"), links=_links(root))


def _settle(root: etree._Element) -> None:
    """The parser leaves elements younger than itself (main, article) in the head of a page that opens no body: move them out."""
    head = root.find("head")
    strays = [] if head is None else [child for child in head if child.tag not in _OF_HEAD]
    if strays:
        body = root.find("body")
        if body is None:
            body = etree.SubElement(root, "body")
        for position, stray in enumerate(strays):
            body.insert(position, stray)


def _content(root: etree._Element) -> etree._Element:
    """The element that holds the page's own words."""
    for path in (".//main", ".//*[@role='main']", ".//article", ".//*[@id='content']"):
        found = root.findall(path)
        if len(found) == 1 and len("".join(found[0].itertext()).strip()) > 50:
            return found[0]
    body = root.find(".//body")
    return root if body is None else body


def _links(root: etree._Element) -> tuple[str, ...]:
    base = root.find(".//base")
    prefix = (base.get("href") or "") if base is not None else ""
    found = [link.get("href") or "" for link in root.iter("a") if "nofollow" not in (link.get("rel") or "").lower()]
    links = dict.fromkeys(href.strip() for href in found if href.strip() and not href.strip().startswith("#"))
    return ((prefix,) if prefix else ("",)) + tuple(links)[:_MAX_LINKS]


def _dropped(element: etree._Element, landmark: bool) -> bool:
    tag = element.tag
    if tag in _DROP or element.get("hidden") is not None or element.get("aria-hidden") == "true":
        return True
    if (tag in _AROUND and not landmark) or element.get("role") in _AROUND_ROLES:
        return True
    if "display:none" in (element.get("style") or "").replace(" ", ""):
        return True
    names = f"{element.get('class') or ''} {element.get('id') or ''}".lower().split()
    return tag != "body" and not _AROUND_NAMES.isdisjoint(names)


class _Page:
    """One walk over the tree: `walk` fills `writer`."""

    def __init__(self) -> None:
        self.writer = Writer()
        self._line: list[str] = []
        self._lists: list[str] = []
        self._row: list[str] | None = None
        self._rows = 0
        self._pre = 0
        self._tight = False
        self._marker = ""

    def walk(self, content: etree._Element) -> None:
        landmark = content.tag in ("main", "article") or content.get("role") == "main"
        walker = etree.iterwalk(content, events=("start", "end"))
        dropping: etree._Element | None = None
        for event, element in walker:
            if dropping is None and event == "start":
                if element is not content and (not isinstance(element.tag, str) or _dropped(element, landmark)):
                    dropping = element
                    walker.skip_subtree()
                    continue
                self._open(element)
                self._text(element.text)
            elif event == "end":
                if dropping is element:
                    dropping = None
                else:
                    self._close(element)
                if element is not content:
                    self._text(element.tail)
        self._flush()

    def _text(self, text: str | None) -> None:
        if text:
            self._line.append(text if self._pre else _SPACES.sub(" ", text))

    def _open(self, element: etree._Element) -> None:
        tag = element.tag
        if tag in ("td", "th") and self._row is not None:
            self._line.clear()
        elif tag == "br":
            self._line.append("\n")
        elif tag == "img":
            self._text(element.get("alt"))
        elif tag == "code" and not self._pre:
            self._line.append("`")
        elif self._row is None and (tag in _BLOCK or tag in _HEADINGS or tag == "pre"):
            self._flush()
            self._open_block(str(tag))

    def _open_block(self, tag: str) -> None:
        if tag == "pre":
            self._pre += 1
        elif tag in ("ul", "ol"):
            self._lists.append("- " if tag == "ul" else "1. ")
        elif tag == "li":
            self._marker = "  " * max(len(self._lists) - 1, 0) + (self._lists[-1] if self._lists else "- ")
        elif tag == "tr":
            self._row = []
        elif tag == "table":
            self._rows = 0

    def _close(self, element: etree._Element) -> None:
        tag = element.tag
        if tag == "code" and not self._pre:
            self._line.append("`")
        elif self._row is not None:
            self._close_in_row(str(tag))
        elif tag == "pre":
            self._close_code()
        elif tag in _HEADINGS:
            heading = "".join(self._line).replace("\u00b6", "")
            self._line.clear()
            self.writer.heading(_HEADINGS[str(tag)], heading)
        elif tag in _BLOCK:
            self._flush()
            if tag in ("ul", "ol") and self._lists:
                self._lists.pop()

    def _close_in_row(self, tag: str) -> None:
        if tag in ("td", "th") and self._row is not None:
            self._row.append(one_line("".join(self._line)).replace("|", "\\|"))
            self._line.clear()
        elif tag == "tr":
            self._table_row()
        elif tag in _BLOCK:
            self._line.append(" ")

    def _close_code(self) -> None:
        self._pre = max(self._pre - 1, 0)
        code = "".join(self._line).strip("\n")
        self._line.clear()
        if code.strip():
            self.writer.block(f"```\n{code}\n```")

    def _table_row(self) -> None:
        row, self._row = self._row or [], None
        if any(row):
            self.writer.block("| " + " | ".join(row) + " |", tight=self._rows > 0)
            if self._rows == 0:
                self.writer.block("|" + " --- |" * len(row), tight=True)
            self._rows += 1

    def _flush(self) -> None:
        if self._pre:
            return
        text = "\n".join(_SPACES.sub(" ", line).strip() for line in "".join(self._line).split("\n")).replace("``", "").strip()
        self._line.clear()
        if text:
            marker, self._marker = self._marker, ""
            self.writer.block(marker + text, tight=bool(marker) and self._tight)
            self._tight = bool(marker)
