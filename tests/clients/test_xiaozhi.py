"""XiaoZhi's clients: sign-in in every form that is in use, whole answers by curl, streams by fetch-event-source in a browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from playwright.async_api import Page as Tab

from tests.clients.answers import GREETING
from tests.clients.curl import Page, curl, post
from tests.clients.library import Library
from tests.clients.subjects import BOTS, MODELS, PLAIN, Subject, name
from tests.support import node
from tests.support.browser import Chromium

FORMS: dict[str, Callable[[str, str], list[str]]] = {
    "multipart": lambda user, word: ["-F", f"username={user}", "-F", f"password={word}"],
    "urlencoded": lambda user, word: ["--data-urlencode", f"username={user}", "--data-urlencode", f"password={word}"],
    "json": lambda user, word: ["-H", "Content-Type: application/json", "-d", json.dumps({"username": user, "password": word})],
    "json without a type": lambda user, word: ["-H", "Content-Type:", "-d", json.dumps({"username": user, "password": word})],
    "json as a form without boundary": lambda user, word: [
        *("-H", "Content-Type: multipart/form-data"),
        *("-d", json.dumps({"username": user, "password": word}, indent=4)),
    ],
    "params header": lambda user, word: ["-X", "POST", "-H", "params: " + urlencode({"username": user, "password": word})],
}
INCOMPLETE = {"errorMessage": "Authentication failed: cannot find username/password in request body."}
WRONG = {"errorMessage": "Authentication failed: cannot authenticate with provided username and password."}


def sign_in(server: Library, *arguments: str, query: str = "") -> Page:
    return curl(f"{server.url}/auth{query}", *arguments)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_sign_in(server: Library, form: Callable[[str, str], list[str]]) -> None:
    for user in (server.user, server.email):
        page = sign_in(server, *form(user, server.password))
        assert page.status == 200
        token = page.json["accessToken"]
        assert curl(f"{server.url}/v1/models", "-H", f"Authorization: Bearer {token}").status == 200
    assert sign_in(server, *form(server.user, "another")).json == WRONG


def test_sign_in_by_query(server: Library) -> None:
    query = f"?username={quote(server.user)}&password={quote(server.password)}"
    assert sign_in(server, "-X", "POST", query=query).json.keys() == {"accessToken"}
    assert server.password not in server.log()


@pytest.mark.parametrize(
    "arguments",
    [
        ["-X", "POST"],
        ["-d", ""],
        ["-d", "{}"],
        ["-d", '{"username": "x"}'],
        ["-d", "username="],
        ["-F", "password=x"],
        ["-d", '{"username": 5}'],
    ],
    ids=str,
)
def test_sign_in_incomplete(server: Library, arguments: list[str]) -> None:
    page = sign_in(server, *arguments)
    assert (page.status, page.json) == (401, INCOMPLETE)


def question(subject: Subject) -> list[Any]:
    return [{"role": "user", "Content": subject.question}]


@pytest.mark.parametrize("subject", MODELS + BOTS, ids=name)
def test_whole_answer(server: Library, subject: Subject) -> None:
    with server.answering("xiaozhi", subject.model):
        page = post(f"{server.url}/chatCompletion", question(subject), "-H", f"Authorization: Bearer {server.token}")
    assert page.status == 200
    answer = page.json
    assert answer["object"] == "chat.completion"
    subject.check(answer["choices"][0]["message"]["content"])
    assert answer["usage"]["total_tokens"] == answer["usage"]["prompt_tokens"] + answer["usage"]["completion_tokens"]


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ([], "Invalid token: empty or not starts with 'Bearer '"),
        (["-H", "Authorization: Basic abc"], "Invalid token: empty or not starts with 'Bearer '"),
        (["-H", "Authorization: Bearer abc"], "Invalid token: expired or fake token."),
        (["-H", "Authorization: Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."], "Invalid token: expired or fake token."),
    ],
    ids=["none", "basic", "fake", "unsigned"],
)
@pytest.mark.parametrize("path", ["/chatCompletion", "/chatCompletionStream"])
def test_without_a_token(server: Library, path: str, headers: list[str], text: str) -> None:
    """The host's name keeps the caller from being taken for somebody on this machine."""
    page = post(server.url + path, question(PLAIN), "-H", "Host: chat.example.org", *headers)
    assert (page.status, page.json) == (401, {"errorMessage": text})


def test_a_failing_upstream(server: Library) -> None:
    with server.answering("xiaozhi", "server-error"):
        for path in ("/chatCompletion", "/chatCompletionStream"):
            page = post(server.url + path, question(PLAIN), "-H", f"Authorization: Bearer {server.token}")
            assert page.status == 500
            assert page.json["errorMessage"].startswith("Failed with chatbot.ChatCompletion: ")


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> str:
    return node.bundle(node.FOLDER / "browser" / "xiaozhi_events.js", tmp_path_factory.mktemp("bundle") / "xiaozhi.js")


def ask(server: Library, chromium: Chromium, script: str, token: str, subject: Subject) -> Any:
    async def visit(tab: Tab) -> Any:
        await tab.goto(server.url + "/healthz")
        await tab.add_script_tag(content=script)
        return await tab.evaluate("([token, question]) => window.ask(token, question)", [token, subject.question])

    return chromium.visit(visit)


@pytest.mark.parametrize("subject", MODELS + BOTS, ids=name)
def test_stream(server: Library, chromium: Chromium, script: str, subject: Subject) -> None:
    with server.answering("xiaozhi", subject.model):
        seen = ask(server, chromium, script, server.token, subject)
    assert (seen["status"], seen["closed"], seen["error"]) == (200, True, None)
    assert {event["event"] for event in seen["events"]} == {"message"}
    pieces = [event["data"] for event in seen["events"]]
    assert (pieces[0], pieces[-1]) == ("", "")
    assert "" not in pieces[1:-1]
    subject.check("".join(pieces))


def test_stream_record_for_record(server: Library) -> None:
    """Pieces go out as they come in, between an empty first and an empty last record."""
    with server.answering("xiaozhi", "greeter"):
        page = post(f"{server.url}/chatCompletionStream", question(PLAIN), "-H", f"Authorization: Bearer {server.token}")
    assert page.headers["content-type"] == "text/event-stream"
    assert page.records == [f"event: message\ndata: {piece}" for piece in ("", *GREETING, "")]


def test_stream_that_fails_midway(server: Library, chromium: Chromium, script: str) -> None:
    with server.answering("xiaozhi", "error-event"):
        seen = ask(server, chromium, script, server.token, PLAIN)
    pieces = [event["data"] for event in seen["events"]]
    assert "".join(pieces).startswith("Hello, wörldFailed with chatbot.ChatCompletion: ")
    assert pieces[-1] != ""


def test_stream_refused(server: Library, chromium: Chromium, script: str) -> None:
    seen = ask(server, chromium, script, "forged", PLAIN)
    assert seen["status"] == 401
    assert json.loads(seen["error"]) == {"errorMessage": "Invalid token: expired or fake token."}
