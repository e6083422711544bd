"""What belongs to somebody else does not exist: the same bytes as for an unknown name. And nobody rises by naming more than was asked."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.town import Town

FOREIGN = [
    ("GET", "/api/collections/{collection}", None),
    ("PATCH", "/api/collections/{collection}", {"visibility": "public"}),
    ("DELETE", "/api/collections/{collection}", None),
    ("POST", "/api/collections/{collection}/search", {"query": "opening hours"}),
    ("GET", "/api/collections/{collection}/documents", None),
    ("POST", "/api/collections/{collection}/documents", {"urls": ["http://example.org/"]}),
    ("GET", "/api/collections/{collection}/batches/x", None),
    ("GET", "/api/documents/{document}", None),
    ("DELETE", "/api/documents/{document}", None),
    ("PATCH", "/api/users/{user}", {"password": "another long password"}),
    ("DELETE", "/api/keys/{key}", None),
]
STRANGERS = ("nobody", "local", "member-jwt", "member-key", "member-cookie", "admin-key-chat", "member-key-admin")


@pytest.mark.parametrize(("method", "path", "body"), FOREIGN)
@pytest.mark.parametrize("caller", STRANGERS)
def test_foreign_is_unknown(town: Town, caller: str, method: str, path: str, body: Any) -> None:
    """What bert owns, to everybody who is not bert."""
    keys = town.ask("GET", "/api/keys", "other-jwt").json()["keys"]
    theirs = {"collection": "berts", "document": town.document("berts"), "user": town.user["bert"], "key": keys[0]["id"]}
    unknown = {"collection": "nones", "document": "doc_x", "user": "user_x", "key": "key_x"}
    found, missing = (town.ask(method, path.format(**names), caller, json=body) for names in (theirs, unknown))
    assert found.status_code in (401, 403, 404)
    assert (found.status_code, found.text.replace("berts", "nones")) == (missing.status_code, missing.text)


@pytest.mark.parametrize("caller", ["nobody", "member-jwt"])
def test_the_reader_page_of_a_foreign_document(town: Town, caller: str) -> None:
    found, missing = (town.ask("GET", f"/documents/{id}", caller) for id in (town.document("berts"), "doc_x"))
    assert (found.status_code, found.text) == (404, missing.text)


def test_a_batch_belongs_to_its_collection(town: Town) -> None:
    file = {"file": ("note.md", b"# A note\n\nSomething to read.\n")}
    batch = town.ask("POST", "/api/collections/berts/documents", "other-jwt", files=file).json()["batch"]
    assert town.ask("GET", f"/api/collections/berts/batches/{batch}", "other-jwt").json()["batch"] == batch
    foreign, unknown = (town.ask("GET", f"/api/collections/annas/batches/{id}", "member-jwt") for id in (batch, "batch_x"))
    assert (foreign.status_code, foreign.text) == (404, unknown.text)


@pytest.mark.parametrize("caller", ["nobody", "local", "member-jwt", "member-x-api-key"])
def test_lists_hold_what_may_be_read(town: Town, caller: str) -> None:
    seen = {"nobody": {"open"}, "local": {"open", "shared"}}.get(caller, {"open", "shared", "annas"})
    names = {one["name"] for one in town.ask("GET", "/api/collections", caller).json()["collections"]}
    assert names == seen
    hits = {name: town.ask("POST", f"/api/collections/{name}/search", caller, json={"query": "opening hours"}) for name in seen}
    assert {response.status_code for response in hits.values()} == ({401} if caller == "nobody" else {200})


@pytest.mark.parametrize(("caller", "cited"), [("local", False), ("member-jwt", False), ("member-key-chat", False), ("other-jwt", True)])
def test_answers_draw_on_what_may_be_read(town: Town, caller: str, cited: bool) -> None:
    body = {"model": "antiphon", "messages": [{"role": "user", "content": "Where does the cellar key hang?"}]}
    answer = town.ask("POST", "/v1/chat/completions", caller, json=body).text
    assert ("stove" in answer, town.document("berts") in answer) == (cited, cited)


def test_members_see_themselves_and_their_own_keys(town: Town) -> None:
    users = town.ask("GET", "/api/users", "member-jwt").json()["users"]
    assert [one["name"] for one in users] == ["anna"]
    keys = town.ask("GET", "/api/keys", "member-jwt").json()["keys"]
    assert {key["user"] for key in keys} == {town.user["anna"]}
    runs = town.ask("GET", "/api/runs", "member-jwt").json()["runs"]
    assert {run.get("user", town.user["anna"]) for run in runs} <= {town.user["anna"]}


def test_a_bots_persona_is_for_those_who_may_change_it(town: Town) -> None:
    for caller in ("nobody", "local", "member-jwt", "member-key-chat"):
        for path in ("/api/bots", "/api/bots/helper", "/v1/models", "/v1/models/helper"):
            assert "sentinel-persona" not in town.ask("GET", path, caller).text
    assert "sentinel-persona" in town.ask("GET", "/api/bots/helper", "admin-jwt").text


EXTRAS = {
    "id": "x",
    "role": "admin",
    "owner": "x",
    "user": "x",
    "admin": True,
    "scopes": ["admin"],
    "token_version": 9,
    "api_base": "http://127.0.0.1:9",
}
WRITING = [
    ("POST", "/api/session", "nobody", {"username": "anna", "password": "x"}, ("id", "role", "admin")),
    ("POST", "/api/users", "admin-jwt", {"name": "extra"}, ("id", "admin", "token_version")),
    ("PATCH", "/api/users/{me}", "member-jwt", {}, ("id", "admin", "token_version", "scopes")),
    ("POST", "/api/keys", "member-jwt", {"name": "extra"}, ("id", "role", "admin")),
    ("POST", "/api/collections", "member-jwt", {"name": "extra"}, ("id", "owner", "admin")),
    ("PATCH", "/api/collections/annas", "member-jwt", {}, ("id", "owner", "name")),
    ("POST", "/api/collections/annas/search", "member-jwt", {"query": "x"}, ("id", "api_base")),
    ("POST", "/api/models", "admin-jwt", {"name": "extra", "base_url": "http://127.0.0.1:9"}, ("id", "owner", "api_base")),
    ("PUT", "/api/bots/extra", "admin-jwt", {}, ("id", "owner", "api_base")),
    ("PUT", "/api/sites/open", "admin-jwt", {}, ("id", "owner", "role")),
    ("PUT", "/api/settings/limits.widget_per_minute", "admin-jwt", {"value": 5}, ("id", "origin")),
]


@pytest.mark.parametrize(("method", "path", "caller", "body", "extras"), WRITING)
def test_extra_fields_are_refused(town: Town, method: str, path: str, caller: str, body: Any, extras: tuple[str, ...]) -> None:
    for extra in extras:
        response = town.ask(method, path.format(me=town.user["anna"]), caller, json={**body, extra: EXTRAS.get(extra, "x")})
        error = response.json()["error"]
        assert (response.status_code, error["code"], error["param"]) == (400, "invalid_request", extra)


def test_nobody_gives_themselves_more(town: Town) -> None:
    me = f"/api/users/{town.user['anna']}"
    assert town.ask("PATCH", me, "member-jwt", json={"role": "admin"}).status_code == 403
    assert town.ask("PATCH", me, "member-jwt", json={"suspended": False}).status_code == 403
    assert town.ask("PATCH", me, "member-jwt", json={"password": "another long password"}).status_code == 400
    wrong = {"password": "another long password", "current_password": "not it"}
    assert town.ask("PATCH", me, "member-jwt", json=wrong).status_code == 401
    for body in ({"name": "x", "user": town.user["root"]}, {"name": "x", "user": "root"}):
        assert town.ask("POST", "/api/keys", "member-jwt", json=body).status_code in (401, 403)
    assert town.ask("POST", "/api/keys", "member-key-chat", json={"name": "x"}).status_code == 403
    assert town.ask("GET", "/api/me", "member-key-admin").json()["admin"] is False


def test_paths_on_the_servers_disk_are_for_its_own_command_line(town: Town) -> None:
    body = {"path": "/etc"}
    for caller in ("member-jwt", "admin-jwt", "admin-cookie", "admin-key"):
        assert town.ask("POST", "/api/collections/open/documents", caller, json=body).status_code == 403


def test_what_was_taken_away_is_gone_at_once(town: Town) -> None:
    """A grant, a session and a password end with the next request, on every carrier."""
    body = {"query": "opening hours"}
    town.api("POST", "/api/collections", {"name": "brief", "visibility": "members"})
    assert town.ask("POST", "/api/collections/brief/search", "member-key", json=body).status_code == 200
    town.api("PATCH", "/api/collections/brief", {"visibility": "private"})
    assert town.ask("POST", "/api/collections/brief/search", "member-key", json=body).status_code == 404
    user = town.add_user("leaver", "a long enough password")
    key, token = town.add_key(user), town.sign_in("leaver", "a long enough password")
    credentials = [{"x-api-key": key}, {"Authorization": f"Bearer {token}"}]
    assert [town.ask("GET", "/api/me", headers=headers).status_code for headers in credentials] == [200, 200]
    town.api("DELETE", f"/api/users/{user}")
    assert [town.ask("GET", "/api/me", headers=headers).status_code for headers in credentials] == [401, 401]
