"""The first document: sign-in and chat requests as they go over the wire, errors, and a client on fetch-event-source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page as Tab

from tests.clients.answers import GREETING
from tests.clients.curl import Page, curl
from tests.clients.library import Library
from tests.clients.printed.documents import Document, objects, raw_request, replaced, shape
from tests.clients.subjects import BOTS, MODELS, PLAIN, Subject, name
from tests.support import node
from tests.support.browser import Chromium


@pytest.fixture(scope="module")
def document(seeds: Path) -> Document:
    return Document(seeds, "000")


def send(server: Library, block: str) -> Page:
    method, path, lines, body = raw_request(block)
    headers = [part for line in lines for part in ("-H", line)]
    return curl("-X", method, *headers, *(["--data-binary", body] if body else []), server.url + path)


@pytest.fixture(scope="module")
def member(server: Library) -> None:
    server.add_user("temporary_user", "default_password")


@pytest.mark.parametrize("mark", ["form-data", "params"])
def test_sign_in(server: Library, document: Document, member: None, mark: str) -> None:
    page = send(server, document.block("POST /auth", mark))
    [expected] = objects(document.block("200 OK", "accessToken"))
    assert page.status == 200
    assert shape(page.json) == shape(expected)


def error(document: Document, mark: str) -> Any:
    [found] = objects(document.block("errorMessage", mark))
    return found


@pytest.mark.parametrize("mark", ["form-data", "params"])
def test_sign_in_fails(server: Library, document: Document, member: None, mark: str) -> None:
    block = document.block("POST /auth", mark)
    page = send(server, replaced(block, ("default_password", "another")))
    assert (page.status, page.json) == (401, error(document, "cannot authenticate"))
    page = send(server, replaced(block, ("password", "word")))
    assert (page.status, page.json) == (401, error(document, "cannot find username"))


def chat(document: Document, token: str) -> str:
    block = document.block("POST /chatCompletion", "What is your name.")
    printed = block.partition("Bearer ")[2].partition("\n")[0]
    return replaced(block, (printed, token))


@pytest.mark.parametrize("subject", MODELS, ids=name)
def test_whole_answer(server: Library, document: Document, subject: Subject) -> None:
    with server.answering("xiaozhi", subject.model):
        page = send(server, chat(document, server.token))
    [expected] = objects(document.block("chat.completion", "XiaoZhi"))
    assert page.status == 200
    assert shape(page.json).keys() >= shape(expected).keys()
    subject.check(page.json["choices"][0]["message"]["content"])


def test_stream(server: Library, document: Document) -> None:
    block = replaced(chat(document, server.token), ("POST /chatCompletion", "POST /chatCompletionStream"))
    with server.answering("xiaozhi", "greeter"):
        page = send(server, replaced(block, ("Content-Type", "Accept: text/event-stream\nContent-Type")))
    printed = document.block("event: message", "hi.")
    assert [record.strip() for record in page.records] == [record.strip() for record in printed.split("\n\n")]
    assert len(page.records) == len(GREETING) + 2


def test_token_errors(server: Library, document: Document) -> None:
    page = send(server, replaced(chat(document, "x"), ("Bearer x", "x")))
    assert (page.status, page.json) == (401, error(document, "not starts with"))
    page = send(server, chat(document, "forged"))
    assert (page.status, page.json) == (401, error(document, "fake token"))


def test_server_error(server: Library, document: Document) -> None:
    with server.answering("xiaozhi", "server-error"):
        page = send(server, chat(document, server.token))
    start, _, _ = error(document, "Failed with")["errorMessage"].partition("{error}")
    assert page.status == 500
    assert page.json["errorMessage"].startswith(start)


@pytest.fixture(scope="module")
def script(document: Document, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The printed module, and the printed call with its target changed to a place that the test can see."""
    folder = tmp_path_factory.mktemp("printed")
    (folder / "client.js").write_text(replaced(document.block("import { fetchEventSource }"), (" + 5", "")), encoding="utf-8")
    call = replaced(document.block("getChatRes(this.question"), ("console.log(res)", "this.seen.push(res)"))
    entry = f"import {{ getChatRes }} from './client.js';\nwindow.call = function () {{ {call} }};\n"
    (folder / "entry.js").write_text(entry, encoding="utf-8")
    return node.bundle(folder / "entry.js", folder / "bundle.js")


@pytest.mark.parametrize("subject", MODELS + BOTS, ids=name)
def test_client(server: Library, chromium: Chromium, script: str, subject: Subject) -> None:
    async def visit(tab: Tab) -> Any:
        await tab.goto(server.url + "/healthz")
        await tab.evaluate("token => localStorage.setItem('Access-Token', token)", server.token)
        await tab.add_script_tag(content=script)
        await tab.evaluate("question => { window.target = { question, seen: [] }; window.call.call(window.target); }", subject.question)
        await tab.wait_for_function("() => window.target.seen.length > 1 && window.target.seen.at(-1) === ''")
        return await tab.evaluate("() => window.target.seen")

    with server.answering("xiaozhi", subject.model):
        seen = chromium.visit(visit)
    assert seen[0] == ""
    subject.check("".join(seen))
    assert chromium.console == []


def test_client_with_a_wrong_token(server: Library, chromium: Chromium, script: str, document: Document) -> None:
    """The printed client takes a refusal for an answer, so its body arrives as text that is no record."""

    async def visit(tab: Tab) -> Any:
        await tab.goto(server.url + "/healthz")
        await tab.add_script_tag(content=script)
        async with tab.expect_response(lambda response: "chatCompletionStream" in response.url) as response:
            await tab.evaluate("question => { window.call.call({ question, seen: [] }); }", PLAIN.question)
        refusal = await response.value
        return refusal.status, json.loads(await refusal.text())

    assert chromium.visit(visit) == (401, error(document, "fake token"))
