"""docs/nginx.md keeps its promises: its configurations before a real server, seen from a client's side."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2 as httpx
import pytest

from tests.deploy.proxy import Nginx, documented, unprepared
from tests.house.tree import ROOT
from tests.support.server import Server

SITE, PATH = 0, 1
PUBLIC = "https://chat.example.org"
TRUSTING = ("--trusted-proxy", "127.0.0.1/32")
QUESTION = "Can I bring my child to the workshop?"
PASSWORD = "a long password"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("nginx")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """As the page says to start it; heartbeats come sooner, so that nobody has to wait for them."""
    options = ("--public-url", PUBLIC, *TRUSTING)
    with Server(folder / "data", options=options, environment={"ANTIPHON_HEARTBEAT_SECONDS": "1"}) as server:
        furnish(server)
        yield server


def furnish(server: Server) -> None:
    server.cli("ingest", str(ROOT / "tests" / "corpus" / "en"), "--collection", "docs")
    server.cli("collections", "set", "docs", "--public", "--per-minute", "1")
    server.cli("user", "add", "anna", "--admin", "--password", "-", typed=PASSWORD)


def key_of(server: Server) -> dict[str, str]:
    return {"Authorization": "Bearer " + server.cli("keys", "create", "--user", "anna").strip()}


def client(proxy: Nginx, **options: Any) -> httpx.Client:
    """A client from outside: its address is a transport's `local_address`, its certificate check is off (the certificate is made up)."""
    transport = httpx.HTTPTransport(verify=False, local_address=options.pop("address", None))
    headers = {"Host": "chat.example.org"} | options.pop("headers", {})
    return httpx.Client(base_url=proxy.url, transport=transport, headers=headers, timeout=30, trust_env=False, **options)


def chat(script: str, **fields: Any) -> dict[str, Any]:
    return {"model": "echo", "messages": [{"role": "user", "content": script}], **fields}


def visit(proxy: Nginx, address: str, **headers: str) -> int:
    """The status of one visitor's question on the site, which allows one a minute."""
    with client(proxy, address=address, headers=headers) as visitor:
        return visitor.post("/api/chat/stream", json={"tokenSlug": "docs", "question": QUESTION}).status_code


def test_a_stream_is_passed_on_as_it_comes(folder: Path, server: Server) -> None:
    """The model says one thing and then nothing for two minutes: that one thing is there all the same."""
    with Nginx(folder / "unbuffered", documented(SITE), server.port) as proxy, client(proxy, headers=key_of(server)) as caller:
        asked = chat("/echo size=100 chunks=2 fault=hang@1 Hello", stream=True)
        with caller.stream("POST", "/v1/chat/completions", json=asked) as response:
            seen = ""
            for part in response.iter_text():
                seen += part
                if "Hello" in seen:
                    break
    assert "Hello" in seen


def test_heartbeats_outlast_a_short_patience(folder: Path, server: Server) -> None:
    """The proxy waits three seconds for a byte, the model six for its first word: the stream lives, the whole answer does not."""
    impatient = documented(SITE).replace("proxy_read_timeout 300s", "proxy_read_timeout 3s")
    assert impatient != documented(SITE)
    asked = chat("/echo first=6000 Hello")
    with Nginx(folder / "impatient", impatient, server.port) as proxy, client(proxy, headers=key_of(server)) as caller:
        streamed = caller.post("/v1/chat/completions", json=asked | {"stream": True})
        whole = caller.post("/v1/chat/completions", json=asked)
    assert streamed.text.rstrip().endswith("data: [DONE]")
    assert "Hello" in streamed.text
    assert whole.status_code == 504


def test_a_whole_answer_may_take_its_time(folder: Path, server: Server) -> None:
    with Nginx(folder / "patient", documented(SITE), server.port) as proxy, client(proxy, headers=key_of(server)) as caller:
        whole = caller.post("/v1/chat/completions", json=chat("/echo first=6000 Hello"))
    assert whole.json()["choices"][0]["message"]["content"] == "Hello"


def test_signing_in_from_a_page_gives_a_secure_cookie(folder: Path, server: Server) -> None:
    with Nginx(folder / "session", documented(SITE), server.port) as proxy, client(proxy) as browser:
        signing = {"username": "anna", "password": PASSWORD}
        answer = browser.post("/api/session", json=signing, headers={"Origin": PUBLIC, "Sec-Fetch-Site": "same-origin"})
        foreign = browser.post("/api/session", json=signing, headers={"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200
    assert "; Secure" in answer.headers["set-cookie"]
    assert foreign.status_code == 403


def test_visitors_count_one_by_one_and_cannot_make_up_an_address(folder: Path, server: Server) -> None:
    with Nginx(folder / "visitors", documented(SITE), server.port) as proxy:
        first = visit(proxy, "127.0.0.2"), visit(proxy, "127.0.0.2")
        made_up = visit(proxy, "127.0.0.2", **{"X-Forwarded-For": "203.0.113.9"})
        second = visit(proxy, "127.0.0.3")
    assert first == (200, 429)
    assert made_up == 429
    assert second == 200


def test_without_a_trusted_proxy_all_visitors_are_one(folder: Path) -> None:
    with Server(folder / "untrusting") as server:
        furnish(server)
        with Nginx(folder / "anybody", documented(SITE), server.port) as proxy:
            assert (visit(proxy, "127.0.0.2"), visit(proxy, "127.0.0.3")) == (200, 429)


@pytest.mark.parametrize(
    "site",
    [
        pytest.param(documented(SITE), id="as documented"),
        pytest.param(unprepared(), id="a bare proxy_pass"),
        pytest.param(unprepared("proxy_http_version 1.1; proxy_set_header Host $host;"), id="with the visitor's host"),
        pytest.param(unprepared("proxy_http_version 1.1; proxy_set_header X-Real-IP $remote_addr;"), id="with one header"),
    ],
)
def test_a_proxy_that_nobody_declared_makes_nobody_local(site: str, folder: Path, tmp_path: Path, undeclared: Server) -> None:
    """Directly the same request is a local one."""
    assert httpx.get(undeclared.url + "/api/me", trust_env=False).json()["kind"] == "local"
    with Nginx(tmp_path / "proxy", site, undeclared.port) as proxy, client(proxy) as visitor:
        assert visitor.get("/api/me").json()["kind"] == "anonymous"
        assert visitor.post("/v1/ask", json={"question": QUESTION}).status_code == 401
        assert visitor.get("/metrics").status_code == 404


@pytest.fixture(scope="module")
def undeclared(folder: Path) -> Iterator[Server]:
    with Server(folder / "undeclared") as server:
        yield server


@pytest.fixture(scope="module")
def below(folder: Path) -> Iterator[Server]:
    options = ("--root-path", "/chat", "--public-url", "https://www.example.org/chat", *TRUSTING)
    with Server(folder / "below", options=options) as server:
        furnish(server)
        yield server


@pytest.mark.parametrize("cut", [False, True], ids=["path passed on", "path cut off"])
def test_everything_stays_below_the_path(cut: bool, folder: Path, below: Server) -> None:
    site = documented(PATH)
    if cut:
        site = site.replace("proxy_pass http://127.0.0.1:8000;", "proxy_pass http://127.0.0.1:8000/;")
        assert site != documented(PATH)
    headers = {"Host": "www.example.org", **key_of(below)}
    with Nginx(folder / f"path-{cut}", site, below.port) as proxy:
        with client(proxy, headers=headers) as caller:
            asked = {"model": "antiphon", "messages": [{"role": "user", "content": QUESTION}]}
            (first, *_) = caller.post("/chat/v1/chat/completions", json=asked).json()["citations"]
            outside = caller.get("/v1/models")
        with client(proxy, headers={"Host": "www.example.org"}) as browser:
            address = urlsplit(first["url"])
            document = browser.get(f"{address.path}?{address.query}")
            front = browser.get("/chat/")
            own = {"Origin": "https://www.example.org", "Sec-Fetch-Site": "same-origin"}
            signed_in = browser.post("/chat/api/session", json={"username": "anna", "password": PASSWORD}, headers=own)
    assert first["url"].startswith("https://www.example.org/chat/documents/")
    assert document.status_code == 200
    assert "between seven and twelve" in document.text
    assert 'href="/chat/static/page.css"' in document.text
    assert 'href="/chat/docs"' in front.text
    assert "; Path=/chat;" in signed_in.headers["set-cookie"]
    assert "x-request-id" not in outside.headers, "what is beside the path is not ours"


def test_the_command_line_finds_a_server_below_a_path(below: Server) -> None:
    assert json.loads((below.data / "server.json").read_text(encoding="utf-8"))["url"].endswith("/chat")
    assert "between seven and twelve" in below.cli("ask", QUESTION)
