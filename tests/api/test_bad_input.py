"""Bad input on every route that takes any: a clear refusal in the dialect's own form, never a failure of ours."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.bad_input import BODIES, PATHS, QUERIES, QUESTIONS, SHAPES, WRONG, forgeries
from tests.api.expected import DIALECTS, TABLE
from tests.api.shapes import check_shape
from tests.api.town import HOST, Town

TAKING_BODIES = {
    **{path: ("POST", path) for path in (*SHAPES, "/auth", "/api/tickets")},
    **{route: (route.partition(" ")[0], row.path) for route, row in TABLE.items() if row.body is not None and route not in DIALECTS},
}
ALLOWED = {("/api/tickets", "empty"), ("/api/tickets", "an empty object"), ("/api/bots/x", "an empty object")}
LONG = 10 * 1024 * 1024


@pytest.fixture(autouse=True)
def nothing_fails_on_our_side(town: Town) -> Iterator[None]:
    before = len(town.log())
    yield
    assert "Traceback" not in town.log()[before:]


@pytest.mark.parametrize("name", BODIES)
def test_bodies(town: Town, name: str) -> None:
    for method, path in TAKING_BODIES.values():
        response = town.ask(method, path, "admin-jwt", content=BODIES[name], headers={"Content-Type": "application/json"})
        if (path, name) in ALLOWED:
            assert response.status_code == 200
            continue
        check_shape(path, response)
        assert response.status_code in (400, 401, 404, 409), (method, path, response.text)


@pytest.mark.parametrize("name", QUESTIONS)
@pytest.mark.parametrize("path", SHAPES)
def test_questions(town: Town, path: str, name: str) -> None:
    response = town.ask("POST", path, "member-jwt", content=SHAPES[path](QUESTIONS[name]))
    check_shape(path, response)
    assert response.status_code in (400, 404)


@pytest.mark.parametrize(("path", "body"), [(path, body) for path, bodies in WRONG.items() for body in bodies])
def test_wrong_values(town: Town, path: str, body: Any) -> None:
    response = town.ask("POST", path, "member-jwt", content=json.dumps(body))
    check_shape(path, response)
    assert response.status_code in (400, 404, 413)


def _pieces(size: int) -> Iterator[bytes]:
    yield b'{"question": "'
    for _ in range(size // 65_536):
        yield b"x" * 65_536
    yield b'"}'


@pytest.mark.parametrize("path", [*SHAPES, "/auth", "/api/tickets", "/api/collections", "/api/session", "/api/bots/x"])
@pytest.mark.parametrize("chunked", [False, True])
def test_too_large(town: Town, path: str, chunked: bool) -> None:
    """Refused by what the head says, or, when that says nothing, as soon as it is too much."""
    body = _pieces(LONG) if chunked else b"".join(_pieces(LONG))
    response = town.ask("PUT" if path == "/api/bots/x" else "POST", path, "admin-jwt", content=body)
    assert response.status_code == 413
    check_shape(path, response)


def test_many_callers_with_no_body_end_with_their_connection(town: Town) -> None:
    """A body that is announced and never sent holds nobody else up."""
    held = []
    for _ in range(20):
        connection = socket.create_connection(("127.0.0.1", town.port))
        connection.sendall(f"POST /v1/ask HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 100\r\n\r\n".encode())
        held.append(connection)
    assert town.ask("GET", "/healthz").status_code == 200
    for connection in held:
        connection.close()


FORGED = ("/v1/models", "/v1/models/antiphon", "/api/me", "/api/collections", "/events?question=x")


@pytest.mark.parametrize("carrier", ["bearer", "x-api-key", "ticket"])
def test_forged_tokens(town: Town, carrier: str) -> None:
    for name, token in forgeries(town.token["anna"]).items():
        raw = token.encode("utf-8")
        if carrier == "ticket":
            response = town.ask("GET", "/events", params={"question": "x", "ticket": token or " "})
            assert (name, response.status_code) == (name, 401)
            continue
        header = (b"Authorization", b"Bearer " + raw) if carrier == "bearer" else (b"x-api-key", raw)
        for path in FORGED:
            if not raw.strip():
                continue
            response = town.ask("GET", path, headers={header[0].decode(): header[1]})
            assert (name, path, response.status_code) == (name, path, 401)
            check_shape(path, response)


@pytest.mark.parametrize("scheme", ["Basic YTpi", "Bearer", "Token abc", "Bearer a b", ","])
def test_other_authorizations(town: Town, scheme: str) -> None:
    for path in FORGED:
        assert town.ask("GET", path, headers={"Authorization": scheme}).status_code == 401


def test_one_kind_of_token_is_not_another(town: Town) -> None:
    """A ticket does not sign in, a token is no ticket, a session is no key."""
    ticket = town.ticket("member-jwt")
    session = town.callers["member-cookie"].headers["Cookie"].partition("=")[2]
    for credential in (ticket, session, town.setup_link):
        assert town.ask("GET", "/api/me", headers={"Authorization": f"Bearer {credential}"}).status_code == 401
    for credential in (town.token["anna"], town.key["anna"], session):
        assert town.ask("GET", "/events", params={"question": "x", "ticket": credential}).status_code == 401
        answer = town.ask("GET", "/api/me", headers={"Cookie": f"antiphon_session={town.key['anna']}"})
        assert answer.json()["kind"] == "anonymous"


@pytest.mark.parametrize("query", QUERIES)
def test_queries(town: Town, query: str) -> None:
    for route, row in TABLE.items():
        method, _, _ = route.partition(" ")
        if method == "GET" and "/events" not in route:
            response = town.ask(method, row.path.partition("?")[0] + query, "admin-jwt")
            assert response.status_code < 500, (route, response.text)


def test_listening_takes_no_bad_question(town: Town) -> None:
    for query in ("?question=", "?question=%00", "?question=%20", "?question=%ff", "?question=x&model=none", "?question=x&model=%00"):
        check_shape("/events", town.ask("GET", f"/events{query}", "member-jwt"))


@pytest.mark.parametrize("path", PATHS)
def test_paths(town: Town, path: str) -> None:
    response = town.ask("GET", path, "admin-jwt")
    assert response.status_code in (400, 404, 405), response.text
    assert "root:" not in response.text
    if not path.startswith("/documents/"):
        check_shape(path, response)


@pytest.mark.parametrize("route", TABLE)
def test_other_methods(town: Town, route: str) -> None:
    """Also those that nobody uses any more."""
    row = TABLE[route]
    taken = {each.partition(" ")[0] for each in TABLE if each.partition(" ")[2] == route.partition(" ")[2]}
    for method in ("HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"):
        if method in taken:
            continue
        response = town.ask(method, row.path, "nobody")
        assert response.status_code in ((200, 204, 404, 405) if method in ("HEAD", "OPTIONS") else (405,)), (method, response.status_code)
        if method not in ("HEAD", "OPTIONS"):
            assert response.json()["error"]["code"] == "method_not_allowed"
            assert route.partition(" ")[0] in response.headers["allow"] or route not in DIALECTS


def test_uploads(town: Town) -> None:
    def upload(**options: Any) -> Any:
        return town.ask("POST", "/api/collections/annas/documents", "member-jwt", **options)

    form = {"Content-Type": "multipart/form-data; boundary=x"}
    bodies: list[dict[str, Any]] = [
        {"files": {"file": ("x.exe", b"MZ\x90\x00")}},
        {"content": b"--x\r\n", "headers": form},
        {"content": b"\xff" * 100, "headers": form},
        {"content": b"", "headers": form},
        {"content": b"x", "headers": {"Content-Type": "multipart/form-data"}},
        {"content": b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n--x--\r\n", "headers": form},
        {"json": {"urls": []}},
        {"json": {"urls": ["file:///etc/passwd"]}},
        {"json": {"urls": ["x"] * 101}},
        {"json": {"path": ""}},
        {"json": {"pages": 0, "urls": ["http://example.org"]}},
        {"content": b"[" * 1_000},
    ]
    for body in bodies:
        response = upload(**body)
        assert response.status_code in (400, 413, 422) or (body.get("json") == {"urls": ["file:///etc/passwd"]} and response.is_success), (
            body,
            response.text,
        )


def test_names_that_are_no_names(town: Town) -> None:
    for name in ("", " ", "a b", "a/b", "a?b", "a#b", "a%b", "x" * 201, "\n", "a\u0000b"):
        for path, body in (("/api/collections", {"name": name}), ("/api/models", {"name": name, "base_url": "http://127.0.0.1:9"})):
            check_shape(path, town.ask("POST", path, "admin-jwt", json=body))
