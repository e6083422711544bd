"""reStructuredText: parsed by docutils with every door shut (no includes, no raw, no configuration files), written out as Markdown.

Roles and directives that docutils does not know (those of documentation generators) keep their text: the role's label, the directive's
body; tables of contents are dropped.
"""

from __future__ import annotations

import io
import re
from typing import Any, ClassVar, Final

from docutils import nodes
from docutils.core import publish_doctree
from docutils.parsers.rst import Directive, directives, roles
from docutils.parsers.rst.languages import en as docutils_names

from antiphon.retrieval.extract.document import Extracted, Unreadable, Writer, clean, one_line
from antiphon.retrieval.extract.encodings import decode
from antiphon.retrieval.extract.kinds import charset_of, stem_of

_LONGEST_LINE: Final = 100_000
_SETTINGS: Final = {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "_disable_config": True,
    "report_level": 5,
    "halt_level": 5,
    "input_encoding": "unicode",
    "syntax_highlight": "none",
    "smart_quotes": False,
    "doctitle_xform": False,
    "docinfo_xform": False,
    "sectsubtitle_xform": False,
    "embed_stylesheet": False,
    "line_length_limit": _LONGEST_LINE,
}
_ROLE = re.compile(r":([A-Za-z][\w.+:-]*):`")
_DIRECTIVE = re.compile(r"^[ \t]*\.\.[ \t]+(?:\|[^|\n]+\|[ \t]+)?([A-Za-z][\w.+:-]*)::", re.MULTILINE)
_TARGET = re.compile(r"\s*<[^<>]*>\s*$")
_SILENT: Final = frozenset({"toctree", "index", "only", "currentmodule", "py:currentmodule", "highlight", "meta", "image"})
_SKIP = (nodes.comment, nodes.system_message, nodes.substitution_definition, nodes.target, nodes.raw, nodes.docinfo, nodes.topic)


class _AnyOption(dict[str, Any]):
    """Takes every option a foreign directive may have, as it is."""

    def __missing__(self, name: str) -> Any:
        return str


_ANY: Final = _AnyOption(name=str)


class _Body(Directive):
    """A directive of somebody else's: its argument and body stay as text."""

    has_content = True
    optional_arguments = 100
    final_argument_whitespace = True
    option_spec: ClassVar[Any] = _ANY

    def run(self) -> list[nodes.Node]:
        container = nodes.container()
        if self.arguments:
            container += nodes.paragraph("", " ".join(self.arguments))
        if self.content:
            self.state.nested_parse(self.content, self.content_offset, container)
        return [container]


class _Nothing(Directive):
    """A directive whose body says nothing to a reader."""

    has_content = True
    optional_arguments = 100
    final_argument_whitespace = True
    option_spec: ClassVar[Any] = _ANY

    def run(self) -> list[nodes.Node]:
        return []


class _Code(Directive):
    """Code is kept as it is; its language is no content."""

    has_content = True
    optional_arguments = 1
    option_spec: ClassVar[Any] = _ANY

    def run(self) -> list[nodes.Node]:
        code = "\n".join(self.content).strip("\n")
        return [nodes.literal_block(code, code)]


def _label(
    role: str, rawtext: str, text: str, lineno: int, inliner: Any, options: Any = None, content: Any = None
) -> tuple[list[nodes.Node], list[nodes.Node]]:
    label = _TARGET.sub("", nodes.unescape(text)).lstrip("~!") or text
    return [nodes.Text(label)], []


def read(data: bytes, name: str, media_type: str | None) -> Extracted:
    source = clean(decode(data, declared=charset_of(media_type)))
    if len(max(source.split("\n"), key=len)) > _LONGEST_LINE:
        raise Unreadable("too_large", f"A line of the page is longer than {_LONGEST_LINE:,} characters.")
    _register(source)
    try:
        document = publish_doctree(source, settings_overrides={**_SETTINGS, "warning_stream": io.StringIO()})
    except (MemoryError, RecursionError):
        raise
    except Exception as error:  # docutils raises its own and Python's errors alike on odd input
        raise Unreadable("corrupt", "The page cannot be read as reStructuredText.", detail=repr(error)) from error
    writer = Writer()
    _write(document, writer, 0)
    title = document.get("title") or writer.first_heading or stem_of(name)
    return writer.done("rst", title)


def _register(source: str) -> None:
    """Teach docutils the foreign names that this text uses; the child process keeps them, which changes nothing."""
    for directive in set(_DIRECTIVE.findall(source)):
        name = directive.lower()
        if name in _SILENT:
            directives.register_directive(name, _Nothing)
        elif name in ("code-block", "sourcecode", "code", "literalinclude", "parsed-literal"):
            directives.register_directive(name, _Code)
        elif name not in docutils_names.directives:
            directives.register_directive(name, _Body)
    for role in set(_ROLE.findall(source)):
        if role.lower() not in docutils_names.roles:
            roles.register_local_role(role.lower(), _label)  # type: ignore[arg-type]  # the stubs know reference roles only


def _write(node: nodes.Node, writer: Writer, level: int) -> None:
    """Depth is bounded by what docutils itself could nest."""
    for child in node.children:
        if isinstance(child, _SKIP):
            continue
        if isinstance(child, nodes.section):
            _write(child, writer, level + 1)
        elif isinstance(child, nodes.title):
            writer.heading(max(level, 1), child.astext())
        elif isinstance(child, nodes.literal_block):
            writer.block(f"```\n{child.astext()}\n```")
        elif isinstance(child, (nodes.bullet_list, nodes.enumerated_list)):
            _write_list(child, writer)
        elif isinstance(child, nodes.table):
            _write_table(child, writer)
        elif isinstance(child, nodes.image):
            writer.block(str(child.get("alt", "")))
        elif isinstance(child, nodes.TextElement):
            writer.block(_inline(child))
        else:
            _write(child, writer, level)


def _write_list(items: nodes.Node, writer: Writer, depth: int = 0) -> None:
    marker = "- " if isinstance(items, nodes.bullet_list) else "1. "
    for index, item in enumerate(items.children):
        first = True
        for child in item.children:
            if isinstance(child, (nodes.bullet_list, nodes.enumerated_list)):
                _write_list(child, writer, depth + 1)
            elif isinstance(child, nodes.TextElement) and not isinstance(child, nodes.literal_block):
                writer.block("  " * depth + (marker if first else "  ") + _inline(child), tight=first and (index > 0 or depth > 0))
                first = False
            else:
                _write(nodes.container("", child.deepcopy()), writer, 6)


def _write_table(table: nodes.Node, writer: Writer) -> None:
    first = True
    for row in table.findall(nodes.row):
        cells = [one_line(entry.astext()).replace("|", "\\|") for entry in row.children]
        writer.block("| " + " | ".join(cells) + " |", tight=not first)
        if first:
            writer.block("|" + " --- |" * len(cells), tight=True)
        first = False


def _inline(node: nodes.Element) -> str:
    parts: list[str] = []
    for child in node.findall():
        if isinstance(child, nodes.Text):
            literal = isinstance(child.parent, nodes.literal)
            parts.append(f"`{child}`" if literal else str(child).replace("\n", " "))
    return "".join(parts)
