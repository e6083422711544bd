"""A browser on GET /events: its own EventSource, and fetch with a reader; and a reader of OpenAI's chunks."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.async_api import Page as Tab

from tests.clients.curl import curl, post
from tests.clients.library import Library
from tests.clients.subjects import SUBJECTS, Subject, name
from tests.support import node
from tests.support.browser import Chromium

WELCOME = {"sender": "Server", "message": "Welcome to the SSE connection!"}
BUSY = "We're sorry, the server was too busy to handle this response.  Please try again."
SCRIPT = (node.FOLDER / "browser" / "events.js").read_text(encoding="utf-8")


def run(server: Library, chromium: Chromium, call: str, *arguments: Any) -> Any:
    async def visit(tab: Tab) -> Any:
        await tab.goto(server.url + "/healthz")
        await tab.add_script_tag(content=SCRIPT)
        return await tab.evaluate(f"(given) => window.{call}(...given)", list(arguments))

    return chromium.visit(visit)


def address(server: Library, subject: Subject) -> str:
    """With a ticket, because an EventSource cannot send a header."""
    ticket = post(f"{server.url}/api/tickets", {}, "-H", f"Authorization: Bearer {server.key}").json["ticket"]
    return f"{server.url}/events?" + urlencode({"question": subject.question, "model": subject.model, "ticket": ticket})


@pytest.mark.parametrize("subject", SUBJECTS, ids=name)
def test_event_source(server: Library, chromium: Chromium, subject: Subject) -> None:
    seen = run(server, chromium, "listen", address(server, subject))
    first, *records = seen["records"]
    assert (first["event"], first["data"]) == ("welcome", WELCOME)
    assert records[-1]["event"] == "done"
    subject.check("".join(record["data"] for record in records if record["event"] == "content"))
    assert seen["named"] == 0


def test_event_source_that_comes_back(server: Library, chromium: Chromium) -> None:
    """The browser connects again when the stream ends, and is told by a 204 that there is no more; nothing is asked twice."""
    asked = len(server.upstream.chats)
    seen = run(server, chromium, "listen", address(server, SUBJECTS[0]), True)
    assert [record["event"] for record in seen["records"]].count("done") == 1
    assert (seen["opened"], seen["failures"]) == (1, 2)
    assert len(server.upstream.chats) == asked + 1


def test_event_source_of_somebody_on_this_machine(server: Library, chromium: Chromium) -> None:
    subject = SUBJECTS[2]
    seen = run(server, chromium, "listen", "/events?" + urlencode({"question": subject.question}))
    subject.check("".join(record["data"] for record in seen["records"] if record["event"] == "content"))
    assert [record for record in seen["records"] if record["event"] == "citations"]


@pytest.mark.parametrize("model", ["rate-limited", "error-event"])
def test_event_source_told_of_a_failure(server: Library, chromium: Chromium, model: str) -> None:
    seen = run(server, chromium, "listen", address(server, Subject(model, "x")))
    [failure] = [record for record in seen["records"] if record["event"] == "error"]
    assert (failure["data"] == BUSY) == (model == "rate-limited")


@pytest.mark.parametrize("subject", SUBJECTS, ids=name)
def test_reader(server: Library, chromium: Chromium, subject: Subject) -> None:
    options = {"headers": {"Authorization": f"Bearer {server.key}"}}
    url = "/events?" + urlencode({"question": subject.question, "model": subject.model})
    seen = run(server, chromium, "read", url, options)
    assert seen["type"].startswith("text/event-stream")
    lines = [line for line in "".join(seen["chunks"]).split("\n") if line.startswith("data: ")]
    records = [json.loads(line[6:]) for line in lines]
    subject.check("".join(record["data"] for record in records if record["event"] == "content"))


@pytest.mark.parametrize("subject", SUBJECTS, ids=name)
def test_reader_of_chunks(server: Library, chromium: Chromium, subject: Subject) -> None:
    body = {"model": subject.model, "messages": [{"role": "user", "content": subject.question}], "stream": True}
    headers = {"Authorization": f"Bearer {server.key}", "Content-Type": "application/json"}
    options = {"method": "POST", "headers": headers, "body": json.dumps(body)}
    seen = run(server, chromium, "readCompletion", "/v1/chat/completions", options)
    subject.check(seen["text"])
    assert (seen["finish"], seen["done"]) == ("stop", True)


def test_nobody(server: Library) -> None:
    page = curl(f"{server.url}/events?question=x", "-H", "Host: chat.example.org")
    assert page.status == 401
