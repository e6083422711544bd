"""The second document: curl for two systems, a reader in JavaScript, one in Python."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.clients.library import Library
from tests.clients.printed.documents import Document, objects, replaced, shape
from tests.clients.subjects import SUBJECTS, Subject, name
from tests.support import node

QUESTION = "請自我介紹"
CONSOLE = """
const heard = { shown: "", errors: [] };
console.clear = () => (heard.shown = "");
console.log = (...words) => { if (words[0] === "Stream ended") heard.ended = true; else heard.shown = words.join(" "); };
console.error = (...words) => heard.errors.push(words.join(" "));
process.on("exit", () => process.stdout.write(JSON.stringify(heard)));
"""


@pytest.fixture(scope="module")
def document(seeds: Path) -> Document:
    return Document(seeds, "001")


def fitted(code: str, server: Library, subject: Subject, host: str = "127.0.0.1") -> str:
    """The code with address, token, model and question put in."""
    changes = [(f"http://{host}/", server.url + "/"), ("YOUR_AUTH_TOKEN", server.token), ("gemini-pro", subject.model)]
    return replaced(code, *changes, (QUESTION, subject.question))


def shell(command: str) -> str:
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=60, check=True)
    return done.stdout.decode()


@pytest.mark.parametrize("system", ["-d '{", '-d "{'], ids=["linux", "windows"])
@pytest.mark.parametrize("subject", SUBJECTS, ids=name)
def test_curl(server: Library, document: Document, subject: Subject, system: str) -> None:
    output = shell(fitted(document.block("curl -X POST", system), server, subject))
    *records, last = [record for record in output.split("\n\n") if record]
    values = [json.loads(record.removeprefix("data: ")) for record in records]
    assert last == "event: close"
    subject.check("".join(value["choices"][0]["delta"]["content"] for value in values))
    printed = objects(document.block('"你"', '"delta"'))[0]
    assert [value for value in values if shape(value) != shape(printed)] == []
    assert all(value["object"] == printed["object"] and value["usage"] == printed["usage"] for value in values)


@pytest.mark.parametrize("subject", SUBJECTS, ids=name)
def test_javascript(server: Library, document: Document, tmp_path: Path, subject: Subject) -> None:
    script = tmp_path / "client.cjs"
    script.write_text(CONSOLE + fitted(document.block("getReader"), server, subject, host="localhost"), encoding="utf-8")
    heard: Any = json.loads(node.run(script))
    assert heard["errors"] == []
    assert heard["ended"]
    subject.check(heard["shown"])


@pytest.mark.parametrize("subject", SUBJECTS, ids=name)
def test_python(server: Library, document: Document, subject: Subject) -> None:
    code = fitted(document.block("import requests, json"), server, subject)
    environment = {"PYTHONIOENCODING": "utf-8", "NO_PROXY": "*"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, timeout=60, check=True)
    assert done.stderr == b""
    subject.check(done.stdout.decode().replace("\r\n", "\n"))


def test_several_rounds(server: Library, document: Document, tmp_path: Path) -> None:
    """The printed messages, sent by the printed reader."""
    printed = document.block('"messages": [', "你好，我是一個機器人")
    code = fitted(document.block("getReader"), server, Subject("repeater", QUESTION), host="localhost")
    single = code[code.index("messages: [") : code.index("],", code.index("messages: [")) + 1]
    script = tmp_path / "client.cjs"
    script.write_text(CONSOLE + replaced(code, (single, printed.strip())), encoding="utf-8")
    assert json.loads(json.loads(node.run(script))["shown"]) == "嗨"
    sent = server.upstream.chats[-1].json["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "user"]


def test_the_printed_model_is_unknown(server: Library, document: Document) -> None:
    output = shell(fitted(document.block("curl -X POST", "-d '{"), server, Subject("gemini-pro", "x")))
    assert json.loads(output) == {"status": "error", "message": "The specified model does not exist."}
