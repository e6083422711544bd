"""`antiphon ask`: the answer as it comes, its sources after it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from antiphon.cli.connection import connect, data_option, fail
from antiphon.core.errors import OurError
from antiphon.wire.sse import Decoder


@click.command()
@click.argument("question", nargs=-1, required=True)
@click.option("--model", "-m", help="Model or bot that answers (default: the bot of the server).")
@data_option
def ask(question: tuple[str, ...], model: str | None, data: Path | None, config: Path | None) -> None:
    """Ask QUESTION and read the answer here, with its sources."""
    body: dict[str, Any] = {"model": model or "antiphon", "stream": True, "messages": [{"role": "user", "content": " ".join(question)}]}
    with connect(data, config) as server, server.client.stream("POST", "/v1/chat/completions", json=body) as response:
        if not response.is_success:
            response.read()
            fail(response)
        frames, citations = Decoder(), []
        for chunk in response.iter_raw():
            for frame in frames.feed(chunk):
                citations += _print(frame.data)
    click.echo()
    _sources(citations)


def _print(data: bytes) -> list[dict[str, Any]]:
    """Show a chunk's text; returns the citations it brought."""
    if data == b"[DONE]":
        return []
    chunk = msgspec.json.decode(data)
    if "error" in chunk:
        click.echo()
        raise OurError(str(chunk["error"]["message"]))
    for choice in chunk["choices"]:
        sys.stdout.write(choice["delta"].get("content") or "")
        sys.stdout.flush()
    found: list[dict[str, Any]] = chunk.get("citations", [])
    return found


def _sources(citations: list[dict[str, Any]]) -> None:
    by_number = {citation["number"]: citation for citation in reversed(citations)}
    for number in sorted(by_number):
        citation = by_number[number]
        where = " > ".join([citation["title"], *citation["heading"]])
        click.echo(f"\n[{number}] {where}\n    {citation['url']}", nl=False)
    if by_number:
        click.echo()
