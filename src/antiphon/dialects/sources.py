"""Citations for dialects that have no field for them: a short list of sources after the text."""

from __future__ import annotations

from collections.abc import Iterable

from antiphon.core.passages import Citation


def footer(citations: Iterable[Citation]) -> str:
    """`[n] title > heading - address`, a line for each number cited, after a blank line; '' when nothing was cited."""
    lines = [_line(citation) for citation in numbered(citations)]
    return "\n\n" + "\n".join(lines) if lines else ""


def numbered(citations: Iterable[Citation]) -> list[Citation]:
    """Each number once, with its first quotation, in order of number."""
    by_number = {citation.number: citation for citation in reversed(list(citations))}
    return [by_number[number] for number in sorted(by_number)]


def _line(citation: Citation) -> str:
    where = " > ".join((citation.title, *citation.heading))
    return f"[{citation.number}] {_one_line(where)} - {_one_line(citation.url)}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
