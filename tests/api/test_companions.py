"""What stands beside the asking routes: signing in to XiaoZhi, stopping in Kuwa, request ids, health, figures, the API's description."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from antiphon.app import Application
from antiphon.settings.layers import Settings
from antiphon.storage.directory import DataDirectory
from tests.api.town import PASSWORD, Town

GOOD = {"username": "anna", "password": PASSWORD}


def _multipart(fields: dict[str, str], boundary: str = "x") -> bytes:
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
    return "".join([*parts, f"--{boundary}--\r\n"]).encode()


def auth_forms(fields: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Every way to send name and password to POST /auth."""
    return {
        "multipart": {"content": _multipart(fields), "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
        "urlencoded": {"data": fields},
        "JSON": {"json": fields},
        "JSON as multipart": {"content": json.dumps(fields), "headers": {"Content-Type": "multipart/form-data"}},
        "JSON as text": {"content": json.dumps(fields), "headers": {"Content-Type": "text/plain"}},
        "query": {"params": fields},
    }


@pytest.mark.parametrize("form", auth_forms(GOOD))
@pytest.mark.parametrize("username", ["anna", "ANNA", "anna@example.org"])
def test_signing_in_to_xiaozhi(town: Town, form: str, username: str) -> None:
    response = town.ask("POST", "/auth", **auth_forms({**GOOD, "username": username})[form])
    assert response.status_code == 200
    assert response.json().keys() == {"accessToken"}
    me = town.ask("GET", "/api/me", headers={"Authorization": f"Bearer {response.json()['accessToken']}"})
    assert me.json()["name"] == "anna"


@pytest.mark.parametrize("form", auth_forms(GOOD))
def test_not_signing_in_to_xiaozhi(town: Town, form: str) -> None:
    """Unknown, wrong and suspended are one answer."""
    wrong = [{**GOOD, "password": "wrong"}, {**GOOD, "username": "nobody"}, {**GOOD, "username": "gone"}]
    answers = [town.ask("POST", "/auth", **auth_forms(fields)[form]) for fields in wrong]
    assert {(answer.status_code, answer.text) for answer in answers} == {(401, answers[0].text)}
    lacking = [{"username": "anna"}, {"password": PASSWORD}, {**GOOD, "password": ""}, {"user": "anna", "pass": "x"}]
    short = [town.ask("POST", "/auth", **auth_forms(fields)[form]) for fields in lacking]
    assert {(answer.status_code, answer.text) for answer in short} == {(401, short[0].text)}
    assert short[0].json().keys() == answers[0].json().keys() == {"errorMessage"}


def _slow(chunks: int = 400) -> dict[str, Any]:
    return {"model": "echo", "messages": [{"role": "user", "content": f"/echo delay=50 size=1 chunks={chunks} x"}]}


def test_aborting_in_kuwa_stops_the_callers_streams(town: Town) -> None:
    """And nobody else's: bert's abort leaves anna's answer alone."""
    with town.streaming("POST", "/v1.0/chat/completions", "member-jwt", json=_slow()) as response:
        lines = response.iter_lines()
        records = [next(line for line in lines if line.startswith("data: "))]
        assert town.ask("POST", "/v1.0/chat/abort", "other-jwt").status_code == 200
        records += [next(line for line in lines if line.startswith("data: ")) for _ in range(3)]
        aborted = town.ask("POST", "/v1.0/chat/abort", "member-jwt").json()
        rest = [line for line in lines if line]
    assert (aborted["status"], aborted["name"], aborted["tokenable_id"]) == ("success", "anna", town.user["anna"])
    assert rest[-1] == "event: close"
    assert len(records) + len(rest) < 300


def test_leaving_stops_the_run(town: Town) -> None:
    """An API stream that nobody reads any more is over for the server too."""
    with town.streaming("POST", "/v1/chat/completions", "member-jwt", json={**_slow(), "stream": True}) as response:
        lines = response.iter_lines()
        next(lines)
        assert town.api("GET", "/api/status")["streams"] >= 1
    for _ in range(200):
        if not town.api("GET", "/api/status")["streams"]:
            return
    raise AssertionError("the stream is still there")


@pytest.mark.parametrize("given", ["abc", "A.b_c:d-9", "x" * 128])
def test_a_request_id_is_kept(town: Town, given: str) -> None:
    for path in ("/healthz", "/v1/models", "/api/me", "/nothing", "/v1/chat/completions"):
        assert town.ask("GET", path, headers={"X-Request-ID": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "a\tb", 'a"b', "<script>", "\u00e9".encode()])
def test_a_strange_request_id_is_replaced(town: Town, given: Any) -> None:
    found = town.ask("GET", "/healthz", headers={"X-Request-ID": given}).headers["x-request-id"]
    assert found.startswith("req_")
    assert found != given


def test_request_ids_stand_in_the_log(town: Town) -> None:
    town.ask("GET", "/v1/models", headers={"X-Request-ID": "to-be-found-in-the-log"})
    while not (found := [line for line in town.log().split("\n") if "to-be-found-in-the-log" in line]):
        town.ask("GET", "/healthz")
    assert json.loads(found[0])["path"] == "/v1/models"
    assert "question=" not in town.log()


@pytest.mark.parametrize("path", ["/", "/v1/models", "/api/me", "/nothing", "/metrics", "/documents/x", "/static/page.css"])
def test_every_answer_is_taken_as_what_it_says_it_is(town: Town, path: str) -> None:
    assert town.ask("GET", path).headers["x-content-type-options"] == "nosniff"


def test_figures(town: Town) -> None:
    def count(name: str) -> float:
        lines = town.ask("GET", "/metrics", "admin-jwt").text.split("\n")
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    names = ("antiphon_runs_total", "antiphon_chunks_total", "antiphon_tokens_total", "antiphon_time_to_first_token_seconds_count")
    before = [count(name) for name in names]
    failures = count('antiphon_errors_total{dialect="openai-chat",fault="upstream"}')
    body = {"messages": [{"role": "user", "content": "Hello"}]}
    assert town.ask("POST", "/v1/chat/completions", "member-jwt", json={**body, "model": "echo"}).status_code == 200
    assert town.ask("POST", "/v1/chat/completions", "member-jwt", json={**body, "model": "far"}).status_code == 502
    assert all(count(name) > earlier for name, earlier in zip(names, before, strict=True))
    assert count('antiphon_errors_total{dialect="openai') >= failures + 1


def test_the_description_names_every_route(town: Town) -> None:
    described = town.ask("GET", "/openapi.json", "admin-jwt").json()
    assert described["openapi"].startswith("3.1")
    assert described["paths"].keys() >= {"/v1/chat/completions", "/chatCompletion", "/api/collections", "/events", "/api/chat/stream"}
    page = town.ask("GET", "/docs", "local").text
    assert all(path in page for path in described["paths"])


@pytest.fixture
async def application(tmp_path: Path) -> AsyncIterator[Application]:
    directory = DataDirectory(tmp_path / "data")
    directory.lock()
    application = Application(Settings.load({"server.data": directory.path, "models.ollama_url": "off"}, None), directory)
    await application.start()
    yield application
    await application.stop()
    directory.release()


@pytest.mark.anyio
async def test_a_server_that_goes_away_says_so(application: Application) -> None:
    transport = httpx.ASGITransport(application.asgi)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        assert (await client.get("/readyz")).status_code == 200
        await application.drain()
        ready, alive = await client.get("/readyz"), await client.get("/healthz")
        assert (ready.status_code, alive.status_code) == (503, 200)
        assert int(ready.headers["retry-after"]) > 0
        for stream in (False, True):
            refused = await client.post("/v1/ask", json={"question": "Hello", "stream": stream})
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
