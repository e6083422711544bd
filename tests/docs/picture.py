"""The picture of the README: a terminal in which the commands really ran, drawn as SVG.

It is made from the demonstration corpus and the built-in model, so it comes out the same wherever it is made, and a test holds it to that.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import textwrap
from html import escape
from pathlib import Path
from typing import Final

from tests.docs.markdown import DOCS
from tests.house.tree import ROOT
from tests.support.server import ANTIPHON, Server

PICTURE: Final = DOCS / "ask.svg"
COMMANDS: Final = (
    "antiphon ingest tests/corpus/en --collection docs --url-prefix https://docs.example.org/",
    'antiphon ask "Can I bring my child to the workshop?"',
)
COLUMNS: Final = 96
_SIZE, _LEADING, _WIDTH, _MARGIN = 14, 20, 8.4, 24


def transcript() -> list[str]:
    """The lines of a terminal: each command after a `$`, then what it printed."""
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "antiphon-data"
        with Server(data):
            environment = {"PATH": f"{ANTIPHON.parent}:{os.environ['PATH']}", "ANTIPHON_OLLAMA_URL": ""}
            for command in COMMANDS:
                place = ["--data", str(data)]
                arguments = [word.strip('"') for word in re.findall(r'"[^"]*"|\S+', command)] + place
                done = subprocess.run(arguments, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
                lines += [f"$ {command}", *done.stdout.rstrip("\n").split("\n"), ""]
    return lines[:-1]


def drawn(lines: list[str]) -> str:
    """SVG with the system's own fonts and no other host; colours for a light and a dark page alike."""
    rows = [row for line in lines for row in textwrap.wrap(line, COLUMNS, subsequent_indent="    " if line[:1] in " [" else "") or [""]]
    width, height = COLUMNS * _WIDTH + 2 * _MARGIN, len(rows) * _LEADING + 2 * _MARGIN
    text = "".join(
        f'<text x="{_MARGIN}" y="{_MARGIN + _SIZE + n * _LEADING}"{_colour(row)} xml:space="preserve">{escape(row)}</text>\n'
        for n, row in enumerate(rows)
        if row
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}" role="img" font-size="{_SIZE}" '
        'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" fill="#e6e1d6">\n'
        "<title>Documents are ingested, a question is asked, and the answer names its sources</title>\n"
        f'<rect width="100%" height="100%" rx="10" fill="#1f2428"/>\n{text}</svg>\n'
    )


def _colour(row: str) -> str:
    if row.startswith("$"):
        return ' fill="#8ec07c"'
    return ' fill="#83a5c8"' if row.lstrip().startswith("http") else ""
