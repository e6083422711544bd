"""Markdown: the source text itself, less what is no content.

Taken out, outside code only: front matter, comments, tags of HTML, lists that merely point into the page, the addresses of images and of
links that lead nowhere once the text is quoted elsewhere. Code blocks and code spans stay as they are.
Source: CommonMark 0.31 (blocks by line; fences, ATX and setext headings).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final

from antiphon.retrieval.extract.document import Extracted, Writer, clean, one_line
from antiphon.retrieval.extract.encodings import decode
from antiphon.retrieval.extract.kinds import charset_of, stem_of

_FRONT = re.compile(r"\A---[ \t]*\n(.*?\n)??(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_LINE = re.compile(r"^(title|lang|language)\s*:\s*(.+?)\s*$", re.IGNORECASE | re.MULTILINE)
_FENCE = re.compile(r"^ {0,3}(?:>\s?|[-*+]\s+|\d+[.)]\s+)*\s*(`{3,}|~{3,})")
_SPAN = re.compile(r"`[^`\n]*`")
_ATX = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$")
_SETEXT = re.compile(r"^ {0,3}(=+|-{3,})[ \t]*$")
_POINTER = re.compile(r"^[ \t]*(?:[-*+]|\d+[.)])[ \t]+\[[^\]\n]*\]\(#[^)\n]*\)[ \t]*$\n?", re.MULTILINE)
_TAGS: Final = (
    "a|abbr|b|big|blockquote|br|caption|center|cite|code|col|colgroup|dd|del|details|div|dl|dt|em|figcaption|figure|font|h[1-6]|hr|i|img|ins"
    "|kbd|li|mark|ol|p|pre|q|s|samp|section|small|span|strike|strong|sub|summary|sup|table|tbody|td|tfoot|th|thead|tr|u|ul|var|video|source"
)
_INLINE = re.compile(
    r"(?P<code>(?<!`)(`+)(?!`)[^\n]*?(?<!`)\2(?!`))"
    r"|(?P<comment><!--.*?(?:-->|\Z))"
    r"|!\[(?P<alt>[^\]\n]*)\]\([^)\n]*\)"
    r"|(?<!\\)\[(?P<label>(?:[^\[\]\n]|\\[\[\]])+)\]\((?P<target>[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)(?:\s+\"[^\"\n]*\")?\)"
    rf"|<(?P<end>/?)(?P<tag>{_TAGS})(?P<attributes>(?:\s[^<>]*)?)/?>",
    re.IGNORECASE | re.DOTALL,
)
_TABLE = re.compile(r"<table[\s>].*?</table\s*>", re.IGNORECASE | re.DOTALL)
_ROW_END = re.compile(r"</tr\s*>", re.IGNORECASE)
_CELL_END = re.compile(r"</t[dh]\s*>", re.IGNORECASE)
_MARKS = re.compile(r"[*_]{1,3}(?=\S)(.+?)(?<=\S)[*_]{1,3}(?!\w)")
_ANCHOR = re.compile(r"\s*\{#[^}]*\}\s*$")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_ALT = re.compile(r"\balt\s*=\s*[\"']([^\"']*)[\"']", re.IGNORECASE)
_SPACES = re.compile(r"[ \t]+$", re.MULTILINE)
_BREAKS: Final = frozenset({"p", "div", "tr", "table", "ul", "ol", "pre", "details", "section", "blockquote", "figure", "dl", "hr"})


def read(data: bytes, name: str, media_type: str | None) -> Extracted:
    source = clean(decode(data, declared=charset_of(media_type)))
    title, language, source = _front_matter(source)
    writer = Writer()
    for fenced, block in _blocks(source):
        if fenced:
            writer.block(block)
        else:
            _write(writer, _prose(block))
    return writer.done("markdown", title or writer.first_heading or stem_of(name), language=language)


def _front_matter(source: str) -> tuple[str | None, str | None, str]:
    found = _FRONT.match(source)
    if not found or ":" not in found.group(0):
        return None, None, source
    fields = {key.lower(): value.strip("\"'") for key, value in _FRONT_LINE.findall(found.group(1) or "")}
    return fields.get("title"), fields.get("lang") or fields.get("language"), source[found.end() :]


def _blocks(source: str) -> Iterator[tuple[bool, str]]:
    """(is a fenced code block, its lines), in order."""
    lines: list[str] = []
    fence: str | None = None
    commented = False
    for line in source.splitlines(keepends=True):
        found = None if commented else _FENCE.match(line)
        if fence is None:
            commented = _still_commented(line, commented)
        if fence is None and found:
            if lines:
                yield False, "".join(lines)
            lines, fence = [line], found.group(1)
        elif fence is not None and found and found.group(1).startswith(fence) and line.strip().strip(fence[0]) == "":
            lines.append(line)
            yield True, "".join(lines)
            lines, fence = [], None
        else:
            lines.append(line)
    if lines:
        yield fence is not None, "".join(lines)


def _still_commented(line: str, commented: bool) -> bool:
    """Whether a comment is open at the end of the line: inside one, nothing opens a fence."""
    bare = _SPAN.sub("", line)
    opened, closed = bare.rfind("<!--"), bare.rfind("-->")
    return opened > closed if opened >= 0 or closed >= 0 else commented


def _prose(block: str) -> str:
    block = _TABLE.sub(_table, _POINTER.sub("", block))
    block = _INLINE.sub(_inline, block)
    return _SPACES.sub("", html.unescape(block) if "&" in block else block)


def _table(found: re.Match[str]) -> str:
    """A table written in HTML as rows of Markdown."""
    rows: list[str] = []
    for source in _ROW_END.split(found[0]):
        cells = [one_line(_INLINE.sub(_inline, cell)).replace("|", "\\|") for cell in _CELL_END.split(source)[:-1]]
        if any(cells):
            rows.append("| " + " | ".join(cells) + " |")
            if len(rows) == 1:
                rows.append("|" + " --- |" * len(cells))
    return "\n\n" + "\n".join(rows) + "\n\n"


def _inline(found: re.Match[str]) -> str:
    if found["code"] is not None:
        return found["code"].replace("&", "&amp;") if "&" in found["code"] else found["code"]
    if found["comment"] is not None:
        return ""
    if found["alt"] is not None:
        return "" if found["alt"].lower() in ("", "img", "image", "alt") else found["alt"]
    if found["label"] is not None:
        absolute = found["target"].lower().startswith(("http://", "https://", "mailto:"))
        return found[0] if absolute else found["label"]
    return _tag(found["tag"].lower(), bool(found["end"]), found["attributes"] or "")


def _tag(tag: str, closes: bool, attributes: str) -> str:
    if tag == "br":
        return "\n"
    if tag == "img":
        alt = _ALT.search(attributes)
        return alt.group(1) if alt else ""
    if tag in ("td", "th"):
        return " | " if closes else ""
    if tag == "li" and not closes:
        return "\n- "
    if tag[0] == "h" and tag[1:].isdigit():
        return "\n\n" if closes else "\n\n" + "#" * int(tag[1]) + " "
    return "\n" if tag in _BREAKS else ""


def _write(writer: Writer, prose: str) -> None:
    """Paragraph by paragraph, so that headings know their offsets."""
    pending: list[str] = []

    def flush() -> None:
        writer.block("\n".join(pending))
        pending.clear()

    for line in prose.split("\n"):
        atx = _ATX.match(line)
        setext = _SETEXT.match(line)
        if atx:
            flush()
            writer.heading(len(atx.group(1)), _plain(atx.group(2)))
        elif setext and pending and pending[-1].strip() and not pending[-1].lstrip().startswith(("|", "-", ">", "#")):
            title = pending.pop()
            flush()
            writer.heading(1 if setext.group(1)[0] == "=" else 2, _plain(title))
        else:
            pending.append(line)
    flush()


def _plain(heading: str) -> str:
    heading = _ANCHOR.sub("", heading)
    heading = _MARKS.sub(r"\1", heading).replace("`", "")
    return one_line(_ESCAPE.sub(r"\1", heading))
