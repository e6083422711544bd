"""The Q&A widget's routes: whose pages may call them, how often, and who sees a conversation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.api.town import HOST, Town

LISTED = "https://docs.example.org"
STREAM = "/api/chat/stream"
QUESTION = "When does the library open and close?"

# Origin -> status, and whether the answer is released to the page.
ORIGINS = [
    (None, 200, False),
    (LISTED, 200, True),
    (f"http://{HOST}", 200, False),
    ("https://evil.example", 403, False),
    ("null", 403, False),
    ("", 403, False),
    ("*", 403, False),
    ("file://", 403, False),
    (f"https://{HOST}", 403, False),
    ("http://docs.example.org", 403, False),
    (f"{LISTED}.evil.example", 403, False),
    ("https://evil-docs.example.org", 403, False),
    ("https://evildocs.example.org", 403, False),
    ("https://example.org", 403, False),
    (f"{LISTED}:8443", 403, False),
    (f"{LISTED}/", 403, False),
    (f"{LISTED}/page", 403, False),
    (f"{LISTED}@evil.example", 403, False),
    (f"https://evil.example#{LISTED}", 403, False),
    (f"{LISTED}, https://evil.example", 403, False),
    ("https://DOCS.example.org", 403, False),
    ("https://docs.example.org.", 403, False),
    ("https://docs%2eexample.org", 403, False),
    ("https://xn--docs-example.org", 403, False),
]


def asked(slug: str = "open", session: str | None = None) -> dict[str, Any]:
    return {"tokenSlug": slug, "question": QUESTION, "sessionId": session}


@pytest.mark.parametrize(("origin", "status", "released"), ORIGINS)
@pytest.mark.parametrize("cookie", [False, True])
def test_cors(town: Town, origin: str | None, status: int, released: bool, cookie: bool) -> None:
    headers = {} if origin is None else {"Origin": origin}
    if cookie:
        headers["Cookie"] = town.callers["admin-cookie"].headers["Cookie"]
    for method, path, body in (("POST", STREAM, asked()), ("GET", "/api/chat-history/x?tokenSlug=open", None)):
        response = town.ask(method, path, json=body, headers=headers)
        assert response.status_code == status
        assert response.headers.get("access-control-allow-origin") == (origin if released else None)
        assert "access-control-allow-credentials" not in response.headers
        assert "Origin" in response.headers["vary"]


@pytest.mark.parametrize(("origin", "status", "released"), ORIGINS)
def test_preflight(town: Town, origin: str | None, status: int, released: bool) -> None:
    headers = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    for path in (STREAM, "/api/chat-history/x?tokenSlug=open"):
        response = town.ask("OPTIONS", path, headers=headers | ({} if origin is None else {"Origin": origin}))
        assert response.status_code == 204
        assert response.headers.get("access-control-allow-origin") == (origin if released else None)
        assert "access-control-allow-credentials" not in response.headers
        assert "POST" in response.headers.get("access-control-allow-methods", "" if not released else "nothing") or not released


@pytest.mark.parametrize(
    "path", ["/v1/chat/completions", "/v1/ask", "/events", "/api/collections", "/api/session", "/api/tickets", "/metrics"]
)
def test_no_other_route_speaks_to_foreign_pages(town: Town, path: str) -> None:
    for method in ("OPTIONS", "POST", "GET"):
        response = town.ask(method, path, headers={"Origin": LISTED})
        assert not [name for name in response.headers if name.startswith("access-control-")]


def test_a_preflight_speaks_for_all_sites_but_a_request_for_its_own(town: Town) -> None:
    town.open_site("second", "open", origins=["https://second.example"])
    origin = {"Origin": "https://second.example"}
    assert town.ask("OPTIONS", STREAM, headers=origin).headers["access-control-allow-origin"] == "https://second.example"
    assert town.ask("POST", STREAM, json=asked("second"), headers=origin).status_code == 200
    refused = town.ask("POST", STREAM, json=asked("open"), headers=origin)
    assert (refused.status_code, "access-control-allow-origin" in refused.headers) == (403, False)


def test_a_site_without_origins_serves_our_own_pages_only(town: Town) -> None:
    town.open_site("closed", "open")
    assert town.ask("POST", STREAM, json=asked("closed"), headers={"Origin": LISTED}).status_code == 403
    assert town.ask("POST", STREAM, json=asked("closed"), headers={"Origin": f"http://{HOST}"}).status_code == 200


def test_a_site_that_is_not_public_wants_a_credential(town: Town) -> None:
    town.api("PUT", "/api/sites/inner", {"collection": "shared", "origins": [LISTED], "public": False})
    refused = town.ask("POST", STREAM, json=asked("inner"), headers={"Origin": LISTED})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, LISTED)
    assert town.ask("POST", STREAM, "member-jwt", json=asked("inner")).status_code == 200
    assert town.ask("POST", STREAM, "member-cookie", json=asked("inner")).status_code == 401
    assert town.ask("GET", "/api/chat-history/x?tokenSlug=inner").status_code == 401


def test_a_visitor_gets_the_sites_collection_and_nothing_else(town: Town) -> None:
    body = {"tokenSlug": "open", "question": "Where does the cellar key hang?"}
    for caller in ("nobody", "other-jwt"):
        assert "stove" not in town.ask("POST", STREAM, caller, json=body).text
    named = {**body, "model": "far", "bot": "helper", "collection": "berts", "collections": ["berts"]}
    assert "stove" not in town.ask("POST", STREAM, json=named).text


def test_too_many(town: Town) -> None:
    """Counted a client: a header that anybody can write does not make somebody else of them."""
    town.open_site("narrow", "open", origins=[LISTED], per_minute=3)
    seen = [
        town.ask("POST", STREAM, json=asked("narrow"), headers={"Origin": LISTED, "X-Forwarded-For": f"198.51.100.{number}"})
        for number in range(5)
    ]
    assert [response.status_code for response in seen] == [200, 200, 200, 429, 429]
    assert 0 < int(seen[-1].headers["retry-after"]) <= 60
    assert seen[-1].headers["access-control-allow-origin"] == LISTED
    assert "retry-after" in seen[-1].headers["access-control-expose-headers"].lower()
    assert town.ask("POST", STREAM, json=asked("open")).status_code == 200
    assert town.ask("GET", "/api/chat-history/x?tokenSlug=narrow").status_code == 200


@contextmanager
def trusting(town: Town, *networks: str) -> Iterator[None]:
    town.api("PUT", "/api/settings/server.trusted_proxies", {"value": list(networks)})
    try:
        yield
    finally:
        town.api("DELETE", "/api/settings/server.trusted_proxies")


# What a trusted proxy forwards: (first, second) as X-Forwarded-For, and whether the two are the same client.
FORWARDED = [
    ("198.51.100.1", "198.51.100.2", False),
    ("198.51.100.3", "198.51.100.3", True),
    ("203.0.113.9, 198.51.100.4", "203.0.113.10, 198.51.100.4", True),
    ("198.51.100.5, 127.0.0.2", "198.51.100.6, 127.0.0.3", False),
    ("no address", "something else", True),
    ("2001:db8::1", "2001:db8::2", True),
    ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
]


@pytest.mark.parametrize(("first", "second", "same"), FORWARDED)
def test_clients_behind_a_trusted_proxy(town: Town, first: str, second: str, same: bool) -> None:
    slug = f"proxied-{FORWARDED.index((first, second, same))}"
    town.open_site(slug, "open", per_minute=1)
    with trusting(town, "127.0.0.0/8"):
        seen = [town.ask("POST", STREAM, json=asked(slug), headers={"X-Forwarded-For": value}) for value in (first, second)]
    assert [response.status_code for response in seen] == [200, 429 if same else 200]


def history(town: Town, session: str, site: str = "open", method: str = "GET") -> Any:
    return town.ask(method, f"/api/chat-history/{session}?tokenSlug={site}").json()


def test_history_is_of_one_session_on_one_site(town: Town) -> None:
    town.open_site("mirror", "open")
    for session, site in (("one", "open"), ("two", "open"), ("one", "mirror")):
        assert town.ask("POST", STREAM, json=asked(site, session)).status_code == 200
    messages = history(town, "one")["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant"]
    assert messages[0].keys() >= {"id", "role", "content", "citations", "timestamp"}
    assert messages[1]["citations"]
    assert messages[0]["id"] not in json.dumps([history(town, "two"), history(town, "one", "mirror")])
    history(town, "one", method="DELETE")
    assert history(town, "one") == {"messages": []}
    assert len(history(town, "two")["messages"]) == 2
    assert len(history(town, "one", "mirror")["messages"]) == 2
    assert history(town, "nobody") == {"messages": []}
    assert town.ask("GET", "/api/chat-history/one?tokenSlug=nowhere").status_code == 404
    assert town.ask("GET", "/api/chat-history/one").status_code == 404
