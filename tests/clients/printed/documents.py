"""Clients as documents print them: the code blocks of the files in a directory that is given to the tests (`make test SEEDS=DIR`).

A document is known by the three digits that its name begins with. Only addresses, tokens and names are put in, and what could never have
run is made to run, by `replaced`, which insists that what it replaces is there.
"""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import Any

_FENCED = re.compile(r"^([ ]*)```[ ]*(\w*)[ ]*\n(.*?)^[ ]*```[ ]*$", re.MULTILINE | re.DOTALL)


class Document:
    def __init__(self, directory: Path, number: str) -> None:
        [path] = directory.glob(f"{number}_*")
        self.text = path.read_text(encoding="utf-8")

    def blocks(self, language: str | None = None) -> list[str]:
        """The fenced blocks in order, without their indentation."""
        found = _FENCED.findall(self.text)
        return [_dedent(code, len(indent)) for indent, kind, code in found if language in (None, kind)]

    def block(self, *marks: str) -> str:
        """The one fenced block that holds all of these."""
        [found] = [block for block in self.blocks() if all(mark in block for mark in marks)]
        return found

    def lines(self, start: str) -> list[str]:
        """The lines that begin like this, whatever their indentation."""
        return [line.strip() for line in self.text.splitlines() if line.strip().startswith(start)]


def _dedent(code: str, indent: int) -> str:
    margin = re.compile(rf"^ {{0,{indent}}}", re.MULTILINE)
    return textwrap.dedent(margin.sub("", code))


def replaced(code: str, *changes: tuple[str, str]) -> str:
    """The code with each first text of a pair exchanged for the second wherever it stands. AssertionError when it stands nowhere."""
    for old, new in changes:
        assert old in code, f"not in the document: {old}"
        code = code.replace(old, new)
    return code


def raw_request(block: str) -> tuple[str, str, list[str], str]:
    """(method, path, header lines, body) of a request printed as it goes over the wire; Host is left out."""
    head, _, body = block.strip().partition("\n\n")
    first, *lines = [line.strip() for line in head.splitlines()]
    method, path, _ = first.split(" ")
    return method, path, [line for line in lines if not line.startswith("Host:")], body.strip()


def objects(text: str) -> list[Any]:
    """Every JSON object that stands in a text, one after the other."""
    found, at, decoder = [], text.find("{"), json.JSONDecoder()
    while at >= 0:
        try:
            value, at = decoder.raw_decode(text, at)
            found.append(value)
        except ValueError:
            at += 1
        at = text.find("{", at)
    return found


def shape(value: Any) -> Any:
    """The names of a JSON value's fields, without its values."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else None
