"""The fourth document: a request as it goes over the wire, a reader of chunks, an EventSource, a fetch reader, and openai in Python."""

from __future__ import annotations

import json
import logging
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import openai
import pytest
from playwright.async_api import Page as Tab

from tests.clients.curl import post
from tests.clients.library import Library
from tests.clients.printed.documents import Document, objects, replaced
from tests.clients.subjects import SUBJECTS, Subject, name
from tests.support import node
from tests.support.browser import Chromium

ADDRESS = "http://127.0.0.1/hello"


@pytest.fixture(scope="module")
def document(seeds: Path) -> Document:
    return Document(seeds, "003")


def address(server: Library, subject: Subject) -> str:
    ticket = post(f"{server.url}/api/tickets", {}, "-H", f"Authorization: Bearer {server.key}").json["ticket"]
    return f"{server.url}/events?" + urlencode({"question": subject.question, "model": subject.model, "ticket": ticket})


def test_request(server: Library, document: Document) -> None:
    """The stream stays open and begins with the printed welcome."""
    parts = urlsplit(server.url)
    request = replaced(document.block("GET /events"), ("example.com", parts.netloc), ("MY_TOKEN", server.key))
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        connection.sendall(request.strip().replace("\n", "\r\n").encode() + b"\r\n\r\n")
        received = b""
        while b"}\n\n" not in received:
            received += connection.recv(4096)
    head, _, body = received.decode().partition("\r\n\r\n")
    printed = document.block("HTTP/1.1 200 OK").strip().splitlines()
    assert [line for line in printed if line.lower() not in head.lower()] == []
    [welcome] = [value for value in objects(document.block("Welcome to the SSE")) if "sender" in value]
    assert objects(body)[0]["data"] == welcome


@pytest.mark.parametrize("subject", SUBJECTS, ids=name)
def test_reader_of_chunks(server: Library, document: Document, tmp_path: Path, subject: Subject) -> None:
    """The printed lines, run on every record of a stream in turn."""
    body = {"model": subject.model, "messages": [{"role": "user", "content": subject.question}], "stream": True}
    page = post(f"{server.url}/v1/chat/completions", body, "-H", f"Authorization: Bearer {server.key}")
    records = [record.removeprefix("data: ") for record in page.records]
    assert records.pop() == "[DONE]"
    block = document.block("delta_content = response.delta.content")
    [printed] = [line for line in block.splitlines() if line.startswith("data = ")]
    reader = replaced(block, (printed, "data = record"))
    script = tmp_path / "reader.cjs"
    loop = f"for (const record of {json.dumps(records)}) {{ delta_content = ''\n{reader}\ntext += delta_content }}"
    script.write_text(f"let text = ''\n{loop}\nprocess.stdout.write(JSON.stringify(text))", encoding="utf-8")
    subject.check(json.loads(node.run(script)))


@pytest.mark.parametrize("subject", SUBJECTS, ids=name)
def test_openai_in_python(server: Library, document: Document, subject: Subject) -> None:
    code = document.block("def generate(messages, temperature")
    with openai.OpenAI(base_url=server.url + "/v1", api_key=server.key, max_retries=0) as client:
        names: dict[str, Any] = {"client": client, "COMPLETION_MODEL": subject.model, "MAX_TOKENS": 1000, "Resource": object}
        names["logger"] = logging.getLogger(__name__)
        exec(compile(code, "printed", "exec"), names)
        pieces = list(names["generate"]([{"role": "user", "content": subject.question}], 0.0, True))
    subject.check("".join(piece or "" for piece in pieces))


def browse(server: Library, chromium: Chromium, script: str, finished: str) -> None:
    async def visit(tab: Tab) -> None:
        await tab.goto(server.url + "/healthz")
        await tab.add_script_tag(content=script)
        await tab.wait_for_function(finished)

    chromium.visit(visit)
    assert chromium.errors == []


@pytest.mark.parametrize("subject", SUBJECTS, ids=name)
def test_event_source(server: Library, chromium: Chromium, document: Document, subject: Subject) -> None:
    code = replaced(document.block("new EventSource"), (ADDRESS, address(server, subject)))
    browse(server, chromium, code + "\nwindow.source = eventSource;", "() => window.source.readyState === EventSource.CLOSED")
    heard = [line for line in chromium.console if line.startswith(("Received event: ", "Data: "))]
    pairs = list(zip(heard[::2], heard[1::2], strict=True))
    assert pairs[0][0] == "Received event: welcome"
    assert pairs[-1][0] == "Received event: done"
    subject.check("".join(data.removeprefix("Data: ") for event, data in pairs if event == "Received event: content"))


@pytest.mark.parametrize("subject", SUBJECTS, ids=name)
def test_fetch_reader(server: Library, chromium: Chromium, document: Document, subject: Subject) -> None:
    """What the document leaves to its reader is put around it: getText and write, an end for `try`, and no brace too many."""
    code = replaced(document.block("response.body.getReader()"), (ADDRESS, address(server, subject)), ("API_URL});", "API_URL);"))
    own = "window.text = ''; let text; const getText = (chunk) => chunk; const write = (text) => { window.text += text; };"
    script = f"{own}\n(async () => {{ {code}\n}} finally {{ window.finished = true; }} }})();"
    heard: list[str] = []

    async def visit(tab: Tab) -> None:
        await tab.goto(server.url + "/healthz")
        await tab.add_script_tag(content=script)
        await tab.wait_for_function("() => window.finished")
        heard.append(await tab.evaluate("() => window.text"))

    chromium.visit(visit)
    assert chromium.errors == []
    records = [value for value in objects(heard[0]) if value["event"] == "content"]
    subject.check("".join(record["data"] for record in records))
